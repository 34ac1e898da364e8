"""Names of organizations and contexts, remembered by this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.core.errors import NotRememberedError
from app.store import Store
from app.store.accepted import context_name, organization_name

REMEMBERED = 50_000
"""Contexts remembered before the memory starts over."""


class KnownNames(Protocol):
    """Where names are looked up."""

    def organization(self, organization_id: str) -> str | None:
        """The organization's name, or None when there is no such organization."""
        ...

    def context(self, organization_id: str, context_id: str) -> str | None:
        """The context's last known name, or None."""
        ...


class RememberedNames:
    """Names without the database behind them."""

    def __init__(self, organizations: Mapping[str, str], contexts: Mapping[tuple[str, str], str | None]) -> None:
        self._organizations = organizations
        self._contexts = contexts

    def organization(self, organization_id: str) -> str:
        """The organization's name.

        Raises:
            NotRememberedError: only the database can tell.
        """
        name = self._organizations.get(organization_id)
        if name is None:
            raise NotRememberedError(organization_id)
        return name

    def context(self, organization_id: str, context_id: str) -> str | None:
        """The context's last known name, or None.

        Raises:
            NotRememberedError: only the database can tell.
        """
        try:
            return self._contexts[organization_id, context_id]
        except KeyError:
            raise NotRememberedError(context_id) from None


class Names:
    """Last names seen. Another process may know a newer one; an event's own name always wins."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._organizations: dict[str, str] = {}
        self._contexts: dict[tuple[str, str], str | None] = {}
        self.memory = RememberedNames(self._organizations, self._contexts)

    def organization(self, organization_id: str) -> str | None:
        """The organization's name, or None when there is no such organization."""
        name = self._organizations.get(organization_id)
        if name is None:
            with self._store.read() as connection:
                name = organization_name(connection, organization_id)
            if name is not None:
                self._organizations[organization_id] = name
        return name

    def forget_organizations(self) -> None:
        """Look the names of organizations up again: one of them may have changed."""
        self._organizations.clear()

    def context(self, organization_id: str, context_id: str) -> str | None:
        """The context's last known name, or None."""
        key = (organization_id, context_id)
        if key not in self._contexts:
            with self._store.read() as connection:
                found = context_name(connection, *key)
            if found is None:
                return None
            self._contexts[key] = found.name
        return self._contexts[key]

    def is_news(self, organization_id: str, context_id: str, name: str | None) -> bool:
        """Whether an event tells of a context, or of a name, that is not remembered."""
        key = (organization_id, context_id)
        return key not in self._contexts or (name is not None and self._contexts[key] != name)

    def learn(self, organization_id: str, context_id: str, name: str | None) -> None:
        """Remember what was committed."""
        if len(self._contexts) >= REMEMBERED:
            self._contexts.clear()
        known = self._contexts.get((organization_id, context_id))
        self._contexts[organization_id, context_id] = name if name is not None else known
