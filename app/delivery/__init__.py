"""Out: claim, format, send, classify, record."""
