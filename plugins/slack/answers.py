"""What Slack's answers mean. The word in the body decides, the status only where there is none.

Incoming webhooks answer a word as plain text, the Web API answers JSON with ``ok`` and ``error`` and status 200 even on
failure. Which status goes with which word differs between sources, so one table of words serves both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from app.sinks import Answer, Item, Outcome, Verdict, classify_whole, halved, is_success, retry_after

_BROKEN = {
    "access_denied": "the app may not post there",
    "account_inactive": "the token belongs to a deleted user or workspace",
    "action_prohibited": "an administrator has restricted posting",
    "channel_is_archived": "the channel is archived",
    "channel_not_found": "there is no such channel, or the app is not in it",
    "ekm_access_denied": "an administrator has suspended posting",
    "enterprise_is_restricted": "the token does not work in this organization",
    "invalid_arguments": "an argument is invalid; is the channel set?",
    "invalid_auth": "the token is invalid",
    "invalid_token": "the webhook's address is not valid any more",
    "is_archived": "the channel is archived",
    "is_inactive": "the channel is frozen",
    "missing_scope": "the token lacks the scope chat:write",
    "no_active_hooks": "the webhook is disabled",
    "no_permission": "the token lacks a permission",
    "no_service": "the webhook is disabled, removed or wrong",
    "no_service_id": "the webhook's address is incomplete",
    "no_team": "the workspace does not exist",
    "not_allowed_token_type": "this kind of token may not post",
    "not_authed": "no token is set",
    "not_in_channel": "the app is not in the channel; invite it",
    "org_login_required": "the workspace is being moved",
    "posting_to_general_channel_denied": "only administrators may post in this channel",
    "restricted_action": "a workspace setting forbids posting there",
    "restricted_action_non_threadable_channel": "a workspace setting forbids posting there",
    "restricted_action_read_only_channel": "the channel is read-only",
    "restricted_action_thread_only_channel": "only replies are allowed in the channel",
    "team_access_not_granted": "the app is not approved for this workspace",
    "team_disabled": "the workspace is disabled",
    "team_not_found": "the workspace does not exist",
    "token_expired": "the token has expired",
    "token_revoked": "the token was revoked",
    "user_is_restricted": "a guest may not post there",
}
_REJECTED = {
    "attachment_payload_limit_exceeded": "the message is too large",
    "block_mismatch": "the message does not fit the channel",
    "invalid_blocks": "the blocks are invalid",
    "invalid_blocks_format": "the blocks are malformed",
    "invalid_json": "the body is not JSON",
    "invalid_payload": "the payload is malformed",
    "json_not_object": "the body is not an object",
    "msg_blocks_too_long": "the blocks are too long",
    "msg_too_long": "the text is too long",
    "no_text": "there is no text",
    "too_many_attachments": "there are too many attachments",
    "user_not_found": "a user that is mentioned does not exist",
}
_AGAIN = {
    "fatal_error": "Slack failed; the message may have been posted",
    "internal_error": "Slack failed; the message may have been posted",
    "request_timeout": "Slack received the request too slowly",
    "rollup_error": "Slack could not post it",
    "service_unavailable": "Slack is unavailable",
    "team_added_to_org": "the workspace is being moved",
}
_SLOWER = {
    "accesslimited": "the app is limited",
    "message_limit_exceeded": "the workspace posts too much",
    "rate_limited": "too many messages",
    "ratelimited": "too many messages",
}

_MEANINGS: dict[str, tuple[Verdict, str]] = {
    word: (verdict, meaning)
    for verdict, words in (
        (Verdict.SINK_BROKEN, _BROKEN),
        (Verdict.REJECT, _REJECTED),
        (Verdict.RETRY, _AGAIN),
        (Verdict.THROTTLE, _SLOWER),
    )
    for word, meaning in words.items()
}
_WORD = re.compile(r"[a-z][a-z_]{0,60}")
_OK = "ok"


def _word(body: bytes) -> str | None:
    """The word in an answer, ``ok`` for success, or None when this is no answer of Slack's."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode("utf-8", "replace").strip().lower().replace(" ", "_")
        return text if _WORD.fullmatch(text) else None
    if not isinstance(data, dict):
        return None
    if data.get("ok") is True:
        return _OK
    error = data.get("error")
    return error if isinstance(error, str) and data.get("ok") is False else None


def classify_answer(answer: Answer, items: Sequence[Item]) -> Outcome:
    """What the answer means for the events of one message.

    A message that Slack finds faulty is halved while it holds several events, so that one bad event fails alone.
    """
    word = _word(answer.body)
    if word == _OK and is_success(answer.status):
        return Outcome(Verdict.DELIVERED)
    meaning = _MEANINGS.get(word or "")
    if meaning is None:
        return _by_status(answer, items)
    verdict, words = meaning
    wait = retry_after(answer.headers) if verdict in {Verdict.RETRY, Verdict.THROTTLE} else None
    return halved(Outcome(verdict, f"Slack says {word}: {words}", wait), items)


def _by_status(answer: Answer, items: Sequence[Item]) -> Outcome:
    """A word we do not know, or none: a sign-in page with status 200 must never count as delivered."""
    if is_success(answer.status):
        return Outcome(Verdict.SINK_BROKEN, f"status {answer.status}, but the body is not Slack's success")
    return classify_whole(answer, items)
