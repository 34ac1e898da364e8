"""Rules: events, masking, retry, signing, addresses. Pure functions and frozen values; no I/O."""
