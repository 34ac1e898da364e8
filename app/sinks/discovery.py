"""Which plugins are installed, found one distribution at a time so that a damaged one hides no other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions

from app.sinks.hookspecs import PROJECT


@dataclass(frozen=True, slots=True)
class Source:
    """A distribution as people know it."""

    distribution: str
    version: str

    @property
    def label(self) -> str:
        """Name and version in one text."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry point of our group and where it comes from."""

    entry: EntryPoint
    source: Source

    @property
    def exact_name(self) -> str:
        """``distribution:name``, which no other plugin has."""
        return f"{self.source.distribution}:{self.entry.name}"


@dataclass(frozen=True, slots=True)
class Damaged:
    """A distribution whose entry points cannot be read."""

    source: Source
    error: Exception


def discover() -> tuple[list[Candidate], list[Damaged]]:
    """Every plugin in loading order: built-ins first, so that nobody takes their names; then by distribution and name.

    When a distribution stands on ``sys.path`` twice, the first one counts, as it does for imports.
    """
    found: dict[str, list[Candidate]] = {}
    damaged: list[Damaged] = []
    for distribution in distributions():
        try:
            entries = [entry for entry in distribution.entry_points if entry.group == PROJECT]
        except Exception as error:  # noqa: BLE001 - a damaged file of anybody's must not stop the start
            if _names_our_group(distribution):
                damaged.append(Damaged(_source(distribution), error))
            continue
        if entries:
            source = _source(distribution)
            found.setdefault(_normal(source.distribution), [Candidate(entry, source) for entry in entries])
    candidates = [candidate for group in found.values() for candidate in group]
    return sorted(candidates, key=_load_order), damaged


def _names_our_group(distribution: Distribution) -> bool:
    return f"[{PROJECT}]" in (distribution.read_text("entry_points.txt") or "")


def _source(distribution: Distribution) -> Source:
    metadata = distribution.metadata
    name, version = (metadata[key] if key in metadata else "unknown" for key in ("Name", "Version"))  # noqa: SIM401 - the metadata's type has no get
    return Source(name, version)


def _normal(name: str) -> str:
    """A distribution's name as the packaging standard compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _load_order(candidate: Candidate) -> tuple[bool, str, str]:
    distribution = candidate.source.distribution
    return (distribution != PROJECT, distribution, candidate.entry.name)
