"""What sinks did in this process that held up or endangered everybody else, and how much of it is borne.

A call that hangs costs the drain five to six seconds. One such call a round is borne, so that leases are renewed
between two of them; and three of one sink, whichever webhooks they were for. Then the sink is out of service in this
process.
"""

from __future__ import annotations

from collections import Counter

from app.delivery.plugin_border import PluginFault
from app.store.holds import SINK_OUT

MOST = 3
"""Times that a sink may harm its neighbours in one process."""


class Harm:
    """Counts harm."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._this_round: dict[str, PluginFault] = {}
        self._to_take_out: dict[str, str] = {}

    @property
    def is_done(self) -> bool:
        """Whether any sink did harm in this round."""
        return bool(self._this_round)

    def note(self, fault: PluginFault) -> None:
        """A sink did harm."""
        self._this_round[fault.sink] = fault
        self._times[fault.sink] += 1
        if self._times[fault.sink] == MOST:
            self._to_take_out[fault.sink] = f"{SINK_OUT}: it did harm {MOST} times, the last time: {fault.reason}"

    def by(self, sink: str) -> PluginFault | None:
        """What this sink did in this round; it is not asked again before the next."""
        return self._this_round.get(sink)

    def begin_round(self) -> dict[str, str]:
        """Forget the last round; answers the sinks whose measure is full by now, each once, with the reason."""
        self._this_round.clear()
        full, self._to_take_out = self._to_take_out, {}
        return full
