"""Packages that only some imports need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sla_lab.errors import CommandError


@contextmanager
def needs_extra(what: str) -> Iterator[None]:
    """Import here what comes with the extra ``import``; without it the remedy is told."""
    try:
        yield
    except ModuleNotFoundError:
        raise CommandError(
            f"{what} are read with the extra 'import': pip install 'sla-tracker[import]'"
        ) from None
