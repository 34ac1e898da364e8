"""The webhook events of GitHub that speak of configuration, and where each of them holds what changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One webhook event.

    Args:
        name: as in the header ``x-github-event``.
        title: for the catalogue of event types.
        subject: the key of the payload whose object changed.
        label: the key in that object which people know it by.
        action: our word for payloads that have no ``action``.
    """

    name: str
    title: str
    subject: str
    label: str = "name"
    action: str = "update"

    @property
    def event_type(self) -> str:
        """The type of our events."""
        return f"github.{self.name}.audit"


KINDS = {
    kind.name: kind
    for kind in (
        Kind("branch_protection_configuration", "GitHub branch protection switched on or off", "repository"),
        Kind("branch_protection_rule", "GitHub branch protection rule changed", "rule"),
        Kind("deploy_key", "GitHub deploy key added or removed", "key", "title"),
        Kind("member", "GitHub collaborator changed", "member", "login"),
        Kind("membership", "GitHub team member changed", "member", "login"),
        Kind("meta", "GitHub webhook deleted", "hook"),
        Kind("org_block", "GitHub user blocked or unblocked", "blocked_user", "login"),
        Kind("organization", "GitHub organization or its members changed", "organization", "login"),
        Kind("public", "GitHub repository made public", "repository", "full_name"),
        Kind("repository", "GitHub repository changed", "repository", "full_name"),
        Kind("repository_ruleset", "GitHub ruleset changed", "repository_ruleset"),
        Kind("team", "GitHub team changed", "team"),
        Kind("team_add", "GitHub team got a repository", "team", action="add"),
    )
}
