"""The built-in rules, as data: where a setting lives, which way it went, and what that is worth.

Paths leave out the keys of collections: ``groups[grp_1].users[u_7].role`` is ``groups.users.role``. The longest path
that begins a change's path counts, and of its rules the first whose direction fits; so each list ends with ANY.
"""

from __future__ import annotations

from typing import NamedTuple

from app.core.rating.directions import Direction as Way


class Rule(NamedTuple):
    """One row: a setting that went this way has this sensitivity."""

    way: Way
    sensitivity: int


class Setting(NamedTuple):
    """What is known of one setting, or of everything below it."""

    tag: str
    rules: tuple[Rule, ...]


def _setting(tag: str, base: int, **ways: int) -> Setting:
    """``ways`` names directions and their sensitivity, in the order in which they are tried."""
    rules = [Rule(Way(way), sensitivity) for way, sensitivity in ways.items()]
    return Setting(tag, (*rules, Rule(Way.ANY, base)))


SETTINGS: dict[str, Setting] = {
    # How clients prove who they are.
    "basic.auth_methods": _setting("auth_methods", 4),
    "basic.auth_methods.eap_peap.enabled": _setting("auth_methods", 4, off=3),
    "basic.auth_methods.eap_tls.enabled": _setting("auth_methods", 4, on=3),
    "basic.auth_methods.tls_min_version": _setting("auth_methods", 2, lowered=4),
    "groups.mab": _setting("auth_methods", 4, off=2),
    # Who says that they are known.
    "identity_store": _setting("identity_store", 5),
    "identity_store.entra.client_secret": _setting("identity_store", 4),
    "identity_store.entra.device_compliance_check": _setting("identity_store", 5, on=3),
    "identity_store.ldap.bind_password": _setting("identity_store", 4),
    "groups.entra_group_id": _setting("identity_store", 5),
    "groups.entra_group_status": _setting("identity_store", 4),
    "remote_radius": _setting("identity_store", 5),
    # Whose certificates are believed.
    "trusted_cas": _setting("trusted_ca", 5),
    "trusted_cas.crl_url": _setting("trusted_ca", 4, cleared=5, set=3),
    "trusted_cas.status": _setting("trusted_ca", 3),
    "groups.certificate_group_identifier": _setting("trusted_ca", 5),
    "network_integration.radsec.ca": _setting("trusted_ca", 5),
    "network.server_certificate": _setting("certificates", 3),
    # From where one may come.
    "network_integration.access_restrictions": _setting("ip_allowlist", 4, opened=5),
    "organization.admin_access": _setting("ip_allowlist", 4, opened=5),
    # What is known to two sides only.
    "network_integration.client_secret": _setting("shared_secret", 5, viewed=4),
    "groups.psk": _setting("shared_secret", 3),
    "ipsk.coa.listeners.secret": _setting("shared_secret", 4),
    "remote_radius.secret": _setting("shared_secret", 4),
    # The wire.
    "network_integration.radsec": _setting("radsec", 3, off=4),
    "remote_radius.port": _setting("radsec", 3),
    "network_integration": _setting("network", 3),
    "ipsk.coa": _setting("coa", 4),
    "sessions.coa": _setting("coa", 2),
    # Which segment of the network one ends up in.
    "attribute_profiles": _setting("policy", 4, created=2, deleted=3),
    "groups.attribute_profile_id": _setting("policy", 4),
    "ipsk.default_role": _setting("policy", 4),
    # Who and what belongs.
    "groups": _setting("groups", 3, created=2, deleted=4),
    "groups.personal_peap_accounts": _setting("groups", 3),
    "groups.mab_devices": _setting("devices", 3),
    "groups.connected_devices": _setting("devices", 2),
    "groups.users": _setting("users", 2),
    "groups.users.role": _setting("users", 3),
    "ipsk.registration.self_registration": _setting("onboarding", 3, on=4, off=2),
    "ipsk.registration.invitation_code": _setting("onboarding", 3, off=4, on=2),
    "ipsk.request_form": _setting("onboarding", 1),
    # Who may change all this.
    "context.administrators": _setting("administrators", 4, deleted=3),
    "organization.administrators": _setting("administrators", 4, deleted=3),
    "organization.administrators.roles": _setting("administrators", 4, grew=5),
    "organization.mandatory_mfa": _setting("admin_auth", 5, on=3),
    "organization.admin_auth": _setting("admin_auth", 5),
    "organization.selfservice": _setting("admin_auth", 3),
    "organization.api_tokens": _setting("api_tokens", 5, deleted=2),
    # Who gets to hear of it.
    "webhooks": _setting("webhooks", 3, deleted=5),
    "webhooks.url": _setting("webhooks", 5),
    "webhooks.status": _setting("webhooks", 5, on=3),
    "webhooks.headers": _setting("webhooks", 3),
    "webhooks.endpoint_url": _setting("webhooks", 5),
    "webhooks.state": _setting("webhooks", 5, on=3),
    "webhooks.sink": _setting("webhooks", 4),
    "webhooks.filter": _setting("webhooks", 4),
    "webhooks.event_types": _setting("webhooks", 4),
    "webhooks.muted_contexts": _setting("webhooks", 4),
    "webhooks.only_outside_change_windows": _setting("webhooks", 4),
    "change_windows": _setting("change_control", 4),
    "sensitivity_rules": _setting("change_control", 4),
    # The rest.
    "contexts": _setting("lifecycle", 3, deleted=5),
    "context.license": _setting("license", 1),
    "attribute_profiles.name": _setting("cosmetic", 1),
    "groups.name": _setting("cosmetic", 1),
    "context.name": _setting("cosmetic", 1),
    "organization.name": _setting("cosmetic", 1),
}

