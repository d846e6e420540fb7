"""What docs/how-do-i-say.md has anybody write is a good policy, and does what its sentences say."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from support import ROOT

from sla_domain.policy import Policy, PolicyBook
from sla_lab.scenarios import Scenario, Then, differences
from sla_policy.loading import check_policy

PAGE: Final = ROOT / "docs" / "how-do-i-say.md"
MADRID: Final = "Europe/Madrid"
_ENTRY: Final = re.compile(
    r'^### "(?P<sentence>[^"\n]+)"\n\n```toml\n(?P<lines>.*?)^```\n\n(?P<told>.*?)(?=\n##|\Z)',
    re.MULTILINE | re.DOTALL,
)


class Entry(NamedTuple):
    """The lines of a policy that say a sentence, and what is told of them."""

    lines: str
    told: str


def _entries() -> dict[str, Entry]:
    found = _ENTRY.finditer(PAGE.read_text("utf-8"))
    return {each["sentence"]: Entry(each["lines"], each["told"]) for each in found}


ENTRIES: Final = _entries()


def with_lines(lines: str) -> str:
    """The policy of the page with these: a table in place of the one with the same header, a line
    without a header in place of the one with the same key.
    """
    base = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    (head, *tables), (new_head, *new_tables) = _parts(base), _parts(lines)
    keys = {line.partition(" ")[0] for line in new_head.splitlines()}
    kept = [line for line in head.splitlines() if line.partition(" ")[0] not in keys]
    headers = {table.partition("\n")[0] for table in new_tables}
    others = [table for table in tables if table.partition("\n")[0] not in headers]
    return "\n".join([*kept, new_head, *others, *new_tables])


def _parts(text: str) -> list[str]:
    """What stands before the first header, then each table."""
    return re.split(r"^(?=\[)", text, flags=re.MULTILINE)


def policy(sentence: str) -> Policy:
    return check_policy(with_lines(ENTRIES[sentence].lines), sentence).policy


def outcome(sentence: str, events: list[str], then: Then, zone: str = MADRID) -> list[str]:
    """Where the policy of a sentence does something else."""
    scenario = Scenario(name=sentence, given=events, then=then)
    return differences(scenario, PolicyBook([policy(sentence)]), ZoneInfo(zone), Path(PAGE.name))


def test_there_are_at_least_twenty_sentences() -> None:
    assert len(ENTRIES) >= 20
    assert len(ENTRIES) == PAGE.read_text("utf-8").count("\n### ")


@pytest.mark.parametrize("sentence", ["", *ENTRIES])
def test_its_lines_make_a_policy_without_mistake_or_warning(sentence: str) -> None:
    lines = ENTRIES[sentence].lines if sentence else ""
    assert check_policy(with_lines(lines), "policy.toml").warnings == []


class Due(NamedTuple):
    """When a clock of a ticket is due that was reported then, with these facts."""

    sentence: str
    reported: str
    facts: str
    clock: str
    due: str
    zone: str = MADRID


DUE: Final = [
    Due(
        "Initial response within 1 business hour for Severity 1.",
        "Fri 2026-11-27 17:30", "severity=sev1", "first_response", "Mon 2026-11-30 09:30",
    ),
    Due(
        "Severity 1 is handled around the clock, all others in business hours.",
        "Fri 2026-11-27 17:30", "severity=sev1", "resolution", "Fri 2026-11-27 21:30",
    ),
    Due(
        "Severity 1 is handled around the clock, all others in business hours.",
        "Fri 2026-11-27 17:30", "severity=sev2", "resolution", "Mon 2026-11-30 16:30",
    ),
    Due(
        "We solve it within 5 business days.",
        "Mon 2026-11-23 12:00", "severity=sev3", "resolution", "Mon 2026-11-30 12:00",
    ),
    Due(
        "By the end of the next business day.",
        "Fri 2026-11-27 16:00", "severity=sev2", "resolution", "Mon 2026-11-30 18:00",
    ),
    Due(
        "By the end of the business day on which you report it.",
        "Thu 2026-11-26 10:00", "severity=sev2", "first_response", "Thu 2026-11-26 18:00",
    ),
    Due(
        "By the end of the business day on which you report it.",
        "Thu 2026-11-26 19:00", "severity=sev2", "first_response", "Fri 2026-11-27 18:00",
    ),
    Due(
        "Within 30 minutes during office hours, otherwise within one hour.",
        "Mon 2026-11-23 17:50", "severity=sev1", "first_response", "Mon 2026-11-23 18:20",
    ),
    Due(
        "Within 30 minutes during office hours, otherwise within one hour.",
        "Mon 2026-11-23 18:10", "severity=sev1", "first_response", "Mon 2026-11-23 19:10",
    ),
    Due(
        "Within 1 hour in office hours, otherwise within 4 hours around the clock.",
        "Fri 2026-11-27 17:30", "severity=sev1", "first_response", "Mon 2026-11-30 09:30",
    ),
    Due(
        "Within 1 hour in office hours, otherwise within 4 hours around the clock.",
        "Fri 2026-11-27 18:30", "severity=sev1", "first_response", "Fri 2026-11-27 22:30",
    ),
    Due(
        "On Saturdays we are open half the day.",
        "Fri 2026-11-27 17:00", "severity=sev2", "resolution", "Mon 2026-11-30 12:00",
    ),
    Due(
        "On public holidays we are there from 9 to 13.",
        "Thu 2026-12-24 17:00", "severity=sev2", "resolution", "Mon 2026-12-28 12:00",
    ),
    Due(
        "The lunch break does not count.",
        "Mon 2026-11-23 09:00", "severity=sev2", "resolution", "Mon 2026-11-23 18:00",
    ),
    Due(
        "We are closed on the public holidays of Mexico and on our own dates.",
        "Fri 2026-11-13 17:00", "severity=sev2", "resolution", "Tue 2026-11-17 16:00",
        "America/Mexico_City",
    ),
    Due(
        "On 24 December we close at 13:00.",
        "Wed 2026-12-23 17:00", "severity=sev2", "resolution", "Mon 2026-12-28 12:00",
    ),
    Due(
        "The night shift, 22:00 to 06:00, handles Severity 2.",
        "Sat 2026-11-28 05:00", "severity=sev2", "resolution", "Tue 2026-12-01 05:00",
    ),
    Due(
        "Follow the sun: Madrid, New York and Singapore take over from each other.",
        "Mon 2026-11-23 17:00", "severity=sev2", "resolution", "Tue 2026-11-24 03:00",
    ),
    Due(
        "24 hours a day, 7 days a week, except during the weekly maintenance.",
        "Sun 2026-11-29 01:00", "severity=sev1", "resolution", "Sun 2026-11-29 13:00",
    ),
    Due(
        "Business hours are those of the customer's region.",
        "Mon 2026-11-23 11:00", "severity=sev2 attributes.region=us", "resolution",
        "Tue 2026-11-24 10:00", "America/New_York",
    ),
    Due(
        "We solve it within 4 hours in Europe and within 8 elsewhere.",
        "Mon 2026-11-23 09:00", "severity=sev1 attributes.region=europe", "resolution",
        "Mon 2026-11-23 13:00",
    ),
    Due(
        "We solve it within 4 hours in Europe and within 8 elsewhere.",
        "Mon 2026-11-23 09:00", "severity=sev1", "resolution", "Mon 2026-11-23 17:00",
    ),
    Due(
        "Premium customers are served twice as fast.",
        "Mon 2026-11-23 09:00", "severity=sev2 plan=premium", "resolution", "Mon 2026-11-23 13:00",
    ),
    Due(
        "Premium customers are served twice as fast.",
        "Mon 2026-11-23 09:00", "severity=sev2", "resolution", "Mon 2026-11-23 17:00",
    ),
    Due(
        "The severity follows from the impact and how many are affected.",
        "Mon 2026-11-23 09:00", "impact=total_outage scope=all_users", "resolution",
        "Mon 2026-11-23 17:00",
    ),
    Due(
        "Until we know the severity, it is Severity 2.",
        "Mon 2026-11-23 09:00", "", "resolution", "Mon 2026-11-23 17:00",
    ),
]  # fmt: skip


@pytest.mark.parametrize("claim", DUE, ids=lambda claim: f"{claim.sentence} {claim.reported}")
def test_it_is_due_when_the_page_says_so(claim: Due) -> None:
    told = ENTRIES[claim.sentence].told
    for time in (claim.reported, claim.due):
        said = f"{datetime.fromisoformat(time[4:]):%A %H:%M}"
        assert said in told or "at the same time a week later" in told, said
    created = f"{claim.reported}  created {claim.facts}"
    then = Then(at=claim.reported, clocks=[f"{claim.clock}: running due={claim.due[4:]}"])
    assert outcome(claim.sentence, [created], then, claim.zone) == []


def test_up_to_is_in_time_at_the_end_and_less_than_is_too_late() -> None:
    then = Then(
        at="2026-11-24 09:00",
        breaches=["Mon 2026-11-23 10:00  breach first_response"],
        clocks=["first_response: breached used=1h", "resolution: met used=8h"],
    )
    events = [
        "Mon 2026-11-23 09:00  created severity=sev1",
        "Mon 2026-11-23 10:00  assigned",
        "Mon 2026-11-23 17:00  resolved",
    ]
    sentence = "First response in less than 1 hour, resolution in up to 8 hours."
    assert outcome(sentence, events, then) == []


def test_no_target_breaches_nothing_until_the_severity_rises() -> None:
    sentence = "There is no target for low priority."
    created = "Mon 2026-11-23 09:00  created severity=sev3"
    assert outcome(sentence, [created], Then(at="2026-12-23 09:00")) == []
    risen = "Mon 2026-11-23 10:00  severity_changed severity=sev1"
    then = Then(at="2026-11-23 10:00", clocks=["resolution: running due=2026-11-23 17:00"])
    assert outcome(sentence, [created, risen], then) == []
    assigned = "Mon 2026-11-23 09:30  assigned"
    fallen = "Mon 2026-11-23 18:00  severity_changed severity=sev3"
    breach = "Mon 2026-11-23 17:00:00.001  breach resolution"
    back = "Mon 2026-11-23 18:00  breach_retracted resolution severity_changed"
    then = Then(at="2026-11-24 09:00", breaches=[breach, back])
    assert outcome(sentence, [created, assigned, risen, fallen], then) == []


def test_what_is_not_in_production_is_promised_nothing() -> None:
    sentence = "Only production systems are covered."
    created = "Mon 2026-11-23 09:00  created severity=sev1"
    late = "Mon 2026-11-23 10:00:00.001  breach first_response"
    for facts, breaches in {"": [late], " attributes.environment=test": []}.items():
        then = Then(at="2026-11-23 12:00", breaches=breaches)
        assert outcome(sentence, [created + facts], then) == []


def test_the_team_is_warned_at_three_quarters_and_half_an_hour_before() -> None:
    sentence = "We warn the team at 75 % of the time and half an hour before its end."
    events = ["Mon 2026-11-23 09:00  created severity=sev1", "Mon 2026-11-23 09:10  assigned"]
    warnings = [
        "Mon 2026-11-23 15:00  warning resolution 0.75",
        "Mon 2026-11-23 16:30  warning resolution -30m",
    ]
    assert outcome(sentence, events, Then(at="2026-11-23 17:00", warnings=warnings)) == []
    resolved = [*events, "Mon 2026-11-23 16:00  resolved"]
    then = Then(at="2026-11-24 17:00", warnings=warnings[:1])
    assert outcome(sentence, resolved, then) == []


def test_the_manager_is_told_an_hour_later_and_then_five_times() -> None:
    hours = ["Mon 2026-11-23 18", "Mon 2026-11-23 20", "Mon 2026-11-23 22"]
    hours += ["Tue 2026-11-24 00", "Tue 2026-11-24 02", "Tue 2026-11-24 04"]
    then = Then(
        at="2026-11-26 09:00",
        warnings=["Mon 2026-11-23 15:00  warning resolution 0.75"],
        breaches=["Mon 2026-11-23 17:00:00.001  breach resolution"],
        escalations=[
            f"{hour}:00  escalation resolution manager {number}"
            for number, hour in enumerate(hours, 1)
        ],
    )
    events = ["Mon 2026-11-23 09:00  created severity=sev1", "Mon 2026-11-23 09:10  assigned"]
    sentence = next(each for each in ENTRIES if each.startswith("The manager is told an hour"))
    assert outcome(sentence, events, then) == []


def test_a_wait_for_the_client_moves_what_is_due() -> None:
    events = [
        "Mon 2026-11-23 09:00  created severity=sev2",
        "Mon 2026-11-23 09:10  assigned",
        "Mon 2026-11-23 10:00  waiting_on_client",
        "Mon 2026-11-23 12:00  client_responded",
    ]
    then = Then(
        at="2026-11-23 13:00", clocks=["resolution: running paused=2h due=2026-11-24 10:00"]
    )
    assert outcome("Time in which we wait for you does not count.", events, then) == []


def test_a_reopened_ticket_has_the_whole_target_again() -> None:
    events = [
        "Mon 2026-11-23 09:00  created severity=sev2",
        "Mon 2026-11-23 12:00  resolved",
        "Tue 2026-11-24 09:00  reopened",
    ]
    clocks = ["resolution: met used=3h", "resolution cycle=2: running due=2026-11-24 17:00"]
    then = Then(at="2026-11-24 10:00", clocks=clocks)
    assert outcome("A reopened ticket starts again.", events, then) == []


def test_a_call_at_night_brings_what_is_due_forward() -> None:
    sentence = "If you call our on-call team at night, we solve it within 4 hours of your call."
    events = [
        "Fri 2026-11-27 17:00  created severity=sev2 plan=night built_by=acme",
        "Fri 2026-11-27 17:10  assigned",
        "Fri 2026-11-27 20:00  guard_contacted",
    ]
    before = Then(at="2026-11-27 17:30", clocks=["resolution: running due=2026-11-30 16:00"])
    assert outcome(sentence, events[:2], before) == []
    after = Then(at="2026-11-27 21:00", clocks=["resolution: running due=2026-11-28 00:00"])
    assert outcome(sentence, events, after) == []


def test_another_channel_raises_a_notice() -> None:
    created = "Mon 2026-11-23 09:00  created severity=sev2 channel="
    for channel, notices in {
        "portal": [],
        "email": ["Mon 2026-11-23 09:00  unlisted_channel"],
    }.items():
        then = Then(at="2026-11-23 09:00", notices=notices)
        sentence = "Incidents are reported through the portal."
        assert outcome(sentence, [created + channel], then) == []


def test_the_objective_is_a_share_of_clocks() -> None:
    found = policy("We keep the targets for 98 % of all tickets.")
    assert found.objective == Fraction(98, 100)


def test_a_new_version_is_for_what_is_reported_from_then_on() -> None:
    new = policy("The new terms apply to incidents reported from 1 January 2027.")
    old = check_policy(with_lines(""), "old.toml").policy
    book = PolicyBook([old, new])
    day = 24 * 3600 * 1000
    assert book.in_force(new.effective_from - day).ref == "acme@1"
    assert book.in_force(new.effective_from).ref == "acme@2"


@pytest.mark.parametrize(
    ("sentence", "events", "clocks"),
    [
        (
            "A person answers within an hour; an automatic reply does not count.",
            ["Mon 2026-11-23 10:30  replied"],
            ["first_response: met used=30m"],
        ),
        (
            "We answer each of your messages within 4 hours.",
            ["Mon 2026-11-23 12:00  client_responded"],
            ["next_response: running due=2026-11-23 16:00"],
        ),
        (
            "An update every 4 hours while the ball is with us.",
            ["Mon 2026-11-23 11:00  replied", "Mon 2026-11-23 12:00  replied kind=update"],
            ["update: met used=1h", "update cycle=2: running due=2026-11-23 16:00"],
        ),
        (
            "A workaround or an action plan counts as well.",
            ["Mon 2026-11-23 12:00  milestone_reached name=action_plan"],
            ["resolution: met used=2h"],
        ),
        (
            "A reopened ticket goes on where it stopped.",
            ["Mon 2026-11-23 11:00  resolved", "Mon 2026-11-23 12:30  reopened"],
            ["resolution: running used=1h30m due=2026-11-23 19:30"],
        ),
    ],
)
def test_a_clock_of_the_page_does_what_its_sentence_says(
    sentence: str, events: list[str], clocks: list[str]
) -> None:
    severity = "sev2" if "each of your messages" in sentence else "sev1"
    given = [
        f"Mon 2026-11-23 10:00  created severity={severity}",
        "Mon 2026-11-23 10:20  assigned",
        *events,
    ]
    assert outcome(sentence, given, Then(at="2026-11-23 13:00", clocks=clocks)) == []


def test_another_severity_counts_from_its_change() -> None:
    events = [
        "Mon 2026-11-23 09:00  created severity=sev3",
        "Mon 2026-11-23 09:05  assigned",
        "Mon 2026-11-23 12:00  severity_changed severity=sev1",
    ]
    clocks = ["resolution: running due=2026-11-23 20:00"]
    then = Then(at="2026-11-23 12:30", clocks=clocks)
    sentence = "If the severity changes, the new time counts from then."
    assert outcome(sentence, events, then) == []


def test_each_team_has_its_own_time() -> None:
    events = [
        "Mon 2026-11-23 09:00  created severity=sev1",
        "Mon 2026-11-23 09:10  queued group=level1",
        "Mon 2026-11-23 09:30  queued group=level2",
        "Mon 2026-11-23 10:00  assigned",
    ]
    clocks = ["handling: met used=20m", "handling cycle=2: running due=2026-11-23 13:30"]
    then = Then(at="2026-11-23 10:10", clocks=clocks)
    sentence = "The first level keeps a ticket for 30 minutes, the second for 4 hours."
    assert outcome(sentence, events, then) == []


def test_a_merged_ticket_counts_from_the_earliest_report() -> None:
    events = [
        "Mon 2026-11-23 10:00  created severity=sev2",
        "Mon 2026-11-23 10:30  absorbed ticket_id=other communicated_at=2026-11-23T09:00",
    ]
    then = Then(at="2026-11-23 11:00", clocks=["resolution: running due=2026-11-23 17:00"])
    assert outcome("Of merged tickets the earliest report counts.", events, then) == []


def test_what_is_agreed_in_a_single_case_does_not_count() -> None:
    sentence = "As agreed with you in a single case, this time does not count."
    granted = "exception_granted exception_id=x reason=agreed approved_by=lead"
    span = "from=2026-11-23T10:00:00+01:00 until=2026-11-23T12:00:00+01:00"
    ticket = ["Mon 2026-11-23 09:00  created severity=sev2", "Mon 2026-11-23 09:05  assigned"]
    for source, due, notices in (
        ("/contracts/office", "2026-11-24 10:00", []),
        (
            "/elsewhere",
            "2026-11-23 17:00",
            ["Mon 2026-11-23 13:00  exception_not_allowed contact=/elsewhere#3"],
        ),
    ):
        events = [*ticket, f"Mon 2026-11-23 13:00  {granted} {span} source={source}"]
        clocks = [f"resolution: running due={due}"]
        then = Then(at="2026-11-23 14:00", clocks=clocks, notices=notices)
        assert outcome(sentence, events, then) == []
    events = [*ticket, f"Mon 2026-11-23 13:00  {granted} source=/contracts/office"]
    then = Then(at="2026-11-23 14:00", clocks=["resolution: excused"])
    assert outcome(sentence, events, then) == []
