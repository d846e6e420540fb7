"""What is under deploy/ follows from the code and is accepted by those it is for."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from support import ROOT


def generator() -> ModuleType:
    """``deploy/generate.py``, which is no package."""
    spec = importlib.util.spec_from_file_location("generated", ROOT / "deploy" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_follows_from_the_code_is_as_the_code_says() -> None:
    for path, text in generator().files().items():
        assert path.read_text("utf-8") == text, f"run 'make deploy': {path.name} is out of date"
