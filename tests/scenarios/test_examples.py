"""The published contracts among the examples load without a remark and keep what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import ROOT

from sla_domain.agreement import STANDARD
from sla_lab.scenarios import read_scenarios, try_file
from sla_policy.loading import check_file

EXAMPLES = ROOT / "deploy" / "policies" / "examples"
CONTRACTS = [path for path in sorted(EXAMPLES.glob("*.toml")) if ".scenarios" not in path.name]
#: A sentence that says what can't be said yet, and what it needs.
NOT_YET = re.compile(r"# not yet: .+; needs .+")


def test_six_vendors_are_among_the_examples() -> None:
    names = {path.stem for path in CONTRACTS}
    assert {"redhat", "atlassian", "gitlab", "aws", "mongodb", "sap"} <= names


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_a_published_contract_has_a_source_and_no_remark(path: Path) -> None:
    assert check_file(path).warnings == []
    text = path.read_text()
    assert re.search(r"^# Sources?: .+", text, re.MULTILINE), "it cites its source"
    assert "https://" in text
    marks = [line for line in text.splitlines() if "not yet" in line]
    joined = re.sub(r"\n# (?!not yet)", " ", text)
    assert len(NOT_YET.findall(joined)) == len(marks), "each says what it needs"


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_a_published_contract_keeps_what_its_scenarios_say(path: Path) -> None:
    scenarios = path.with_suffix(".scenarios.toml")
    verdicts = list(try_file(scenarios))
    assert [each.differences for each in verdicts] == [[]] * len(verdicts)
    assert len(verdicts) >= 4


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_each_plan_and_product_of_a_contract_is_tried(path: Path) -> None:
    lines = [
        line
        for scenario in read_scenarios(path.with_suffix(".scenarios.toml")).scenario
        for line in scenario.all_lines()
    ]
    for agreement in check_file(path).policy.agreements:
        assert agreement.name != STANDARD
        wanted = [
            [rf"\b(?:attributes\.)?{fact}={re.escape(value)}(?:\s|$)" for value in values]
            for fact, values in agreement.when.items()
        ]
        assert any(
            all(any(re.search(each, line) for each in any_of) for any_of in wanted)
            for line in lines
        ), f"no scenario is about {agreement.name}"
