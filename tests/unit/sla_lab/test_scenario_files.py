"""Scenario files: errors in them, or in the policy, are reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT

from sla_lab.errors import CommandError
from sla_lab.scenarios import try_file

GOOD = """
[[scenario]]
name = "Two waits"
given = ["Mon 2026-11-23 09:00  created severity=high channel=fax"]
when = [
  "Mon 2026-11-23 09:10  assigned",
  "Mon 2026-11-23 10:00  waiting_on_client",
  "Mon 2026-11-23 11:00  client_responded",
  "Mon 2026-11-23 11:30  contact_logged contact_id=c1 medium=phone",
  "Mon 2026-11-23 12:00  feature_subscribed subscriber_id=lu",
  "Mon 2026-11-23 12:10  feature_approved",
  "Mon 2026-11-23 20:00  resolved",
]
then.at = "Tue 2026-11-24 12:00"
then.warnings = [
  "Mon 2026-11-23 14:00  warning resolution 0.5",
  "Mon 2026-11-23 16:00  warning resolution 0.75",
  "Mon 2026-11-23 17:12  warning resolution 0.9",
]
then.notices = [
  "Mon 2026-11-23 09:00  unlisted_channel",
  "Mon 2026-11-23 20:00  written_record_missing contact=c1",
]
then.approvals = ["Mon 2026-11-23 12:10  lu"]
then.state = "resolved"
then.clocks = ["resolution: met used=8h paused=1h client=1h due=2026-11-23 18:00 limit=severity"]
then.delay = ["client business=1h clock=1h"]
then.owed_records = ["c1"]
"""


def tried(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "s.toml"
    path.write_text(text)
    return [line for verdict in try_file(path) for line in verdict.differences]


def test_a_scenario_that_holds_has_no_differences(tmp_path: Path) -> None:
    assert tried(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("resolution 0.75", "resolution 0.8", "warnings: expected"),
        ('then.approvals = ["Mon 2026-11-23 12:10  lu"]', "", "approvals: expected 'nothing more'"),
        ("  unlisted_channel", "  evidence_missing", "notices: expected"),
        ('"resolved"\n', '"open"\n', "state: expected 'open', got 'resolved'"),
        ("resolution: met", "resolution: breached", "the outcome is met"),
        ("used=8h", "used=7h", "used is PT8H"),
        ("client=1h", "client=2h", "client is PT1H"),
        ("due=2026-11-23 18:00", "due=2026-11-24 09:00", "due is Mon 2026-11-23 18:00"),
        ("limit=severity", "limit=guard", "limit is severity"),
        ("resolution: met", "resolution cycle=2: met", "there is no such clock"),
        ("business=1h clock=1h", "business=1h clock=2h", "delay: expected"),
        ('then.owed_records = ["c1"]', "then.owed_records = []", "owed records: expected"),
        (" channel=fax", " channel=fax bogus=1 severity=x", "dead letters: expected"),
        ('then.state = "resolved"', "then.no_clocks = true", "clocks: expected 'nothing more'"),
    ],
)
def test_a_scenario_that_does_not_hold_says_where(
    tmp_path: Path, old: str, new: str, difference: str
) -> None:
    assert old in GOOD
    assert any(difference in line for line in tried(tmp_path, GOOD.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[scenario]]", "[[scenario", "s.toml:2: not TOML: the table's name is not closed"),
        ("then.state", "then.status", "has no key 'status'; did you mean 'state'?"),
        ("Mon 2026-11-23 09:10", "Tue 2026-11-23 09:10", "is a Mon"),
        ("09:10  assigned", "09:10  asigned", "'asigned' is not one of created"),
        ("Mon 2026-11-23 09:10  assigned", "at nine: assigned", "is not a time and an event"),
        ("medium=phone", "phone", "other words after the event than ones like severity=high"),
        ("resolution: met", "resolution met", "is not like 'resolution: met"),
        ("used=8h", "used=eight", "not a duration"),
        ("Tue 2026-11-24 12:00", "tomorrow", "is not a time like"),
        ("[[scenario]]", 'zone = "Mars/Base"\n[[scenario]]', "'Mars/Base' is not a time zone"),
    ],
)
def test_a_file_that_cannot_be_understood_says_what_is_wrong(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(CommandError, match=r"s\.toml") as error:
        tried(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(error.value)


LINES = ROOT / "tests" / "scenarios" / "policies" / "lines.toml"
EXCEPTED = """
[[scenario]]
name = "A team's time, an hour of which was agreed not to count"
given = ["Mon 2026-11-23 09:00  created severity=inner"]
when = [
  "Mon 2026-11-23 09:00  absorbed communicated_at=2026-11-23T08:30",
  "Mon 2026-11-23 09:00  queued group=level2",
  "Mon 2026-11-23 09:10  exception_granted source=/contracts exception_id=x until=2026-11-23T10:00",
]
then.at = "Mon 2026-11-23 10:20"
then.clocks = ["line: running used=20m agreed=1h team=level2 without=breached"]
"""


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("team=level2", "team=none", "team is level2"),
        ("without=breached", "without=none", "without is breached"),
        ("T10:00", "T09:50", "agreed is PT50M"),
    ],
)
def test_a_scenario_says_the_team_and_the_outcome_without_exceptions(
    tmp_path: Path, old: str, new: str, difference: str
) -> None:
    assert old in EXCEPTED
    path = tmp_path / "s.toml"
    for text, found in ((EXCEPTED, False), (EXCEPTED.replace(old, new), True)):
        path.write_text(text)
        [verdict] = try_file(path, [LINES])
        assert any(difference in line for line in verdict.differences) is found
        assert bool(verdict.differences) is found
