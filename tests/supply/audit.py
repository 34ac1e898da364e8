"""Ask pip-audit about every package that an installation gets: ``python -m tests.supply.audit``.

A known vulnerability fails. Whatever could not be asked about is named and does not: nobody's build shall stand still
because an index does not answer.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of asking. ``fails`` says whether the build may go on."""

    fails: bool
    words: str


def read(report: str, errors: str) -> Verdict:
    """The verdict on what pip-audit wrote on its standard output and error."""
    try:
        packages = orjson.loads(report)["dependencies"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        return Verdict(fails=False, words=f"NOT AUDITED: the index could not be asked: {last}")
    found = [
        f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'none yet'}"
        for one in packages
        for known in one.get("vulns", ())
    ]
    if found:
        return Verdict(fails=True, words="KNOWN VULNERABILITIES:\n" + "\n".join(found))
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    asked = len(packages) - len(unknown)
    if unknown:
        words = f"NOT AUDITED: {len(unknown)} packages of which the index says nothing: {', '.join(unknown)}"
        return Verdict(fails=False, words=f"{asked} packages without a known vulnerability\n{words}")
    return Verdict(fails=False, words=f"{asked} packages without a known vulnerability")


def locked() -> str:
    """What an installation gets, with hashes, as pip reads it."""
    words = ["uv", "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--format", "requirements-txt"]
    uv = Path(sys.executable).with_name("uv")
    return subprocess.run([uv, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Audit the lock file."""
    with tempfile.TemporaryDirectory(prefix="rp-audit-") as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(locked())
        words = ["--requirement", requirements, "--require-hashes", "--disable-pip", "--format", "json"]
        try:
            run = subprocess.run(
                [sys.executable, "-m", "pip_audit", *words, "--progress-spinner", "off", "--timeout", "5"],
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_S,
            )
            verdict = read(run.stdout, run.stderr)
        except subprocess.TimeoutExpired:
            verdict = read("", f"no answer within {PATIENCE_S} s")
    print(verdict.words)  # noqa: T201 - a command's own words
    sys.exit(verdict.fails)


if __name__ == "__main__":
    main()
