"""Errors in a policy file are reported with file, line, field and remedy, before it is used."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import POLICY
from support.contracts import OWN_WORDS

from sla_policy.loading import (
    PolicyError,
    check_file,
    check_policy,
    load_policies,
    parse_policy,
)

TEXT = POLICY.read_text()


class Slip(NamedTuple):
    """A slip in the packaged file, and what must be said of it."""

    old: str
    new: str
    field: str
    #: What the line that is named contains.
    line: str
    #: What the sentence says, the remedy in it.
    says: str


RESOLUTION = """[clocks.resolution]
starts = "communicated"
stops = ["resolved"]
pauses = ["waiting_on_client"]
resumes = ["client_responded", "assigned", "reopened", "resolved"]
restarts = ["reopened"]
"""
HIGH = 'resolution = { within = "8h", boundary = "inclusive", calendar = "business" }'
DAY = 'day = "9h" '
LOW_NAME = 'low = { name = "Low", es = "Bajo" }'
LOW = TEXT[TEXT.index("[targets.low]") : TEXT.index("# Soporte 24x7")]


def resolution(**lists: str) -> str:
    """The clock with other lists; an empty one is left out."""
    lines = []
    for line in RESOLUTION.splitlines():
        key = line.partition(" ")[0]
        if lists.get(key) != "":
            lines.append(f"{key} = {lists[key]}" if key in lists else line)
    return "\n".join(lines) + "\n"


def clock(field: str, line: str, says: str, **lists: str) -> Slip:
    return Slip(RESOLUTION, resolution(**lists), f"clocks.resolution.{field}", line, says)


def steps(written: str, field: str, says: str, line: str = "8h") -> Slip:
    """A target with these steps."""
    where = "targets.high.resolution.steps"
    new = HIGH.replace(" }", f", steps = [{written}] }}")
    return Slip(HIGH, new, f"{where}.{field}" if field else where, line, says)


BY_HOUR = '{ inside = "business", outside = "around_the_clock", of = "business" }'


def by_hour(calendar: str, field: str, says: str, within: str = '"8h"') -> Slip:
    """A target on a calendar by the hour of arrival."""
    new = HIGH.replace('calendar = "business"', f"calendar = {calendar}").replace('"8h"', within)
    return Slip(HIGH, new, f"targets.high.resolution{field}", "inclusive", says)


def gold(more: str, field: str, line: str, says: str) -> Slip:
    """A mistake in an agreement, which stands behind the tables of the file."""
    head = '[[agreements]]\nname = "gold"\nwhen = { plan = "gold" }\n'
    return Slip("[warnings]", f"{head}{more}\n[warnings]", f"agreements.0.{field}", line, says)


MISTAKES = {
    # Form.
    "unknown zone": Slip(
        'zone = "America/Argentina/Buenos_Aires"',
        'zone = "America/Argentina/Buenos Aires"',
        "calendars.business.zone",
        "Buenos Aires",
        "did you mean 'America/Argentina/Buenos_Aires'?",
    ),
    "hour that is none": Slip(
        'mon = [["09:00", "18:00"]]',
        'mon = [["09:00", "25:00"]]',
        "calendars.business.hours.mon",
        "25:00",
        "'25:00' is not a time between 00:00 and 24:00, written HH:MM",
    ),
    "span of no time": Slip(
        'mon = [["09:00", "18:00"]]',
        'mon = [["18:00", "18:00"]]',
        "calendars.business.hours.mon",
        "hours = ",
        "18:00 to 18:00 is no time; a whole day is 00:00 to 24:00",
    ),
    "hour without a list": Slip(
        'mon = [["09:00", "18:00"]]',
        'mon = "09:00"',
        "calendars.business.hours.mon",
        "hours = ",
        'spans are a list like [["09:00", "13:00"]',
    ),
    "misspelt key": Slip(
        "retention =", "retension =", "retension", "retension =", "did you mean 'retention'?"
    ),
    "misspelt key of a table": Slip(
        HIGH,
        HIGH.replace("within", "withing"),
        "targets.high.resolution.withing",
        "withing",
        "[targets.high.resolution] has no key 'withing'; did you mean 'within'?",
    ),
    "misspelt table": Slip(
        "[warnings]", "[warning]", "warning", "[warning]", "did you mean 'warnings'?"
    ),
    "key of no kind": Slip(
        HIGH,
        HIGH.replace("{ ", "{ colour = 1, "),
        "targets.high.resolution.colour",
        "colour",
        "its keys are within, boundary, calendar",
    ),
    "missing key": Slip(
        'zone = "America/Argentina/Buenos_Aires"\n',
        "",
        "calendars.business.zone",
        "[calendars.business]",
        'is missing; write it like: zone = "America/Argentina/Buenos_Aires"',
    ),
    "missing key of the file": Slip(
        'version = "1"\n', "", "version", "# The support SLA", 'write it like: version = "1"'
    ),
    "misspelt severity": Slip(
        "[targets.high]",
        "[targets.hihg]",
        "targets.hihg",
        "[targets.hihg]",
        "'hihg' does not stand in [severities]; did you mean 'high'?",
    ),
    "misspelt calendar": Slip(
        HIGH,
        HIGH.replace('"business"', '"busines"'),
        "targets.high.resolution.calendar",
        "busines",
        "there is no calendar 'busines'; did you mean 'business'?",
    ),
    "misspelt clock": Slip(
        'first_response = { within = "2h"',
        'first_respons = { within = "2h"',
        "targets.high.first_respons",
        "first_respons =",
        "there is no clock 'first_respons'; did you mean 'first_response'?",
    ),
    "misspelt event": Slip(
        'stops = ["assigned", "resolved"]',
        'stops = ["assinged", "resolved"]',
        "clocks.first_response.stops.0",
        "assinged",
        "'assinged' is not an event; did you mean 'assigned'?",
    ),
    "boundary that is none": Slip(
        '"2h", boundary = "exclusive"',
        '"2h", boundary = "soft"',
        "targets.high.first_response.boundary",
        "soft",
        "'soft' is not one of exclusive, inclusive",
    ),
    "unreadable duration": Slip(
        'within = "8h"',
        'within = "8 hours and a bit"',
        "targets.high.resolution.within",
        "and a bit",
        "write it like '8h', '1h 30m' or '5 business days'",
    ),
    "no time": Slip(
        'within = "8h"',
        'within = "0h"',
        "targets.high.resolution.within",
        '"0h"',
        "is no time; write it like",
    ),
    "target that is no table": Slip(
        HIGH,
        'resolution = "8h"',
        "targets.high.resolution",
        'resolution = "8h"',
        "'8h' is not a table; write a table [targets.high.resolution]",
    ),
    "number for a duration": Slip(
        'retention = "90d"',
        "retention = 90",
        "retention",
        "retention = 90",
        '90 has no unit; write it like "90d"',
    ),
    "number for a version": Slip(
        'version = "1"', "version = 1", "version", "version = 1", 'write it like: version = "1"'
    ),
    "name with a blank": Slip(
        'name = "aivo"', 'name = "Aivo SLA"', "name", "Aivo SLA", "small letters, digits, - and _"
    ),
    "word for a list": Slip(
        'stops = ["assigned", "resolved"]',
        'stops = "assigned"',
        "clocks.first_response.stops",
        'stops = "assigned"',
        'is not a list in brackets; write it like: stops = ["resolved"]',
    ),
    "naive time": Slip(
        '"2016-01-01T00:00:00-03:00"',
        '"2016-01-01T00:00:00"',
        "effective_from",
        "effective_from =",
        "has no offset",
    ),
    "day without a time": Slip(
        '"2016-01-01T00:00:00-03:00"',
        "2016-01-01",
        "effective_from",
        "effective_from =",
        'write it like: effective_from = "2026-01-01T00:00:00-03:00"',
    ),
    "percent": Slip(
        "[0.5, 0.75, 0.9]", "[0.5, 75]", "warnings.fractions.1", "75", "75 percent are 0.75"
    ),
    "fraction as a text": Slip(
        "[0.5, 0.75, 0.9]",
        '["0.5"]',
        "warnings.fractions.0",
        "fractions",
        "write the number without quotes, like 0.5",
    ),
    "fraction twice": Slip(
        "[0.5, 0.75, 0.9]",
        "[0.5, 0.75, 0.50]",
        "warnings.fractions",
        "fractions",
        "0.5 stands 2 times; keep one",
    ),
    # Calendars.
    "country in small letters": Slip(
        DAY,
        'holidays = { country = "mx" }\n' + DAY,
        "calendars.business.holidays.country",
        '"mx"',
        "the holidays of 'mx' are not known; write \"MX\"",
    ),
    "country by its name": Slip(
        DAY,
        'holidays = { country = "argentina" }\n' + DAY,
        "calendars.business.holidays.country",
        '"argentina"',
        'write "AR"',
    ),
    "country that the library has another meaning for": Slip(
        DAY,
        'holidays = { country = "utils" }\n' + DAY,
        "calendars.business.holidays.country",
        '"utils"',
        "the holidays of 'utils' are not known",
    ),
    "country that is none": Slip(
        DAY,
        'holidays = { country = "Atlantis" }\n' + DAY,
        "calendars.business.holidays.country",
        "Atlantis",
        "ISO 3166",
    ),
    "subdivision of no country": Slip(
        DAY,
        'holidays = { subdivision = "ENG" }\n' + DAY,
        "calendars.business.holidays.subdivision",
        "ENG",
        'add country = "GB"',
    ),
    "subdivision of another country": Slip(
        DAY,
        'holidays = { country = "GB", subdivision = "ENGL" }\n' + DAY,
        "calendars.business.holidays.subdivision",
        "ENGL",
        "'ENGL' is no part of GB with holidays; did you mean 'ENG'?",
    ),
    "holiday as a number": Slip(
        DAY,
        "holidays = { dates = [20261224] }\n" + DAY,
        "calendars.business.holidays.dates.0",
        "20261224",
        'write it like "2026-12-24"',
    ),
    "holiday that does not exist": Slip(
        DAY,
        'holidays = { dates = ["2026-02-30"] }\n' + DAY,
        "calendars.business.holidays.dates.0",
        "2026-02-30",
        "does not exist",
    ),
    "business days without a day": Slip(
        DAY,
        "",
        "calendars.business.day",
        "[calendars.business]",
        "is missing, and targets.medium.resolution, targets.low.resolution count business days; "
        'write it like: day = "9h"',
    ),
    "day of more than a day": Slip(
        DAY, 'day = "90h" ', "calendars.business.day", '"90h"', 'at most "24h"'
    ),
    "week without hours": Slip(
        "hours = { mon = ",
        'overrides = { 2026-12-24 = [["09:00", "13:00"]] }\nhours = {}\n# { mon = ',
        "calendars.business.hours",
        "hours = {}",
        "give at least one weekday a span",
    ),
    "calendar that never opens": Slip(
        "hours = { mon = ",
        "hours = {}\n# { mon = ",
        "calendars.business",
        "[calendars.business]",
        "the calendar never opens",
    ),
    "target beyond all calendars": Slip(
        'within = "8h"',
        'within = "80000h"',
        "targets.high.resolution.within",
        '"80000h"',
        "more than ten years",
    ),
    # Clocks.
    "nothing stops": clock(
        "stops",
        "stops = []",
        "nothing stops this clock, so every ticket breaks it; name what keeps the promise, like "
        'stops = ["resolved"]',
        stops="[]",
    ),
    "only its end stops": clock(
        "stops.0",
        'stops = ["cancelled"]',
        "'cancelled' can't stop a clock: a cancelled ticket promises nothing",
        stops='["cancelled"]',
    ),
    "stops and restarts": clock(
        "restarts",
        "restarts",
        "'contact_logged' both stops the clock and restarts it",
        stops='["contact_logged", "resolved"]',
        restarts='["contact_logged"]',
    ),
    "restarts by what stopped it": clock(
        "restarts",
        "restarts",
        "'resolved' both stops the clock and restarts it",
        restarts='["resolved"]',
    ),
    "restarts once resolved": clock(
        "restarts",
        "restarts",
        "write 'reopened'",
        stops='["assigned"]',
        restarts='["resolved"]',
    ),
    "restarts by its creation": clock(
        "restarts.0",
        "restarts",
        "'created' can't restart a clock",
        restarts='["created"]',
    ),
    "pauses and resumes": clock(
        "resumes",
        "resumes",
        "'waiting_on_client' both pauses the clock and resumes it",
        resumes='["waiting_on_client", "resolved"]',
    ),
    "pauses and stops": clock(
        "pauses",
        "pauses",
        "'resolved' stops the clock, so it never pauses it",
        pauses='["resolved", "waiting_on_client"]',
        resumes='["client_responded"]',
    ),
    "nothing resumes": clock(
        "resumes",
        'pauses = ["waiting_on_client"]',
        'write it like resumes = ["client_responded"]',
        resumes="",
    ),
    "resumes empty": clock(
        "resumes", "resumes = []", "needs to know what resumes it", resumes="[]"
    ),
    "key of the file below a header": Slip(
        HIGH,
        HIGH + '\nobjective = "98%"',
        "targets.high.objective",
        "objective",
        "'objective' is a key of the file itself; write it at the top, before the first header",
    ),
    "key of the file in a table": Slip(
        DAY,
        DAY + '\nretention = "9d"\n',
        "calendars.business.retention",
        "retention",
        "is a key of the file itself",
    ),
    "misspelt business days": Slip(
        'within = "8h"',
        'within = "5 busines days"',
        "targets.high.resolution.within",
        "busines days",
        "did you mean '5 business days'?",
    ),
    # Below an entry of a list.
    "target of an agreement": gold(
        "[agreements.targets.high]\n" + HIGH.replace("8h", "8 ours"),
        "targets.high.resolution.within",
        "8 ours",
        "is not an amount of time",
    ),
    "agreement that extends itself": gold(
        'extends = "gold"', "extends", "extends", "'gold' can't extend itself"
    ),
    "plan in capitals": Slip(
        "[warnings]",
        '[[agreements]]\nname = "a"\nwhen = { plan = "Silver" }\nextends = "standard"\n[warnings]',
        "agreements.0.when.plan",
        "Silver",
        "events say it in small letters, digits, - and _; write 'silver'",
    ),
    "step that is no table": steps('"75%"', "0", "is not a table in braces; its keys are at"),
    "name of a step": steps(
        '{ at = "+1h", name = "the manager" }', "0.name", "is not made of small letters"
    ),
    "end of the next business day": Slip(
        'within = "8h"',
        'within = "end of next business day"',
        "targets.high.resolution.within",
        "end of next",
        "did you mean 'next business day'?",
    ),
    "minutes in full": Slip(
        'within = "8h"',
        'within = "15 minutes"',
        "targets.high.resolution.within",
        "15 minutes",
        "did you mean '15m'?",
    ),
    # Steps.
    "place of a step": steps('{ at = "half" }', "0.at", 'write it like "50%", "-30m"'),
    "place with two signs": steps('{ at = "--5m" }', "0.at", "'--5m' is not a place"),
    "place without time": steps('{ at = "+0m" }', "0.at", "'+0m' is not a place"),
    "step at no time": steps('{ at = "0%" }', "0.at", "is not a place on the way to a target"),
    "step nowhere": steps('{ name = "manager" }', "0", "a step lies somewhere or repeats"),
    "step twice over": steps('{ at = "50%", every = "1h" }', "0", "a step lies somewhere"),
    "step for ever": steps('{ every = "2h" }', "0.times", "nothing repeats for ever", "every"),
    "step repeated without every": steps('{ at = "+1h", times = 2 }', "0.times", "delete it"),
    "too many steps": steps(
        '{ every = "1h", times = 60 }, { every = "1h", times = 60 }', "", "120 steps, more than 100"
    ),
    "warning with a name": steps(
        '{ at = "50%", name = "lead" }', "0.name", "only escalations have names"
    ),
    "breach with a name": steps('{ at = "100%", name = "x" }', "0.name", "'100%' is the breach"),
    "step twice": steps('{ at = "50%" }, { at = "50.0%" }', "1", "'50%' stands twice"),
    "steps in no order": steps('{ at = "75%" }, { at = "50%" }', "1", "comes before '75%'"),
    "escalation above the breach": steps(
        '{ at = "+1h" }, { at = "100%" }, { at = "50%" }', "2", ""
    ),
    "step before the start": steps(
        '{ at = "-9h" }',
        "0",
        "lies 9h before the end of a target of '8h', so it warns at the start",
    ),
    "steps in no order on this length": steps(
        '{ at = "-1h" }, { at = "50%" }', "1", "comes before '-1h' in a target of '8h'"
    ),
    "steps beside warnings": Slip(
        "[warnings]",
        '[[steps]]\nat = "50%"\n[warnings]',
        "warnings.fractions",
        "fractions",
        "the steps of [[steps]] come in their place",
    ),
    "steps of a plan": Slip(
        'from = "guard_contacted"',
        'steps = [{ at = "50%" }], from = "guard_contacted"',
        "plans.integrations_24x7.targets.high.resolution.steps",
        "steps",
        "has the steps of the severity's own target",
    ),
    # Hours of arrival and closings.
    "arrival without its calendar": Slip(
        'within = "8h"',
        'within = { inside = "4h", outside = "8h" }',
        "targets.high.resolution.within.of",
        "inside",
        'write it like: of = "office"',
    ),
    "arrival at an unknown calendar": Slip(
        'within = "8h"',
        'within = { inside = "4h", outside = "8h", of = "busines" }',
        "targets.high.resolution.within.of",
        "inside",
        "did you mean 'business'?",
    ),
    "arrival outside of what is always open": Slip(
        'within = "8h"',
        'within = { inside = "4h", outside = "8h", of = "around_the_clock" }',
        "targets.high.resolution.within.of",
        "inside",
        "so nothing arrives outside of it",
    ),
    "amount of an arrival": Slip(
        'within = "8h"',
        'within = { inside = "soon", outside = "8h", of = "business" }',
        "targets.high.resolution.within.inside",
        "inside",
        "'soon' is not an amount of time",
    ),
    "calendar of an arrival without the one that decides": by_hour(
        '{ inside = "business", outside = "around_the_clock" }',
        ".calendar.of",
        'is missing; write it like: of = "office"',
    ),
    "unknown calendar of an arrival": by_hour(
        '{ inside = "busines", outside = "around_the_clock", of = "business" }',
        ".calendar",
        "did you mean 'business'?",
    ),
    "calendar by arrival at an unknown one": by_hour(
        '{ inside = "business", outside = "around_the_clock", of = "busines" }',
        ".calendar.of",
        "did you mean 'business'?",
    ),
    "calendar outside of what is always open": by_hour(
        '{ inside = "business", outside = "around_the_clock", of = "around_the_clock" }',
        ".calendar.of",
        "so nothing arrives outside of it; name the calendar of the usual hours",
    ),
    "calendar by a fact and by arrival": by_hour(
        '{ by = "region", emea = "business", else = "around_the_clock", of = "business" }',
        ".calendar",
        "a table goes by a fact or by the hour of arrival, not by both; take out 'by' or 'of'",
    ),
    "amount by a fact and by arrival": Slip(
        'within = "8h"',
        'within = { by = "region", emea = "4h", else = "8h", of = "business" }',
        "targets.high.resolution.within",
        "emea",
        "not by both; take out 'by' or 'of'",
    ),
    "amount that is too long at one hour": by_hour(
        BY_HOUR,
        ".within",
        "'50000h' is more than ten years of the calendar 'business'; write less",
        within='{ inside = "50000h", outside = "4h", of = "business" }',
    ),
    "steps that have no room at one hour": by_hour(
        BY_HOUR,
        ".steps.0",
        "'-10h' lies 10h before the end of a target of '1 business day', so it warns at the start",
        within='"1 business day", steps = [{ at = "-10h" }]',
    ),
    "calendar of a plan by arrival": Slip(
        'calendar = "around_the_clock", from',
        f"calendar = {BY_HOUR}, from",
        "plans.integrations_24x7.targets.high.resolution.calendar",
        "guard_contacted",
        "a plan's limit counts on one calendar; name it",
    ),
    "misspelt closing": Slip(
        'within = "8h"',
        'within = "next busines day"',
        "targets.high.resolution.within",
        "busines day",
        "did you mean 'next business day'?",
    ),
    # Targets.
    "clock without a target": Slip(
        RESOLUTION,
        RESOLUTION + '[clocks.update]\nstarts = "communicated"\nstops = ["resolved"]\n',
        "clocks.update",
        "[clocks.update]",
        "no target at any severity, so it never starts; give it one, or delete the clock",
    ),
    "severity named without a target": Slip(
        LOW,
        "",
        "targets.low",
        LOW_NAME,
        'under [targets] low = "none" to mean it',
    ),
    "plan outside of what is always open": Slip(
        'outside = "business"',
        'outside = "around_the_clock"',
        "plans.integrations_24x7.outside",
        "outside =",
        "always open",
    ),
    "plan for nobody": Slip(
        'built_by = ["aivo"]',
        "built_by = []",
        "plans.integrations_24x7.built_by",
        "built_by",
        'write it like built_by = ["aivo"]',
    ),
    "plan for other severities": Slip(
        'severities = ["blocker", "high"]',
        'severities = ["blocker"]',
        "plans.integrations_24x7.targets.high",
        "[plans.integrations_24x7.targets.high]",
        "'high' is none of the plan's severities",
    ),
    "plan's limit on a clock that never runs": Slip(
        HIGH,
        'resolution = "none"',
        "plans.integrations_24x7.targets.high.resolution",
        "16h",
        "the plan's limit never counts",
    ),
}


def told(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "mine.toml")
    return caught.value


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_line_field_and_remedy(name: str) -> None:
    slip = MISTAKES[name]
    assert slip.old in TEXT
    broken = TEXT.replace(slip.old, slip.new, 1)
    found = [re.fullmatch(r"mine\.toml:(\d+): (\S+): (.+)", line) for line in told(broken).mistakes]
    said = {each[2]: (int(each[1]), each[3]) for each in found if each}
    assert slip.field in said, found
    line, sentence = said[slip.field]
    assert slip.says in sentence
    assert slip.line in broken.splitlines()[line - 1]
    # What follows from one slip is not told as another.
    assert len(said) == len(found) == 1


NO_TOML = {
    "table twice": (
        "[targets.high]",
        "[targets.blocker]",
        67,
        "[targets.blocker] is on line 62 already",
    ),
    "key twice": ('name = "aivo"', 'name = "aivo"\nname = "b"', 5, "appears twice"),
    "quote left open": ('"90d"', '"90d', 9, "no closing quote"),
    "no quotes": ('"90d"', "90d", 9, "put strings in quotes"),
    "no value": ('"90d"', "", 9, "is not a value"),
    "no equals sign": ('retention = "90d"', 'retention "90d"', 9, "needs '='"),
    "list left open": ('["support_center"]', '["support_center"', 18, "add the ']'"),
    "braces left open": ('within = "8h", boundary', 'within = "8h" boundary', 69, "comma"),
    "table left open": ("[targets.high]", "[targets.high", 67, "add the ']'"),
    "date that does not exist": ('"2016-01-01T00:00:00-03:00"', "2016-02-31", 6, "exist"),
    "backslash": ('"aivo"', '"ai\\vo"', 4, "backslash"),
    "control character": ('"aivo"', '"aivo\x07"', 4, "character"),
    "number without an end": ('"90d"', "9" * 5000, 9, "digits"),
    "key twice in braces": ("tue = [[", "mon = [[", 30, "'mon' appears twice"),
}


@pytest.mark.parametrize("name", NO_TOML)
def test_what_is_no_toml_is_told_with_line_and_remedy(name: str) -> None:
    old, new, line, says = NO_TOML[name]
    assert old in TEXT
    [mistake] = told(TEXT.replace(old, new, 1)).mistakes
    assert mistake.startswith(f"mine.toml:{line}: "), mistake
    assert says in mistake


WARNINGS = {
    "clock without a target at a severity": Slip(
        HIGH.replace("8h", "5 business days"),
        "",
        "targets.medium.resolution",
        "[targets.medium]",
        'write resolution = "none" to mean it',
    ),
    "calendar that nothing uses": Slip(
        "[calendars.around_the_clock]",
        '[calendars.spare]\nzone = "UTC"\nhours = { mon = [["09:00", "18:00"]] }\n'
        "[calendars.around_the_clock]",
        "calendars.spare",
        "[calendars.spare]",
        "nothing in the policy uses this calendar",
    ),
    "part-day holidays": Slip(
        DAY,
        'holidays = { country = "AU", subdivision = "SA" }\n' + DAY,
        "calendars.business.holidays",
        "holidays",
        "Christmas Eve (from 7pm), New Year's Eve (from 7pm): a holiday of a part of the day "
        "counts as any other day",
    ),
    "nothing to resume": clock("resumes", "resumes", "nothing pauses this clock", pauses=""),
    "event that moves no clock": clock(
        "stops.1", "stops", "'cancelled' can't stop a clock", stops='["resolved", "cancelled"]'
    ),
    "event twice": clock(
        "stops.1", "stops", "'resolved' stands twice", stops='["resolved", "resolved"]'
    ),
    "channel twice": Slip(
        '["support_center"]', '["chat", "chat"]', "channels.1", "channels", "stands twice"
    ),
    "policy's step before the start": Slip(
        "[warnings]\nfractions = [0.5, 0.75, 0.9]",
        '[[steps]]\nat = "-90m"',
        "targets.blocker.first_response",
        "first_response",
        "lies 1h 30m before the end of a target of '1h', so it warns at the start",
    ),
    "hour of arrival that decides nothing": Slip(
        'within = "8h"',
        'within = { inside = "8h", outside = "8h", of = "business" }',
        "targets.high.resolution.within",
        "inside",
        "is '8h' inside and outside",
    ),
    "hour of arrival that decides on no calendar": by_hour(
        '{ inside = "business", outside = "business", of = "business" }',
        ".calendar",
        "is 'business' inside and outside, so the hour decides nothing; write it like "
        'calendar = "business"',
    ),
    "days of 24 hours": Slip(
        'within = "8h"',
        'within = "5d"',
        "targets.high.resolution.within",
        '"5d"',
        "'5d' is 120h of open time, since a day is 24 hours; for days of the calendar write it "
        'like "5 business days"',
    ),
    "day that no weekday has": Slip(
        DAY, 'day = "8h" ', "calendars.business.day", 'day = "8h"', "while the calendar is open 9h"
    ),
    "short retention": Slip(
        '"90d"', '"90m"', "retention", '"90m"', "forgotten 1h 30m after it was closed"
    ),
    "severity without a name": Slip(
        LOW_NAME + "\n", "", "severities.low", "[severities]", "add it to [severities]"
    ),
    "nothing is primary": Slip(
        'primary = ["agentbot", "messaging_api", "live", "help", "voice"]\n',
        "",
        "services.needs_primary",
        "needs_primary",
        "every such ticket is questioned",
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_may_be_meant_is_a_warning_with_line_field_and_remedy(name: str) -> None:
    slip = WARNINGS[name]
    assert slip.old in TEXT
    text = TEXT.replace(slip.old, slip.new, 1)
    _, [warning] = check_policy(text, "mine.toml")
    found = re.fullmatch(r"mine\.toml:(\d+): warning: (\S+): (.+)", warning)
    assert found, warning
    assert found[2] == slip.field
    assert slip.says in found[3]
    assert slip.line in text.splitlines()[int(found[1]) - 1]


def test_a_contract_has_the_severities_that_it_names_and_no_others() -> None:
    text = TEXT[: TEXT.index("[classification]")].replace(LOW_NAME + "\n", "")
    found = check_policy(text.replace(LOW, ""), "mine.toml")
    assert found.warnings == []
    assert found.policy.severities == ("blocker", "high", "medium")


def test_severities_are_ranked_as_written_and_go_by_every_name() -> None:
    text = TEXT.replace(
        LOW_NAME, 'low = { name = "Bajo", es = "Baja" }\nquestion = "Consulta"'
    ).replace("[targets.low]", '[targets]\nquestion = "none"\n[targets.low]')
    policy = check_policy(text, "mine.toml").policy
    assert policy.severities == ("blocker", "high", "medium", "low", "question")
    assert {policy.severity_words[name] for name in ("low", "Bajo", "Baja")} == {"low"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (LOW_NAME, 'low = "Alto"', "'Alto' is 'high' too"),
        (LOW_NAME, 'low = { es = "Bajo" }', "is not a name; write it like"),
        (LOW_NAME, 'low = { name = "Bajo", fr = "Bas" }', "'fr' is not a part of"),
        (LOW_NAME, "low = 4", "4 is not a name"),
        (LOW_NAME, '"Muy bajo" = "Bajo"', "is not made of small letters"),
        ('retention = "90d"', 'retention = "90d"\ndefault_severity = "lo"', "did you mean 'low'?"),
        ('needs_primary = ["blocker"]', 'needs_primary = ["bloker"]', "did you mean 'blocker'?"),
        ('severities = ["blocker", "high"]', 'severities = ["p1", "high"]', "no severity 'p1'"),
        ('one_client = "medium"', 'one_client = "mittel"', "no severity 'mittel'; severities are"),
    ],
)
def test_a_severity_that_can_not_be_meant_is_told(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=re.escape(says)):
        check_policy(TEXT.replace(old, new, 1), "mine.toml")


def test_the_packaged_policy_has_nothing_to_say_of() -> None:
    assert check_policy(TEXT, "aivo.toml").warnings == []


@pytest.mark.parametrize(
    "holidays",
    ['country = "GB", subdivision = "England"', 'country = "GBR"', 'country = "UnitedKingdom"'],
)
def test_a_country_goes_by_every_name_that_is_known(holidays: str) -> None:
    text = TEXT.replace(DAY, f"holidays = {{ {holidays} }}\n{DAY}", 1)
    assert check_policy(text, "mine.toml").warnings == []


def hourly(within: str, calendar: str) -> str:
    """A contract with a target by the hour of arrival, and two calendars that only it may use."""
    office, night = (
        f'[calendars.{name}]\nzone = "UTC"\n{day}hours = {{ mon-fri = [["09:00", "18:00"]] }}\n'
        for name, day in (("office", 'day = "9h"\n'), ("night", ""))
    )
    target = 'within = "1h", boundary = "inclusive", calendar = "always"'
    text = OWN_WORDS.replace("[calendars.always]", f"{office}{night}[calendars.always]")
    text = text.replace(target, f'within = {within}, boundary = "inclusive", calendar = {calendar}')
    return f'business_calendar = "always"\n{text}'


def test_calendars_of_an_hour_are_used_and_each_has_its_own_days() -> None:
    by_office = '{{ inside = "{}", outside = "{}", of = "night" }}'
    calendar = by_office.format("office", "always")
    for within in ('"4h"', by_office.format("2 business days", "50000h")):
        assert check_policy(hourly(within, calendar), "mine.toml").warnings == []
    [said] = told(hourly(by_office.format("4h", "2 business days"), calendar)).mistakes
    assert "calendars.always.day: is missing, and targets.p1.resolution count business" in said


def test_one_hour_decides_about_amount_and_calendar() -> None:
    within = '{ inside = "1h", outside = "4h", of = "office" }'
    calendar = '{ inside = "office", outside = "always", of = "night" }'
    text = hourly(within, calendar)
    [said] = told(text).mistakes
    origin, line, field, *_ = said.split(":")
    assert (origin, field) == ("mine.toml", " targets.p1.resolution.calendar.of")
    assert calendar in text.splitlines()[int(line) - 1]
    assert said.endswith(
        "is 'night', but the amount goes by the hours of 'office', and one hour decides about "
        'both; write of = "office"'
    )


def test_a_calendar_of_a_plan_is_used() -> None:
    spare = '[calendars.office]\nzone = "UTC"\nhours = { mon = [["09:00", "18:00"]] }\n'
    text = TEXT.replace('outside = "business"', 'outside = "office"')
    text = text.replace("[calendars.around_the_clock]", f"{spare}[calendars.around_the_clock]")
    assert check_policy(text, "mine.toml").warnings == []


def test_none_says_that_nothing_is_promised() -> None:
    text = TEXT.replace(HIGH.replace("8h", "5 business days"), 'resolution = "none"')
    policy, warnings = check_policy(text, "mine.toml")
    assert ("medium", "resolution") not in policy.targets
    assert ("medium", "first_response") in policy.targets
    assert warnings == []
    text = TEXT.replace(LOW, '[targets]\nlow = "none"\n')
    policy, warnings = check_policy(text, "mine.toml")
    assert ("low", "resolution") not in policy.targets
    assert warnings == []


def test_a_policy_without_targets_promises_nothing() -> None:
    start, end = TEXT.index("[targets.blocker]"), TEXT.index("# Soporte 24x7")
    for instead in ("[targets]\n", '[targets]\nhigh = "none"\n', "[targets.high]\n"):
        said = told(TEXT[:start] + instead + TEXT[end:]).mistakes
        assert any("targets: the policy promises nothing: give" in mistake for mistake in said)


def test_every_mistake_is_told_at_once_and_warnings_beside() -> None:
    broken = TEXT.replace('within = "8h"', 'within = "x"').replace('within = "2h"', 'within = "y"')
    assert len(told(broken).mistakes) == 2
    error = told(TEXT.replace('stops = ["resolved"]', "stops = []").replace('"90d"', '"90m"'))
    assert (len(error.mistakes), len(error.warnings)) == (1, 1)


def test_versions_differ_in_number_and_time(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{n}.toml" for n in (1, 2, 3))
    first.write_text(TEXT)
    second.write_text(TEXT.replace("2016-01-01", "2026-01-01"))
    with pytest.raises(PolicyError) as caught:
        load_policies([first, second])
    assert caught.value.mistakes == [
        (
            f"{second}:5: version: aivo@1 is the version of {first} too; a new version needs a new "
            "number, and each file is given once"
        )
    ]
    third.write_text(TEXT.replace('version = "1"', 'version = "2"'))
    with pytest.raises(PolicyError, match=r"3\.toml:6: effective_from: .+ from the same instant"):
        load_policies([first, third])
    other = tmp_path / "other.toml"
    other.write_text(TEXT.replace('name = "aivo"', 'name = "other"'))
    assert len(load_policies([first, other]).versions) == 2


def test_what_is_odd_is_logged_once_where_policies_are_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace('"90d"', '"90m"'))
    load_policies([path])
    assert [record.getMessage() for record in caplog.records] == check_file(path).warnings


def test_programs_log_it_as_they_log_everything(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace('"90d"', '"90m"'))
    program = (
        "import sys; from pathlib import Path; from sla_runtime.logs import configure_logs; "
        "from sla_policy.loading import load_policies; configure_logs(); configure_logs(); "
        "load_policies([Path(sys.argv[1])])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    [line] = done.stderr.splitlines()
    logged = json.loads(line)
    assert (logged["level"], logged["message"]) == ("warning", check_file(path).warnings[0])


# Pieces of the file without its comments, and what may come to stand in their place.
BARE = re.sub(r"(?m)^#.*\n|\s+# .*$|^\n", "", TEXT)
PIECES = [found.span() for found in re.finditer(r'"[^"\n]*"|[\w.]+|[\[\]{},=]+|\n', BARE)]
VALUES = [
    *('""', '"none"', '"\\\\x"', '"8h"', '"5 business days"', '"999999999d"', '"resolved"', "0"),
    *("-1", "0.5", "nan", "inf", "true", "2026-12-24", "2026-12-24T10:00:00", "07:32:00"),
    *("[]", "[[]]", "{}", "[1]", "=", ",", "\n", "#", "'", '"', '"""'),
]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """The packaged file after up to three slips: pieces deleted, swapped, changed, doubled."""
    text = BARE
    for _ in range(draw(st.integers(1, 3))):
        start, end = draw(st.sampled_from(PIECES))
        piece = text[start:end]
        other = text[slice(*draw(st.sampled_from(PIECES)))]
        new = draw(st.sampled_from(["", other, piece + piece, piece[::-1], *VALUES]))
        text = text[:start] + new + text[end:]
    return text


