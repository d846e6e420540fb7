"""Secrets from files or variables; messages name where one was looked for, never its value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sla_config.errors import UserFacingError

#: Suffix of a variable that names a file instead of holding the secret itself.
FILE_SUFFIX: Final = "_FILE"


_KEY_BYTES: Final = 32


class SecretError(UserFacingError):
    """A secret can't be read; the message names its file and the variable that names the file."""


def secret_file(path: Path, setting: str) -> str:
    """The secret in a file, without the line end. Raises ``SecretError``, also for an empty file,
    since everybody knows an empty secret.
    """
    try:
        found = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SecretError(f"{path}, named by {setting}, can't be read: {reason}") from error
    if not found.strip():
        raise SecretError(f"{path}, named by {setting}, is empty; write the secret into it")
    return found


def erase_key(path: Path, setting: str) -> bytes:
    """The erase key in a file. Raises ``SecretError``, also for a key that is too short."""
    key = secret_file(path, setting).encode()
    if len(key) < _KEY_BYTES:
        raise SecretError(
            f"{path}, named by {setting}, is too short for a key; write at least {_KEY_BYTES} bytes"
        )
    return key


def secret_of(name: str) -> str | None:
    """The secret in the variable ``name``, or in the file that ``<name>_FILE`` names; ``None`` if
    neither is set, or the variable is blank. Raises ``SecretError``.
    """
    if path := os.environ.get(name + FILE_SUFFIX):
        return secret_file(Path(path), name + FILE_SUFFIX)
    found = os.environ.get(name, "")
    return found if found.strip() else None
