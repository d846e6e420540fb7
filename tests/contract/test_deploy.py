"""What is under deploy/ follows from the code and is accepted by those it is for."""

from __future__ import annotations

from support import ROOT, script


def test_what_follows_from_the_code_is_as_the_code_says() -> None:
    for path, text in script(ROOT / "deploy" / "generate.py").files().items():
        assert path.read_text("utf-8") == text, f"run 'make deploy': {path.name} is out of date"
