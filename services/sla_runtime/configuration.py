"""Files that say how a program works, read so that a mistake is told in a sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class Strict(BaseModel):
    """Nothing in it that is not listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path, model: type[Model], what: str, error: type[Exception]) -> Model:
    """The TOML file at ``path``, which messages call ``what``. Raises ``error`` with one that names
    file and field.
    """
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as wrong:
        raise error(f"{what} {path} can't be read: {wrong.strerror}") from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise error(f"{what} {path} is not TOML: {wrong}") from wrong
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise error(f"{what} {path}, {where}: {first['msg']}") from wrong
