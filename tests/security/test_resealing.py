"""Another master key while the installation works, and what a sealed value is worth in any other place."""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, insert, select, update

from app.core.errors import ConfigurationError, SecretUnreadableError
from app.core.signing import new_secret
from app.routing.audit_chain import extend_chain
from app.routing.webhook_input import Rotation
from app.security import resealing
from app.security.api_keys import create_key, find_key
from app.security.inbound_signatures import Scheme, SignatureRule
from app.security.key_terms import KeyTerms, write_terms
from app.security.master_keys import KeyFile, new_master_key
from app.security.resealing import left_to_reseal, refuse_missing_keys, reseal
from app.security.sealed_fields import SEALED, SOURCE_SECRET, SealedColumn
from app.security.vault import Vault, open_vault, sealed_with
from app.store import Store
from app.store.tables import metadata
from app.store.tables_sources import sources
from tests.world import PLATFORM, World

OLD, NEW, THIRD = ({name: name.encode().ljust(32, b".")} for name in ("old", "new", "third"))
both_keys = Vault({**OLD, **NEW}, "new")


@pytest.fixture
def sealed_world(store: Store, clock: Callable[[], int], tmp_path: Path) -> World:
    """Two webhooks with a value in every sealed column, sealed with the key ``old``."""
    (tmp_path / "secret.key").write_text("old:" + base64.b64encode(OLD["old"]).decode())
    (tmp_path / "secret.key").chmod(0o600)
    world = World(store, clock, tmp_path)
    for place in ("one", "two"):
        hook = world.add_webhook(
            f"https://{place}.example/x?token=t-{place}",
            headers={"authorization": f"h-{place}"},
            secrets={"bearer_token": f"s-{place}"},
        )
        world.webhooks.rotate(PLATFORM, hook.id, Rotation(overlap_s=3600))
        source_id = f"src_{place}"
        envelope = world.vault.seal(b"a source's", organization="acme", webhook=source_id, field=SOURCE_SECRET)
        source = {"id": source_id, "organization_id": "acme", "kind": "github", "name": place, "enabled": True}
        sealed = {"secret_sealed": envelope, "previous_sealed": envelope}
        with store.write() as connection:
            connection.execute(insert(sources).values(**source, **sealed, config="{}", created_at=1, updated_at=1))
        with store.write() as connection:
            key, _ = create_key(
                connection, name=place, role="ingest", organization_id="acme", now=1, random_bytes=secrets.token_bytes
            )
            rule = SignatureRule(Scheme.GITHUB, ("a plain secret of a sender",))
            write_terms(connection, world.vault, find_key(connection, PLATFORM, key.id), KeyTerms(None, rule), 1)
    world.add_organization("beta")
    for organization in ("acme", "beta"):
        with store.write() as connection:
            extend_chain(connection, world.vault, organization, event_id="evt_1", body=b"{}", now=1)
    return world


def envelopes(store: Store, sealed: SealedColumn) -> dict[str, bytes]:
    with store.read() as connection:
        owner = sealed.table.c[sealed.owner]
        rows = connection.execute(select(owner, sealed.column).order_by(owner))
        return {row[0]: row[1] for row in rows if row[1] is not None}


def organization_of(sealed: SealedColumn, owner: str) -> str:
    return owner if sealed.owner == "organization_id" else "acme"


def opened(store: Store, vault: Vault) -> list[bytes]:
    """Every sealed value of the database, opened for the place it lies in."""
    return [
        vault.open(envelope, organization=organization_of(sealed, owner), webhook=owner, field=sealed.field)
        for sealed in SEALED
        for owner, envelope in envelopes(store, sealed).items()
    ]


def key_ids(store: Store) -> set[str]:
    return {sealed_with(envelope) for sealed in SEALED for envelope in envelopes(store, sealed).values()}


def test_every_sealed_column_of_the_schema_is_sealed_again() -> None:
    found = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and "sealed" in column.name
    }
    assert found == {(sealed.table.name, sealed.name) for sealed in SEALED}


def test_everything_is_sealed_anew_and_says_the_same(sealed_world: World) -> None:
    store = sealed_world.store
    before = opened(store, both_keys)
    steps: list[int] = []
    assert reseal(store, both_keys, steps.append) == []
    assert sum(steps) == len(before) == 18
    assert key_ids(store) == {"new"}
    assert opened(store, Vault(NEW, "new")) == before
    with store.read() as connection:
        assert left_to_reseal(connection, "new") == 0


