"""What a page says after a form: sentences by key, since a key in the address can be neither forged nor misread."""

from __future__ import annotations

SAID = {
    "saved": "Saved.",
    "removed": "Removed.",
    "key-revoked": "Revoked. Whoever still uses the key is refused from now on.",
    "settings": "Saved. New events are held against it from a second on.",
    "context": "The context was added. Its webhooks can be set up now.",
    "terms": "Saved. Every process heeds it within two seconds.",
    "imported": "Imported. From now on events are held against these windows, too.",
    "organization": "The organization was created. Connect your service next.",
    "created": "The webhook was created. Give it an endpoint and a sink, and it starts to deliver.",
    "paused": "Paused. New events are kept until it is resumed.",
    "resumed": "Resumed. What was kept goes out now, oldest first.",
    "probing": "One delivery goes first; the others follow when it is delivered.",
    "deleted": "The webhook was deleted. Its delivery history stays until retention removes it.",
    "enabled": "Switched on.",
    "disabled": "Switched off.",
    "revoked": "The previous signing secret no longer signs.",
    "redelivered": "Due again. It goes out as a new attempt under the same webhook-id.",
    "cancelled": "Cancelled. What it had made due already is delivered.",
    "closed": "What was waiting was closed as a batch and is on its way.",
    "nothing-waited": "Nothing was waiting for a batch.",
    "sink-next": "Saved. Now choose what kind of receiver is there.",
    "endpoint-next": "Saved. Now give it an endpoint.",
    "begun": "Saved. It delivers from now on. Send a test event to see one request and its answer.",
    "no-address": "Saved, but this name has no address at present. What is sent there waits until it has one.",
    "origin-changed": "Saved. The URL leads to another origin, so its header values and secrets were removed: "
    "enter them again.",
}
"""By the value of ``said`` in the address."""
