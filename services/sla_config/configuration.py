"""Configuration files, read so that each mistake is reported as a sentence."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sla_config.toml_file import Model, TomlFileError, read_model, read_text


class StrictSection(BaseModel):
    """A section in which keys that are not listed are forbidden."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_toml(path: Path, model: type[Model], what: str, error: type[Exception]) -> Model:
    """The TOML file at ``path``, which messages call ``what``.

    Raises ``error`` with all mistakes, each with file, line, key and remedy; never with a value,
    since it could be a secret in the wrong place.
    """
    origin = f"{what} {path}"
    try:
        return read_model(read_text(path, origin), model, origin, quoted=False)
    except TomlFileError as wrong:
        raise error(str(wrong)) from None
