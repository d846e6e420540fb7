"""Fixtures that several folders of tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support import default_book

from sla_domain.policy import PolicyBook
from sla_kafka.embedded import EmbeddedKafka

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.load_profile("default")


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    """The default policy."""
    return default_book()


@pytest.fixture(scope="module")
def kafka() -> Iterator[EmbeddedKafka]:
    """A real Kafka for a module's tests, on a free port with an empty directory of its own."""
    with EmbeddedKafka() as running:
        yield running


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say within how many seeds the simulation found each broken tracker out."""
    found = [
        (report.nodeid.partition("[")[2].rstrip("]"), seeds)
        for report in terminalreporter.getreports("passed")
        for name, seeds in report.user_properties
        if name == "seeds"
    ]
    if found:
        terminalreporter.section("broken trackers found out")
    for mutation, seeds in found:
        terminalreporter.write_line(f"{mutation}: within {seeds} seeds")
