"""Mistakes in the form of a policy file as sentences: what is wrong at which key, and the remedy.

``pydantic`` finds them; its words are for programmers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sla_schemas.toml_places import Path
from sla_schemas.wording import listed, nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_QUOTED: Final = re.compile(r"'([^']*)'")
_MEANT: Final = re.compile(r"did you mean '([^']*)'\?$")
_KINDS: Final = {
    "string": "a text in quotes",
    "array": "a list in brackets",
    "object": "a table",
    "number": "a number",
}


def sentences(
    problems: Iterable[ErrorDetails], schema: Mapping[str, Any]
) -> Iterator[tuple[Path, str]]:
    """The key of each of ``problems`` and what to say of it; ``schema`` is the file's JSON Schema.

    A key that is missing because it is misspelt is told once.
    """
    found = [(problem["type"], *_sentence(problem, schema)) for problem in problems]
    meant = {
        (*path[:-1], word[1])
        for kind, path, said in found
        if kind == "extra_forbidden" and (word := _MEANT.search(said))
    }
    for kind, path, said in found:
        if kind != "missing" or path not in meant:
            yield path, said


def _sentence(  # noqa: PLR0911  a case each
    problem: ErrorDetails, schema: Mapping[str, Any]
) -> tuple[Path, str]:
    path: Path = tuple(part for part in problem["loc"] if part != "[key]")
    said = problem["msg"].removeprefix("Value error, ")
    kind, given = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        keys = _at(schema, path[:-1]).get("properties", {})
        where = _table(path[:-1])
        return path, f"{where} has no key {path[-1]!r}{_remedy(path[-1], keys)}"
    if kind == "missing":
        return path, f"is missing; {_example(path, schema)}"
    if kind in ("literal_error", "enum"):
        words = _QUOTED.findall(problem.get("ctx", {}).get("expected", ""))
        if len(words) == 1:
            return path, f"{given!r} is not {words[0]!r}, the only word there is"
        return path, f"{given!r} is none of {listed(words)}{nearest(given, words)}"
    if kind.endswith("_type") and not kind.startswith("instant"):
        what = _KINDS.get(_at(schema, path).get("type", ""), "written otherwise")
        return path, f"{_shown(given)} is not {what}; {_example(path, schema)}"
    if kind.startswith("instant") or kind == "too_short":
        return path, f"{said}; {_example(path, schema)}"
    return path, said


def _remedy(word: object, known: Mapping[str, Any]) -> str:
    return nearest(word, known) or f"; its keys are {listed(known)}"


def _table(path: Path) -> str:
    return f"[{'.'.join(map(str, path))}]" if path else "the file"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _example(path: Path, schema: Mapping[str, Any]) -> str:
    """How the key is written."""
    found = _at(schema, path)
    if examples := found.get("examples"):
        name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        return f"write it like: {name} = {examples[0]}"
    if found.get("type") == "object":
        inner = ".NAME" if "additionalProperties" in found and "properties" not in found else ""
        return f"write a table [{'.'.join(map(str, path))}{inner}]"
    return f"write {_KINDS.get(found.get('type', ''), 'a value')}"


def _at(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The part of the schema that a key answers to; of a list's item its list."""
    node = _resolved(schema, schema)
    for part in path:
        if isinstance(part, int):
            # An example of a list shows its items.
            node = node if "examples" in node else _resolved(node.get("items", {}), schema)
            continue
        inner: Any = node.get("properties", {}).get(part, node.get("additionalProperties"))
        node = _resolved(inner, schema) if isinstance(inner, Mapping) else {}
    return node


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """``node`` with what it refers to, and of several kinds the first that is not nothing."""
    if kinds := node.get("anyOf"):
        inner: Any = next((kind for kind in kinds if kind.get("type") != "null"), {})
        node = {**_resolved(inner, schema), **{k: v for k, v in node.items() if k != "anyOf"}}
    if reference := node.get("$ref"):
        found = schema["$defs"][str(reference).rpartition("/")[2]]
        node = {**found, **{k: v for k, v in node.items() if k != "$ref"}}
    return node
