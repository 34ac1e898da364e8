"""How every form is refused: what somebody typed wrong, or what is not there any more."""

from __future__ import annotations

from dataclasses import dataclass, field

NOT_ALLOWED, NOT_THERE, CONFLICT, TYPED_WRONG = 403, 404, 409, 422


@dataclass(frozen=True)
class Refusal:
    """One way in which a form is refused.

    Args:
        status: of the answer.
        typed: fields of the form; a part in braces is one of the place's arguments.
        instead: parts of the path, by name: another of the place's arguments, else as it stands.
        is_stale: the form is of an ended session.
    """

    status: int
    typed: dict[str, str] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)
    is_stale: bool = False


def wrong(typed: dict[str, str]) -> Refusal:
    """Something was typed that cannot be; the page is shown again."""
    return Refusal(TYPED_WRONG, typed)


def gone(part: str) -> Refusal:
    """What the form is about was removed by somebody else meanwhile."""
    return Refusal(NOT_THERE, instead={part: "gone"})


STALE = Refusal(NOT_ALLOWED, is_stale=True)
"""Nothing else can be wrong with the form."""
_BARE = {"webhook": "bare webhook"}
BELOW = {
    "webhooks/new": wrong({"name": "x", "type": "instant"}),
    "webhooks/<webhook>/save/name": wrong({"name": "x"}),
    "webhooks/<webhook>/save/endpoint": wrong({"endpoint_url": "http://10.0.0.1/"}),
    "webhooks/<webhook>/save/headers": wrong({"header_name": "Host", "header_value": "x"}),
    "webhooks/<webhook>/save/events": wrong({"more_types": "no type!"}),
    "webhooks/<webhook>/save/batch": Refusal(
        TYPED_WRONG, {"batch.max_events": "many"}, instead={"webhook": "batch's webhook"}
    ),
    "webhooks/<webhook>/save/retry": wrong({"retry.schedule_s": "soon"}),
    "webhooks/<webhook>/save/pace": wrong({"concurrency": "high"}),
    "webhooks/<webhook>/save/conditions": wrong({"filter": "{"}),
    "webhooks/<webhook>/save/sink": wrong({"sink": "splunk_hec"}),
    "webhooks/<webhook>/check": wrong({"endpoint_url": ""}),
    "webhooks/<webhook>/try": wrong({"filter": "{"}),
    "webhooks/<webhook>/test": Refusal(TYPED_WRONG, instead=_BARE),
    "webhooks/<webhook>/secret/reveal": gone("webhook"),
    "webhooks/<webhook>/secret/rotate": wrong({"overlap_s": "never"}),
    "webhooks/<webhook>/secret/revoke": Refusal(CONFLICT),
    "webhooks/<webhook>/pause": Refusal(CONFLICT, instead=_BARE),
    "webhooks/<webhook>/resume": Refusal(CONFLICT, instead=_BARE),
    "webhooks/<webhook>/disable": gone("webhook"),
    "webhooks/<webhook>/delete": gone("webhook"),
    "webhooks/<webhook>/batches/close": Refusal(CONFLICT),
    "webhooks/<webhook>/backfill": wrong({"since": ""}),
    "webhooks/<webhook>/redeliver": wrong({"since": ""}),
    "webhooks/<webhook>/replays/<replay>/cancel": gone("replay"),
    "webhooks/<webhook>/deliveries/<delivery>/redeliver": Refusal(
        CONFLICT, instead={"webhook": "failing webhook", "delivery": "waiting delivery"}
    ),
    "change-windows/new": wrong({"name": ""}),
    "change-windows/import": wrong({"text": ""}),
    "change-windows/import/store": wrong({"text": ""}),
    "change-windows/<window>": wrong({"name": ""}),
    "change-windows/<window>/delete": gone("window"),
    "connect": wrong({"name": ""}),
    "keys": wrong({"name": "x", "role": "ingest", "context_id": "gone"}),
    "keys/<key>/name": wrong({"name": ""}),
    "keys/<key>/rate": wrong({"rate_per_s": "many"}),
    "keys/<key>/signature": wrong({"scheme": "github", "secret": "short"}),
    "keys/<key>/revoke": gone("key"),
    "members": wrong({"email": "nobody", "role": "viewer"}),
    "members/<member>/role": wrong({"role": "emperor"}),
    "members/<member>/link": gone("member"),
    "members/<member>/remove": gone("member"),
    "settings/context": wrong({"service": "entrypoint", "context_name": "", "context_id": "no id"}),
    "settings/organization": wrong({"name": ""}),
    "sensitivity-rules/new": wrong({"pattern": "{"}),
    "sensitivity-rules/<rule>": wrong({"pattern": "{"}),
    "sensitivity-rules/<rule>/delete": gone("rule"),
    "sources": wrong({"kind": "github", "name": "x"}),
    "sources/<source>/settings": wrong({"name": "x"}),
    "sources/<source>/secret": wrong({"secret": "short"}),
    "sources/<source>/switch": gone("source"),
    "sources/<source>/delete": gone("source"),
}
"""By the path below a place. A form that is not here fails a test."""
ABOVE = {
    "/organizations/new": wrong({"name": ""}),
    "/theme": STALE,
}
"""Forms below no place."""
DOOR = {
    "/login": wrong({"email": "nobody@example.com", "password": "wrong"}),
    "/logout": STALE,
    "/logout/everywhere": STALE,
    "/account": wrong({"present": "wrong", "password": "another good password"}),
    "/account/sessions/<session_id>/end": STALE,
    "/account/sessions/others/end": STALE,
    "/setup": wrong({"link": "{setup}", "email": "ada@example.com", "name": "Ada", "password": "short"}),
    "/password": wrong({"link": "{password}", "password": "short"}),
    "/join": Refusal(NOT_ALLOWED, {"link": "{join}"}),
}
"""Forms of the door; an invitation is refused to whoever is somebody else."""
