"""What every event holds, whatever its type: the schema of what is kept and of what receivers get, for people."""

from __future__ import annotations

FIELDS = (
    ("id", "text", "The event's own id, or one made of its content. Unique in the organization."),
    ("type", "text", "One of the types above, or one that a source brought along."),
    ("occurred_at", "time, UTC", "When it happened, as the source says."),
    ("received_at", "time, UTC", "When it came in."),
    ("organization", "{id, name}", "Whose it is."),
    ("service", "text", "The first part of the type."),
    ("context", "{id, name} or null", "The Service Context; null is the organization itself."),
    ("actor", "{type, id, email}", "Who did it: admin, group_admin, self_service_user, api_token, system or unknown."),
    ("action", "text", "create, add, view, update, delete, remove, execute or other."),
    ("entity", "{type, id, name} or null", "What was changed."),
    ("description", "text", "One line for people."),
    ("changes", "[{field, path, before, after, secret}]", "Each changed setting. Values of secrets are masked."),
    ("tags", "[text]", "What the change touches, such as pki or tls."),
    ("sensitivity", "1 to 5", "How much it may matter to security."),
    ("sensitivity_rule", "text", "Which rule rated it."),
    ("outside_change_window", "true or false", "Whether no change window was open."),
    ("change_windows", "[{name, kind}]", "The windows that were open; kind is allow or freeze."),
    ("metadata", "{name: value}", "What else the source told."),
    ("source", "{format}", "The form in which it came."),
)
"""Name, shape and meaning of each field, in their order."""
