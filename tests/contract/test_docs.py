"""The pages in docs/ say what the models say."""

from __future__ import annotations

from support import ROOT, script


def test_the_tables_of_settings_are_those_of_the_models() -> None:
    generate = script(ROOT / "docs" / "generate.py")
    found = set()
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text("utf-8")
        assert generate.filled(text) == text, f"run 'make docs': {page.name} is out of date"
        found |= {name for name in generate.MODELS if f"<!-- settings: {name} -->" in text}
    assert found == set(generate.MODELS)
    assert "| needed | " in (ROOT / "docs/notifier.md").read_text("utf-8")
