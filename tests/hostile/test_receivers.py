"""A receiver that accepts nothing does not delay the alerts of others, and gets its own in order
once it accepts them.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.alerts import example, write
from support.live import PARTITIONS, until
from support.receiver import Answer, Receiver

from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program
from sla_schemas.topics import BREACHES

pytestmark = pytest.mark.kafka

SECRET = "whsec_" + "a" * 32
TICKETS, EACH = 20, 15
DESTINATION = """[[destinations]]
name = "{name}"
kind = "webhook"
url = "{url}"
secret_env = "HOOK_SECRET"
{more}
"""


class Stuck:
    """Answers nothing until it is let go: every call ends by its time-out."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def __call__(self, _headers: dict[str, str], _body: bytes) -> Answer:
        self.free.wait(20)
        return 200 if self.free.is_set() else 503


def told(receiver: Receiver) -> dict[str, list[int]]:
    """The occurrences that were told of each ticket, in order."""
    found: dict[str, list[int]] = defaultdict(list)
    for each in receiver.taken:
        data = json.loads(each.body)["data"]
        found[data["ticket_id"]].append(data["occurrence"])
    return found


def alerts() -> list[dict[str, Any]]:
    return [
        example("sla.breach", f"t{ticket}", occurrence=number)
        for number in range(1, EACH + 1)
        for ticket in range(TICKETS)
    ]


@pytest.fixture
def notifier(settings: KafkaSettings, tmp_path: Path) -> Iterator[Any]:
    """Starts a notifier with little room, whose first destination is impatient with its calls."""
    started: list[Program] = []

    def start(**receivers: Receiver) -> Program:
        hosts = ", ".join(f'"{each.host}"' for each in receivers.values())
        patience = 'timeout = "1s"\nbreaker_rest = "1s"'
        lines = [f'board = "http://127.0.0.1"\nallowed_hosts = [{hosts}]\n']
        lines += [
            DESTINATION.format(name=name, url=each.url, more=patience)
            for name, each in receivers.items()
        ]
        routes = tmp_path / "routes.toml"
        to = ", ".join(f'"{name}"' for name in receivers)
        routes.write_text("".join(lines) + f"[[routes]]\nto = [{to}]\n")
        program = Program(
            "notifier",
            settings.bootstrap,
            tmp_path / "log",
            ["--routes", str(routes)],
            environment={
                "HOOK_SECRET": SECRET,
                "SLA_NOTIFIER_APP": f"stuck-{time.monotonic_ns()}",
                "SLA_NOTIFIER_IN_FLIGHT": "10",
            },
        )
        started.append(program)
        program.wait_until_ready()
        return program

    yield start
    for program in started:
        program.stop()


async def test_one_that_takes_nothing_keeps_no_other_waiting_and_loses_nothing(
    settings: KafkaSettings, notifier: Any
) -> None:
    stuck = Stuck()
    with Receiver(stuck) as bad, Receiver() as good:
        program = notifier(bad=bad, good=good)
        begun = time.monotonic()
        await write(settings, BREACHES, alerts(), PARTITIONS)
        written = time.monotonic()
        every = {f"t{ticket}": list(range(1, EACH + 1)) for ticket in range(TICKETS)}

        async def whole(receiver: Receiver) -> bool | None:
            return {
                ticket: sorted(set(seen)) for ticket, seen in told(receiver).items()
            } == every or None

        await until(lambda: whole(good), 30)
        last = max(each.at for each in good.taken)
        assert told(good) == every, "each once, and each ticket's in order"
        assert last - written < 10, f"{last - written:.1f} s, {written - begun:.1f} s to write"
        assert program.get("/healthz")[0] == 200
        # All but a few of those for the other were laid aside: there is room for ten.
        assert not bad.taken
        stuck.free.set()
        await until(lambda: whole(bad), 60)
        first_times = {
            ticket: list(dict.fromkeys(occurrences)) for ticket, occurrences in told(bad).items()
        }
        assert first_times == every, "in order for each ticket"
        program.check()