LABELS: dict[str, str] = {
    "eap-": "basic.auth_methods",
    "eap-peap": "basic.auth_methods.eap_peap.enabled",
    "eap-tls": "basic.auth_methods.eap_tls.enabled",
    "mab": "groups.mab",
    "minimum tls version": "basic.auth_methods.tls_min_version",
    "authentication method": "basic.auth_methods",
    "identity store": "identity_store",
    "directory (tenant) id": "identity_store",
    "application (client) id": "identity_store",
    "client secret": "identity_store.entra.client_secret",
    "device compliance": "identity_store.entra.device_compliance_check",
    "ldap": "identity_store",
    "ldap bind password": "identity_store.ldap.bind_password",
    "google workspace directory": "identity_store",
    "entra": "groups.entra_group_id",
    "entra group status": "groups.entra_group_status",
    "remote radius server": "remote_radius",
    "remote radius server secret": "remote_radius.secret",
    "remote radius server port": "remote_radius.port",
    "trusted ca": "trusted_cas",
    "trusted ca status": "trusted_cas.status",
    "crl": "trusted_cas.crl_url",
    "certificate group identifier": "groups.certificate_group_identifier",
    "radsec": "network_integration.radsec",
    "radsec ca": "network_integration.radsec.ca",
    "radius server certificate": "network.server_certificate",
    "access restriction": "network_integration.access_restrictions",
    "allow-list": "network_integration.access_restrictions",
    "allowlist": "network_integration.access_restrictions",
    "cidr": "network_integration.access_restrictions",
    "admin dashboard access": "organization.admin_access",
    "radius client secret": "network_integration.client_secret",
    "shared secret": "network_integration.client_secret",
    "pre-shared key": "groups.psk",
    "passphrase": "groups.psk",
    "coa": "ipsk.coa",
    "coa secret": "ipsk.coa.listeners.secret",
    "change of authorization": "sessions.coa",
    "authentication port": "network_integration",
    "accounting port": "network_integration",
    "vlan": "attribute_profiles",
    "security group tag": "attribute_profiles",
    "attribute profile": "attribute_profiles",
    "default role": "ipsk.default_role",
    "default role mapping": "organization.admin_auth",
    "role mapping": "organization.admin_auth",
    "personal peap accounts": "groups.personal_peap_accounts",
    "personal peap account password": "groups.users",
    "mab device list": "groups.mab_devices",
    "connected devices": "groups.connected_devices",
    "self-service user": "groups.users",
    "group membership": "groups.users",
    "self-registration": "ipsk.registration.self_registration",
    "use invitation code": "ipsk.registration.invitation_code",
    "request form": "ipsk.request_form",
    "administrator": "organization.administrators",
    "mfa": "organization.mandatory_mfa",
    "mandatory email mfa": "organization.mandatory_mfa",
    "saml": "organization.admin_auth",
    "idp certificate": "organization.admin_auth",
    "self-service portal token lifetime": "organization.selfservice",
    "api token": "organization.api_tokens",
    "webhook": "webhooks",
    "endpoint url": "webhooks.url",
    "http header": "webhooks.headers",
    "service context": "contexts",
    "license": "context.license",
    "group name": "groups.name",
    "context name": "context.name",
    "organization name": "organization.name",
}
"""Fragments of labels, for sources that name a setting as their screen does and tell no path."""

WHOLE_LABELS: dict[str, str] = {
    "name": "context.name",
    "group": "groups",
    "role": "groups.users.role",
    "roles": "organization.administrators.roles",
}
"""Labels too general to be looked for inside others."""

ENTITIES: dict[str, str] = {
    "authmethod": "basic.auth_methods",
    "identitystore": "identity_store",
    "trustedca": "trusted_cas",
    "servercertificate": "network.server_certificate",
    "ipallowlist": "network_integration.access_restrictions",
    "radiusclient": "network_integration",
    "radsec": "network_integration.radsec",
    "attributeprofile": "attribute_profiles",
    "group": "groups",
    "groupdevice": "groups.mab_devices",
    "connecteddevice": "groups.connected_devices",
    "selfserviceuser": "groups.users",
    "coa": "ipsk.coa",
    "remoteradius": "remote_radius",
    "servicecontext": "contexts",
    "administrator": "organization.administrators",
    "license": "context.license",
    "webhook": "webhooks",
    "changewindow": "change_windows",
    "sensitivityrule": "sensitivity_rules",
    "adminauth": "organization.admin_auth",
    "apitoken": "organization.api_tokens",
}
"""Kinds of things, without case and underscores, and where they live; for changes that name nothing more exact."""
