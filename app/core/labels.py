"""From the label of a changed setting to its tags, and from the tags to a base sensitivity.

Sources name settings as their screens do ("RADIUS Access Restrictions"), so tags come from fragments of labels. The
longest fragment that starts at the start of a word wins within one label; the tags of all labels, of the entity type
and of the path are united.
"""

from __future__ import annotations

import re
from functools import lru_cache

DEFAULT_SENSITIVITY = 3
"""Security-relevant but bounded, on the scale from 1 (cosmetic) to 5 (can admit devices or blind the audit)."""

_FRAGMENTS: dict[str, tuple[str, ...]] = {
    # First tag wins a tie of equal length: "Default Role Mapping" is about administrators' sign-in.
    "admin_auth": ("saml", "mfa", "role mapping"),
    "trusted_ca": ("trusted ca", "crl", "certificate group identifier", "radsec ca", "idp certificate"),
    "ip_allowlist": ("access restriction", "allow-list", "allowlist", "admin dashboard access", "cidr"),
    "identity_store": (
        "identity store",
        "directory (tenant) id",
        "application (client) id",
        "client secret",
        "device compliance",
        "entra",
        "ldap",
        "remote radius server",
    ),
    "shared_secret": ("radius client secret", "shared secret", "pre-shared key", "passphrase"),
    "webhooks": ("endpoint url", "webhook", "http header"),
    "administrators": ("administrator",),
    "auth_methods": ("eap-", "mab", "authentication method"),
    "policy": ("vlan", "security group tag", "attribute profile", "default role"),
    "coa": ("coa",),
}

_ENTITY_TAGS = {
    "auth_method": "auth_methods",
    "identity_store": "identity_store",
    "trusted_ca": "trusted_ca",
    "server_certificate": "certificates",
    "ip_allowlist": "ip_allowlist",
    "radsec": "radsec",
    "attribute_profile": "policy",
    "group_device": "devices",
    "connected_device": "devices",
    "self_service_user": "users",
    "coa": "coa",
    "administrator": "administrators",
    "license": "license",
    "webhook": "webhooks",
    "admin_auth": "admin_auth",
    "api_token": "api_tokens",
}
"""Entity types that mean one tag only; a group or a context may be touched for many reasons."""

_SENSITIVITY = {
    "trusted_ca": 5,
    "ip_allowlist": 5,
    "identity_store": 5,
    "shared_secret": 5,
    "webhooks": 5,
    "admin_auth": 5,
    "administrators": 4,
    "api_tokens": 4,
    "auth_methods": 4,
    "policy": 4,
    "users": 2,
    "license": 1,
}

_TAG_OF = {fragment: tag for tag, fragments in _FRAGMENTS.items() for fragment in fragments}
_LONGEST_FIRST = sorted(_TAG_OF, key=len, reverse=True)
_ANY_FRAGMENT = re.compile(
    r"(?<![a-z0-9])(?=(" + "|".join(re.escape(fragment) for fragment in _LONGEST_FIRST) + "))", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[._\[\]]+")
_LONGEST_LABEL = 256


@lru_cache(maxsize=4096)
def _label_tag(label: str) -> str | None:
    found = {match[1].lower() for match in _ANY_FRAGMENT.finditer(label)}
    return next((_TAG_OF[fragment] for fragment in _LONGEST_FIRST if fragment in found), None)


@lru_cache(maxsize=4096)
def _path_tag(path: str) -> str | None:
    return _label_tag(_SEPARATORS.sub(" ", path))


def tags_of(labels: list[str], paths: list[str], entity_type: str | None) -> tuple[str, ...]:
    """The tags of an event, sorted, without repetition.

    Args:
        labels: the changed fields as the source names them.
        paths: dotted paths of the changed fields, where known.
        entity_type: what kind of thing changed, where known.
    """
    found = {_label_tag(label[:_LONGEST_LABEL]) for label in labels}
    found.update(_path_tag(path[:_LONGEST_LABEL]) for path in paths)
    if entity_type is not None:
        found.add(_ENTITY_TAGS.get(entity_type.lower()[:_LONGEST_LABEL]))
    found.discard(None)
    return tuple(sorted(tag for tag in found if tag)) if found else ()


def base_sensitivity(tags: tuple[str, ...]) -> int:
    """The highest base sensitivity of the tags; 3 when there is none."""
    return max((_SENSITIVITY.get(tag, DEFAULT_SENSITIVITY) for tag in tags), default=DEFAULT_SENSITIVITY)
