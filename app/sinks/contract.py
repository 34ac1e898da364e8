"""The tests every sink must pass. Inherit ``SinkContract`` and provide the fixtures ``sink`` and ``binding``.

::

    class TestPager(SinkContract):
        @pytest.fixture
        def sink(self) -> Sink:
            return PagerSink()

        @pytest.fixture
        def binding(self) -> AnyBinding:
            secrets = PagerSecrets(key=SecretStr("s3cret"))
            return Binding("wh_1", "Pager", "org", "https://pager.example/in", PagerConfig(), secrets)

``relaypoint plugins check`` runs the same checks (``app.sinks.kit``) without pytest, and the golden ones as well.
This module needs pytest and is imported by tests only.
"""

from __future__ import annotations

import pytest

from app.sinks.kit import CHECKS, Check, Subject
from app.sinks.protocol import AnyBinding, Sink


class SinkContract:
    """Inherit this and define the fixtures ``sink`` and ``binding``; ``binding`` should carry every secret set."""

    @pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
    def test_contract(self, sink: Sink, binding: AnyBinding, check: Check) -> None:
        """One promise of the contract."""
        check.run(Subject(sink, (binding,)))
