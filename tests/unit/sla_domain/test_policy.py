"""Policies as data: which version is in force, and its targets."""

from __future__ import annotations

from dataclasses import replace

from support import default_book

from sla_domain.instant import parse_instant
from sla_domain.policy import PolicyBook

V1 = default_book().latest
SPRING = parse_instant("2027-03-01T00:00:00Z")
V2 = replace(V1, version="2", effective_from=SPRING)


def test_a_version_is_in_force_from_its_instant_on() -> None:
    book = PolicyBook([V1, V2])
    assert book.in_force(SPRING - 1).ref == V1.ref
    assert book.in_force(SPRING).ref == V2.ref == book.latest.ref


def test_before_the_first_version_the_first_counts() -> None:
    book = PolicyBook([replace(V1, effective_from=SPRING)])
    assert book.in_force(0).ref == V1.ref


def test_every_target_has_a_ladder_that_ends_with_the_breach() -> None:
    assert V1.targets
    for target in V1.targets.values():
        amounts = [step.amount for step in target.ladder]
        assert amounts == sorted(amounts)
        assert target.ladder[-1].what == "breach"
