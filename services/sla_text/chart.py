"""SLA attainment under several policies, as a drawing that can be pasted anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sla_text.templates import environment

_BAR: Final = 18
_GAP: Final = 14


@dataclass(frozen=True, slots=True)
class BarGroup:
    """The bars of one group: a share per policy, ``None`` where there is no data."""

    label: str
    shares: Sequence[float | None]


def chart(title: str, policies: Sequence[str], groups: Sequence[BarGroup]) -> str:
    """An SVG with a group of bars for each of ``groups``, one bar per policy."""
    step = _BAR * len(policies) + _GAP
    template = environment().get_template("chart.svg.j2")
    return template.render(
        title=title, policies=policies, groups=groups, bar=_BAR, step=step, top=40 + 20
    )
