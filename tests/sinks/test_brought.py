"""What hooks bring is checked before anything of it counts; one wrong thing leaves the whole plugin out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.sinks.manager import SinkManager

Install = Callable[..., None]

THINGS = """
    import click
    from pydantic import BaseModel
    from app.sinks import Settings, SourceInfo, hookimpl

    class Source:
        config_model = Settings
        def __init__(self, name="door", **info):
            self.info = SourceInfo(name=name, title=name, description=name, **info)
        def verify(self, inbound, secret, config): return False
        def handshake(self, inbound, config): return None
        def delivery_id(self, inbound): return ""
        def events(self, inbound, config): return ()

    class Dialect:
        title = "A language"
        def __init__(self, name="words"):
            self.name = name
        def compile(self, expression): return lambda event: True

    def command(name):
        return click.Command(name)

    @hookimpl
    def relaypoint_{hook}():
        yield {brought}
"""

WRONG = [
    ("sources", "7", "no SourceInfo"),
    ("sources", "Source('Bad Name')", "does not match"),
    ("sources", "Source(api_version=9)", "speaks plugin API 9"),
    ("sources", "type('Half', (), {'info': Source().info})()", "lacks config_model, verify, handshake"),
    ("sources", "type('Loose', (Source,), {'config_model': BaseModel})()", "must refuse unknown keys"),
    ("sources", "Source(); yield Source()", "two sources named 'door'"),
    ("sources", "Source('github')", "taken by relaypoint"),
    ("filter_dialects", "'words'", "is not a filter dialect"),
    ("filter_dialects", "Dialect('!')", "does not match"),
    ("filter_dialects", "Dialect(); yield Dialect()", "two dialects named 'words'"),
    ("commands", "len", "is not a click command"),
    ("commands", "command('Bad Name')", "does not match"),
    ("commands", "command('mine'); yield command('mine')", "two commands named 'mine'"),
    ("sources", "1 / 0", "ZeroDivisionError"),
]


@pytest.mark.parametrize(("hook", "brought", "why"), WRONG)
def test_a_plugin_with_a_wrong_thing_is_left_out_with_the_reason(
    install: Install, hook: str, brought: str, why: str
) -> None:
    install("relaypoint-wrong", "wrong", source=THINGS.format(hook=hook, brought=brought))
    install("relaypoint-good", "good", source=THINGS.format(hook="filter_dialects", brought="Dialect('good')"))
    manager = SinkManager.loaded()
    assert [(one.name, why in one.error) for one in manager.failed_plugins] == [("wrong", True)]
    assert (manager.source_names(), list(manager.dialects()), manager.commands()) == (["github", "okta"], ["good"], {})


def test_two_plugins_cannot_bring_one_name(install: Install) -> None:
    for letter in "ab":
        install(f"relaypoint-{letter}", letter, source=THINGS.format(hook="filter_dialects", brought="Dialect()"))
    manager = SinkManager.loaded()
    (failed,) = manager.failed_plugins
    assert (failed.name, "taken by relaypoint-a 1.2" in failed.error) == ("b", True)
    assert manager.dialects()["words"].plugin == "relaypoint-a:a"


CALLED = """
    from app.sinks import hookimpl

    @hookimpl
    def relaypoint_mask({arguments}):
        return {answer}
"""


@pytest.mark.parametrize(
    ("arguments", "answer", "expected"),
    [
        ("path, text", "path + text", "pt"),
        ("text, path", "path + text", "pt"),
        ("text", "text", "t"),
        ("path", "path", "p"),
        ("", "'***'", "***"),
    ],
)
def test_a_hook_takes_the_arguments_that_it_names(install: Install, arguments: str, answer: str, expected: str) -> None:
    install("acme", "mask", source=CALLED.format(arguments=arguments, answer=answer))
    (call,) = SinkManager.loaded(enabled=["mask"], strict=True).calls("relaypoint_mask")
    assert call.function("p", "t") == expected


def test_hooks_are_called_in_the_order_of_their_plugins_names(install: Install) -> None:
    for letter in "cab":
        install(f"acme-{letter}", letter, source=CALLED.format(arguments="text", answer="text"))
    calls = SinkManager.loaded(enabled=["a", "b", "c"], strict=True).calls("relaypoint_mask")
    assert [call.plugin for call in calls] == ["acme-a:a", "acme-b:b", "acme-c:c"]
    assert SinkManager.loaded(enabled=["github"], strict=True).calls("relaypoint_mask") == ()
