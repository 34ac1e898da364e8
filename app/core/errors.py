"""The error tree.

::

    RelaypointError
    ├── NotRememberedError        only the database can tell, and the caller must not wait for it
    ├── TemporaryError            trying again later may help
    │   ├── OverloadedError           too much is under way
    │   ├── RateLimitedError          the caller did this too often
    │   └── StoreUnavailableError     the database could not commit
    │       └── SchemaMismatchError       it lacks a table or column; somebody has to mend it first
    └── PermanentError            the same input fails for ever
        ├── InvalidInputError         a field or body is wrong; names the field
        ├── NotFoundError             no such thing, or not yours
        │   └── NoContextError            the organization has no such context
        ├── ConflictError             the thing is in a state that forbids this
        ├── ForbiddenError            the key may not do this
        ├── ConfigurationError        a setting or a key file is wrong
        └── SecretUnreadableError     a stored secret cannot be opened with the keys at hand

No message of any of these ever holds a secret.
"""

from __future__ import annotations


class RelaypointError(Exception):
    """Anything Relaypoint raises on purpose."""

    permanent: bool = True


class NotRememberedError(RelaypointError):
    """Something is not in memory, and whoever asked must not wait for the database."""


class TemporaryError(RelaypointError):
    """Trying the same again later may succeed."""

    permanent = False


class OverloadedError(TemporaryError):
    """Too much of this is under way already."""


class RateLimitedError(TemporaryError):
    """The caller did this too often.

    Args:
        detail: a sentence that says of what there was too much.
        retry_after_s: seconds until it may be tried again.
    """

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class StoreUnavailableError(TemporaryError):
    """The database could not take or give the rows now."""


class SchemaMismatchError(StoreUnavailableError):
    """The database lacks a table or a column that this version needs.

    Waiting alone does not help. It is treated like a database that is away all the same: nothing is lost meanwhile, and
    the same may succeed once somebody has mended the schema.
    """


class PermanentError(RelaypointError):
    """The same input will fail for ever."""


class InvalidInputError(PermanentError):
    """A field or a body is wrong.

    Args:
        detail: a sentence that says what to do.
        field: dotted name of the field at fault, or "" for the whole body.
    """

    def __init__(self, detail: str, *, field: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class NotFoundError(PermanentError):
    """There is no such thing, or it belongs to somebody else."""


class NoContextError(NotFoundError):
    """The organization has no such context, or it is not the caller's. A form says so beside its field."""

    def __init__(self, organization_id: str, context_id: str) -> None:
        super().__init__(f"organization {organization_id!r} has no context {context_id!r}")


class ConflictError(PermanentError):
    """The thing is in a state that forbids the call."""


class ForbiddenError(PermanentError):
    """The caller's key may not do this."""


class ConfigurationError(PermanentError):
    """A setting, a file or a key of the operator is wrong."""


class SecretUnreadableError(PermanentError):
    """A stored secret cannot be opened with the master keys at hand."""
