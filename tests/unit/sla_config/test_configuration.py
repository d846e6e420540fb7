"""A mistake in any configuration file is reported with line, key and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import default_book

from sla_board.access import read_access
from sla_config.errors import UserFacingError
from sla_import.columns import read_columns
from sla_intake.sources import read_sources
from sla_lab.scenarios import read_scenarios
from sla_notifier.routes import read_routes
from sla_policy.loading import load_policy

ROUTES = """\
allowed_hosts = ["127.0.0.1:9"]
[[destinations]]
name = "chat"
kind = "slack"
url = "http://127.0.0.1:9/"

[[routes]]
to = ["chat"]
"""
SOURCES = """\
[[sources]]
name = "desk"
kind = "jira"
secret_envs = ["S"]
client_id = "acme"
"""
TOKENS = f"""\
[[tokens]]
name = "lead"
role = "lead"
sha256 = "{"0" * 64}"
"""
COLUMNS = """\
ticket = "id"
client = "org"
created = "opened"
"""
SCENARIO = """\
[[scenario]]
name = "one"
when = []
then.at = "2026-11-23 18:00"
"""
Read = Callable[[Path], Any]
FILES: dict[str, tuple[str, Read]] = {
    "routes": (ROUTES, lambda path: read_routes(path, default_book())),
    "sources": (SOURCES, lambda path: read_sources(path, secrets=False)),
    "tokens": (TOKENS, read_access),
    "columns": (COLUMNS, read_columns),
    "scenario": (SCENARIO, read_scenarios),
}


def said(tmp_path: Path, read: Read, text: str | bytes) -> str:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UserFacingError) as error:
        read(path)
    return str(error.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "routes",
            "url =",
            "ulr =",
            "5: destinations.0.ulr: [[destinations]] has no key 'ulr'; ",
        ),
        ("routes", 'to = ["chat"]', 'to = "chat"', "8: routes.0.to: is not a list in brackets"),
        (
            "routes",
            '"slack"',
            '"slak"',
            "4: destinations.0.kind: is not one of alertmanager, webhook",
        ),
        ("routes", 'to = ["chat"]\n', "", "7: routes.0.to: is missing; write a list in br"),
        (
            "sources",
            'name = "desk"\n',
            "",
            "1: sources.0.name: is missing; write a string in quotes",
        ),
        (
            "sources",
            "[[sources]]",
            "[[source]]",
            "1: source: the file has no key 'source'; did ",
        ),
        (
            "tokens",
            '"lead"\nsha',
            '"led"\nsha',
            "3: tokens.0.role: is not one of lead, client; ",
        ),
        ("columns", "client =", "clients =", "2: clients: the file has no key 'clients'; did you"),
        (
            "scenario",
            "when = []",
            'when = "x"',
            "3: scenario.0.when: 'x' is not a list in ",
        ),
    ],
)
def test_a_mistake_has_line_key_and_remedy(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    text, read = FILES[file]
    assert old in text
    assert f"mine.toml:{told}" in said(tmp_path, read, text.replace(old, new, 1))


@pytest.mark.parametrize("file", [*FILES, "policy"])
def test_what_is_no_toml_or_no_text_is_told(tmp_path: Path, file: str) -> None:
    _, read = FILES.get(file, ("", load_policy))
    assert "mine.toml:2: not TOML: a string has no closing quote" in said(
        tmp_path, read, '\nx = "a'
    )
    assert "mine.toml:3: is not UTF-8 text; save it as UTF-8" in said(
        tmp_path, read, b"\n\nx='\xe9'"
    )
    missing = said(tmp_path, lambda path: read(path.with_name("none.toml")), "")
    assert "none.toml: cannot be read: No such file or directory" in missing


@pytest.mark.parametrize("file", FILES)
def test_a_file_may_begin_with_the_mark_of_its_encoding(tmp_path: Path, file: str) -> None:
    text, read = FILES[file]
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8-sig")
    assert read(path) is not None


@pytest.mark.parametrize("key", ["sha256", "role"])
def test_what_may_be_a_secret_in_the_wrong_place_is_never_told(tmp_path: Path, key: str) -> None:
    for value in ('"hunter22hunter22"', '["hunter22"]', "{ hunter22 = 1 }"):
        lines = [line for line in TOKENS.splitlines() if not line.startswith(key)]
        message = said(tmp_path, read_access, "\n".join([*lines, f"{key} = {value}"]))
        assert "hunter22" not in message
        assert f"tokens.0.{key}" in message
