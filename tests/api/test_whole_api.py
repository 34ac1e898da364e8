"""The whole API as its own description has it, called by schemathesis on a real stack: no 5xx, nothing undescribed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import orjson
import pytest

from tests.api import real_ids
from tests.faults.installation import ORGANIZATION, await_that
from tests.faults.receivers import Receiver
from tests.faults.sources import sample_events
from tests.faults.troupe import Troupe

pytestmark = [pytest.mark.process, pytest.mark.redis]

ROOT = Path(__file__).parents[2]
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"),
    *("unsupported_method", "ignored_auth"),
)
CI_EXAMPLES, FULL_EXAMPLES = 3, 400
"""Fuzzed requests to each operation, beside some forty that try each boundary of its description."""


@pytest.fixture(scope="module")
def troupe() -> Iterator[Troupe]:
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="rp-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield stack.enter_context(closing(Troupe(folder, workers=1)))


@pytest.fixture(scope="module")
def ids(troupe: Troupe) -> Iterator[dict[str, str]]:
    """One of each kind of thing, with deliveries that were made."""
    with closing(Receiver()) as receiver:
        troupe.create_organization(("ctx_1", "entrypoint"))
        webhook = troupe.create_webhook(receiver.url, "ctx_1")
        batched = troupe.create_webhook(receiver.url, "ctx_1", type="batch", batch={"max_age_s": 5, "max_events": 1})
        assert troupe.post(orjson.dumps(sample_events(0, 3, "ctx_1"))).ok
        await_that(lambda: len(receiver.requests) > 3, 30, troupe.log)
        replay = troupe.call("POST", f"/v1/webhooks/{webhook.id}/backfill", {"since": "2026-01-01T00:00:00Z"})
        window = {"name": "Any", "time_intervals": [{}]}
        row = troupe.call("POST", f"/v1/organizations/{ORGANIZATION}/change-windows", window)
        delivery = webhook.deliveries()[0]
        batches = troupe.call("GET", f"/v1/webhooks/{batched.id}/batches")["items"]
        yield {
            "organization": ORGANIZATION,
            "context": "ctx_1",
            "webhook": webhook.id,
            "delivery": delivery["id"],
            "event": delivery["event_id"],
            "batch": batches[0]["id"],
            "replay": replay["id"],
            "row": row["id"],
            "sink": "webhook",
        }


def hammer(troupe: Troupe, ids: dict[str, str], examples: int, seed: int) -> str:
    """Run schemathesis; answers what it said when it found something."""
    words = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{troupe.url}/v1/openapi.json"),
        *("-H", f"Authorization: Bearer {troupe.key}", "--seed", str(seed), "--max-examples", str(examples)),
        *("--phases", "coverage,fuzzing", "-c", ",".join(CHECKS), "--continue-on-failure", "--warnings", "off"),
        *("--request-timeout", "20", "--generation-database", "none"),
    ]
    environ = troupe.environ | {
        real_ids.VARIABLE: orjson.dumps(ids).decode(),
        "SCHEMATHESIS_HOOKS": "tests.api.real_ids",
        "PYTHONPATH": str(ROOT),
    }
    run = subprocess.run(words, cwd=troupe.instance, env=environ, capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


@pytest.mark.timeout(300)
def test_no_described_call_ends_in_a_5xx_or_an_answer_that_is_not_described(
    troupe: Troupe, ids: dict[str, str]
) -> None:
    assert hammer(troupe, ids, CI_EXAMPLES, seed=1) == ""


@pytest.mark.faults_full
@pytest.mark.timeout(1800)
def test_no_described_call_does_so_in_a_long_run_either(troupe: Troupe, ids: dict[str, str]) -> None:
    assert hammer(troupe, ids, FULL_EXAMPLES, seed=0) == ""
