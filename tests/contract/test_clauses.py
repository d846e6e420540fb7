"""Every clause of the support document has a correct row in docs/policy.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import POLICY, ROOT, shared_file

from sla_lab.scenarios import read_scenarios, try_file

DOC = ROOT / "docs" / "policy.md"
CLAUSES = [f"C{number}" for number in range(1, 22)]


def rows() -> dict[str, list[str]]:
    """The cells of the table by clause."""
    lines = [line for line in DOC.read_text().splitlines() if re.match(r"\| C\d+ \|", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


def links(cell: str) -> list[Path]:
    return [DOC.parent / target for target in re.findall(r"\]\(([^)]+)\)", cell)]


def test_every_clause_has_a_row_in_order() -> None:
    assert list(rows()) == CLAUSES


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_is_shown_by_a_scenario_and_run_by_a_test(clause: str) -> None:
    _, rule, scenarios, tests = rows()[clause]
    assert rule
    (path,) = links(scenarios)
    assert path.stem.split("-")[0] == clause
    assert read_scenarios(path).scenario
    assert tests
    for test in links(tests):
        assert "def test_" in test.read_text(), test
    assert "scenarios" in tests


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_is_quoted_from_the_source(clause: str) -> None:
    source = " ".join(shared_file("spec/aivo-support-sla.es.txt").read_text().split())
    quotation = rows()[clause][0].strip('"')
    assert quotation.casefold() in source.casefold()


def test_every_clause_that_is_data_is_named_in_the_policy_file() -> None:
    text = POLICY.read_text()
    named = set(re.findall(r"C\d+", text)) | {
        f"C{number}"
        for first, last in re.findall(r"C(\d+)-C(\d+)", text)
        for number in range(int(first), int(last) + 1)
    }
    # C15 and C16 are rules of the program: what a feature request is, and who is told.
    assert set(CLAUSES) - named <= {"C15", "C16"}


def test_the_example_in_the_document_holds(tmp_path: Path) -> None:
    found = re.findall(r"```toml\n(.*?)```", DOC.read_text(), re.DOTALL)
    (example,) = [each for each in found if "[[scenario]]" in each]
    path = tmp_path / "example.toml"
    path.write_text(example)
    assert [verdict.differences for verdict in try_file(path)] == [[]]
