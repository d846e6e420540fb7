"""``sla policy check`` on a good file: what is kept, what is closed, what is not promised."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support import POLICY
from support.agreements import AGREEMENTS
from support.cli import sla, sla_json
from support.contracts import OWN_WORDS

from sla_cli.overview import by_severity, holidays, kept_for, retentions, unpromised
from sla_domain.policy import Policy
from sla_policy.loading import parse_policy

WEEK = ", ".join(f'{day} = [["09:00", "18:00"]]' for day in ("mon", "tue", "wed", "thu", "fri"))
OFFICE = f"""\
[calendars.office]
zone = "Europe/Madrid"
hours = {{ {WEEK} }}
holidays = [{{ country = "ES" }}, {{ ics = "company.ics" }}]
overrides = {{ 2026-12-24 = [["09:00", "13:00"]] }}
[calendars.sun]
union = ["office"]
[calendars.always]"""
ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//acme//EN
BEGIN:VEVENT
DTSTART:20261231T140000
DTEND:20261231T220000
SUMMARY:Early close
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261226
SUMMARY:A Saturday
END:VEVENT
END:VCALENDAR
"""


def read(text: str) -> Policy:
    return parse_policy(text, "nube.toml")


def rows(found: list[dict[str, str]]) -> list[tuple[str, ...]]:
    return [tuple(row.values())[1:] for row in found]


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A policy with holidays, and with a severity that promises nothing."""
    (tmp_path / "company.ics").write_text(ICS)
    path = tmp_path / "contract.toml"
    text = OWN_WORDS.replace("[calendars.always]", OFFICE)
    end = text.index("[targets.p3]")
    text = f'{text[:end]}[targets]\np3 = "none"\n{text[text.index("[warnings]") :]}'
    path.write_text(text)
    return path


def test_what_is_told_of_a_good_policy(contract: Path) -> None:
    told = sla_json("policy", "check", contract, "--year", "2026")
    assert told["mistakes"] == []
    assert told["year"] == 2026
    assert told["retention"] == [{"policy": "nube@1", "retention": "PT720H"}]
    assert told["unpromised"] == [
        {"policy": "nube@1", "agreement": "standard", "severity": "Question", "clock": "resolution"}
    ]
    of_december = [row for row in told["holidays"] if row["date"] > "2026-12-08"]
    assert [tuple(row.values()) for row in of_december] == [
        ("nube@1", "2026-12-24", "Thu", "office", "09:00-13:00", ""),
        ("nube@1", "2026-12-25", "Fri", "office", "closed", "Christmas Day"),
        ("nube@1", "2026-12-31", "Thu", "office", "09:00-14:00", "Early close"),
    ]
    assert [row["promise"] for row in told["promises"]] == ["≤ 1 h", "≤ 8 h"]


def test_a_value_of_a_fact_without_a_promise_is_listed_as_none(tmp_path: Path) -> None:
    path = tmp_path / "contract.toml"
    by_region = '{ by = "region", moon = "none", else = "1h" }'
    path.write_text(OWN_WORDS.replace('within = "1h"', f"within = {by_region}"))
    found = sla_json("policy", "check", path)["promises"][:2]
    assert [(row["within"], row["promise"], row["calendar"]) for row in found] == [
        ("none", "none", "always (region moon)"),
        ("PT1H", "≤ 1 h", "always (other region)"),
    ]


def test_an_amount_and_a_calendar_by_one_fact_are_listed_once_for_each_value(
    tmp_path: Path,
) -> None:
    path = tmp_path / "contract.toml"
    night = '[calendars.night]\nzone = "UTC"\nhours = { mon-fri = [["22:00", "06:00"]] }\n'
    text = OWN_WORDS.replace("[clocks.resolution]", f"{night}[clocks.resolution]").replace(
        'within = "1h", boundary = "inclusive", calendar = "always"',
        'within = { by = "region", moon = "2h", mars = "4h", else = "1h" }, '
        'boundary = "inclusive", '
        'calendar = { by = "region", mars = "night", sun = "night", else = "always" }',
    )
    path.write_text(text)
    found = sla_json("policy", "check", path)["promises"][:4]
    assert [(row["within"], row["calendar"]) for row in found] == [
        ("PT4H", "night (region mars)"),
        ("PT1H", "night (region sun)"),
        ("PT2H", "always (region moon)"),
        ("PT1H", "always (other region)"),
    ]


def test_an_amount_and_a_calendar_by_the_hour_are_listed_once_for_each(tmp_path: Path) -> None:
    path = tmp_path / "contract.toml"
    night = '[calendars.night]\nzone = "UTC"\nhours = { mon-fri = [["22:00", "06:00"]] }\n'
    text = OWN_WORDS.replace("[clocks.resolution]", f"{night}[clocks.resolution]").replace(
        'within = "1h", boundary = "inclusive", calendar = "always"',
        'within = { inside = "1h", outside = "4h", of = "night" }, boundary = "inclusive", '
        'calendar = { inside = "night", outside = "always", of = "night" }',
    )
    path.write_text(text)
    found = sla_json("policy", "check", path)["promises"][:2]
    assert [(row["within"], row["calendar"]) for row in found] == [
        ("PT1H", "night (starts inside night)"),
        ("PT4H", "always (outside night)"),
    ]


def test_it_is_read_by_people_at_any_width(contract: Path) -> None:
    wide = sla("policy", "check", contract, "--year", "2026").stdout.decode()
    assert "nube@1, office: other hours than usual in 2026" in wide
    assert "2026-12-31  Thu      09:00-14:00  Early close" in wide
    assert "Without a promise" in wide
    assert "Question  resolution" in wide
    # What is made of the office has the office's dates.
    assert "nube@1 has its usual hours all through 2026 on: always." in wide
    assert "nube@1 keeps a closed ticket for 30 days; until then it can be reopened." in wide
    assert "\x1b" not in wide
    for columns in ("20", "40", "60"):
        done = sla("policy", "check", contract, "--year", "2026", COLUMNS=columns)
        narrow = done.stdout.decode()
        assert {*["2026-12-31", "Thu", "09:00-14:00", "Question", "reopened."]} <= {
            word.strip(";") for word in narrow.split()
        }
        longest = max(map(len, narrow.split()))
        assert max(map(len, narrow.splitlines())) <= max(int(columns), longest + 4)


def test_the_year_is_this_one_unless_it_is_told() -> None:
    before = datetime.now().astimezone().year
    assert before <= sla_json("policy", "check")["year"] <= datetime.now().astimezone().year
    said = sla("policy", "check", "--year", "2031").stdout.decode()
    assert "aivo@1 has its usual hours all through 2031 on: business, around_the_clock." in said
    assert "Without a promise" not in said
    sla("policy", "check", "--year", "1900", status=2)


def test_a_mistaken_file_has_nothing_else_to_tell(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(POLICY.read_text().replace('within = "8h"', 'within = "8 moons"'))
    told: dict[str, Any] = sla_json("policy", "check", broken, status=1)
    assert [*filter(told.get, ("promises", "unpromised", "retention", "holidays"))] == []
    assert sla("policy", "check", broken, status=1).stdout == b""


def test_what_no_agreement_promises_is_told_by_agreement_and_severity() -> None:
    missing = unpromised([read(AGREEMENTS)])
    assert rows(missing) == [
        ("europe", "Degraded", "resolution"),
        ("europe", "Question", "resolution"),
    ]
    two_clocks = AGREEMENTS.replace(
        "[targets.p1]",
        '[clocks.first]\nstarts = "communicated"\nstops = ["assigned"]\n[targets.p1]\n'
        'first = { within = "1h", boundary = "inclusive", calendar = "always" }',
        1,
    )
    grouped = by_severity(unpromised([read(two_clocks)]))
    assert ("europe", "Degraded", "resolution, first") in rows(grouped)
    assert ("gold", "Outage", "first") not in rows(grouped)
    assert ("standard", "Question", "first") in rows(grouped)


def test_an_agreement_of_one_severity_owes_nothing_to_others() -> None:
    text = AGREEMENTS.replace('region = ["emea", "eu"], kind = "incident"', 'severity = "p1"')
    text = text.replace('[agreements.targets]\np2 = "none"\np3 = "none"\n', "")
    assert unpromised([read(text)]) == []


def test_where_only_agreements_promise_the_rest_is_told() -> None:
    start, end = OWN_WORDS.index("[targets.p1]"), OWN_WORDS.index("[warnings]")
    targets = OWN_WORDS[start:end].replace("[targets.", "[agreements.targets.")
    head = OWN_WORDS[:start] + OWN_WORDS[end:]
    text = f'{head}\n[[agreements]]\nname = "gold"\nwhen = {{ plan = "gold" }}\n{targets}'
    assert rows(unpromised([read(text)])) == [
        ("standard", name, "resolution") for name in ("Outage", "Degraded", "Question")
    ]


@pytest.mark.parametrize(
    ("written", "said"), [("90d", "90 days"), ("1d", "1 day"), ("90m", "1 h 30 min")]
)
def test_retention_is_told_in_days_where_it_is_days(written: str, said: str) -> None:
    policy = read(OWN_WORDS.replace('"30d"', f'"{written}"'))
    assert f"keeps a closed ticket for {said};" in kept_for(policy)
    assert retentions([policy])[0]["policy"] == "nube@1"
    assert holidays([policy], 2026) == []
