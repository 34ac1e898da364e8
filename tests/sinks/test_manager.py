"""The loader against real distributions, good and bad."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pluggy
import pytest

from app.core.errors import ConfigurationError
from app.sinks import Sink
from app.sinks.manager import SinkManager

Install = Callable[..., None]
PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
BUILT_IN_SOURCES = {"github", "okta"}
BUILT_IN = set(PYPROJECT["project"]["entry-points"]["relaypoint"]) - BUILT_IN_SOURCES


def only_failure(manager: SinkManager) -> tuple[str, str]:
    (failure,) = manager.failed_plugins
    return failure.name, failure.error


def test_the_built_in_sinks_come_through_the_public_entry_point_group() -> None:
    manager = SinkManager.loaded(strict=True)
    assert set(manager.names()) >= BUILT_IN
    assert isinstance(manager.get("webhook"), Sink)
    (webhook,) = [plugin for plugin in manager.plugins() if plugin.name == "webhook"]
    assert (webhook.distribution, webhook.title, webhook.sinks) == ("relaypoint", "Webhook", ("webhook",))


def test_an_outside_plugin_takes_the_same_road(install: Install) -> None:
    install("relaypoint-sink-pager", "pager", sink="pager", version="3.4")
    manager = SinkManager.loaded(strict=True)
    assert manager.names() == sorted([*BUILT_IN, "pager"])
    (pager,) = [plugin for plugin in manager.plugins() if plugin.name == "pager"]
    assert (pager.distribution, pager.version, pager.title) == ("relaypoint-sink-pager", "3.4", "Pager")
    manager.check_pending()


def test_a_missing_sink_is_none() -> None:
    assert SinkManager.loaded().get("no_such_sink") is None


def test_nothing_is_loaded_before_load_and_two_managers_share_nothing() -> None:
    empty, full = SinkManager(), SinkManager.loaded()
    assert empty.names() == []
    assert set(full.names()) >= BUILT_IN


BROKEN = {
    "an import error": ({"source": "import no_such_module_anywhere"}, "ModuleNotFoundError: No module named"),
    "an error at import": ({"source": "raise RuntimeError('boom at import')"}, "RuntimeError: boom at import"),
    "a raising hook": ({"yielded": "1 / 0"}, "ZeroDivisionError"),
    "a hook that returns nothing": (
        {"source": "from app.sinks import hookimpl\n@hookimpl\ndef relaypoint_sinks(): pass"},
        "TypeError",
    ),
    "a misspelt hook": (
        {"source": "from app.sinks import hookimpl\n@hookimpl\ndef relaypoint_sink(): yield 1"},
        "unknown hook 'relaypoint_sink'",
    ),
    "a hook with an unknown argument": (
        {"source": "from app.sinks import hookimpl\n@hookimpl\ndef relaypoint_sinks(colour): yield 1"},
        "colour",
    ),
    "a forgotten hookimpl": ({"source": "def relaypoint_sinks(): yield 1"}, "brings no sink"),
    "an old API version": ({"yielded": "Plain(api_version=0)"}, "speaks plugin API 0, this Relaypoint speaks 1"),
    "a newer API version": ({"yielded": "Plain(api_version=2)"}, "speaks plugin API 2, this Relaypoint speaks 1"),
    "something that is no sink": ({"yielded": "object()"}, "object is not a sink"),
    "a bad name": ({"sink": "Bad-Name"}, "'Bad-Name' does not match"),
    "a sink without a method": (
        {"yielded": "type('Half', (), {'info': Plain().info, 'limits': Plain.limits})()"},
        "lacks config_model, secrets_model, format",
    ),
    "settings that take unknown keys": (
        {"yielded": "type('Loose', (Plain,), {'config_model': BaseModel})()"},
        "config_model must refuse unknown keys",
    ),
    "settings that are no model": (
        {"yielded": "type('Odd', (Plain,), {'secrets_model': dict})()"},
        "secrets_model is not a pydantic model class",
    ),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_a_broken_plugin_breaks_only_itself(install: Install, kind: str) -> None:
    options, error = BROKEN[kind]
    install("relaypoint-sink-broken", "broken", **options)
    install("relaypoint-sink-zeta", "zeta", sink="zeta")
    manager = SinkManager.loaded()
    assert manager.names() == sorted([*BUILT_IN, "zeta"])
    name, text = only_failure(manager)
    assert name == "broken"
    assert error in text
    assert manager.failed_plugins[0].distribution == "relaypoint-sink-broken"
    assert manager.failed_plugins[0].version == "1.2"
    manager.check_pending()


def test_strict_mode_raises_what_the_plugin_raised(install: Install) -> None:
    install("relaypoint-sink-broken", "broken", yielded="1 / 0")
    with pytest.raises(ZeroDivisionError):
        SinkManager.loaded(strict=True)


def test_strict_mode_raises_on_a_misspelt_hook(install: Install) -> None:
    source = "from app.sinks import hookimpl\n@hookimpl\ndef relaypoint_sink(): yield 1"
    install("relaypoint-sink-broken", "broken", source=source)
    with pytest.raises(pluggy.PluginValidationError):
        SinkManager.loaded(strict=True)


def test_a_duplicate_name_is_refused_naming_both_distributions(install: Install) -> None:
    install("relaypoint-sink-alpha", "alpha", sink="pager")
    install("relaypoint-sink-beta", "beta", sink="pager")
    manager = SinkManager.loaded()
    name, text = only_failure(manager)
    assert name == "beta"
    assert "relaypoint-sink-alpha 1.2" in text
    assert "relaypoint-sink-beta 1.2" in text
    assert [plugin.name for plugin in manager.plugins() if "pager" in plugin.sinks] == ["alpha"]


def test_a_built_in_wins_over_a_distribution_that_sorts_before_it(install: Install) -> None:
    install("aaa-impostor", "webhook", sink="webhook")
    manager = SinkManager.loaded()
    assert only_failure(manager)[0] == "webhook"
    assert manager.failed_plugins[0].distribution == "aaa-impostor"
    assert type(manager.get("webhook")).__module__ == "plugins.webhook"


def test_a_built_in_is_replaced_by_disabling_exactly_it(install: Install) -> None:
    install("aaa-replacement", "webhook", sink="webhook")
    manager = SinkManager.loaded(disabled=["relaypoint:webhook"])
    assert type(manager.get("webhook")).__module__ == "aaa_replacement_module"
    assert manager.blocked_plugins == ("relaypoint:webhook",)
    assert manager.failed_plugins == ()


def test_a_plugin_that_brings_one_name_twice_is_left_out_whole(install: Install) -> None:
    source = """
    from relaypoint_sink_base_module import Plain
    from app.sinks import hookimpl

    @hookimpl
    def relaypoint_sinks():
        return [Plain("twice"), Plain("once"), Plain("twice")]
    """
    install("relaypoint-sink-base", "base", sink="base")
    install("relaypoint-sink-twice", "twice", source=source)
    manager = SinkManager.loaded()
    assert only_failure(manager) == (
        "twice",
        "ConfigurationError: plugin relaypoint-sink-twice:twice brings two sinks named 'twice'",
    )
    assert manager.get("once") is None


def test_one_plugin_may_bring_several_sinks(install: Install) -> None:
    install("relaypoint-sink-pair", "pair", yielded='Plain("left"); yield Plain("right")')
    manager = SinkManager.loaded(strict=True)
    (pair,) = [plugin for plugin in manager.plugins() if plugin.name == "pair"]
    assert (pair.sinks, pair.title) == (("left", "right"), "Left, Right")


def test_a_disabled_plugin_is_not_even_imported(install: Install) -> None:
    install("relaypoint-sink-broken", "broken", source="raise RuntimeError('imported')")
    manager = SinkManager.loaded(disabled=["broken"], strict=True)
    assert manager.blocked_plugins == ("relaypoint-sink-broken:broken",)


def test_an_allow_list_loads_nothing_else(install: Install) -> None:
    install("relaypoint-sink-broken", "broken", source="raise RuntimeError('imported')")
    manager = SinkManager.loaded(enabled=["webhook"], strict=True)
    assert manager.names() == ["webhook"]
    others = {f"relaypoint:{name}" for name in (BUILT_IN | BUILT_IN_SOURCES) - {"webhook"}}
    assert set(manager.blocked_plugins) == others | {"relaypoint-sink-broken:broken"}


def test_disabling_wins_over_enabling() -> None:
    assert SinkManager.loaded(enabled=["webhook"], disabled=["webhook"]).names() == []


def test_a_refusal_is_a_configuration_error(install: Install) -> None:
    install("relaypoint-sink-old", "old", yielded="Plain(api_version=0)")
    with pytest.raises(ConfigurationError, match="plugin API 0"):
        SinkManager.loaded(strict=True)


def test_a_distribution_with_unreadable_entry_points_hides_no_other(install: Install) -> None:
    install("relaypoint-sink-damaged", "damaged", extra_line="no equals sign here")
    install("relaypoint-sink-zeta", "zeta", sink="zeta")
    manager = SinkManager.loaded()
    assert manager.names() == sorted([*BUILT_IN, "zeta"])
    (failure,) = manager.failed_plugins
    assert (failure.name, failure.distribution) == ("", "relaypoint-sink-damaged")


def test_a_distribution_without_name_or_version_still_loads(install: Install) -> None:
    install("relaypoint-sink-nameless", "nameless", sink="nameless", metadata="Metadata-Version: 2.1\n")
    (plugin,) = [one for one in SinkManager.loaded(strict=True).plugins() if one.name == "nameless"]
    assert (plugin.distribution, plugin.version) == ("unknown", "unknown")


def test_of_two_copies_of_a_distribution_the_first_counts(install: Install) -> None:
    install("relaypoint-sink-pager", "pager", sink="pager")
    install("Relaypoint_Sink.Pager", "pager", source="raise RuntimeError('the second copy')")
    manager = SinkManager.loaded()
    assert len([one for one in manager.plugins() if one.name == "pager"]) + len(manager.failed_plugins) == 1


def test_every_built_in_sink_has_its_page_and_a_row_in_the_documents() -> None:
    root = Path(__file__).parents[2]
    listed = (root / "docs" / "webhooks.md").read_text(encoding="utf-8")
    for name in BUILT_IN:
        assert f"[`{name}`](../plugins/{name}/README.md)" in listed
        assert (root / "plugins" / name / "README.md").read_text(encoding="utf-8").startswith(f"# Sink `{name}`: ")


TYPES = """
    from app.sinks import PluginEventType, hookimpl

    @hookimpl
    def relaypoint_event_types():
        yield {}
