"""Fuzz one target with atheris: ``python -m tests.fuzz.run bodies --seconds 600``.

Ends with 0 when nothing was found. What was found is written to ``tests/fuzz/crashes/<target>/``, where a test replays
it for ever; take it away only together with the mistake.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

PLACE = Path(__file__).parent
LONGEST_INPUT = 4_096
SLOWEST_S = 5
"""An input that takes longer counts as a find."""
MOST_MB = 1_024


def main() -> None:
    """Fuzz until the time is over or something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one each time")
    parser.add_argument("--corpus", type=Path, help="keeps what was learned; default: a folder that goes away")
    wanted = parser.parse_args()
    with atheris.instrument_imports(include=["app.core", "app.delivery.answers", "app.security", "app.sinks.statuses"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented while it is imported

    finds = PLACE / "crashes" / wanted.target
    finds.mkdir(parents=True, exist_ok=True)
    seeds = PLACE / "seeds" / wanted.target
    corpus = wanted.corpus or Path(tempfile.mkdtemp(prefix="rp-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    words = [
        f"-max_total_time={wanted.seconds}",
        f"-seed={wanted.seed}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MOST_MB}",
        f"-artifact_prefix={finds}/",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *words, str(corpus), str(seeds)], TARGETS[wanted.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
