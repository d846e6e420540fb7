"""Fixtures shared by several test directories."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from support import ROOT, default_book
from support.live import ERASE_KEY, PARTITIONS

from sla_domain.policy import PolicyBook
from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import TrackerProcess

hypothesis.settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
hypothesis.settings.load_profile("default")


#: Test files that take 45 seconds or more, the longest first: started last, each would leave the
#: other workers idle. ``--junitxml`` reports the times.
LONG_FILES = (
    "test_status.py",
    "test_cli.py",
    "test_chaos.py",
    "test_unlucky.py",
    "test_pages.py",
    "test_dead_letters.py",
    "test_notifier.py",
    "test_mutated_rules.py",
    "test_exactly_once.py",
    "test_replay.py",
    "test_protocol.py",
    "test_import_cli.py",
    "test_secured.py",
    "test_board.py",
    "test_starting.py",
    "test_tracker.py",
    "test_wheel.py",
    "test_observed.py",
    "test_attacked.py",
)


#: The longest bytes used in a test's name.
_NAME_BYTES = 40


def pytest_report_header() -> str:
    """The hash seed for repeating this run: ``make test`` uses another one each time."""
    return f"hash seed: {os.environ.get('PYTHONHASHSEED', 'each process its own')}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the long files first, in that order; the order within a file is unchanged."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Do not name a test after a whole file: a file packed just now contains the time, so workers
    that start in different seconds would collect different tests.
    """
    return argname if isinstance(val, bytes) and len(val) > _NAME_BYTES else None


def pytest_sessionstart() -> None:
    """Fail if compiled modules are outdated: they would hide changes in the sources."""
    for compiled in (ROOT / "services").rglob("*.so"):
        source = compiled.with_name(compiled.name.partition(".")[0] + ".py")
        if source.exists() and source.stat().st_mtime > compiled.stat().st_mtime:
            pytest.exit(f"{source} was changed after it was compiled; run 'make setup'", 1)


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    """The default policy."""
    return default_book()


@pytest.fixture(scope="module")
def kafka() -> Iterator[EmbeddedKafka]:
    """A real Kafka for one test module, on a free port with an empty directory."""
    with EmbeddedKafka() as running:
        yield running


@pytest.fixture(scope="module")
def settings(kafka: EmbeddedKafka) -> KafkaSettings:
    """The settings for the module's Kafka, with its topics created."""
    reached = KafkaSettings(bootstrap=kafka.bootstrap)
    asyncio.run(create_topics(reached, PARTITIONS))
    return reached


@pytest.fixture(scope="module")
def tracker(
    settings: KafkaSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrackerProcess]:
    """A tracker on the wall clock, which must stop cleanly after the module's tests."""
    log = tmp_path_factory.mktemp("tracker") / "tracker.log"
    key = log.with_name(ERASE_KEY)
    key.write_text("k" * 32 + "\n")
    told = {"SLA_TRACKER_ERASE_KEY_FILE": str(key)}
    process = TrackerProcess(settings.bootstrap, log, replay=False, environment=told)
    try:
        process.wait_until_ready()
        yield process
    finally:
        status = process.stop()
    assert status == 0, process.last_words()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Report after how many seeds the simulation detected each broken tracker."""
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
