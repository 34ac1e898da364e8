"""Walk every path with every target in a network where nothing stays unseen; the report goes to standard output.

``python -m tests.delivery.targets.run FOLDER COUNT [full]``, behind the words of ``canary.own_network``.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import certifi
import orjson
import pycurl

from app.core.egress_table import judge, parse_allow
from app.core.errors import InvalidInputError
from app.delivery import egress
from app.delivery.egress_guard import EgressPolicy
from app.delivery.exchange import Outgoing
from app.store import open_store
from app.store.migrate import migrate
from tests.conftest import MovableClock
from tests.delivery.targets.canary import Address, Listeners, Watcher
from tests.delivery.targets.corpus import FORBIDDEN, SLIPPERY, generated, name_for
from tests.delivery.targets.paths import Paths, Watched
from tests.faults.dns_server import DnsServer
from tests.world import World

SEED = 20_260_419
_LIMIT_MS = 4_000
_AT_ONCE = 128
_DNS_LIMIT_MS = 1_500
SILENT, HEALTHY = 60, 20


def main() -> None:
    """Run and report."""
    folder, count, full = Path(sys.argv[1]), int(sys.argv[2]), "full" in sys.argv
    with closing(DnsServer("127.0.0.1", "127.0.0.1")), closing(Listeners()) as listeners:
        report = {"control": _control()}
        if full:
            report |= {"checked": _walk(folder / "checked"), "generated, checked": _generated(count)}
        _believe_every_url()
        report |= {"unchecked": _walk(folder / "unchecked"), "generated": _generated(count)}
        report["names"] = _names()
        report["connections"] = listeners.connections
    sys.stdout.buffer.write(orjson.dumps(report))


def _believe_every_url() -> None:
    """From here on the socket callback stands alone."""
    egress.check_endpoint_url = lambda *_: None  # type: ignore[assignment]


def _client(*allow: str) -> Watched:
    rules = tuple(parse_allow(one) for one in allow)
    made = Watched(EgressPolicy(allow=rules, ca_bundle=certifi.where(), allow_http=True))
    made.given = []
    return made


def _seen(watcher: Watcher) -> dict[str, Any]:
    watcher.close()
    forbidden = [(address, port) for address, port in watcher.dialled if not judge(address, port).allowed]
    return {"dialled": len(watcher.dialled), "forbidden": [_words(*one) for one in forbidden[:20]]}


def _words(address: Address, port: int) -> str:
    return f"{address} {port}"


def _control() -> dict[str, Any]:
    """What the watcher and the listeners see when the operator allows it."""
    watcher = Watcher()
    with closing(_client("127.0.0.0/8", "10.0.0.0/8", "fd00::/8", "169.254.0.0/16")) as client:
        for host in ("127.0.0.1", "10.1.2.3", "[fd00::7]", "169.254.169.254"):
            client.fetch(Outgoing("k", "POST", f"http://{host}:8080/", (), b"{}", _LIMIT_MS, _LIMIT_MS))
    return _seen(watcher)


def _walk(folder: Path) -> dict[str, Any]:
    folder.mkdir(mode=0o700)
    url = f"sqlite:///{folder}/relaypoint.db"
    migrate(url)
    clock = MovableClock()
    began = time.process_time()
    watcher = Watcher()
    with closing(open_store(url)) as store, closing(_client()) as client:
        paths = Paths(World(store, clock, folder), client, clock, [*FORBIDDEN, *SLIPPERY])
        paths.walk()
    walks = {name: asdict(walk) | {"outcomes": dict(walk.outcomes)} for name, walk in paths.walks.items()}
    return {"walks": walks, "cpu_s": time.process_time() - began, **_seen(watcher)}


def _names() -> dict[str, Any]:
    """Names that fail in every way, and many that keep silent beside some that answer."""
    with closing(_client("10.0.0.0/8")) as client:
        kinds = {}
        for name in ("nx.test", "fail.test", "silent.test"):
            returned = client.fetch(Outgoing("k", "POST", f"http://{name}/", (), b"{}", _LIMIT_MS, _DNS_LIMIT_MS))
            kinds[name] = str(returned.failure.kind if returned.failure else returned.status)
        hosts = [name_for(f"10.0.0.{number}") for number in range(HEALTHY)]
        for host in hosts:
            client._names._judge(host, failed=False)  # as if libcurl had known it, until a moment ago
        began = time.monotonic()
        for host in (*(f"silent{number}.test" for number in range(SILENT)), *hosts):
            client.start(Outgoing(host, "POST", f"http://{host}:8080/", (), b"{}", _LIMIT_MS, _DNS_LIMIT_MS))
        ended = {}
        while client.in_flight:
            ended |= {returned.key: time.monotonic() - began for returned in client.poll(1.0)}
    silent = [wait_s for host, wait_s in ended.items() if host not in hosts]
    return {"kinds": kinds, "silent": len(silent), "silent_for_s": min(silent), "beside_s": max(map(ended.get, hosts))}


def _generated(count: int) -> dict[str, Any]:
    """Each through the dry run of saving, and each as a request."""
    began = time.process_time()
    urls = list(generated(SEED, count))
    outcomes: dict[str, int] = {}
    watcher = Watcher()
    with closing(_client()) as client:
        for url in urls:
            outcomes["looked"] = outcomes.get("looked", 0) + _looked(client, url)
        for start in range(0, count, _AT_ONCE):
            for url in urls[start : start + _AT_ONCE]:
                client.start(Outgoing(url, "POST", url, (), b"{}", _LIMIT_MS, _LIMIT_MS))
            while client.in_flight:
                for returned in client.poll(1.0):
                    kind = str(returned.failure.kind) if returned.failure else "answered"
                    outcomes[kind] = outcomes.get(kind, 0) + 1
    return {"outcomes": outcomes, "cpu_s": time.process_time() - began, **_seen(watcher)}


def _looked(client: Watched, url: str) -> int:
    """How many addresses the client would have dialled, were they allowed."""
    try:
        return len(client.dry_run(url))
    except (InvalidInputError, pycurl.error, ValueError):
        return 0


if __name__ == "__main__":
    main()
