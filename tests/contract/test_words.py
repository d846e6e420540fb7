"""The words of a contract are in its policy: code and schemas have none of one vendor's."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support import ROOT, default_book

POLICY = default_book().latest
#: What one vendor calls things. Words of the domain's own (who is waited for, where a fault may
#: lie by default) are not his, and `medium` is a field of events, too.
VENDORS = {
    *POLICY.severities,
    *(name for names in POLICY.severity_names.values() for name in names.values()),
    *(word for field in ("impact", "scope", "affects", "plan", "built_by") for word in
      POLICY.words[field]),
} - {"question", "other", "standard", "third_party", "integration", "medium"}  # fmt: skip
#: Words that mean something else where they stand.
ELSEWHERE = {
    ("sla_import/bpic2013.py", "high"),  # impacts of that log
    ("sla_import/bpic2013.py", "low"),
}


def constants(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def values(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (value for value in schema.get("enum", ()) if isinstance(value, str))
        for inner in schema.values():
            yield from values(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from values(inner)


def test_no_code_names_a_word_of_one_vendor() -> None:
    found = {
        (path.relative_to(ROOT / "services").as_posix(), word)
        for path in (ROOT / "services").rglob("*.py")
        for word in constants(path)
        if word in VENDORS
    }
    assert found - ELSEWHERE == set()
    assert found >= ELSEWHERE, "no longer there: take it from the list"


def test_no_schema_lists_a_word_of_one_vendor() -> None:
    for path in [
        *(ROOT / "schemas" / "jsonschema").glob("*.json"),
        *(ROOT / "schemas").glob("*.yaml"),
    ]:
        text = path.read_text("utf-8")
        listed = set(values(json.loads(text))) if path.suffix == ".json" else set()
        assert listed & VENDORS == set(), path.name
        assert not re.search(r"\b(blocker|agentbot|aivo)\b", text), path.name


def test_no_page_is_styled_by_a_word_of_one_vendor() -> None:
    static = [*(ROOT / "services").rglob("*.css"), *(ROOT / "services").rglob("*.j2")]
    for path in static:
        classes = set(re.findall(r"\.([a-z][a-z0-9_-]*)", path.read_text("utf-8")))
        assert classes & {*POLICY.severities} == set(), path.name
