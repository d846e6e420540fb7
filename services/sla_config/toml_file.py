"""TOML files that people write; each mistake is reported with line, key and remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sla_config.toml_form import sentences
from sla_config.toml_places import Path as Key
from sla_config.toml_places import Places, explained

Model = TypeVar("Model", bound=BaseModel)


class TomlFileError(Exception):
    """A file has mistakes; ``mistakes`` names the file, line, key and remedy of each."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = list(mistakes)


def read_text(path: Path, origin: str) -> str:
    """The text of a file, which messages call ``origin``. Raises ``TomlFileError``."""
    try:
        # Some editors start a file with a byte order mark.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TomlFileError([f"{origin}: cannot be read: {error.strerror or error}"]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TomlFileError([f"{origin}:{line}: is not UTF-8 text; save it as UTF-8"]) from None


def read_model(text: str, model: type[Model], origin: str, *, quoted: bool) -> Model:
    """The checked content of a text; ``quoted`` is whether messages may quote its values.

    Raises ``TomlFileError``.
    """
    try:
        raw = tomllib.loads(text)
    except ValueError as error:
        line, said = explained(error, text)
        raise TomlFileError([f"{origin}:{line}: not TOML: {said}"]) from None
    except RecursionError:
        raise TomlFileError([f"{origin}: lists or tables are nested too deeply"]) from None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        places = Places(text)
        raise TomlFileError(
            [
                f"{origin}:{places.line_of(key)}: {named(key)}: {said}"
                f"{_elsewhere(key, said, places)}"
                for key, said in sentences(
                    error.errors(include_url=False), _schema(model), quoted=quoted
                )
            ]
        ) from None


def _elsewhere(key: Key, said: str, places: Places) -> str:
    """Where a missing key of the file stands below a header, and so belongs to that table."""
    if len(key) != 1 or not said.startswith("is missing"):
        return ""
    for path, line in places.all:
        if len(path) > 1 and path[-1] == key[0]:
            return f"; the one on line {line} belongs to [{path[0]}], move it to the top"
    return ""


def named(key: Key) -> str:
    """A key as it is written in messages, always in one line."""
    parts = [str(part) for part in key]
    return ".".join(part if part.isprintable() else repr(part) for part in parts) or "the file"


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()
