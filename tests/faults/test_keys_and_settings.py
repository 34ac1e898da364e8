"""Cases 35, 36 and 41: what an operator changes while deliveries are under way."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import select, text
from standardwebhooks import Webhook as StandardWebhook

from app.security.resealing import left_to_reseal
from app.security.vault import sealed_with
from app.store.tables import webhooks
from tests.faults.conftest import NewTroupe
from tests.faults.installation import await_that
from tests.faults.receive_command import command
from tests.faults.scene import Scene

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def scene(new_troupe: NewTroupe) -> Iterator[Scene]:
    made = Scene(new_troupe(), concurrency=20, delay_s=0.02)
    with closing(made.receiver):
        yield made
        made.close()


def test_case_36_no_signature_is_wrong_while_the_secret_is_rotated_again_and_again(scene: Scene) -> None:
    secrets = [scene.webhook.secret]
    before = len(scene.receiver.requests)
    for _ in range(3):
        scene.accept(40)
        scene.troupe.call("POST", f"/v1/webhooks/{scene.webhook.id}/secret/rotate", {"overlap_s": 60})
        secrets.append(scene.webhook.secret)
    scene.settle()
    assert len(set(secrets)) == 4
    verifiers = [StandardWebhook(secret) for secret in secrets]
    for one in scene.receiver.requests[before:]:
        assert any(verified(verifier, one.body, one.headers) for verifier in verifiers), (
            "a signature of nobody's secret"
        )


def verified(verifier: StandardWebhook, body: bytes, headers: dict[str, str]) -> bool:
    try:
        verifier.verify(body, headers)
    except Exception:  # noqa: BLE001 - whatever the library says, it was not this secret
        return False
    return True


@pytest.mark.parametrize("part", [("worker",), ("up",)])
def test_case_36_a_start_with_another_master_key_is_refused_and_names_the_missing_one(
    scene: Scene, part: tuple[str, ...]
) -> None:
    other = "k9:" + base64.b64encode(os.urandom(32)).decode()
    environ = {**scene.troupe.environ, "RELAYPOINT_SECRET_KEYS": other}
    done = subprocess.run(command(*part), env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert needed_key(scene) in done.stderr
    assert other.partition(":")[2] not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def needed_key(scene: Scene) -> str:
    """The id of the key that the scene's secrets are sealed with."""
    with scene.troupe.store.read() as connection:
        return sealed_with(connection.execute(select(webhooks.c.signing_sealed)).scalars().first() or b"")


def test_case_36_the_master_key_changes_while_deliveries_are_under_way(scene: Scene) -> None:
    troupe = scene.troupe
    for _ in range(4):
        troupe.create_webhook(f"{scene.receiver.url}/{{id}}")
    keys = [needed_key(scene)]
    for round_number in range(3):
        scene.accept(60)
        if round_number:
            # Killed somewhere on its way, and run again.
            killed = subprocess.Popen(command("keys", "rotate-master"), env=troupe.environ, stdout=subprocess.DEVNULL)
            time.sleep(0.3 * round_number)
            killed.kill()
            killed.wait()
        troupe.run("keys", "rotate-master")
        keys.append(needed_key(scene))
        scene.accept(20)
        # Made by processes that run since before the key was.
        troupe.call("PATCH", f"/v1/webhooks/{scene.webhook.id}", {"headers": {"x-round": str(round_number)}})
        scene.settle()
        with troupe.store.read() as connection:
            assert left_to_reseal(connection, keys[-1]) == 0
    assert len(set(keys)) == 4
    scene.accept(20)
    scene.settle()
    assert scene.webhook.shown()["state"] == "enabled"
    file = troupe.instance / "secret.key"
    whole = file.read_text()
    file.write_text("".join(line for line in whole.splitlines(keepends=True) if line.startswith(keys[-1])))
    troupe.stop(*troupe.workers)
    for worker in troupe.workers:
        troupe.start("worker", name=worker)
    scene.accept(20)
    scene.settle()


def test_case_35_a_schema_from_the_future_is_refused_and_in_flight_rows_outlive_a_restart(scene: Scene) -> None:
    troupe = scene.troupe
    scene.delay_s = 0.2
    scene.accept(60)
    troupe.kill("web", "tick", *troupe.workers)
    troupe.run("db", "upgrade")
    scene.delay_s = 0.02
    scene.settle(20)
    with troupe.store.write() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = subprocess.run(
        command("db", "upgrade"), env=troupe.environ, capture_output=True, text=True, check=False, timeout=60
    )
    with troupe.store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :was"), {"was": revision})
    assert done.returncode == 1
    assert "9999" in done.stderr
    assert "Traceback" not in done.stderr


def test_case_41_a_narrower_allow_list_ends_requests_to_a_kept_connection(scene: Scene) -> None:
    scene.accept(5)
    scene.settle()
    before = len(scene.receiver.requests)
    troupe = scene.troupe
    troupe.stop(*troupe.workers)
    for worker in troupe.workers:
        troupe.start("worker", name=worker, RELAYPOINT_EGRESS_ALLOW="127.0.0.2/32")
    scene.accept(5)
    await_that(lambda: scene.webhook.shown()["state"] == "paused", 20, troupe.log)
    assert "not allowed" in scene.webhook.shown()["state_reason"]
    time.sleep(0.5)
    assert len(scene.receiver.requests) == before
    for worker in troupe.workers:
        troupe.stop(worker)
        troupe.start("worker", name=worker)
    troupe.call("POST", f"/v1/webhooks/{scene.webhook.id}/resume")
    scene.settle()
    assert len(scene.receiver.requests) == before + 5
