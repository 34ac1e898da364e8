"""The operator's pages: the check-up, plugins and the address policy, without any tenant's data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.checkup import LATE
from app.core.clock import DAY, SECOND, system_clock
from app.ops.fingerprint import fingerprint
from app.sinks.manager import LoadedPlugin
from app.store.plugin_faults import FaultKind, add_faults
from tests.console.site import Site, built_site
from tests.world import AUDIT, audit


def test_the_check_up_names_each_part_and_the_ledger_is_added_up_on_demand(site: Site) -> None:
    page = site.get("/ops/health").text
    for part in ("Configuration", "Database", "Secrets", "Redis", "Workers", "Plugins", "Egress"):
        assert f'data-label="Part">{part}<' in page
    assert "Balanced to zero" not in page
    site.world.add_webhook("http://127.0.0.1:9/")
    site.world.send_numbers(1, 2, 3)
    page = site.get("/ops/health?ledger=1").text
    assert "Balanced to zero" in page
    assert '<span class="soft key warn">Pending</span><b>3</b>' in page
    assert 'aria-label="What became of deliveries: delivered 0, waiting for a confirmation 0, pending 3' in page


def test_what_is_late_is_so_by_the_clock_of_the_installation(tmp_path: Path) -> None:
    times = [system_clock() - DAY]
    with built_site(tmp_path, clock=lambda: times[-1]) as site:
        site.world.add_webhook("http://127.0.0.1:9/")
        site.world.send_numbers(1)
        assert "Nothing is late" in site.get("/ops/health").text
        times.append(times[0] + LATE + SECOND)
        assert "1 partition has deliveries more than 30 s late" in site.get("/ops/health").text


def test_plugins_say_what_they_bring_along(site: Site) -> None:
    page = site.get("/ops/plugins").text
    assert '<span class="tag">sink splunk_hec</span>' in page
    with site.services.store.write() as connection:
        add_faults(connection, {FaultKind("splunk_hec", "format", "ValueError"): 3}, site.services.clock())
    assert "failed in format: ValueError. 3 times" in site.get("/ops/plugins").text


def test_plugins_of_others_have_a_number_to_compare_machines_by(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert '<span class="soft">Built in</span>' in site.get("/ops/plugins").text
    theirs = [LoadedPlugin(name, name, "1.0", "Pager", (name,), (), ()) for name in ("flask", "no-such-distribution")]
    monkeypatch.setattr(site.services.sinks, "plugins", lambda: theirs)
    page = site.get("/ops/plugins").text
    number = fingerprint("flask").sha256
    assert f'<summary class="mono">{number[:12]}</summary>' in page
    assert f">{number}</pre>" in page
    assert "Its files cannot be read" in page
    assert "Built in" not in page


def test_the_policy_is_shown_with_what_the_operator_allowed(site: Site) -> None:
    page = site.get("/ops/egress").text
    assert "169.254.0.0/16" in page
    assert "127.0.0.0/8" in page
    assert "Plain http is allowed" in page


def test_the_policy_says_how_many_webhooks_each_rule_has_stopped_and_not_which(tmp_path: Path) -> None:
    with built_site(tmp_path, allow=()) as site:
        assert "None is paused for it now" in site.get("/ops/egress").text
        hook = site.world.add_webhook("https://inner.localhost/", event_types=[AUDIT])
        site.world.send(audit(1))
        site.world.deliver(site.world.drain(site.services.egress))
        assert site.world.webhook(hook)["state"] == "paused"
        page = site.get("/ops/egress").text
    assert re.search(r"<td[^>]*>(::1/128|127\.0\.0\.0/8) loopback</td><td[^>]*>1</td><td[^>]*>1</td>", page)
    assert "None is paused for it now" not in page
    assert "localhost" not in page
    assert "[::1]" not in page
    assert "127.0.0.1" not in page


@pytest.mark.parametrize("path", ["/ops/health", "/ops/queues", "/ops/plugins", "/ops/egress"])
def test_no_page_of_the_operator_names_a_tenant(site: Site, path: str) -> None:
    site.add_organization("secretive", "Secretive Ltd")
    hook = site.world.add_webhook("http://127.0.0.1:9/secretive", organization="secretive")
    site.world.change(hook.id, name="Secretive")
    site.world.send(audit(1, organizationId="secretive"))
    page = site.get(path).text
    assert "ecretive" not in page
    assert hook.id not in page