"""


def test_a_plugin_may_bring_event_types_alone(install: Install) -> None:
    install("relaypoint-wifi", "wifi", source=TYPES.format('PluginEventType("wifi.radio.audit", "Radio changed")'))
    manager = SinkManager.loaded(enabled=["wifi"], strict=True)
    assert [(one.id, one.title) for one in manager.event_types()] == [("wifi.radio.audit", "Radio changed")]
    assert [(one.name, one.sinks) for one in manager.plugins()] == [("wifi", ())]


@pytest.mark.parametrize(
    ("brought", "why"),
    [
        ("7", "not a PluginEventType"),
        ('PluginEventType("Wifi Radio", "x")', "does not match"),
        ('PluginEventType("wifi.radio.audit", " ")', "has no title"),
        ('PluginEventType("entrypoint.configuration.audit", "x")', "in the catalogue already"),
        ('from_nowhere("wifi.radio.audit")', "from_nowhere"),
    ],
)
def test_a_plugin_with_a_wrong_event_type_is_left_out_with_the_reason(install: Install, brought: str, why: str) -> None:
    install("relaypoint-wifi", "wifi", source=TYPES.format(brought))
    manager = SinkManager.loaded(enabled=["wifi"])
    assert manager.event_types() == []
    assert [why in one.error for one in manager.failed_plugins] == [True]
