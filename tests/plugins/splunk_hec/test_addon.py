"""The Splunk add-on says the same as the sink."""

import re
from configparser import RawConfigParser
from pathlib import Path

from plugins import splunk_hec
from plugins.splunk_hec.cim import cim_fields
from plugins.splunk_hec.settings import SplunkConfig

ADDON = Path(splunk_hec.__file__).parent / "TA-relaypoint"


def conf(name: str) -> RawConfigParser:
    parser = RawConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment] - the documented way to keep upper case
    parser.read(ADDON / "default" / name)
    return parser


def test_the_add_on_reads_the_source_type_that_the_sink_sends() -> None:
    sourcetype = SplunkConfig().sourcetype
    assert conf("props.conf").sections() == [sourcetype]
    assert all(f'sourcetype="{sourcetype}"' in section["search"] for section in _sections("eventtypes.conf"))


def test_every_event_is_tagged_change_and_exactly_one_more() -> None:
    tags = conf("tags.conf")
    assert tags.sections() == [f"eventtype={name}" for name in conf("eventtypes.conf").sections()]
    assert [sorted(section) for section in _sections("tags.conf")] == [["audit", "change"], ["account", "change"]]


def test_the_add_on_computes_every_field_that_the_sink_indexes() -> None:
    props = conf("props.conf")[SplunkConfig().sourcetype]
    computed = {name.removeprefix("EVAL-") for name in props if name.startswith("EVAL-")}
    assert set(cim_fields({})) <= computed


def test_the_add_on_and_the_sink_use_the_same_words_for_actions() -> None:
    case = conf("props.conf")[SplunkConfig().sourcetype]["EVAL-action"]
    rules = re.findall(r'"action"\),([a-z",]+)\),"([a-z]+)"', case)
    assert len(rules) == 5
    for words, meaning in rules:
        for word in re.findall(r"[a-z]+", words):
            assert cim_fields({"action": word})["action"] == meaning
    assert case.endswith('true(),"modified")')


def _sections(name: str) -> list[dict[str, str]]:
    parser = conf(name)
    return [dict(parser[section]) for section in parser.sections()]
