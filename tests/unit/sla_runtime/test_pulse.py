"""What heartbeats show: which programs are working, and the messages about them."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import ConsumerRecord

from sla_runtime.pulse import Pulse, Watch
from sla_schemas.heartbeat import Heartbeat, PartitionStanding
from sla_schemas.topics import BREACHES, TICKETS, WARNINGS
from sla_text.language import Texts
from sla_text.standing import Stand, notice, undelivered, watched

PATIENCE, STALE = 8.0, 15.0
PARTITIONS = range(3)


def standing(partition: int, **given: Any) -> PartitionStanding:
    """A partition that is well."""
    well = {
        "topic": "support.tickets.v1",
        "partition": partition,
        "state": "running",
        "offset": 10,
        "unread": 0,
        "frontier": None,
        "lag_ms": 200,
        "stalled_ms": 100,
    }
    return PartitionStanding.model_validate(well | given)


class Listener:
    """A pulse with a clock that is set."""

    def __init__(self, *, since: float | None = 100.0) -> None:
        self.now = 100.0
        self.pulse = Pulse(None, patience=PATIENCE, clock=lambda: self.now)  # type: ignore[arg-type]  # what is heard is said below
        self.pulse._since = since
        self._offset = 0

    def hears(
        self,
        *standings: PartitionStanding,
        program: str = "tracker",
        instance: str = "one",
        stopped: bool = False,
        before: bool = False,
    ) -> None:
        """A heartbeat; ``before`` if it was written before anybody listened."""
        beat = Heartbeat.model_construct(
            program=program,  # type: ignore[arg-type]
            instance=instance,
            version="1",
            started_at=0,
            broker_time=None,
            every_ms=2000,
            stopped=stopped,
            group=None,
            progressing=True,
            lacks=[],
            partitions=list(standings or map(standing, PARTITIONS)),
        )
        self._tells(f"{program}/{instance}", beat.model_dump_json().encode(), before=before)

    def _tells(self, key: str, value: bytes | None, *, before: bool = False) -> None:
        self._offset += 1
        written = ConsumerRecord(
            "heartbeats", 0, self._offset, self._offset, 1, key.encode(), value, None, 0, 0, ()
        )
        self.pulse.hear([written], None if before else self.now)

    def watch(self) -> Watch:
        return self.pulse.verdict(PARTITIONS, STALE).watch


def test_a_tracker_that_is_heard_no_more_is_away_after_a_while() -> None:
    listener = Listener()
    listener.hears()
    assert listener.watch() is Watch.FRESH
    listener.now += PATIENCE
    assert listener.watch() is Watch.FRESH
    listener.now += 0.1
    assert listener.watch() is Watch.NO_TRACKER
    listener.hears(instance="two")
    assert listener.watch() is Watch.FRESH


def test_alerts_that_wait_are_those_of_the_notifiers_at_work() -> None:
    listener = Listener()
    listener.hears(standing(0, unread=9))
    assert listener.pulse.undelivered() is None, "events are no alerts"
    unknown = standing(0, topic=BREACHES.name, unread=None)
    listener.hears(unknown, program="notifier")
    assert listener.pulse.undelivered() is None
    tickets = standing(0, topic=TICKETS.name, unread=50)
    listener.hears(standing(1, topic=BREACHES.name, unread=2), tickets, program="notifier")
    # What went from one to another is told of by whoever spoke last.
    moved = standing(1, topic=BREACHES.name, unread=1)
    listener.hears(moved, standing(2, topic=WARNINGS.name), program="notifier", instance="two")
    assert listener.pulse.undelivered() == 1
    listener.hears(moved, program="notifier", instance="two", stopped=True)
    assert listener.pulse.undelivered() == 2
    listener.now += PATIENCE + 1
    assert listener.pulse.undelivered() is None


def test_what_was_written_before_anybody_listened_is_no_sign_of_life() -> None:
    listener = Listener()
    listener.hears(before=True)
    assert listener.watch() is Watch.LISTENING
    listener.now += PATIENCE + 0.1
    assert listener.watch() is Watch.NO_TRACKER
    verdict = listener.pulse.verdict(PARTITIONS, STALE)
    assert verdict.last is not None
    assert verdict.last.beat.instance == "one"


def test_an_orderly_end_is_known_at_once_and_another_makes_up_for_it() -> None:
    listener = Listener()
    listener.hears(stopped=True, before=True)
    assert listener.watch() is Watch.NO_TRACKER
    listener.hears(instance="two")
    assert listener.watch() is Watch.FRESH
    listener.hears(instance="two", stopped=True)
    assert listener.watch() is Watch.NO_TRACKER


def test_a_partition_that_nobody_owns_is_told() -> None:
    listener = Listener()
    for _ in range(3):
        listener.hears(standing(0), standing(2))
        listener.now += PATIENCE / 2
    verdict = listener.pulse.verdict(PARTITIONS, STALE)
    assert (verdict.watch, verdict.partitions) == (Watch.UNOWNED, (1,))
    # It goes from one to another within the patience: nothing is wrong.
    listener.hears(standing(1), instance="two")
    assert listener.watch() is Watch.FRESH


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"lag_ms": 15_001}, Watch.BEHIND),
        ({"lag_ms": 15_000}, Watch.FRESH),
        ({"lag_ms": None}, Watch.FRESH),
        ({"stalled_ms": 15_001}, Watch.STALLED),
        ({"stalled_ms": 15_001, "lag_ms": 90_000}, Watch.STALLED),
        ({"state": "restoring"}, Watch.FRESH),
    ],
)
def test_behind_and_stalled_are_told_apart(given: Any, expected: Watch) -> None:
    listener = Listener()
    listener.hears(standing(0), standing(1, **given), standing(2))
    verdict = listener.pulse.verdict(PARTITIONS, STALE)
    assert verdict.watch is expected
    assert verdict.partitions == (() if expected is Watch.FRESH else (1,))


def test_a_partition_that_is_long_in_getting_ready_is_behind() -> None:
    listener = Listener()
    for _ in range(6):
        listener.hears(standing(0), standing(1, state="restoring", lag_ms=None), standing(2))
        listener.now += 2
    assert listener.watch() is Watch.BEHIND


def test_a_partition_that_goes_on_failing_is_stalled_and_never_behind() -> None:
    listener = Listener()
    listener.hears(standing(0), standing(1), standing(2))
    seen = []
    for second in range(20):
        failed = standing(1, state="failed", lag_ms=None, stalled_ms=second * 1000)
        listener.hears(standing(0), failed, standing(2))
        seen.append(listener.watch())
        listener.now += 1
    assert list(dict.fromkeys(seen)) == [Watch.FRESH, Watch.STALLED]


def test_while_nothing_can_be_heard_nothing_is_said_of_who_works() -> None:
    listener = Listener(since=None)
    assert listener.watch() is Watch.LISTENING
    listener.pulse.deaf = "topic support.sla-heartbeats.v1 is missing"
    assert listener.watch() is Watch.UNKNOWN


def test_how_far_trackers_have_come_and_what_no_heartbeat_is() -> None:
    listener = Listener()
    listener.hears(standing(0, offset=7), standing(1, offset=None))
    listener.hears(standing(0, offset=9), instance="two", stopped=True)
    assert listener.pulse.reached() == {0: 9}
    listener._tells("tracker/one", b"{}")
    listener._tells("tracker/two", None)
    assert listener.pulse.signs == {}


def test_each_standing_is_said_in_both_languages() -> None:
    last = "Wed 2026-11-25 09:00"
    said = {
        Stand("no_tracker"): "No tracker is running: no alerts are sent.",
        Stand("no_tracker", last=last): f"no alerts are sent. Last heard from one on {last}.",
        Stand("no_tracker", last=last, stopped=True): f"The last one stopped on {last}.",
        Stand("unowned", partitions=(3,), all_partitions=12): "1 of 12 partitions has no tracker",
        Stand("unowned", partitions=(3, 4), all_partitions=12): "2 of 12 partitions have no",
        Stand("stalled", behind_ms=61_999): "made no progress for 1 min 1 s",
        Stand("behind", behind_ms=3_600_000): "is 1 h behind:",
        Stand("behind"): "still loading its tickets",
        Stand("unknown", reason="why"): "whether a tracker is running: why.",
        Stand("unreachable"): "The broker is not responding",
        Stand("loading", tickets=1): "tickets so far: 1.",
    }
    for stand, part in said.items():
        assert part in (notice(stand, Texts("en")) or "")
        assert notice(stand, Texts("es")) not in (None, notice(stand, Texts("en")))
        assert watched(stand, Texts("en")) is None
    assert [
        undelivered(Stand("fresh", undelivered=count), Texts(language))
        for count, language in ((None, "en"), (0, "en"), (1, "en"), (2, "es"))
    ] == [None, None, "1 alert waiting to be delivered", "2 alertas pendientes de entrega"]
    assert notice(Stand("fresh", trackers=1), Texts("en")) is None
    assert watched(Stand("fresh", trackers=1), Texts("en")) == "1 tracker running"
    assert watched(Stand("fresh", trackers=2), Texts("es")) == "2 trackers en ejecución"
