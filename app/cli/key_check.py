"""Before anything starts: the master keys at hand must open what the database holds."""

from __future__ import annotations

import logging
from contextlib import closing

from app.core.errors import StoreUnavailableError
from app.security.resealing import refuse_missing_keys
from app.security.vault import open_vault
from app.settings import Settings
from app.store.engine import open_store
from app.store.schema_revision import schema_status

log = logging.getLogger(__name__)


def check_master_keys(settings: Settings) -> None:
    """Refuse the start when a master key is missing. A database that is away or empty has nothing to say yet.

    Raises:
        ConfigurationError: naming the id of the missing key.
    """
    vault = open_vault(settings.instance, settings.secret_keys)
    with closing(open_store(settings.database_url, pool_size=1)) as store:
        try:
            if schema_status(store)[0] is None:
                return
            with store.read() as connection:
                refuse_missing_keys(connection, vault)
        except StoreUnavailableError:
            log.warning("the database is away; whether every master key is there will show later")
