"""The contract kit itself: a sound sink keeps every promise, and each check fails for a sink that breaks it."""

# ruff: noqa: ARG002 - the faulty sinks keep the signatures of the protocol

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.sinks import (
    Answer,
    AnyBinding,
    Confirmation,
    Event,
    HeaderSecret,
    Hint,
    Item,
    Limits,
    OutboundRequest,
    Outcome,
    Receipt,
    Settings,
    SinkInfo,
    Verdict,
    classify_by_status,
    describe_settings,
    retry_after,
    text,
    too_large,
)
from app.sinks.kit import CHECKS, BrokenContractError, Subject, run_checks
from app.sinks.kit.examples import example_bindings
from app.sinks.kit.golden import write_golden
from app.sinks.kit.hostile import COUNT, hostile_events

KEY = "s3cret-key-of-the-example"


class Config(Settings):
    model_config = ConfigDict(json_schema_extra={"examples": [{"room": "hall"}, {"size": 9}]})

    room: Annotated[str, Field(max_length=20), Hint(title="Room")] = "attic"
    size: Annotated[int, Field(ge=1, le=50), Hint(title="Size")] = 5


class Secrets(Settings):
    model_config = ConfigDict(json_schema_extra={"examples": [{"key": KEY}]})

    key: Annotated[HeaderSecret, Hint(title="Key", widget="password")]


class Sound:
    """A sink that keeps every promise. Each faulty one below breaks one of them."""

    info = SinkInfo(name="sound", title="Sound", description="A good one.", idempotency="id of each element")
    config_model: type[BaseModel] = Config
    secrets_model: type[BaseModel] = Secrets

    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(binding.config.size, 300_000, 200_000, item_overhead=1, request_overhead=2)

    def format(self, event: Event, binding: AnyBinding) -> Item:
        told = {"id": event.id, "text": text(event.data.get("description"))}
        return Item(event.id, orjson.dumps(told))

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        headers = (("content-type", "application/json"), ("x-key", binding.secrets.key.get_secret_value()))
        body = b"[" + b",".join(item.body for item in items) + b"]"
        return OutboundRequest(binding.endpoint_url, body, headers, secret_headers=frozenset({"x-key"}))

    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        outcome = classify_by_status(answer)
        return too_large(items) if outcome.verdict is Verdict.SPLIT else outcome

    def probe(self, binding: AnyBinding) -> OutboundRequest | None:
        return None

    def describe(self, binding: AnyBinding) -> dict[str, Any]:
        return describe_settings(binding)


def with_request(request: OutboundRequest, **changed: Any) -> OutboundRequest:
    return replace(request, **changed)


class Nameless(Sound):
    info = replace(Sound.info, title="")


class UntitledConfig(Settings):
    room: str = Field("attic", title="")


class Untitled(Sound):
    config_model = UntitledConfig


class BadExample(Config):
    model_config = ConfigDict(json_schema_extra={"examples": [{"room": "hall"}, {"size": 51}]})


class Boasting(Sound):
    config_model = BadExample


class CarelessConfig(Config):
    model_config = ConfigDict(extra="allow")


class Careless(Sound):
    config_model = CarelessConfig


class CoercingConfig(Settings):
    room: Annotated[Any, Hint(title="Room")] = "attic"


class Coercing(Sound):
    config_model = CoercingConfig


class RepeatingConfig(Config):
    model_config = ConfigDict(hide_input_in_errors=False)


class Repeating(Sound):
    config_model = RepeatingConfig


class OpenSecrets(Settings):
    key: Annotated[str, Hint(title="Key")] = KEY


class Plain(Sound):
    secrets_model = OpenSecrets


class Leaky(Sound):
    def describe(self, binding: AnyBinding) -> dict[str, Any]:
        return {"key": binding.secrets.key.get_secret_value()}


class Showing(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), secret_headers=frozenset())


