from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from app.core.egress_table import parse_allow
from app.delivery.drain import Drain
from app.delivery.egress import EgressClient
from app.delivery.egress_guard import EgressPolicy
from app.delivery.replaying import Replayer
from app.delivery.replays import ReplayService
from tests.delivery.hec import Collector, collecting
from tests.delivery.receiver import Receiver, receiving
from tests.world import World


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def client(ca_bundle: str) -> Iterator[EgressClient]:
    """A client that may dial loopback."""
    made = EgressClient(EgressPolicy(allow=(parse_allow("127.0.0.0/8"),), ca_bundle=ca_bundle))
    yield made
    made.close()


@pytest.fixture
def strict(ca_bundle: str) -> Iterator[EgressClient]:
    """A client without any exception."""
    made = EgressClient(EgressPolicy(allow=(), ca_bundle=ca_bundle, allow_http=True))
    yield made
    made.close()


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
def drain(world: World, client: EgressClient) -> Drain:
    return world.drain(client)


@pytest.fixture
def successor(world: World, drain: Drain, ca_bundle: str) -> Iterator[Drain]:
    """A drain of another process, younger than ``drain``."""
    own = EgressClient(EgressPolicy(allow=(parse_allow("127.0.0.0/8"),), ca_bundle=ca_bundle))
    yield world.drain(own)
    own.close()


@pytest.fixture
def replays(world: World) -> ReplayService:
    return ReplayService(world.store, clock=world.clock, random_bytes=secrets.token_bytes)


@pytest.fixture
def replayer(world: World) -> Replayer:
    return Replayer(world.store)
