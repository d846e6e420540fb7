"""The position of a key in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

from support import POLICY

from sla_config.toml_places import Path, Places

TEXT = """\
# [no.table]
name = "x" # = [y]
[a."b.c"]
words = [
  ["09:00", "13:00"],  # not a [table]
  [
    "14:00", '18:00',
  ],
]
braces = { deep = { at = 2016-01-01 10:00:00Z }, list = [1, 2.5] }
x.y = '''
[no.table]
z = 1'''
[[many]]
key = 1
[[many]]
key = 2
"""


def test_keys_tables_and_items_are_found_on_their_lines() -> None:
    places = Places(TEXT)
    a = ("a", "b.c")
    assert places.line_of(("name",)) == 2
    assert places.line_of(a) == 3
    assert [places.line_of((*a, "words", *item)) for item in ((), (0, 1), (1,), (1, 1))] == [
        *(4, 5, 6, 7),
    ]
    assert places.line_of((*a, "braces", "list", 1)) == 10
    assert places.line_of((*a, "x", "y")) == 11
    assert [places.line_of(("many", number, "key")) for number in (0, 1)] == [15, 17]


def test_what_is_not_written_is_on_the_line_of_what_is_around_it() -> None:
    places = Places(TEXT)
    assert places.line_of(("a", "b.c", "braces", "deep", "missing")) == 10
    assert places.line_of(("a",)) == 3
    assert places.line_of(("missing", "table")) == 1
    assert ("missing",) not in places


def paths(value: Any, path: Path = ()) -> set[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = {path} - {()}
    if isinstance(value, dict | list):
        for name, each in inner:
            found |= (
                paths(each, (*path, name)) if isinstance(each, dict | list) else {(*path, name)}
            )
    return found


def test_every_key_that_the_reader_finds_has_its_place() -> None:
    for text in (TEXT, POLICY.read_text()):
        places = Places(text)
        for path in paths(tomllib.loads(text)):
            assert path in places, path
