"""Severities of a policy in the place of a helpdesk's own scale."""

from __future__ import annotations

from collections.abc import Sequence

from sla_policy.loading import load_policy


def by_rank(scale: Sequence[str], severities: Sequence[str] | None = None) -> dict[str, str]:
    """The severity for each step of ``scale``, the gravest first in both; the packaged policy's
    severities where none are given. A step beyond the last severity has none.
    """
    ranked = load_policy().severities if severities is None else severities
    return dict(zip(scale, ranked, strict=False))
