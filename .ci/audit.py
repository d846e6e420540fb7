"""Compare locked packages with known vulnerabilities: ``python .ci/audit.py REQUIREMENTS``.

Exit status 1 where one is known that has no exception, or whose exception has run out. Where the
database of vulnerabilities can't be reached that is said, and nothing is claimed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

EXCEPTIONS: Final = Path(__file__).with_name("audit.toml")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: how many packages were looked up and how many could not be, and what is said
    against them.
    """

    audited: int
    skipped: int
    complaints: Sequence[str]


def judge(report: Mapping[str, Any], exceptions: Sequence[Mapping[str, Any]], today: date) -> Audit:
    """What pip-audit's ``report`` says, less what is excepted until a later day than ``today``."""
    excepted = {each["id"]: each for each in exceptions}
    complaints = []
    packages = report["dependencies"]
    skipped = [each for each in packages if "skip_reason" in each]
    for package in packages:
        for found in package.get("vulns", []):
            names = {found["id"], *found.get("aliases", [])}
            known = next((excepted[name] for name in names if name in excepted), None)
            where = f"{package['name']} {package['version']}: {found['id']}"
            if known is None:
                fixed = ", ".join(found.get("fix_versions", [])) or "no version yet"
                complaints.append(f"{where}, mended in {fixed}")
            elif known["until"] < today:
                complaints.append(f"{where}: its exception ran out on {known['until']}")
    return Audit(len(packages) - len(skipped), len(skipped), complaints)


def read_exceptions() -> list[dict[str, Any]]:
    """The exceptions: ``id``, ``reason`` and ``until`` of each."""
    found = tomllib.loads(EXCEPTIONS.read_text("utf-8")).get("exceptions", [])
    for each in found:
        if not each.get("reason") or not isinstance(each.get("until"), date):
            raise SystemExit(f"{EXCEPTIONS.name}: {each.get('id')} needs a reason and a date")
    return list(found)


def main(requirements: str) -> int:
    """Ask, judge and print."""
    asked = subprocess.run(
        [
            Path(sys.executable).with_name("pip-audit"),
            *("--requirement", requirements, "--disable-pip", "--require-hashes"),
            *("--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(asked.stdout)
    except json.JSONDecodeError:
        print(f"not audited: {(asked.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return 0
    audit = judge(report, read_exceptions(), datetime.now(UTC).date())
    for complaint in audit.complaints:
        print(complaint)
    print(f"{audit.audited} packages audited, {audit.skipped} could not be looked up")
    return 1 if audit.complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
