"""The broker's time advances without this machine's wall clock."""

from __future__ import annotations

import pytest

from sla_tracker import broker_clock
from sla_tracker.broker_clock import BrokerClock

DAY = 86_400_000
HEARD = 1_795_435_200_000


class Machine:
    """A machine whose clocks a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uptime, self.wall = 5_000, HEARD + 40
        monkeypatch.setattr(broker_clock, "uptime_ms", lambda: self.uptime)
        monkeypatch.setattr(broker_clock, "wall_ms", lambda: self.wall)

    def passes(self, milliseconds: int) -> None:
        self.uptime += milliseconds
        self.wall += milliseconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def heard() -> BrokerClock:
    clock = BrokerClock()
    clock.observe(HEARD)
    return clock


def test_before_the_broker_has_answered_nothing_is_known(machine: Machine) -> None:
    clock = BrokerClock()
    assert clock.now() is None
    assert clock.at(machine.uptime) is None
    assert clock.doubtful()


def test_it_goes_on_with_the_time_since_boot(machine: Machine) -> None:
    clock = heard()
    asked = machine.uptime
    machine.passes(2_500)
    assert clock.now() == HEARD + 2_500
    assert clock.at(asked) == HEARD
    assert clock.at(machine.uptime) == HEARD + 2_500
    assert not clock.doubtful()


@pytest.mark.parametrize("error", [-DAY, -3_000, 3_000, DAY])
def test_a_clock_that_is_wrong_from_the_start_changes_nothing(machine: Machine, error: int) -> None:
    machine.wall += error
    clock = heard()
    machine.passes(2_500)
    assert clock.at(machine.uptime) == HEARD + 2_500


@pytest.mark.parametrize("moved", [-DAY, -1_001, 1_001, DAY])
def test_a_clock_set_while_it_runs_is_noticed_and_the_broker_asked(
    machine: Machine, moved: int
) -> None:
    clock = heard()
    machine.passes(2_500)
    machine.wall += moved
    assert clock.now() == HEARD + 2_500
    assert clock.doubtful()
    assert clock.moved() == moved
    assert clock.at(machine.uptime) is None, "nothing fires by a clock that was set"
    asked = machine.uptime
    machine.passes(100)
    clock.observe(HEARD + 2_600)
    assert not clock.doubtful()
    assert clock.at(asked) is None, "nor by an answer that was asked for before it was known"
    assert clock.at(machine.uptime) == HEARD + 2_600


def test_an_answer_of_long_ago_says_nothing_of_now(machine: Machine) -> None:
    clock = heard()
    asked = machine.uptime
    machine.passes(60_000)
    assert clock.at(asked) is None
