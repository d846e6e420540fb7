"""The pages in docs/ say what the models say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_the_site_builds_without_a_complaint(tmp_path: Path) -> None:
    built = subprocess.run(
        [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    assert listed == pages, "every page has its place in the site"
    for page in tmp_path.rglob("*.html"):
        told = page.read_text("utf-8")
        loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"', told)
        assert not loaded, f"{page.name} loads {loaded[0]} from elsewhere"
