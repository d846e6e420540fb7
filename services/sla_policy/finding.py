"""Something to say about a policy that is well formed: where, what, and how it is mended."""

from __future__ import annotations

from typing import NamedTuple

from sla_config.toml_places import Path
from sla_domain.instant import HOUR, MINUTE


class Finding(NamedTuple):
    """Something to say about ``path``; ``near`` is where to look where the path is not written."""

    path: Path
    message: str
    harmless: bool = False
    near: Path = ()


def length(ms: int) -> str:
    """A duration as a policy writes it."""
    hours, rest = divmod(ms, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    if rest:
        parts.append(f"{rest / 1000:g}s")
    return " ".join(part for part in parts if part) or "0s"
