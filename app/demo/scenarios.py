"""Short stories that the sample data tells between its routine events, as data."""

from __future__ import annotations

from dataclasses import dataclass

from app.demo.cast import EDUROAM, FACTORY, HQ, MANAGER, MEMBER, NIGHT_MANAGER, SYSTEM, TOKEN, Actor
from app.demo.times import SUNDAY, TUESDAY

_MINUTE_S = 60
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a story.

    Args:
        after_s: seconds since the story began.
        action: what happens.
        actor: who does it.
        undoes: index of an earlier step that this one takes back.
        inside: index of an earlier step whose object this one happens in, with ``path`` below it.
        path: appended to that object's path.
    """

    after_s: int
    action: str
    actor: Actor
    undoes: int | None = None
    inside: int | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story: where it plays, when it may begin (local time; ``weekday`` None is any working day), what happens."""

    name: str
    context: str
    weekday: int | None
    hour: int
    minute: int
    steps: tuple[Step, ...]


def _all_by(actor: Actor, *steps: tuple[int, str]) -> tuple[Step, ...]:
    return tuple(Step(after_s, action, actor) for after_s, action in steps)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "allow_list_opening",
        HQ,
        SUNDAY,
        23,
        41,
        (
            Step(0, "radius.access_restriction.open", MEMBER),
            Step(6 * _MINUTE_S, "radius.access_restriction.open", MEMBER, undoes=0),
        ),
    ),
    Scenario(
        "identity_store_takeover",
        HQ,
        SUNDAY,
        22,
        13,
        _all_by(
            MEMBER,
            (0, "org.admin.promote"),
            (600, "identity_store.entra.tenant.update"),
            (642, "identity_store.entra.client.update"),
            (685, "identity_store.entra.secret.rotate"),
        ),
    ),
    Scenario(
        "ca_rollover",
        FACTORY,
        TUESDAY,
        1,
        30,
        (
            Step(0, "trusted_ca.upload", NIGHT_MANAGER),
            Step(9 * _DAY_S, "trusted_ca.remove", NIGHT_MANAGER),
        ),
    ),
    Scenario(
        "audit_blinding",
        HQ,
        None,
        12,
        4,
        (
            Step(0, "webhook.disable", MEMBER),
            Step(150, "trusted_ca.upload", MEMBER),
            Step(290, "webhook.disable", MEMBER, undoes=0),
        ),
    ),
    Scenario("bulk_onboarding", HQ, None, 9, 20, _all_by(TOKEN, (0, "group.mab_device.bulk_import"))),
    Scenario(
        "group_delete",
        HQ,
        None,
        14,
        2,
        (
            Step(0, "group.delete", MANAGER),
            Step(2, "system.cascade.membership_cleanup", SYSTEM, inside=0, path=".users"),
        ),
    ),
    Scenario(
        "secret_rotation_day",
        EDUROAM,
        TUESDAY,
        2,
        0,
        _all_by(
            NIGHT_MANAGER,
            (0, "radius.client_secret.rotate"),
            (240, "proxy.upstream.secret.rotate"),
            (500, "group.peap_password.rotate"),
            (900, "webhook.header.update"),
            (1500, "radius.client_secret.rotate"),
        ),
    ),
    Scenario(
        "peap_to_tls",
        FACTORY,
        None,
        10,
        30,
        _all_by(
            MANAGER,
            (0, "auth_method.tls.enable"),
            (3_600, "group.attribute_profile.assign"),
            (5_000, "group.attribute_profile.assign"),
            (7_000, "group.attribute_profile.assign"),
            (_DAY_S, "auth_method.peap.disable"),
        ),
    ),
    Scenario(
        "radius_outage",
        FACTORY,
        None,
        15,
        47,
        (
            Step(0, "radius.access_restriction.clear", MANAGER),
            Step(25 * _MINUTE_S, "radius.access_restriction.clear", MANAGER, undoes=0),
        ),
    ),
)
