"""The checks of ``sla doctor``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sla_kafka.admin import BrokerError, topic_states
from sla_kafka.settings import KafkaSettings
from sla_schemas.policy_file import PolicyError, load_policies


class Check(NamedTuple):
    """One thing looked at. ``detail`` says what was found, and where it is bad, the remedy."""

    name: str
    good: bool
    detail: str


def run_checks(settings: KafkaSettings, policies: Sequence[Path]) -> list[Check]:
    """All checks, in the order in which one depends on another."""
    return [_policy(policies), *_broker(settings)]


def _policy(policies: Sequence[Path]) -> Check:
    try:
        book = load_policies(policies)
    except PolicyError as error:
        return Check("policy", False, f"{error.mistakes[0]}; 'sla policy check' lists all mistakes")
    return Check("policy", True, ", ".join(policy.ref for policy in book.versions))


def _broker(settings: KafkaSettings) -> Iterator[Check]:
    try:
        states = asyncio.run(topic_states(settings))
    except BrokerError as error:
        yield Check("broker", False, str(error))
        return
    yield Check("broker", True, f"answers at {settings.bootstrap}")
    for state in states:
        good = not state.wrong
        detail = f"{state.partitions} partitions" if good else "; ".join(state.wrong)
        yield Check(state.topic.name, good, detail)
