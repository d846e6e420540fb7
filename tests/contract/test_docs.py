"""The pages in docs/ agree with the models and refer only to things that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import click
import pytest
import typer
from pydantic import BaseModel, TypeAdapter
from support import ROOT, script
from support.cli import sla

from sla_cli.main import app
from sla_domain.event import EVENT_TYPES
from sla_policy.loading import PolicyError, check_policy
from sla_policy.sections import PolicyFile
from sla_text.language import catalogue


def test_the_tables_of_settings_are_those_of_the_models() -> None:
    generate = script(ROOT / "docs" / "generate.py")
    found = set()
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text("utf-8")
        assert generate.filled(text) == text, f"run 'make docs': {page.name} is out of date"
        found |= {name for name in generate.MODELS if f"<!-- settings: {name} -->" in text}
    assert found == set(generate.MODELS)
    assert "| needed | " in (ROOT / "docs/notifier.md").read_text("utf-8")


def sections(model: type[BaseModel] = PolicyFile) -> set[type[BaseModel]]:
    """Every table of the policy file."""
    found = {model}
    for field in model.model_fields.values():
        for inner in inside(field.annotation):
            found |= sections(inner)
    return found


def inside(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in inside(part)}


@pytest.mark.parametrize("section", sorted(sections(), key=str), ids=lambda s: s.__name__)
def test_every_example_of_a_key_of_a_policy_can_be_written_there(section: type[BaseModel]) -> None:
    for name, field in section.model_fields.items():
        for example in field.examples or []:
            written = tomllib.loads(f"value = {example}")["value"]
            whole: Any = Annotated[(field.annotation, *field.metadata, "as written")]
            assert TypeAdapter(whole).validate_python(written) is not None, name


def _rows_of_the_policy_reference() -> list[str]:
    page = (ROOT / "docs" / "policy-reference.md").read_text("utf-8")
    tables = page.partition("<!-- generated: policy -->")[2].partition("<!-- end -->")[0]
    return re.findall(r"^\| `.* \|$", tables, re.MULTILINE)


def test_every_key_of_a_policy_has_whole_sentences_and_an_example() -> None:
    rows = _rows_of_the_policy_reference()
    assert len(rows) > 70
    for row in rows:
        key, needed, value, told, examples = row.strip("| ").split(" | ")
        assert value, row
        assert re.match(r"[A-Z`].*\.$", told), row
        assert needed == "needed" or re.search("[Bb]y default|needed|either", told), row
        lines = re.findall("`([^`]+)`", examples)
        assert lines, f"{key} has no example"
        for line in lines:
            assert key.strip("`") in str(tomllib.loads(line)), row


def test_what_the_reference_shows_of_the_smallest_policy_is_so(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "policy-reference.md").read_text("utf-8")
    blocks = re.findall(r"^```(?:toml|console|text)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    smallest, listed, refused = blocks
    (tmp_path / "acme.toml").write_text(smallest, "utf-8")
    said = sla("policy", "check", tmp_path / "acme.toml", "--strict", "--year", "2026").stdout
    shown = [line.rstrip() for line in said.decode().splitlines()]
    assert listed.splitlines() == ["$ sla policy check acme.toml --strict", *shown]
    with pytest.raises(PolicyError) as mistaken:
        check_policy(smallest.replace("zone =", "zoen ="), "acme.toml")
    assert mistaken.value.mistakes[0] in refused.splitlines()


def test_the_policy_reference_has_words_as_a_policy_has_them() -> None:
    page = (ROOT / "docs" / "policy-reference.md").read_text("utf-8")
    for word in EVENT_TYPES:
        assert f"[`{word}`](event-reference.md#ticket{word})" in page
        assert f"## ticket.{word}\n" in (ROOT / "docs" / "event-reference.md").read_text("utf-8")
    for programmers in ("integer", "string", "anything", "object", "`0`", "86400000"):
        assert not re.search(rf"(?<!\w){re.escape(programmers)}(?!\w)", page), programmers


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


_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMANDS: Any = typer.main.get_command(app)


def _every_command(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, str]]:
    """Each command's name and all that its ``--help`` says."""
    with click.Context(command, info_name=" ".join(path)) as context:
        yield " ".join(path), command.get_help(context)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _every_command((*path, name), inner)


HELPS = dict(_every_command(("sla",), _COMMANDS))


@pytest.mark.parametrize("name", HELPS)
def test_a_file_that_a_help_names_is_there_or_the_readers_own(name: str) -> None:
    told = "a file name without a folder stands for a file of your own"
    assert told in " ".join(HELPS["sla"].split())
    for path in re.findall(r"(?<![\w/.])(?:\w[\w-]*/)+[\w.-]+\.\w+", HELPS[name]):
        assert (ROOT / path).is_file(), f"'{name} --help' names {path}, which does not exist"


def _said(text: str) -> Iterator[str]:
    """The calls of ``sla`` in a page: in its code blocks and within its lines."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for line in "\n".join(blocks).splitlines():
        if found := re.match(r"(?:\$ )?(?:\.venv/bin/)?(sla .*?)(?: &| \||$)", line):
            yield found[1]
    prose = re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`(sla [^`\n]+)`", prose)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    for call in _said(page.read_text("utf-8")):
        command, options = _COMMANDS, _options(_COMMANDS)
        words = iter(call.split()[1:])
        for word in words:
            inner = getattr(command, "commands", {})
            if re.match(r"-\w|--", word):
                option, given, _ = word.partition("=")
                assert option in options, f"{call}: no option {option}"
                if not given and not options[option]:
                    next(words, None)
            elif inner and re.fullmatch(r"[a-z]\w*", word):
                assert word in inner, f"{call}: no command {word}"
                command = inner[word]
                options |= _options(command)


def _options(command: Any) -> dict[str, bool]:
    """Each option of a command, and whether it goes without a value."""
    return {"--help": True, "-h": True} | {
        option: getattr(each, "is_flag", False)
        for each in command.params
        for option in (*each.opts, *each.secondary_opts)
    }


def test_the_runbook_calls_things_of_the_board_as_the_board_does() -> None:
    text = " ".join((ROOT / "docs" / "runbook.md").read_text("utf-8").split())
    quoted = re.findall(r'\bthe board, "([^"]+)"', text)
    assert len(quoted) >= 2
    shown = {entry["en"] for entry in catalogue()["live"].values()}
    assert set(quoted) <= shown


def test_the_glossary_is_short_and_leads_to_what_it_names() -> None:
    entries = re.findall(
        r"^\| \[[^]]+\]\(([^)]+)\) \|",
        (ROOT / "docs" / "glossary.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert 20 < len(entries) <= 40
    for target in entries:
        assert (ROOT / "docs" / target).is_file(), target
