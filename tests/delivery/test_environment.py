"""What stands in the environment and in an account's home changes nothing about what leaves."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme

from app.core.errors import ConfigurationError
from app.delivery.engine import egress_policy
from app.settings import Settings
from tests.delivery.hostile import OK, Receiver, answer, receiver

ROOT = Path(__file__).parents[2]
AS_IF_CLEAN = ["200", "200", "tls", "blocked", "blocked"]
"""A receiver over http; one whose certificate our bundle knows; one that only the attacker's knows; two refused."""


def serving(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def hostile_account(home: Path, proxy: Receiver, attacker: trustme.CA) -> dict[str, str]:
    """An account whose every file and variable tries to lead requests elsewhere."""
    own_ca = home / "attacker.pem"
    attacker.cert_pem.write_to_path(str(own_ca))
    (home / ".netrc").write_text("machine 127.0.0.1 login eve password fr0m-netrc\n")
    (home / ".netrc").chmod(0o600)
    way = f"http://127.0.0.1:{proxy.port}"
    (home / ".curlrc").write_text(f'proxy = "{way}"\nuser-agent = "evil"\ninsecure\nlocation\n')
    (home / "openssl.cnf").write_text(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
        "MinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\nVerifyMode = None\n"
    )
    (home / "hosts").write_text("receiver 10.0.0.1\n")
    names = (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "ftp_proxy",
        "socks_proxy",
    )
    return {
        **dict.fromkeys(names, way),
        **dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"), str(own_ca)),
        **dict.fromkeys(("HOME", "CURL_HOME", "XDG_CONFIG_HOME", "SSL_CERT_DIR", "NETRC"), str(home)),
        "no_proxy": "",
        "NO_PROXY": "",
        "OPENSSL_CONF": str(home / "openssl.cnf"),
        "RES_OPTIONS": "timeout:1 attempts:1 use-vc inet6",
        "LOCALDOMAIN": "evil.test",
        "HOSTALIASES": str(home / "hosts"),
        "CURL_SSL_BACKEND": "gnutls",
        "PYTHONHTTPSVERIFY": "0",
    }


def test_a_hostile_account_changes_nothing_about_what_leaves(
    tmp_path: Path, authority: trustme.CA, ca_bundle: str
) -> None:
    attacker = trustme.CA()
    said: list[list[Any]] = []
    with (
        receiver(answer(OK)) as proxy,
        receiver(answer(OK)) as plain,
        receiver(answer(OK), serving(authority)) as known,
        receiver(answer(OK), serving(attacker)) as unknown,
    ):
        urls = [f"http://127.0.0.1:{plain.port}/", *(f"https://127.0.0.1:{one.port}/" for one in (known, unknown))]
        clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        for environ in ({}, hostile_account(tmp_path, proxy, attacker)):
            run = subprocess.run(
                [sys.executable, "-m", "tests.delivery.environment_probe", ca_bundle, *urls],
                cwd=ROOT,
                env=clean | environ,
                capture_output=True,
                check=True,
            )
            said.append(orjson.loads(run.stdout))
        assert not proxy.was_dialled()
        requests = plain.requests + known.requests
        assert unknown.requests == []
    assert said == [AS_IF_CLEAN, AS_IF_CLEAN]
    assert len(requests) == 4
    for request in requests:
        assert b"authorization" not in request.lower()
        assert b"User-Agent: Relaypoint/" in request


def test_no_process_starts_that_would_write_down_the_keys_of_its_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    egress_policy(Settings(instance=tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with pytest.raises(ConfigurationError, match="SSLKEYLOGFILE is set"):
        egress_policy(Settings(instance=tmp_path))
