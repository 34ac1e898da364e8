"""A URL as people may see it: user, password, fragment and query values masked."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

MASK = "***"


def shown_url(url: str, *, secret_path: bool = False) -> str:
    """The URL with everything in it that may be a secret replaced by ``***``. For display only, never for a verdict.

    Args:
        url: any text.
        secret_path: the path is a secret too, as in the webhook addresses of chat systems; only the origin is left.
    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return MASK
    place = parts.netloc.rpartition("@")
    host = f"{MASK}@{place[2]}" if place[1] else place[2]
    if secret_path:
        return f"{parts.scheme}://{host}/{MASK}"
    query = "&".join(f"{name}={MASK}" for name, _ in pairs) or (MASK if parts.query else "")
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{query}" if query else "")