class Blabbing(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        body = orjson.dumps({"key": binding.secrets.key.get_secret_value(), "ids": [item.event_id for item in items]})
        return with_request(super().build_request(items, binding), body=body)


class Echoing(Sound):
    info = replace(Sound.info, secret_url=True, sample_url="https://chat.example/hooks/s3cret-path")

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), body=binding.endpoint_url.encode())


class Unsteady(Sound):
    numbers = count()

    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item(event.id, b"%d" % next(self.numbers))


class Renaming(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item("evt_other", super().format(event, binding).body)


class Brittle(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item(event.id, orjson.dumps(event.data["entity"]["name"]))


class Untyped(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), headers=())


class Astray(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        return with_request(super().build_request(items, binding), url="ftp://x.example/")


class Unescaped(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        told = text(event.data.get("description")) if event.id.startswith("evt_hostile") else ""
        return Item(event.id, f'{{"id":"{event.id}","text":"{told}"}}'.encode())


class Injectable(Sound):
    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        good = super().build_request(items, binding)
        told = orjson.loads(items[0].body)["text"]
        return with_request(good, headers=(*good.headers, ("x-text", told)))


class Overfull(Sound):
    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(1000, 300_000, 300_000, item_overhead=-500)


class OneTooMany(Sound):
    def limits(self, binding: AnyBinding) -> Limits:
        return Limits(50, 200_000, 200_000, item_overhead=1)


class Anonymous(Sound):
    def format(self, event: Event, binding: AnyBinding) -> Item:
        return Item(event.id, b"{}")


class Optimist(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.DELIVERED)


class Miscounting(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.PARTIAL, "some", items=(Outcome(Verdict.DELIVERED),) * 2)


class Silent(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return replace(super().classify(answer, items, binding), reason="")


class Impatient(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return replace(super().classify(answer, items, binding), retry_after_s=None)


class Undying(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        gone = Outcome(Verdict.RETRY, "gone", retry_after(answer.headers))
        return gone if answer.status in {410, 429} else super().classify(answer, items, binding)


class Unsplitting(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.REJECT, "no") if answer.status == 413 else super().classify(answer, items, binding)


class Parrot(Sound):
    def classify(self, answer: Answer, items: Sequence[Item], binding: AnyBinding) -> Outcome:
        return Outcome(Verdict.RETRY, answer.body.decode(errors="replace"))


class Meddling(Sound):
    def probe(self, binding: AnyBinding) -> OutboundRequest | None:
        return OutboundRequest("https://x.example/", b"", (("host", "other"),), "GET")


class Remembering(Sound):
    seen = count()

    def build_request(self, items: Sequence[Item], binding: AnyBinding) -> OutboundRequest:
        good = super().build_request(items, binding)
        return with_request(good, body=good.body + b" " * next(self.seen))


class Later(Sound):
    """A sound sink whose receiver confirms later."""

    def confirmation(self, binding: AnyBinding) -> Confirmation:
        return Confirmation()

    def receipt(self, answer: Answer, binding: AnyBinding) -> Receipt | None:
        return Receipt(answer.headers["x-receipt"]) if "x-receipt" in answer.headers else None

    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
        items = [Item("", orjson.dumps(receipt.id)) for receipt in receipts]
        return with_request(self.build_request(items, binding), url=binding.endpoint_url + "receipts")

    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        if answer.status == 200:
            return frozenset(receipt.id for receipt in receipts if b'"%s"' % receipt.id.encode() in answer.body)
        patient = answer.status in {429, 503}
        verdict = Verdict.THROTTLE if patient else Verdict.SINK_BROKEN
        return Outcome(verdict, f"answered {answer.status}", retry_after(answer.headers))


class Hasty(Later):
    def confirmation(self, binding: AnyBinding) -> Confirmation:
        return Confirmation(poll_s=0)


class Resigned(Later):
    def confirmation(self, binding: AnyBinding) -> Confirmation:
        return Confirmation(expires_s=1)


class Longwinded(Later):
    def receipt(self, answer: Answer, binding: AnyBinding) -> Receipt | None:
        return Receipt(str(answer.status) * 100)


class Assuming(Later):
    def receipt(self, answer: Answer, binding: AnyBinding) -> Receipt | None:
        return Receipt(answer.headers["x-receipt"])


class Forgetful(Later):
    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
        return super().confirm_request(receipts[:100], binding)


class Indiscreet(Later):
    def confirm_request(self, receipts: Sequence[Receipt], binding: AnyBinding) -> OutboundRequest | None:
        good = super().confirm_request(receipts, binding)
        return good and with_request(good, secret_headers=frozenset())


class Credulous(Later):
    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        return frozenset(receipt.id for receipt in receipts)


class Resting(Later):
    """As the product that calls everything delivered when the question is refused, only more quietly."""

    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        return frozenset() if answer.status == 404 else super().read_confirmation(answer, receipts, binding)


class Dogmatic(Later):
    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        return Outcome(Verdict.REJECT, "no")


class Repeater(Later):
    def read_confirmation(
        self, answer: Answer, receipts: Sequence[Receipt], binding: AnyBinding
    ) -> frozenset[str] | Outcome:
        read = super().read_confirmation(answer, receipts, binding)
        return replace(read, reason=f"said {answer.body!r}") if isinstance(read, Outcome) else read


MUTANTS: list[tuple[str, type[Sound]]] = [
    ("accepted", Nameless),
    ("form", Untitled),
    ("valid-settings", Boasting),
    ("invalid-settings", Careless),
    ("invalid-settings", Coercing),
    ("invalid-settings", Repeating),
    ("masking", Plain),
    ("masking", Leaky),
    ("hidden-secrets", Showing),
    ("hidden-secrets", Blabbing),
    ("secret-address", Echoing),
    ("determinism", Unsteady),
    ("determinism", Renaming),
    ("odd-events", Brittle),
    ("odd-events", Untyped),
    ("odd-events", Astray),
    ("hostile-fields", Unescaped),
    ("hostile-fields", Injectable),
    ("limits-full", Overfull),
    ("limits-edge", OneTooMany),
    ("idempotency", Anonymous),
    ("classification", Optimist),
    ("classification", Miscounting),
    ("classification", Silent),
    ("waiting", Impatient),
    ("waiting", Undying),
    ("splitting", Unsplitting),
    ("quiet-reasons", Parrot),
    ("receipts", Hasty),
    ("receipts", Resigned),
    ("receipts", Longwinded),
    ("receipts", Assuming),
    ("confirm-request", Forgetful),
    ("confirm-request", Indiscreet),
    ("confirm-answers", Credulous),
    ("confirm-answers", Resting),
    ("confirm-answers", Dogmatic),
    ("confirm-answers", Repeater),
    ("probe", Meddling),
    ("concurrency", Remembering),
]
GOLDEN = {"golden-requests", "golden-answers", "golden-confirmations"}


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    write_golden(Sound(), tmp_path)
    rows = [{"status": 200, "verdict": "delivered"}, {"status": 413, "items": 2, "verdict": "split"}]
    (tmp_path / "answers.json").write_bytes(orjson.dumps(rows))
    return tmp_path


def problem(name: str, sink: Sound, golden: Path | None = None) -> str:
    check = next(one for one in CHECKS if one.name == name)
    binding = example_bindings(Sound())[0]
    if not isinstance(sink, Boasting):
        binding = example_bindings(sink)[0]
    try:
        check.run(Subject(sink, (binding,), golden))
    except BrokenContractError as error:
        return str(error)
    except (KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}"
    return ""


def test_a_sound_sink_keeps_every_promise(golden: Path) -> None:
    assert {check.name: problem(check.name, Sound(), golden) for check in CHECKS} == dict.fromkeys(
        (check.name for check in CHECKS), ""
    )


@pytest.mark.parametrize(("name", "mutant"), MUTANTS, ids=[f"{name}-{one.__name__}" for name, one in MUTANTS])
def test_each_check_fails_for_a_sink_that_breaks_its_promise(name: str, mutant: type[Sound]) -> None:
    assert problem(name, mutant())


def test_every_check_has_a_sink_that_breaks_it() -> None:
    assert {name for name, _ in MUTANTS} | GOLDEN == {check.name for check in CHECKS}


def test_a_sound_sink_that_confirms_later_keeps_every_promise(tmp_path: Path) -> None:
    write_golden(Later(), tmp_path)
    assert (tmp_path / "example-1-confirm.http").read_bytes().endswith(b'["0","1"]')
    assert "no confirmations.json" in problem("golden-confirmations", Later(), tmp_path)
    write_confirmations(tmp_path)
    assert [check.name for check in CHECKS if problem(check.name, Later(), tmp_path)] == []


def write_confirmations(folder: Path, **changed: Any) -> None:
    rows = [
        {"status": 200, "body": ["7"], "receipts": ["7", "8"], "confirmed": ["7"]} | changed,
        {"status": 404, "receipts": ["7"], "verdict": "sink_broken"},
    ]
    (folder / "confirmations.json").write_bytes(orjson.dumps(rows))


def test_a_confirmation_that_is_read_otherwise_breaks_the_table(tmp_path: Path) -> None:
    for changed in ({"confirmed": ["7", "8"]}, {"status": 404}, {"body": []}):
        write_confirmations(tmp_path, **changed)
        assert "is read as" in problem("golden-confirmations", Later(), tmp_path)


def test_another_byte_breaks_a_golden_request_and_a_missing_file_is_named(golden: Path) -> None:
    path = golden / "example-2-batch.http"
    path.write_bytes(path.read_bytes() + b" ")
    assert "example-2-batch.http is another request" in problem("golden-requests", Sound(), golden)
    path.unlink()
    assert "no example-2-batch.http" in problem("golden-requests", Sound(), golden)


def test_a_golden_request_shows_no_secret(golden: Path) -> None:
    assert sorted(path.name for path in golden.glob("*.http")) == [
        f"example-{number}-{mode}.http" for number in (1, 2) for mode in ("batch", "instant")
    ]
    assert not [path for path in golden.iterdir() if KEY.encode() in path.read_bytes()]


def test_an_answer_that_is_read_otherwise_breaks_the_table(golden: Path) -> None:
    (golden / "answers.json").write_bytes(orjson.dumps([{"status": 500, "body": "busy", "verdict": "delivered"}]))
    assert "is read as retry" in problem("golden-answers", Sound(), golden)


def test_a_whole_run_reports_every_check_and_what_broke() -> None:
    results = {result.name: result for result in run_checks(Leaky())}
    assert list(results) == [check.name for check in CHECKS]
    assert not results["masking"].passed
    assert results["concurrency"].passed
    assert all(result.promise.endswith(".") for result in results.values())


def test_a_sink_whose_examples_are_wrong_is_told_so_at_once() -> None:
    (result,) = run_checks(Boasting())
    assert "size is refused" in result.problem


def test_settings_without_examples_get_made_up_ones() -> None:
    class Bare(Settings):
        first: Annotated[HeaderSecret, Hint(title="First")]
        second: Annotated[SecretStr | None, Field(max_length=3), Hint(title="Second")] = None

    class Unhelpful(Sound):
        secrets_model = Bare

    secrets = example_bindings(Unhelpful())[0].secrets
    assert (secrets.first.get_secret_value(), secrets.second) == ("s3cret-of-first", None)


def test_the_hostile_events_are_many_different_and_always_the_same() -> None:
    first, second = list(hostile_events()), list(hostile_events())
    assert [one.json for one in first] == [one.json for one in second]
    assert len({one.json for one in first}) == COUNT


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_of(inner)


@pytest.mark.parametrize("mark", ['"', "\\", "\n", "\r", "\x00", "|", "=", "]", "`", "<!channel>", "🔐", "','"])
def test_the_hostile_events_hold_what_formats_use_as_marks(mark: str) -> None:
    wanted = mark.strip("'") or mark
    assert any(wanted in told for event in hostile_events() for told in texts_of(event.data))
