"""The published contracts among the examples load without a remark and keep what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from sla_domain.agreement import STANDARD
from sla_lab import scenarios
from sla_lab.scenarios import try_file
from sla_lab.simulation import Outputs, simulate
from sla_policy.loading import check_file

EXAMPLES = ROOT / "deploy" / "policies" / "examples"
CONTRACTS = [path for path in sorted(EXAMPLES.glob("*.toml")) if ".scenarios" not in path.name]
#: A sentence that says what can't be said yet, and what it needs.
NOT_YET = re.compile(r"# not yet: .+; needs .+")
#: A sentence that says what is left out, and why.
NOT_SAID = re.compile(r"# Not said: .+; .+")

of_each_contract = pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)


def test_twelve_vendors_are_among_the_examples() -> None:
    names = {path.stem for path in CONTRACTS}
    assert {"redhat", "atlassian", "gitlab", "aws", "mongodb", "sap"} <= names
    assert {"clicksports", "ibmcloud", "paloalto", "scious", "snecs", "swk"} <= names


@of_each_contract
def test_a_published_contract_has_a_source_and_no_remark(path: Path) -> None:
    assert check_file(path).warnings == []
    text = path.read_text()
    assert re.search(r"^# Sources?: .+", text, re.MULTILINE), "it cites its source"
    assert re.search(r"https?://\S+", text)
    assert "# section " in text, "it says where in the source a promise stands"
    joined = re.sub(r"\n# (?!not yet|Not said)", " ", text)
    for form, mark in ((NOT_YET, "not yet"), (NOT_SAID, "Not said")):
        marks = [line for line in text.splitlines() if mark in line]
        assert len(form.findall(joined)) == len(marks), "each says what it needs, or why"


@of_each_contract
def test_a_published_contract_keeps_what_its_scenarios_say(path: Path) -> None:
    verdicts = list(try_file(path.with_suffix(".scenarios.toml")))
    assert [each.differences for each in verdicts] == [[]] * len(verdicts)
    assert 4 <= len(verdicts) <= 12


@of_each_contract
def test_each_agreement_of_a_contract_takes_a_ticket(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[str | None] = set()

    def watched(*given: Any, **options: Any) -> Outputs:
        outputs = simulate(*given, **options)
        taken.update(json.loads(ticket).get("agreement") for ticket in outputs.tickets)
        return outputs

    monkeypatch.setattr(scenarios, "simulate", watched)
    list(try_file(path.with_suffix(".scenarios.toml")))
    policy = check_file(path).policy
    assert {each.name for each in policy.agreements} - {STANDARD} <= taken


def test_the_page_counts_what_waits_in_each_contract() -> None:
    page = (ROOT / "docs" / "policy.md").read_text()
    rows = dict(
        re.findall(r"^\| \[.+?\]\(\S+/examples/(\w+)\.toml\) \|.+\| (\d+): ", page, re.MULTILINE)
    )
    texts = {path.stem: path.read_text() for path in CONTRACTS}
    waiting = {
        name: str(text.count("# not yet: ") + text.count("# Not said: "))
        for name, text in texts.items()
    }
    assert rows == waiting
