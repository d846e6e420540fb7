"""Checks that a changed schema is compatible with the old one.

*Backward*, for our input: the new schema accepts what the old one accepted. *Forward*, for our
output: readers of the old schema can read what the new one describes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from jsonschema import Draft202012Validator

Direction = Literal["backward", "forward"]
Schema = dict[str, Any]

_UPPER_LIMITS = ("maxLength", "maximum", "maxItems")
_LOWER_LIMITS = ("minLength", "minimum", "minItems")


def incompatibilities(old: Schema, new: Schema, direction: Direction) -> list[str]:
    """Every incompatibility between ``old`` and ``new``, with its path."""
    return list(_compare(old, new, old, new, "$", direction))


def _resolve(schema: Schema, root: Schema) -> Schema:
    while (reference := schema.get("$ref")) is not None:
        found: Any = root
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _compare(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str, direction: Direction
) -> Iterator[str]:
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    if old.get("type") != new.get("type"):
        yield f"{path}: type was {old.get('type')}, is {new.get('type')}"
        return
    if old.get("format") != new.get("format") or old.get("const") != new.get("const"):
        yield f"{path}: format or constant changed"
    yield from _values(old, new, path, direction)
    yield from _limits(old, new, path, direction)
    yield from _properties(old, new, old_root, new_root, path, direction)
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
            yield from _compare(
                old[keyword], new[keyword], old_root, new_root, f"{path}[]", direction
            )
    yield from _alternatives(old, new, old_root, new_root, path, direction)


def _values(old: Schema, new: Schema, path: str, direction: Direction) -> Iterator[str]:
    before, after = set(old.get("enum", ())), set(new.get("enum", ()))
    if before and not after:
        # From an enum to a free value: the old values must still be valid; readers may get any
        # value.
        if direction == "forward":
            yield f"{path}: any value is new to readers"
        for value in sorted(map(str, before)):
            if direction == "backward" and not Draft202012Validator(new).is_valid(value):
                yield f"{path}: value {value!r} is no longer taken"
    elif before or after:
        lost = before - after if direction == "backward" else after - before
        word = "no longer taken" if direction == "backward" else "new to readers"
        for value in sorted(map(str, lost)):
            yield f"{path}: value {value!r} is {word}"


def _limits(old: Schema, new: Schema, path: str, direction: Direction) -> Iterator[str]:
    if "enum" in old:
        return
    for keywords, tighter in ((_UPPER_LIMITS, min), (_LOWER_LIMITS, max)):
        for keyword in keywords:
            before, after = old.get(keyword), new.get(keyword)
            if before == after:
                continue
            stricter, looser = (after, before) if direction == "backward" else (before, after)
            if stricter is not None and (looser is None or tighter(stricter, looser) == stricter):
                yield f"{path}: {keyword} was {before}, is {after}"


def _properties(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str, direction: Direction
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() - after.keys():
        yield f"{path}.{name}: is gone"
    required, needed = set(old.get("required", ())), set(new.get("required", ()))
    if direction == "backward":
        for name in needed - required:
            yield f"{path}.{name}: is required now"
    else:
        for name in required - needed:
            yield f"{path}.{name}: is no longer always there"
    for name in before.keys() & after.keys():
        yield from _compare(
            before[name], after[name], old_root, new_root, f"{path}.{name}", direction
        )


def _alternatives(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str, direction: Direction
) -> Iterator[str]:
    for keyword in ("anyOf", "oneOf"):
        before = _named(old.get(keyword, ()), old_root)
        after = _named(new.get(keyword, ()), new_root)
        lost = before.keys() - after.keys()
        added = after.keys() - before.keys()
        for name in lost if direction == "backward" else added:
            yield f"{path}: alternative {name} " + ("is gone" if name in lost else "is new")
        for name in before.keys() & after.keys():
            yield from _compare(
                before[name], after[name], old_root, new_root, f"{path}<{name}>", direction
            )


def _named(alternatives: Any, root: Schema) -> dict[str, Schema]:
    """Alternatives by a stable name: a record's type constant, a definition or a JSON type."""
    named = {}
    for schema in alternatives:
        resolved = _resolve(schema, root)
        constant = resolved.get("properties", {}).get("type", {}).get("const")
        named[str(constant or schema.get("$ref") or resolved.get("type"))] = resolved
    return named
