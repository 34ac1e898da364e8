"""Every sink that is built in: the whole contract, golden requests included, and every change of the catalogue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.sinks import Sink
from app.sinks.kit import CHECKS, Check, Subject
from app.sinks.kit.examples import example_bindings
from app.sinks.kit.golden import golden_folder
from app.sinks.kit.subject import plain_body, secret_values
from app.sinks.manager import SinkManager
from app.sinks.validity import check_sink
from tests.catalogue import events, planted_in

MANAGER = SinkManager.loaded(strict=True)
SINKS = [check_sink(MANAGER.get(name)) for name in MANAGER.names()]


def subject(sink: Sink) -> Subject:
    return Subject(sink, example_bindings(sink), golden_folder(sink))


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
@pytest.mark.parametrize("sink", SINKS, ids=[sink.info.name for sink in SINKS])
def test_a_built_in_sink_keeps_the_promise(sink: Sink, check: Check) -> None:
    check.run(subject(sink))


@pytest.mark.parametrize("sink", SINKS, ids=[sink.info.name for sink in SINKS])
def test_every_change_of_the_catalogue_can_be_sent_alone_and_together_and_shows_no_secret(sink: Sink) -> None:
    changes = list(events().values())
    for binding in subject(sink).modes():
        own = secret_values(replace(binding, access_token=None))
        batches = [changes] if binding.batch else [[change] for change in changes]
        for batch in batches:
            requests = subject(sink).requests(batch, binding)
            assert requests
            for request in requests:
                body = plain_body(request)
                assert body
                assert planted_in(body) == []
                shown = body if not request.secret_texts else b""
                assert not [secret for secret in own if secret.encode() in shown]
