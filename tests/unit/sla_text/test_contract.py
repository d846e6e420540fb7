"""A policy told back in words a client could read, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import ROOT, default_book
from support.agreements import AGREEMENTS
from support.contracts import OWN_WORDS, own_words

from sla_domain.event import EventType
from sla_domain.policy import Policy
from sla_domain.selector import WORDED, Selector, Selectors
from sla_policy.loading import load_policy, zone_of_start
from sla_text.contract import ContractTeller, ContractTold, contract_page
from sla_text.events import told_events
from sla_text.language import LANGUAGES, Language, Texts

#: A contract in which a severity counts from its change, teams owe each other something, and more.
RULES = OWN_WORDS.replace('default_severity = "p2"', 'merge = "earliest"').replace(
    '[targets.p1]\nresolution = { within = "1h"',
    """\
[exceptions]
sources = ["/contracts/front_office"]
[clocks.answer]
starts = ["client_responded"]
stops = ["replied"]
[clocks.handling]
scope = "team"
on_reopen = "continue"
[targets.p1]
answer = { within = "1h", boundary = "inclusive", calendar = "always" }
handling = { within = { by = "team", tier2 = "4h", tier1 = "30m", else = "none" }, boundary = \
"inclusive", calendar = "always", steps = [{ at = "20%" }] }
resolution = { within = { by = "region", moon = "none", else = "1h" }""",
).replace("[clocks.resolution]", '[clocks.resolution]\non_severity = "from_change"')  # fmt: skip
STEPS = ROOT / "tests" / "scenarios" / "policies" / "steps.toml"


def told(policy: Policy, language: Language = "en", year: int = 2026) -> ContractTold:
    return ContractTeller(policy, Texts(language), year, zone_of_start(policy)).tell()


def rows(contract: ContractTold, title: str) -> list[list[str]]:
    (found,) = [table.rows for table in contract.tables if table.title == title]
    return found


def test_the_promises_of_the_packaged_policy_are_told_in_both_languages() -> None:
    policy = default_book().latest
    assert rows(told(policy), "Promises")[2:] == [
        [
            each,
            "less than 4 h (business hours)",
            "up to 5 business days (45 h, business hours)",
        ]
        for each in ("Medium", "Low")
    ]
    assert rows(told(policy, "es"), "Compromisos")[0] == [
        "Blocker",
        "menos de 1 h (24\u00d77)",
        "hasta 6 h (24\u00d77)",
    ]
    assert rows(told(policy), "Additional support: integrations 24x7") == [
        ["High", "resolution", "up to 16 h (around the clock)"]
    ]


def test_closings_arrivals_steps_and_holidays_are_told() -> None:
    contract = told(load_policy(STEPS))
    urgent, normal, minor, request = rows(contract, "Promises")
    inside = "up to 30 min if reported during office, else up to 1 h (always)"
    assert urgent[1] == inside
    assert normal[2] == "by the end of the next business day (office)"
    assert minor[1:] == ["no promise", "up to 2.5 business days (20 h, office)"]
    assert request[1:] == [
        "up to 1 h (office) if reported during office, else up to 4 h (always)",
        (
            "up to 1 business day (8 h, office) if the time begins during office, "
            "else by the end of the business day (always)"
        ),
    ]
    later = "1 h past the end: manager, then every 2 h, 2 times: director"
    assert rows(contract, "Warnings and escalations within the vendor's team")[1] == [
        "Urgent, resolution",
        f"50%, 30 min before the end, {later}",
    ]
    assert rows(contract, "Hours")[0][1] == (
        "Mon-Fri 09:00-13:00, 14:00-18:00; Sat 09:00-13:00; a business day is 8 h"
    )
    assert rows(contract, "Other hours in 2026") == [["Tue 2026-12-08", "office", "closed", ""]]
    assert "Other hours in 2027" not in [
        each.title for each in told(load_policy(STEPS), year=2027).tables
    ]


DAYS = OWN_WORDS.replace(
    "[clocks.resolution]",
    """\
[calendars.long]
zone = "UTC"
day = "9h"
hours = { mon-fri = [["09:00", "18:00"]] }
[calendars.short]
zone = "UTC"
day = "8h"
hours = { mon-fri = [["09:00", "17:00"]] }
[calendars.ordinary]
union = ["always"]
except = ["short"]
[clocks.resolution]""",
)
BY_HOUR = '{ inside = "short", outside = "always", of = "short" }'
BY_REGION = '{ by = "region", emea = "short", else = "long" }'


@pytest.mark.parametrize(
    ("within", "calendar", "en", "es"),
    [
        ('"1 business day"', '"long"', "up to 1 business day (9 h, long)",
         "hasta 1 día hábil (9 h, long)"),
        ('"2.5 business days"', '"short"', "up to 2.5 business days (20 h, short)",
         "hasta 2,5 días hábiles (20 h, short)"),
        ('"120h"', '"always"', "up to 5 days (120 h, always)", "hasta 5 días (120 h, always)"),
        ('"24h"', '"always"', "up to 24 h (always)", "hasta 24 h (always)"),
        ('"120h"', '"ordinary"', "up to 120 h (ordinary)", "hasta 120 h (ordinary)"),
        # As long on each, or as many days: told once.
        ('"2 business days"', BY_REGION,
         "up to 2 business days (by region: emea: short; any other: long)",
         "hasta 2 días hábiles (según región: emea: short; los demás: long)"),
        ('"8h"', BY_REGION, "up to 8 h (by region: emea: short; any other: long)",
         "hasta 8 h (según región: emea: short; los demás: long)"),
        ('{ inside = "1 business day", outside = "2 business days", of = "short" }', '"long"',
         "up to 1 business day (9 h) if {} during short, else up to 2 business days (18 h, long)",
         "hasta 1 día hábil (9 h) si {} en short; si no, hasta 2 días hábiles (18 h, long)"),
        # Both in hours, so that they can be compared.
        ('{ inside = "4h", outside = "8h", of = "long" }', '"short"',
         "up to 4 h if {} during long, else up to 8 h (short)",
         "hasta 4 h si {} en long; si no, hasta 8 h (short)"),
        # On two calendars each is told with its own.
        ('{ inside = "1h", outside = "4h", of = "short" }', BY_HOUR,
         "up to 1 h (short) if {} during short, else up to 4 h (always)",
         "hasta 1 h (short) si {} en short; si no, hasta 4 h (always)"),
        ('{ inside = "2 business days", outside = "72h", of = "short" }', BY_HOUR,
         "up to 2 business days (16 h, short) if {} during short, else up to 3 days (72 h, always)",
         "hasta 2 días hábiles (16 h, short) si {} en short; si no, hasta 3 días (72 h, always)"),
        ('{ by = "region", emea = "none", else = "4h" }', BY_HOUR,
         ("by region: emea: no promise; "
          "any other: up to 4 h (short) if {} during short, else up to 4 h (always)"),
         ("según región: emea: sin compromiso; "
          "los demás: hasta 4 h (short) si {} en short; si no, hasta 4 h (always)")),
    ],
)  # fmt: skip
def test_days_are_told_before_hours_and_the_hour_of_arrival_as_what_it_is(
    within: str, calendar: str, en: str, es: str
) -> None:
    text = DAYS.replace('within = "1h"', f"within = {within}", 1)
    text = text.replace('calendar = "always"', f"calendar = {calendar}", 1)
    starts = 'starts = "communicated"'
    for clock, said, dicho in (
        (starts, "reported", "se comunica"),
        ('starts = ["assigned"]', "the time begins", "el plazo comienza"),
        # The reopening or the change may decide, too.
        (f'{starts}\nrestarts = ["reopened"]', "the time begins", "el plazo comienza"),
        (f'{starts}\non_severity = "from_change"', "the time begins", "el plazo comienza"),
    ):
        policy = own_words(text.replace(starts, clock)).latest
        assert rows(told(policy), "Promises")[0][1] == en.format(said)
        assert rows(told(policy, "es"), "Compromisos")[0][1] == es.format(dicho)


def other_hours(calendars: str, year: int = 2026) -> list[list[str]]:
    text = OWN_WORDS.replace("[clocks.resolution]", f"{calendars}\n[clocks.resolution]")
    policy = own_words(text.replace('calendar = "always"', 'calendar = "made"', 1)).latest
    found = rows(told(policy, year=year), f"Other hours in {year}")
    return [[day, *hours] for day, calendar, *hours in found if calendar == "made"]


def test_other_hours_of_a_calendar_made_of_others_are_told() -> None:
    madrid = """\
[calendars.office]
zone = "Europe/Madrid"
hours = { mon-fri = [["09:00", "18:00"]] }
holidays = { country = "ES" }
overrides = { 2026-12-24 = [["09:00", "13:00"]] }
"""
    # Tokyo's day is the night before in Madrid, whose holidays of weekends change nothing.
    tokyo = """\
[calendars.tokyo]
zone = "Asia/Tokyo"
hours = { mon-fri = [["09:00", "18:00"]] }
holidays = { dates = ["2026-01-07"] }
[calendars.made]
union = ["office", "tokyo"]
"""
    found = other_hours(madrid + tokyo)
    assert found[:3] == [
        ["Thu 2026-01-01", "01:00-10:00", "New Year's Day"],
        ["Tue 2026-01-06", "01:00-10:00", "Epiphany"],
        ["Wed 2026-01-07", "09:00-18:00", ""],
    ]
    assert ["Thu 2026-12-24", "01:00-13:00", ""] in found
    assert not any(row[0].startswith(("Sat", "Sun")) for row in found)
    only = """\
[calendars.days]
zone = "Europe/Madrid"
hours = { mon-fri = [["00:00", "24:00"]] }
holidays = { country = "ES" }
[calendars.whole]
zone = "Europe/Madrid"
hours = { mon-sun = [["09:00", "22:00"]] }
[calendars.made]
union = ["whole"]
except = ["days"]
"""
    on_holidays = other_hours(only)
    assert on_holidays[0] == ["Thu 2026-01-01", "09:00-22:00", "New Year's Day"]
    assert len(on_holidays) == len({row[0] for row in found if row[2]}) == 7


def test_hours_that_are_made_of_others_are_told_by_their_names() -> None:
    text = """\
[calendars.ordinary_days]
zone = "UTC"
hours = "always"
holidays = { country = "ES" }
[calendars.night_shift]
zone = "UTC"
hours = { mon-fri = [["22:00", "06:00"]] }
[calendars.served]
union = ["always", "night_shift"]
except = ["ordinary_days"]
[calendars.alone]
union = ["night_shift"]
[clocks.resolution]"""
    policy = own_words(OWN_WORDS.replace("[clocks.resolution]", text)).latest
    assert {name: hours for name, hours, _ in rows(told(policy), "Hours")} == {
        "always": "around the clock, every day",
        "ordinary days": "around the clock, except on single dates",
        "night shift": "Mon-Fri 22:00-06:00",
        "served": "always and night shift, taken together, but closed during ordinary days",
        "alone": "the hours of night shift",
    }


def test_dates_of_a_part_that_is_taken_out_are_told() -> None:
    freeze = """\
[calendars.freeze]
zone = "UTC"
overrides = { 2026-12-31 = [["12:00", "24:00"]] }
[calendars.nights]
zone = "UTC"
hours = { mon-sun = [["22:00", "06:00"]] }
[calendars.made]
union = ["nights"]
except = ["freeze"]
"""
    assert other_hours(freeze) == [["Thu 2026-12-31", "24:00-06:00", ""]]


def test_each_agreement_is_told_with_whom_it_takes() -> None:
    policy = own_words(AGREEMENTS).latest
    titles = [each.title for each in told(policy).tables]
    for agreement in policy.agreements:
        (title,) = [each for each in titles if f"agreement {agreement.name}:" in each]
        assert all(f"{fact} " in title for fact in agreement.when if fact in ("plan", "region"))
    assert any(each.endswith("everybody else") for each in titles)


def test_what_is_so_while_a_severity_is_not_known_is_told() -> None:
    with_default = told(own_words().latest).sentences
    assert "While the severity of a ticket is not known, it is treated as Degraded." in with_default
    without = told(own_words(OWN_WORDS.replace('default_severity = "p2"\n', "")).latest).sentences
    assert any("no time runs" in each for each in without)


def test_what_teams_owe_each_other_stands_apart_and_says_so() -> None:
    contract = told(own_words(RULES).latest)
    (promises,) = [each for each in contract.tables if each.title == "Promises"]
    assert promises.columns == ["severity", "resolution", "answer"]
    (internal,) = [each for each in contract.tables if "Internal targets" in each.title]
    assert internal.title.endswith("not promised to the client")
    assert "promised only what stands" in internal.note
    tiers = "by team: tier1: up to 30 min (always); tier2: up to 4 h (always)"
    assert [internal.columns, *internal.rows] == [
        ["severity", "handling"],
        ["Outage", f"{tiers}; any other: no promise"],
        ["Degraded", "no promise"],
        ["Question", "no promise"],
    ]
    assert [row[0] for row in rows(contract, "How time is counted")] == ["resolution", "answer"]
    ((clock, counted),) = rows(contract, "How the time of the teams is counted (internal)")
    assert clock == "handling"
    assert counted == (
        "It starts when the ticket comes to a team, and ends when it goes to another team or is "
        "resolved. If the ticket is reopened, it goes on with the time used so far. If the "
        "severity changes, the new time counts from the start."
    )
    own_steps = rows(contract, "Warnings and escalations within the vendor's team")[1]
    assert own_steps == ["Outage, handling", "20%"]
    es = told(own_words(RULES).latest, "es")
    assert any("no prometidos al cliente" in each.title for each in es.tables)


def test_what_a_plan_asks_of_teams_stands_apart_too() -> None:
    plan = """
[plans.night]
built_by = ["acme"]
severities = ["p1"]
outside = "office"
[plans.night.targets.p1]
handling = { within = "2h", boundary = "inclusive", calendar = "always", from = "guard_contacted" }
[calendars.office]
zone = "UTC"
hours = { mon-fri = [["09:00", "18:00"]] }
"""
    titles = [each.title for each in told(own_words(RULES + plan).latest).tables]
    assert "Additional support: night" not in titles
    assert any("additional support: night, not promised" in each for each in titles)


def test_merges_exceptions_and_a_count_from_the_change_are_told() -> None:
    policy = own_words(RULES).latest
    contract = told(policy)
    merge, exceptions = contract.sentences[1:3]
    assert merge.startswith("If another ticket is merged into one")
    assert "does not count" in exceptions
    assert exceptions.endswith("Only these may grant such an exception: /contracts/front_office.")
    for row, since in zip(rows(contract, "How time is counted"), ("change", "start"), strict=True):
        assert f"If the severity changes, the new time counts from the {since}" in row[1]
    es = told(policy, "es").sentences
    assert es[1].startswith("Si otro ticket se fusiona")
    assert es[2].endswith("/contracts/front_office.")
    plain = told(own_words().latest)
    assert not any("merged" in each or "exception" in each for each in plain.sentences)
    assert "the severity changes" not in rows(plain, "How time is counted")[0][1]


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2024-01-01T00:00:00Z", "Mon 2024-01-01 00:00 on (UTC)"),
        ("2024-01-01T00:00:00-05:00", "Mon 2024-01-01 00:00 on (America/New_York)"),
        # In summer the offset of New York is another one.
        ("2024-07-01T00:00:00-04:00", "Mon 2024-07-01 00:00 on (America/New_York)"),
        ("2024-07-01T00:00:00-05:00", "Mon 2024-07-01 05:00 on (UTC)"),
    ],
)
def test_the_date_of_a_version_is_told_as_the_file_says_it(written: str, at: str) -> None:
    text = OWN_WORDS.replace("2020-01-01T00:00:00Z", written)
    text = text.replace('zone = "UTC"', 'zone = "America/New_York"')
    assert told(own_words(text).latest).subtitle == f"Version 1, for tickets reported from {at}"


MOVED = OWN_WORDS.replace(
    'stops = ["resolved"]\npauses = ["waiting_on_client"]\nresumes = ["client_responded"]',
    """\
stops = ["replied:answer", "resolved", "milestone:workaround", "milestone:spare_part"]
pauses = ["waiting:client", "waiting:freight_company"]
resumes = ["client_responded", "queued:tier_1"]
on_reopen = "continue"
[clocks.update]
starts = ["replied"]
stops = ["replied", "resolved"]
repeat = true
restarts = ["reopened"]""",
).replace("[targets.p1]\n", '[targets.p1]\nupdate = { within = "4h", boundary = "inclusive", '
          'calendar = "always" }\n')  # fmt: skip


def test_what_moves_a_clock_is_told_in_sentences() -> None:
    policy = own_words(MOVED).latest
    resolution, update = (row[1] for row in rows(told(policy), "How time is counted"))
    assert resolution == (
        "It starts when the client reports it, and ends when the ticket is resolved, the vendor "
        "answers the client, this is reached: spare part or there is a workaround. It pauses when "
        "the ticket waits for: client or freight company, and goes on when the client responds or "
        "the ticket is handed to the team tier 1. If the ticket is reopened, it goes on with the "
        "time used so far."
    )
    assert update == (
        "It starts when the vendor writes to the client, and ends when the ticket is resolved or "
        "the vendor writes to the client. It starts anew when the ticket is reopened. It starts "
        "anew each time it has ended, until the ticket is resolved."
    )
    assert rows(told(policy, "es"), "Cómo se cuenta el tiempo")[1][1] == (
        "Comienza cuando el proveedor escribe al cliente y termina cuando se resuelve el ticket o "
        "el proveedor escribe al cliente. Empieza de nuevo cuando se reabre el ticket. Empieza de "
        "nuevo cada vez que termina, hasta que se resuelve el ticket."
    )


def test_every_event_that_moves_a_clock_has_words() -> None:
    for type_ in EventType:
        word = "tier_1" if type_ in WORDED else None
        events = Selectors.meant([Selector(type_), *([Selector(type_, word)] if word else [])])
        for language in LANGUAGES:
            assert all("_" not in each for each in told_events(events, Texts(language)))


NOTHING_FOR_SOME = (
    OWN_WORDS
    + """
[[agreements]]
name = "not_covered"
when = { site_part = "web_space" }
[agreements.targets]
p1 = "none"
p2 = "none"
p3 = "none"
"""
)


def test_an_agreement_without_promises_is_a_sentence_in_readable_words() -> None:
    contract = told(own_words(NOTHING_FOR_SOME).latest)
    (table,) = [each for each in contract.tables if "not covered" in each.title]
    assert table.title == "Promises of the agreement not covered: site part web space"
    assert (table.columns, table.rows) == ([], [])
    assert table.note == "Nothing is promised to these tickets."


def test_an_amount_by_a_fact_says_where_nothing_is_promised() -> None:
    promises = rows(told(own_words(RULES).latest), "Promises")
    assert promises[0][1] == "by region: moon: no promise; any other: up to 1 h (always)"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "scenarios" / "policies").glob("*.toml")))
def test_the_page_of_a_contract_has_all_that_is_told(path: Path, language: Language) -> None:
    contract = told(load_policy(path), language)
    page = contract_page(contract, Texts(language))
    assert f'<html lang="{language}">' in page
    plain = re.sub(r"&#39;|&#34;", "'", page)
    for table in contract.tables:
        assert table.title.replace('"', "'") in plain
        assert all(
            cell in plain for row in table.rows for cell in row if not re.search("[<>&]", cell)
        )
    assert "{" not in re.sub(r"<style>.*</style>", "", page, flags=re.DOTALL)
