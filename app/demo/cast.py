"""Who acts in the sample data, and where."""

from __future__ import annotations

from dataclasses import dataclass

from app.demo.catalogue import Action

DEMO_ORGANIZATION = "607551"
DEMO_ORGANIZATION_NAME = "Contoso"

HQ = "ctx_1"
FACTORY = "ctx_2"
IOT = "ctx_3"
EDUROAM = "ctx_4"

DEMO_CONTEXTS: dict[str, str] = {
    HQ: "HQ Dot1x",
    FACTORY: "Factory Dot1x (EAP-TLS)",
    IOT: "Building IoT iPSK",
    EDUROAM: "eduroam Proxy",
}
"""Context id to its name when the sample data begins; a rename on the way changes the name, never the id."""

_HOMES = {
    "auth_method": (HQ, FACTORY),
    "identity_store": (HQ, FACTORY),
    "ipsk": (IOT,),
    "coa": (IOT,),
    "proxy": (EDUROAM,),
    "radsec": (EDUROAM,),
}
"""First word of an action's name to the contexts that have such a setting; every other action fits all of them."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who changes configuration. ``kind`` is the vendor's word; the platform itself has no id and no email."""

    kind: str
    id: str | None
    email: str | None


SYSTEM = Actor("SYSTEM", None, None)
OWNER = Actor("ADMIN", "u_12", "owner@example.com")
MANAGER = Actor("ADMIN", "u_13", "network.manager@example.com")
NIGHT_MANAGER = Actor("ADMIN", "u_14", "night.manager@example.com")
MEMBER = Actor("ADMIN", "u_15", "member@example.com")
GROUP_ADMINS = (
    Actor("GROUP_ADMIN", "u_21", "site.lead@example.com"),
    Actor("GROUP_ADMIN", "u_22", "reception@example.com"),
)
TOKEN = Actor("API_TOKEN", "tok_1", "terraform@example.com")

ADMINS = (OWNER, MANAGER, NIGHT_MANAGER, MEMBER, MANAGER, TOKEN)
"""Who makes an ordinary change; the day's manager makes more than the others."""

_GROUP_TAGS = frozenset({"groups", "users", "devices"})


def contexts_for(action: Action) -> tuple[str, ...]:
    """The contexts where this action can happen; none for a change of the organization itself."""
    if action.of_organization:
        return ()
    return _HOMES.get(action.name.partition(".")[0], tuple(DEMO_CONTEXTS))


def people_for(action: Action) -> tuple[Actor, ...]:
    """Who may make this change."""
    if action.name.startswith("system.") or action.name == "radius_cert.rotate":
        return (SYSTEM,)
    if action.of_organization:
        return (OWNER, MANAGER)
    return ADMINS + GROUP_ADMINS if action.tag in _GROUP_TAGS else ADMINS
