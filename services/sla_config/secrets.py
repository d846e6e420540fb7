"""Secrets from files or variables; a message names where one was looked for, never what it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sla_config.errors import UserFacingError

#: What the name of a variable ends with that names a file instead of holding a secret.
FILE_SUFFIX: Final = "_FILE"


_KEY_BYTES: Final = 32


class SecretError(UserFacingError):
    """A secret can't be read; the message names its file and the variable that named that."""


def secret_file(path: Path, setting: str) -> str:
    """The secret in a file, without the end of its line. Raises ``SecretError``, also where there
    is none in it: an empty secret is one that everybody knows.
    """
    try:
        found = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SecretError(f"{path}, named by {setting}, can't be read: {reason}") from error
    if not found.strip():
        raise SecretError(f"{path}, named by {setting}, is empty; write the secret into it")
    return found


def erase_key(path: Path, setting: str) -> bytes:
    """The key of orders to erase in a file. Raises ``SecretError``, for a short one too."""
    key = secret_file(path, setting).encode()
    if len(key) < _KEY_BYTES:
        raise SecretError(f"{path}, named by {setting}, holds no key of {_KEY_BYTES} bytes or more")
    return key


def secret_of(name: str) -> str | None:
    """The secret in the variable ``name``, or in the file that ``<name>_FILE`` names; ``None``
    where there is neither, or nothing but blanks in the variable. Raises ``SecretError``.
    """
    if path := os.environ.get(name + FILE_SUFFIX):
        return secret_file(Path(path), name + FILE_SUFFIX)
    found = os.environ.get(name, "")
    return found if found.strip() else None
