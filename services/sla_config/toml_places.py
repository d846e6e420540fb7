"""Where in a TOML text a key stands, and what is wrong with a text that is no TOML.

The standard library's reader keeps no positions; here the text is cut into its tokens once more,
when a mistake is to be told.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
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
    """The lines on which a text says each of its keys and list items.

    Of a text that is no TOML the places are as good as they can be found.
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
        """The line of ``path``; where it is not written, of what is around it, at last the first
        line.
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
                table = self._key()
                if many:
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                self.all.append((table, line))
                self._skip_line()
            else:
                self._pair(table)
                self._skip_line()

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


#: What the reader says, and what that means to whoever wrote the file.
_SENTENCES: Final = (
    (r"Illegal character '\\n'|Unterminated string", "a text has no closing quote on this line"),
    (r"Illegal character (.+)", r"the character \1 can't stand in a text; write it as an escape"),
    (r"Found invalid character (.+)", r"the character \1 can't stand here; delete it"),
    (
        r"Expected '=' after a key in a key/value pair",
        "a key needs '=' and a value after it, like name = \"acme\"; several words need quotes",
    ),
    (
        r"Invalid value",
        "what follows '=' is no value: texts need quotes, like \"acme\", numbers none",
    ),
    (
        r"Expected newline or end of document after a statement",
        "something follows the value: write one key on a line, and quotes around texts",
    ),
    (r"Unclosed array", "a list is not closed: ']' is missing, or a comma between two items"),
    (
        r"Unclosed inline table",
        "a table in braces, all on one line, is not closed: '}' is missing, or a comma",
    ),
    (r"Duplicate inline table key '(.+)'", r"\1 stands twice in one table; keep one"),
    (r"Cannot overwrite a value", "this key stands twice in its table; keep one"),
    (r"Expected '\]+' at the end of .+", "the table's name is not closed: ']' is missing"),
    (r"Expected [^ ]+", "a text has no closing quote"),
    (
        r"Cannot (?:mutate immutable|redefine) namespace \('(.+?)',?\)",
        r"'\1' stands twice, or is added to a table that was closed; write it in one place",
    ),
    (
        r"Exceeds the limit .+",
        "a number has more digits than anything here can mean; write a shorter one",
    ),
    (
        r"Unescaped '\\\\?' in a string",
        "a backslash in a text is written twice, or the text in single quotes",
    ),
    (r"Invalid hex value|Escaped character.+", "the escape in this text names no character"),
    (r"Invalid date or datetime", "this is no date, or one that does not exist; write 2026-12-24"),
    (
        r"Invalid initial character for a key part",
        "here a key or a table's name should begin: letters, digits, - and _, else in quotes",
    ),
    (
        r"Invalid statement",
        (
            'this line is none of a key with its value (name = "acme"), a table ([table]), '
            "or a comment (#)"
        ),
    ),
)
_LONG_NUMBER: Final = re.compile(r"\d{4000,}")
_TWICE: Final = re.compile(r"Cannot declare \((.+?),?\) twice")


def explained(error: ValueError, text: str) -> tuple[int, str]:
    """The line of a mistake in the form of a TOML file, and a sentence that names the remedy.

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
        first = f" on line {lines[0]}" if lines else " before"
        return line, f"[{name}] stands{first} already; put both together, or rename one"
    for pattern, sentence in _SENTENCES:
        if found := re.fullmatch(pattern, said):
            return line, found.expand(sentence)
    return line, f"this is not TOML: {said}"
