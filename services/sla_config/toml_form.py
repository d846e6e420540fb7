"""Mistakes in the content of a TOML file as sentences: what is wrong at which key, and the remedy.

``pydantic`` finds them, but its own messages are written for programmers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sla_config.toml_places import Path
from sla_config.wording import listed, nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_QUOTED: Final = re.compile(r"'([^']*)'")
_MEANT: Final = re.compile(r"did you mean '([^']*)'\?$")
_SHOULD: Final = re.compile(r"^(?:Input|String|List|Value) (?=should )")
_KINDS: Final = {
    "string": "a string in quotes",
    "array": "a list in brackets",
    "object": "a table",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}

#: Tags of a table and of a list of them, where a key takes either.
ONE: Final = "[one]"
SEVERAL: Final = "[several]"
#: Tags of a text, of a table, and of one whose keys are the file's own, where a key takes either.
TEXT: Final = "[text]"
TABLE: Final = "[table]"
OWN_KEYS: Final = "[own keys]"
#: What stands in the path of a mistake and is no key of the file.
_NO_KEYS: Final = ("[key]", ONE, SEVERAL, TEXT, TABLE, OWN_KEYS)


def sentences(
    problems: Iterable[ErrorDetails], schema: Mapping[str, Any], *, quoted: bool
) -> Iterator[tuple[Path, str]]:
    """The key of each of ``problems`` and its sentence; ``schema`` is the file's JSON Schema.

    A key that is missing because it is misspelt is reported once. Values are quoted only if the
    file can't hold secrets.
    """
    found = [(problem["type"], *_sentence(problem, schema, quoted=quoted)) for problem in problems]
    meant = {
        (*path[:-1], word[1])
        for kind, path, said in found
        if kind == "extra_forbidden" and (word := _MEANT.search(said))
    }
    for kind, path, said in found:
        if kind != "missing" or path not in meant:
            yield path, said


def _sentence(  # noqa: PLR0911  a case each
    problem: ErrorDetails, schema: Mapping[str, Any], *, quoted: bool
) -> tuple[Path, str]:
    path: Path = tuple(part for part in problem["loc"] if part not in _NO_KEYS)
    said = problem["msg"].removeprefix("Value error, ")
    kind, given = problem["type"], problem["input"]
    it = f"{_shown(given)} " if quoted else ""
    if len(path) > 1 and path[-1] in _own_keys(schema) and kind != "missing":
        # An entry of a list has keys of its own.
        nested = any(isinstance(part, int) for part in path)
        if not nested and path[-1] not in _at(schema, path[:-1]).get("properties", {}):
            return path, (
                f"{path[-1]!r} is a key of the file itself; write it at the top, before the first "
                "header in brackets"
            )
    if kind == "extra_forbidden":
        keys = _at(schema, path[:-1]).get("properties", {})
        remedy = nearest(path[-1], keys) or f"; its keys are {listed(keys)}"
        return path, f"{_table(path[:-1])} has no key {path[-1]!r}{remedy}"
    if kind == "missing":
        return path, f"is missing; {_example(path, schema)}"
    if kind in ("literal_error", "enum"):
        words = _QUOTED.findall(problem.get("ctx", {}).get("expected", ""))
        if len(words) == 1:
            return path, f"{it}is not {words[0]!r}, the only allowed value"
        return path, f"{it}is not one of {listed(words)}{nearest(given, words)}"
    if kind.endswith("_type") and not kind.startswith("instant"):
        what = _KINDS.get(_at(schema, path).get("type", ""), "of the right type")
        if kind == "model_type" and isinstance(path[-1], int):
            keys = _resolved(_at(schema, path, items=True), schema).get("properties", {})
            return path, f"{it}is not a table in braces; its keys are {listed(keys)}"
        return path, f"{it}is not {what}; {_example(path, schema)}"
    if kind.startswith("instant") or kind == "too_short":
        return path, f"{_SHOULD.sub('', said)}; {_example(path, schema)}"
    return path, _SHOULD.sub(lambda _: it, said)


def _own_keys(schema: Mapping[str, Any]) -> set[str]:
    """The keys of a file that are no tables: what stands below a header belongs to that."""
    keys = schema.get("properties", {})
    return {key for key in keys if _at(schema, (key,)).get("type") not in ("object", "array")}


def _table(path: Path) -> str:
    """A table's name as in its header; a table in a list has two brackets."""
    if not path:
        return "the file"
    name = ".".join(str(part) for part in path if isinstance(part, str))
    return f"[[{name}]]" if isinstance(path[-1], int) else f"[{name}]"


def _shown(value: Any) -> str:
    text = _toml(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _toml(value: Any) -> str:
    """A value as a file writes it, texts in the quotes that messages use."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_toml(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def _example(path: Path, schema: Mapping[str, Any]) -> str:
    """How to write the key."""
    found = _at(schema, path)
    if examples := found.get("examples"):
        name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        return f"write it like: {name} = {examples[0]}"
    if found.get("type") == "object":
        many = "additionalProperties" in found and "properties" not in found
        return f"write a table {_table((*path, 'NAME') if many else path)}"
    if _resolved(found.get("items", {}), schema).get("type") == "object":
        return f"write a table {_table((*path, 0))}"
    return f"write {_KINDS.get(found.get('type', ''), 'a value')}"


def _at(schema: Mapping[str, Any], path: Path, *, items: bool = False) -> Mapping[str, Any]:
    """The part of the schema for a key. For an item of a list that has examples it is that of the
    list, since they show its items too; with ``items`` that of the item.
    """
    node = _resolved(schema, schema)
    for part in path:
        if isinstance(part, int):
            if items or "examples" not in node:
                node = _resolved(node.get("items", {}), schema)
            continue
        inner: Any = node.get("properties", {}).get(part, node.get("additionalProperties"))
        node = _resolved(inner, schema) if isinstance(inner, Mapping) else {}
    return node


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """``node`` with its references resolved; of several types, what each says of keys and items,
    and for the rest the first that is not null.
    """
    if kinds := node.get("anyOf", node.get("oneOf")):
        merged: dict[str, Any] = {}
        for kind in reversed(kinds):
            if kind.get("type") != "null":
                merged |= _resolved(kind, schema)
        node = merged | {k: v for k, v in node.items() if k not in ("anyOf", "oneOf")}
    if reference := node.get("$ref"):
        found = schema["$defs"][str(reference).rpartition("/")[2]]
        node = {**found, **{k: v for k, v in node.items() if k != "$ref"}}
    return node
