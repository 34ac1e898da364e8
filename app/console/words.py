"""The words and shapes of states. A state is never told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.console.forms import label
from app.core.answer_class import AnswerClass


@dataclass(frozen=True, slots=True)
class State:
    """How a state is shown. ``tone`` is a colour: good, warn, bad, note or none."""

    word: str
    icon: str
    tone: str = ""


WEBHOOK = {
    "enabled": State("Active", "circle-check", "good"),
    "paused": State("Paused", "player-pause", "warn"),
    "disabled": State("Disabled", "circle-minus"),
    "needs_endpoint": State("Needs URL", "plug-connected", "note"),
}
NEEDS_SINK = State("Needs sink", "plug-connected", "note")
"""What a webhook shows that knows its endpoint and not yet what is there."""
TROUBLE = {
    "failing": State("Failing", "alert-triangle", "bad"),
    "throttled": State("Throttled", "hourglass", "warn"),
    "unsteady": State("Unsteady", "alert-triangle", "warn"),
}
"""What a webhook that is enabled shows instead, by the condition of its receiver."""
DELIVERY = {
    "pending": State("Pending", "clock"),
    "retrying": State("Retrying", "rotate-clockwise", "warn"),
    "sending": State("Sending", "send", "note"),
    "delivered": State("Delivered", "circle-check", "good"),
    "failed": State("Failed", "circle-x", "bad"),
    "skipped": State("Skipped", "circle-minus"),
    "parked": State("Blocked", "ban", "bad"),
    "accepted": State("Awaiting confirmation", "hourglass", "note"),
}
ATTEMPT = {
    "delivered": State("Delivered", "circle-check", "good"),
    "unconfirmed": State("Accepted, unconfirmed", "circle-check", "good"),
    "retry": State("Failed, tried again", "rotate-clockwise", "warn"),
    "throttled": State("Throttled", "hourglass", "warn"),
    "rejected": State("Rejected", "circle-x", "bad"),
    "sink_broken": State("Refused as set up", "ban", "bad"),
    "split": State("Too large, split", "stack-2", "note"),
    "unknown": State("Outcome unknown", "alert-triangle", "warn"),
    "blocked": State("Blocked by policy", "ban", "bad"),
    "our_fault": State("Not sent", "alert-triangle", "warn"),
}
VERDICT = {
    "delivered": ATTEMPT["delivered"],
    "accepted_unconfirmed": ATTEMPT["unconfirmed"],
    "partial": State("Delivered in part", "alert-triangle", "warn"),
    "retry": State("Failed, worth another try", "rotate-clockwise", "warn"),
    "throttle": ATTEMPT["throttled"],
    "split": ATTEMPT["split"],
    "reject": ATTEMPT["rejected"],
    "sink_broken": ATTEMPT["sink_broken"],
    "blocked": ATTEMPT["blocked"],
}
"""What a sink made of an answer; other words are those of a transport that brought none."""
ANSWERS = {
    AnswerClass.GOOD: "2xx, taken",
    AnswerClass.REDIRECT: "3xx, redirect",
    AnswerClass.REFUSED: "4xx, refused",
    AnswerClass.BROKEN: "5xx, receiver in trouble",
    AnswerClass.NONE: "No answer",
}
"""What the last attempt of a delivery got, as a filter offers it."""
REPLAY = {
    "running": State("Running", "refresh", "note"),
    "done": State("Done", "circle-check", "good"),
    "cancelled": State("Cancelled", "circle-minus"),
}
CLOSED = {
    "count": "Full: as many events as it may hold",
    "bytes": "Full: as many bytes as it may hold",
    "age": "Its oldest event had waited long enough",
    "hand": "Closed by hand",
    "disabled": "The webhook was switched off",
    "deleted": "The webhook was deleted",
}
"""Why a batch closed."""
FINDING = {
    "ok": State("In order", "circle-check", "good"),
    "warning": State("Look at this", "alert-triangle", "warn"),
    "failed": State("Failed", "circle-x", "bad"),
}
MEMBER = {
    "active": State("Joined", "circle-check", "good"),
    "invited": State("Invited", "clock", "note"),
}
KEY = {
    "good": State("In use", "circle-check", "good"),
    "expired": State("Expired", "hourglass"),
    "revoked": State("Revoked", "circle-minus"),
}
SOURCE = {
    "open": State("Open", "circle-check", "good"),
    "closed": State("Closed", "circle-minus"),
    "missing": State("Plugin missing", "alert-triangle", "bad"),
}
SCHEMES = {
    "standard_webhooks": "Standard Webhooks",
    "github": "As GitHub signs",
    "timestamped": "As Stripe signs",
}
"""How a sender may sign."""
SENSITIVITY = {
    1: State("1, cosmetic", "shield-lock"),
    2: State("2, low", "shield-lock"),
    3: State("3, medium", "shield-lock", "note"),
    4: State("4, high", "shield-lock", "warn"),
    5: State("5, critical", "shield-lock", "bad"),
}
"""How much a change may matter to security."""
NOT_RATED = State("Not rated", "circle-minus")
"""What RADIUS records have instead."""
WINDOW = {
    True: State("Outside window", "calendar-time"),
    False: State("Inside window", "calendar-time", "good"),
}
"""How an event stands to the change windows, when the organization has any."""
TYPES = {"instant": "Instant Event Delivery", "batch": "Batch Delivery"}
"""The vendor's words for the modes."""


def webhook_state(webhook: dict[str, Any]) -> State:
    """The state of a webhook as the use case shows it, with its receiver's trouble."""
    if webhook["state"] == "enabled":
        return TROUBLE.get(webhook["health"]["state"], WEBHOOK["enabled"])
    if webhook["state"] == "needs_endpoint" and webhook["endpoint_url"]:
        return NEEDS_SINK
    return WEBHOOK[webhook["state"]]


def verdict_state(verdict: str) -> State:
    """What became of one request."""
    return VERDICT.get(verdict, State(label(verdict), "circle-x", "bad"))


def key_state(key: dict[str, Any], now: str) -> State:
    """The state of an API key as the use case shows it."""
    if key["revoked_at"]:
        return KEY["revoked"]
    return KEY["expired" if key["expires_at"] and key["expires_at"] <= now else "good"]


def source_state(source: dict[str, Any]) -> State:
    """The state of a source as the use case shows it."""
    if source["plugin"] == "missing":
        return SOURCE["missing"]
    return SOURCE["open" if source["enabled"] else "closed"]


def delivery_state(state: str, attempt_count: int) -> State:
    """The state of a delivery; one that waits for a further attempt is retrying."""
    return DELIVERY["retrying" if state == "pending" and attempt_count else state]
