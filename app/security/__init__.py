"""Locks: API keys, tenancy, the vault of secrets."""