def test_a_step_is_small_and_one_that_is_killed_is_not_done_twice(
    sealed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sealed_world.store
    monkeypatch.setattr(resealing, "STEP", 1)
    before = opened(store, both_keys)

    def kill(_done: int) -> None:
        raise KeyboardInterrupt

    for done in range(1, 19):
        with pytest.raises(KeyboardInterrupt):
            reseal(store, both_keys, kill)
        with store.read() as connection:
            assert left_to_reseal(connection, "new") == 18 - done
        # With both keys everything can be read at any moment.
        assert opened(store, both_keys) == before
    assert reseal(store, both_keys, kill) == []


def test_what_somebody_changes_meanwhile_stays_as_they_wrote_it(
    sealed_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sealed_world
    KeyFile(tmp_path, bytes).put_first("new:" + base64.b64encode(NEW["new"]).decode())
    (hook_id,) = list(envelopes(world.store, SEALED[0]))[:1]
    changes = itertools.count()
    honest = resealing._resealed

    def meddle(vault: Vault, sealed: SealedColumn, row: Any) -> bytes:
        """Between the reading of a value and its writing."""
        if sealed.name == "headers_sealed" and row["owner"] == hook_id and next(changes) == 0:
            world.change(hook_id, headers={"authorization": "h-newest"})
        return honest(vault, sealed, row)

    monkeypatch.setattr(resealing, "_resealed", meddle)
    reseal(world.store, both_keys, lambda _done: None)
    assert next(changes) == 1
    assert key_ids(world.store) == {"new"}
    (headers,) = [sealed for sealed in SEALED if sealed.name == "headers_sealed"]
    envelope = envelopes(world.store, headers)[hook_id]
    assert b"h-newest" in both_keys.open(envelope, organization="acme", webhook=hook_id, field="headers")


def test_a_value_that_no_key_opens_is_named_and_stops_nobody(sealed_world: World) -> None:
    store = sealed_world.store
    sealed = SEALED[0]
    first, second = envelopes(store, sealed)
    _put(store, sealed, first, envelopes(store, sealed)[second])
    assert reseal(store, both_keys, lambda _done: None) == [f"webhooks[{first}].endpoint_url"]
    assert len(opened_or_not(store, Vault(NEW, "new"))) == 17


def opened_or_not(store: Store, vault: Vault) -> list[bytes]:
    found = []
    for sealed in SEALED:
        for owner, envelope in envelopes(store, sealed).items():
            try:
                place = {"organization": organization_of(sealed, owner), "webhook": owner, "field": sealed.field}
                found.append(vault.open(envelope, **place))
            except SecretUnreadableError:
                continue
    return found


def _put(store: Store, sealed: SealedColumn, owner: str, envelope: bytes) -> None:
    with store.write() as connection:
        connection.execute(
            update(sealed.table).where(sealed.table.c[sealed.owner] == owner).values({sealed.name: envelope})
        )


@pytest.mark.parametrize("sealed", SEALED, ids=lambda sealed: f"{sealed.table.name}.{sealed.name}")
def test_an_envelope_opens_in_no_other_row_tenant_or_field(sealed_world: World, sealed: SealedColumn) -> None:
    mine, other = envelopes(sealed_world.store, sealed)
    envelope = envelopes(sealed_world.store, sealed)[mine]
    home = organization_of(sealed, mine)
    places: list[dict[str, str]] = [
        {"organization": home, "webhook": other, "field": sealed.field},
        {"organization": "other", "webhook": mine, "field": sealed.field},
        *({"organization": home, "webhook": mine, "field": one.field} for one in SEALED if one.field != sealed.field),
    ]
    for place in places:
        with pytest.raises(SecretUnreadableError):
            both_keys.open(envelope, **place)
    assert both_keys.open(envelope, organization=home, webhook=mine, field=sealed.field)


def test_a_key_that_the_database_needs_and_nobody_has_is_named(sealed_world: World) -> None:
    with sealed_world.store.read() as connection:
        refuse_missing_keys(connection, both_keys)
        with pytest.raises(ConfigurationError, match="'old'"):
            refuse_missing_keys(connection, Vault({**NEW, **THIRD}, "new"))


def test_bytes_that_are_no_envelope_stop_no_start(sealed_world: World) -> None:
    sealed = SEALED[1]
    first, second = envelopes(sealed_world.store, sealed)
    _put(sealed_world.store, sealed, first, b"nonsense")
    _put(sealed_world.store, sealed, second, b"v1")
    with sealed_world.store.read() as connection:
        refuse_missing_keys(connection, both_keys)


def test_a_process_that_runs_learns_of_the_new_key_when_it_needs_it(tmp_path: Path) -> None:
    place: dict[str, Any] = {"organization": "o", "webhook": "w", "field": "f"}
    running, other = open_vault(tmp_path, None), open_vault(tmp_path, None)
    before = running.seal(b"before", **place)
    KeyFile(tmp_path, bytes).put_first(new_master_key(lambda number: new_secret(bytes).encode()[:number]))
    written = other.seal(b"after", **place)
    assert sealed_with(written) != sealed_with(before)
    assert running.open(written, **place) == b"after"
    assert running.open(before, **place) == b"before"
    assert running.current == other.current


@pytest.mark.parametrize("damage", ["", "nonsense", "new:%%%"])
def test_a_damaged_or_missing_key_file_takes_nothing_from_a_process_that_runs(tmp_path: Path, damage: str) -> None:
    place: dict[str, Any] = {"organization": "o", "webhook": "w", "field": "f"}
    running = open_vault(tmp_path, None)
    before = running.seal(b"s", **place)
    (tmp_path / "secret.key").write_text(damage)
    assert running.open(running.seal(b"t", **place), **place) == b"t"
    (tmp_path / "secret.key").unlink()
    assert running.open(before, **place) == b"s"
