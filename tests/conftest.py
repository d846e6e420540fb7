"""Fixtures that several folders of tests share."""

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


#: Files that take three quarters of a minute or more, the longest first: begun last, each would
#: leave the other processes with nothing to do. ``--junitxml`` tells how long each takes.
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


#: The longest bytes that a test is named after.
_NAME_BYTES = 40


def pytest_report_header() -> str:
    """By which hash seed to repeat this run: ``make test`` takes another each time."""
    return f"hash seed: {os.environ.get('PYTHONHASHSEED', 'each process its own')}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files before all others, in that order; within a file nothing moves."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test is not named after a whole file: one that was packed now has the time in it, and then
    workers that start in different seconds do not agree on what there is to run.
    """
    return argname if isinstance(val, bytes) and len(val) > _NAME_BYTES else None


def pytest_sessionstart() -> None:
    """A compiled module hides its source: tests of yesterday's would show nothing."""
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
    """A real Kafka for a module's tests, on a free port with an empty directory of its own."""
    with EmbeddedKafka() as running:
        yield running


@pytest.fixture(scope="module")
def settings(kafka: EmbeddedKafka) -> KafkaSettings:
    """How to reach the module's Kafka, which has the topics."""
    reached = KafkaSettings(bootstrap=kafka.bootstrap)
    asyncio.run(create_topics(reached, PARTITIONS))
    return reached


@pytest.fixture(scope="module")
def tracker(
    settings: KafkaSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrackerProcess]:
    """A tracker on the wall clock, which must end in order when the module's tests are through."""
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
