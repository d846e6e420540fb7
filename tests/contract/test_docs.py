"""The pages in docs/ say what the models say."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from support import ROOT


def generator() -> ModuleType:
    """``docs/generate.py``, which is no package."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_settings_are_those_of_the_models() -> None:
    generate = generator()
    found = set()
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text("utf-8")
        assert generate.filled(text) == text, f"run 'make docs': {page.name} is out of date"
        found |= {name for name in generate.MODELS if f"<!-- settings: {name} -->" in text}
    assert found == set(generate.MODELS)
    assert "| needed | " in (ROOT / "docs/notifier.md").read_text("utf-8")
