from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from app.core.egress_table import parse_allow
from app.delivery.egress import EgressClient
from app.delivery.egress_guard import EgressPolicy
from tests.debian import Unpacked, unpacked
from tests.npm import Node, node_with, npm_cache
from tests.plugins.siem.syslog_daemons import Daemon, rsyslog, syslog_ng
from tests.plugins.siem.validators import EcsFields, Lognorm


@pytest.fixture(scope="session")
def debian_cache(request: pytest.FixtureRequest) -> Path:
    cache = request.config.cache
    assert cache is not None
    return Path(cache.mkdir("debian"))


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest) -> Node:
    """The LEEF parser and the field list of ECS, both not ours."""
    return node_with(npm_cache(request.config), "nsyslog-parser@0.10.1", "@elastic/ecs@9.4.0")


@pytest.fixture(scope="session")
def ecs_fields(node: Node) -> EcsFields:
    return EcsFields(node)


@pytest.fixture(scope="session")
def rsyslog_packages(debian_cache: Path) -> Unpacked:
    return unpacked(debian_cache, "rsyslogd", "rsyslog", "rsyslog-gnutls")


@pytest.fixture(scope="session")
def lognorm(debian_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Lognorm:
    packages = unpacked(debian_cache, "lognormalizer", "liblognorm-utils")
    return Lognorm(packages, tmp_path_factory.mktemp("lognorm"))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def rsyslog_daemon(
    rsyslog_packages: Unpacked, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    with rsyslog(rsyslog_packages, authority, tmp_path_factory.mktemp("rsyslog")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def syslog_ng_daemon(
    debian_cache: Path, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    packages = unpacked(debian_cache, "syslog-ng", "syslog-ng-core")
    with syslog_ng(packages, authority, tmp_path_factory.mktemp("syslog-ng")) as daemon:
        yield daemon


@pytest.fixture
def client(authority: trustme.CA, tmp_path: Path) -> Iterator[EgressClient]:
    """A client that may dial loopback and trusts the daemons' authority."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    made = EgressClient(EgressPolicy(allow=(parse_allow("127.0.0.0/8"),), ca_bundle=str(bundle)))
    yield made
    made.close()
