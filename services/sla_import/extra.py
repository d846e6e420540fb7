"""Packages that only some imports need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sla_lab.errors import CommandError


@contextmanager
def needs_extra(what: str) -> Iterator[None]:
    """Import packages of the extra ``import`` in here; if they are missing, the error says so."""
    try:
        yield
    except ModuleNotFoundError:
        raise CommandError(
            f"reading {what} requires the extra 'import': pip install 'sla-tracker[import]'"
        ) from None