@settings(max_examples=300)
@given(mutations())
@example(BARE.replace('"client_responded"', "[]"))
def test_no_slip_ends_in_a_stack_trace_now_or_at_run_time(text: str) -> None:
    try:
        policy = parse_policy(text, "mine.toml")
    except PolicyError as error:
        for mistake in error.mistakes:
            found = re.match(r"mine\.toml:(\d+): \S", mistake)
            assert found, mistake
            assert 1 <= int(found[1]) <= text.count("\n") + 1
            assert "\n" not in mistake
        return
    for target in policy.targets.values():
        assert target.calendar.add(4_000_000_000_000, target.breaks_at) > 4_000_000_000_000


def test_a_missing_key_that_stands_below_a_header_is_told_where() -> None:
    text = TEXT.replace('retention = "90d"\n', "") + '\n[services.x]\nretention = "90d"\n'
    mistakes = told(text).mistakes
    line = text.count("\n")
    assert f"the one on line {line} belongs to [services], move it to the top" in mistakes[0]


def test_none_may_be_written_with_a_capital() -> None:
    text = TEXT.replace(HIGH, 'resolution = "None"').replace('within = "16h"', 'within = "1h"')
    assert "the plan's limit never counts" in told(text).mistakes[0]


def test_what_may_be_a_slip_is_warned_of() -> None:
    agreement = (
        '[[agreements]]\nname = "a"\nwhen = { plann = "x" }\nextends = "standard"\n[warnings]'
    )
    checked = check_policy(TEXT.replace("[warnings]", agreement, 1), "mine.toml")
    assert (
        "'plann' is taken for an attribute of tickets; did you mean 'plan'?" in checked.warnings[0]
    )
    night = TEXT.replace('fri = [["09:00", "18:00"]]', 'fri = [["18:00", "15:00"]]', 1)
    warnings = check_policy(night, "mine.toml").warnings
    assert any("a span lasts 21h, until the next day" in each for each in warnings), warnings
