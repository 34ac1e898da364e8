"""How long a message may be, and how many go together."""

from __future__ import annotations

from app.sinks import SYSLOG_UDP, Limits, is_syslog, scheme_of
from plugins.siem.settings import Format, HttpFraming, SiemBinding
from plugins.siem.syslog import FRAME_OVERHEAD

QRADAR_BYTES = 4_096
"""QRadar cuts longer TCP payloads by default."""
UDP_BYTES = 2_048
"""What every receiver should take (RFC 5426, 3.2)."""
SYSLOG_BYTES = 8_192
"""rsyslog's default ``maxMessageSize``."""
LARGEST_DATAGRAM = 65_000
ARRAY_OVERHEAD = 2
"""A comma per item, and the two brackets: counted so that even a single item stays within the limit."""

LINE_FORMATS = frozenset({Format.CEF, Format.LEEF, Format.NDJSON})


def as_lines(binding: SiemBinding) -> bool:
    """Whether an HTTPS request carries one record per line."""
    framing = binding.config.http_framing
    return framing is HttpFraming.LINES or (framing is HttpFraming.AUTO and binding.config.format in LINE_FORMATS)


def is_single(binding: SiemBinding) -> bool:
    """Whether an HTTPS request carries one JSON object and nothing else."""
    return not (binding.batch or as_lines(binding) or binding.config.http_framing is HttpFraming.ARRAY)


def message_limit(binding: SiemBinding) -> int:
    """Most bytes of one message."""
    config = binding.config
    scheme = scheme_of(binding.endpoint_url)
    if not is_syslog(binding.endpoint_url):
        return config.max_bytes - ARRAY_OVERHEAD
    if config.max_message_bytes is not None:
        return min(config.max_message_bytes, LARGEST_DATAGRAM if scheme == SYSLOG_UDP else config.max_bytes)
    usual = QRADAR_BYTES if config.format is Format.LEEF else SYSLOG_BYTES
    return min(usual, UDP_BYTES) if scheme == SYSLOG_UDP else usual


def request_limits(binding: SiemBinding) -> Limits:
    """What one request, or one write, may hold. A datagram is one message."""
    config = binding.config
    longest = message_limit(binding)
    if scheme_of(binding.endpoint_url) == SYSLOG_UDP:
        return Limits(max_events=1, max_bytes=longest, max_item_bytes=longest, item_overhead=0)
    if is_syslog(binding.endpoint_url):
        return Limits(config.max_events, config.max_bytes + FRAME_OVERHEAD, longest, item_overhead=FRAME_OVERHEAD)
    most = 1 if is_single(binding) else config.max_events
    return Limits(most, config.max_bytes, longest, item_overhead=ARRAY_OVERHEAD)
