"""On which line of a TOML text a key is, and what is wrong with a text that is not TOML.

The standard library's parser keeps no positions, so the text is split into tokens once more when a
mistake is to be reported.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

#: A dotted key as its parts; a number is the place in a list.
Path = tuple[str | int, ...]

_TOKEN: Final = re.compile(
    r"""
      (?P<blank>[ \t\r]+|\#[^\n]*)
    | (?P<text>\"{3}.*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    | (?P<mark>[\[\]{}=,.\n])
    | (?P<word>[^\s\[\]{}=,."'\#]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COORDINATE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_END: Final = ""


class _Token(NamedTuple):
    text: str
    line: int


class Places:
    """The lines on which each key and list item of a text is.

    For a text that is not TOML, as far as they can be found.
    """

    def __init__(self, text: str) -> None:
        #: Every key, table and list item in the order of the text, with its line.
        self.all: list[tuple[Path, int]] = []
        self._tokens = list(_tokens(text))
        self._at = 0
        self._read()
        self._first: dict[Path, int] = {}
        for path, line in self.all:
            # A table says that the tables around it exist.
            for depth in range(1, len(path) + 1):
                self._first.setdefault(path[:depth], line)

    def line_of(self, path: Path) -> int:
        """The line of ``path``; if it is not in the text, that of the nearest table around it, or
        else the first line.
        """
        for depth in range(len(path), 0, -1):
            if (line := self._first.get(path[:depth])) is not None:
                return line
        return 1

    def __contains__(self, path: Path) -> bool:
        return path in self._first

    def _read(self) -> None:
        table: Path = ()
        counts: dict[Path, int] = {}
        while self._here.text != _END:
            if self._here.text == "\n":
                self._step()
            elif self._here.text == "[":
                line = self._here.line
                self._step()
                many = self._here.text == "["
                if many:
                    self._step()
                table = self._of_entries(self._key(), counts)
                if many:
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                self.all.append((table, line))
                self._skip_line()
            else:
                self._pair(table)
                self._skip_line()

    @staticmethod
    def _of_entries(key: Path, counts: Mapping[Path, int]) -> Path:
        """A table's key with the number of the list's entry that it belongs to, the last one."""
        found: Path = ()
        for place, part in enumerate(key):
            found = (*found, part)
            if found in counts and place + 1 < len(key):
                found = (*found, counts[found])
        return found

    @property
    def _here(self) -> _Token:
        if self._at < len(self._tokens):
            return self._tokens[self._at]
        return _Token(_END, self._tokens[-1].line if self._tokens else 1)

    def _step(self) -> None:
        self._at += 1

    def _skip_line(self) -> None:
        while self._here.text not in ("\n", _END):
            self._step()

    def _key(self) -> Path:
        parts: list[str] = []
        while self._here.text not in ("=", "]", "\n", ",", "}", _END):
            if self._here.text != ".":
                parts.append(_unquoted(self._here.text))
            self._step()
        return tuple(parts)

    def _pair(self, table: Path) -> None:
        line = self._here.line
        path = (*table, *self._key())
        self.all.append((path, line))
        if self._here.text == "=":
            self._step()
            self._value(path)

    def _value(self, path: Path) -> None:
        if self._here.text == "[":
            self._step()
            self._list(path)
        elif self._here.text == "{":
            self._step()
            while self._here.text not in ("}", "\n", _END):
                if self._here.text == ",":
                    self._step()
                else:
                    self._pair(path)
            self._step()
        else:
            while self._here.text not in (",", "]", "}", "\n", _END):
                self._step()

    def _list(self, path: Path) -> None:
        number = 0
        while self._here.text not in ("]", _END):
            if self._here.text == "\n":
                self._step()
            elif self._here.text == ",":
                number += 1
                self._step()
            else:
                before = self._at
                self.all.append(((*path, number), self._here.line))
                self._value((*path, number))
                if self._at == before:
                    self._step()
        self._step()


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        if found.lastgroup != "blank":
            yield _Token(found[0], line)
        line += found[0].count("\n")


def _unquoted(key: str) -> str:
    if key[:1] not in ("'", '"'):
        return key
    try:
        [name] = tomllib.loads(f"{key} = 0")
    except (tomllib.TOMLDecodeError, ValueError):
        return key.strip("'\"")
    return name


#: The parser's messages, and what they mean to the author of the file.
_SENTENCES: Final = (
    (
        r"Illegal character '\\n'|Unterminated string",
        "a string has no closing quote; add it on this line",
    ),
    (
        r"Illegal character (.+)",
        r"the character \1 is not allowed in a string; write it as an escape",
    ),
    (r"Found invalid character (.+)", r"the character \1 is not allowed here; delete it"),
    (
        r"Expected '=' after a key in a key/value pair",
        "a key needs '=' and a value after it, like name = \"acme\"; several words need quotes",
    ),
    (
        r"Invalid value",
        "what follows '=' is not a value; strings need quotes, like \"acme\", numbers do not",
    ),
    (
        r"Expected newline or end of document after a statement",
        "something follows the value; write one key per line, and put strings in quotes",
    ),
    (r"Unclosed array", "a list is not closed; add the ']', or a comma between two items"),
    (
        r"Unclosed inline table",
        "a table in braces is not closed on its line; add the '}', or a comma",
    ),
    (r"Duplicate inline table key '(.+)'", r"\1 appears twice in one table; keep one"),
    (r"Cannot overwrite a value", "this key appears twice in its table; keep one"),
    (r"Expected '\]+' at the end of .+", "the table's name is not closed; add the ']'"),
    (r"Expected [^ ]+", "a string has no closing quote; add it"),
    (
        r"Cannot (?:mutate immutable|redefine) namespace \('(.+?)',?\)",
        r"'\1' appears twice, or is added to a table that was closed; write it in one place",
    ),
    (
        r"Exceeds the limit .+",
        "a number has too many digits; write a shorter one",
    ),
    (
        r"Unescaped '\\\\?' in a string",
        "a string has a single backslash; write it twice, or put the string in single quotes",
    ),
    (
        r"Invalid hex value|Escaped character.+",
        "the escape in this string is not a character; correct it",
    ),
    (
        r"Invalid date or datetime",
        "this date is not valid, or does not exist; write it like 2026-12-24",
    ),
    (
        r"Invalid initial character for a key part",
        "a key or table name must start here: letters, digits, - and _, or anything in quotes",
    ),
    (
        r"Invalid statement",
        (
            'this line is not a key with its value (name = "acme"), a table ([table]) '
            "or a comment (#); write one of these"
        ),
    ),
)
_LONG_NUMBER: Final = re.compile(r"\d{4000,}")
_TWICE: Final = re.compile(r"Cannot declare \((.+?),?\) twice")


def explained(error: ValueError, text: str) -> tuple[int, str]:
    """The line of a TOML syntax error, and a sentence that names the remedy.

    ``error`` is what ``tomllib`` raised on ``text``.
    """
    said = str(error)
    where = _COORDINATE.search(said)
    said = said[: where.start()] if where else said
    if where and where[1]:
        line = int(where[1])
    else:
        number = _LONG_NUMBER.search(text)
        line = text[: number.start() if number else len(text.rstrip())].count("\n") + 1
    if twice := _TWICE.fullmatch(said):
        path = tuple(part.strip().strip("'\"") for part in twice[1].split(","))
        lines = [at for known, at in Places(text).all if known == path and at < line]
        name = ".".join(path)
        first = f"on line {lines[0]} already" if lines else "in the file already"
        return line, (
            f"[{name}] is {first}; merge the two, or rename one; entries of a list have two "
            f"brackets: [[{name}]]"
        )
    for pattern, sentence in _SENTENCES:
        if found := re.fullmatch(pattern, said):
            return line, found.expand(sentence)
    return line, f"this is not TOML: {said}"
