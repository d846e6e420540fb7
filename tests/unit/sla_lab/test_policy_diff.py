"""A comparison of two policies tells whatever differs."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from support.agreements import AGREEMENTS
from support.contracts import ALL_DAY, OWN_WORDS, WITH_STEPS, own_words
from support.naive_contract import Contract, drawn, written

from sla_domain.policy import Policy
from sla_domain.target import AnyTarget, ArrivalTarget, ClosingTarget, Target, TargetChoice
from sla_lab.policy_diff import changes
from sla_policy.loading import PolicyError, load_policy, parse_policy
from sla_text.language import LANGUAGES, Texts

DAYS = '{ mon = [["09:00", "18:00"]], fri = [["09:00", "18:00"]] }'
#: A union of two calendars but for a third, on which the gravest severity counts.
SUN = OWN_WORDS.replace(
    "[clocks.resolution]",
    f"""\
[calendars.east]
zone = "Asia/Tokyo"
hours = {DAYS}
[calendars.west]
zone = "America/New_York"
hours = {DAYS}
[calendars.freeze]
zone = "UTC"
hours = {DAYS}
[calendars.sun]
union = ["east", "west"]
except = ["freeze"]

[clocks.resolution]""",
).replace('within = "1h", boundary = "inclusive", calendar = "always"',
          'within = "1h", boundary = "inclusive", calendar = "sun"')  # fmt: skip
P2 = 'p2 = "Degraded"\n'


def told(old: str, new: str) -> list[tuple[str, str, str | None, str | None, str]]:
    """What is said of two texts, in English; in every language as much."""
    both = [parse_policy(text, "x.toml") for text in (old, new)]
    first, *others = [changes(*both, Texts(language)) for language in LANGUAGES]
    assert all(len(each) == len(first) for each in others)
    return [tuple(change) for change in first]


DIFFER = [
    (
        SUN,
        'union = ["east", "west"]',
        'union = ["east"]',
        ("sun: open with", "Outage", "east, west", "east", "other"),
    ),
    (
        SUN,
        'except = ["freeze"]\n',
        "",
        ("sun: closed during", "Outage", "freeze", None, "other"),
    ),
    (
        SUN,
        f'[calendars.west]\nzone = "America/New_York"\nhours = {DAYS}',
        f'[calendars.west]\nzone = "America/Lima"\nhours = {DAYS}',
        ("west: zone", "Outage", "America/New_York", "America/Lima", "other"),
    ),
    (
        OWN_WORDS,
        'default_severity = "p2"',
        'default_severity = "p1"',
        ("severity until known", "everyone", "p2", "p1", "stricter"),
    ),
    (
        OWN_WORDS,
        'default_severity = "p2"',
        'default_severity = "p3"',
        ("severity until known", "everyone", "p2", "p3", "looser"),
    ),
    (
        OWN_WORDS,
        'default_severity = "p2"\n',
        "",
        ("severity until known", "everyone", "p2", None, "other"),
    ),
    (
        OWN_WORDS,
        f'{P2}p3 = "Question"\n',
        f'p3 = "Question"\n{P2}',
        ("severities, gravest first", "everyone", "p1, p2, p3", "p1, p3, p2", "other"),
    ),
    (OWN_WORDS, P2, 'p2 = "Slow"\n', ("name of a severity", "p2", "Degraded", "Slow", "other")),
    (
        OWN_WORDS,
        P2,
        'p2 = { name = "Degraded", es = "Lento" }\n',
        ("name of a severity", "p2", "Degraded", "Degraded; es Lento", "other"),
    ),
    (
        OWN_WORDS,
        "[clocks.resolution]",
        f'[calendars.spare]\nzone = "UTC"\nhours = {ALL_DAY}\n[clocks.resolution]',
        ("calendars", "everyone", "always", "always, spare", "other"),
    ),
    (
        OWN_WORDS,
        'party = ["supplier"]',
        'party = ["supplier", "carrier"]',
        ("known words of party", "everyone", "client, supplier", "carrier, client, supplier",
         "other"),
    ),
    (
        SUN,
        'retention = "30d"',
        'retention = "30d"\nbusiness_calendar = "east"',
        ("business calendar", "everyone", "always", "east", "other"),
    ),
    (
        AGREEMENTS,
        'objective = "98%"',
        'objective = "99.5%"',
        ("objective", "everyone, agreement gold", "98%", "99.5%", "other"),
    ),
]  # fmt: skip

BY_TEAM = OWN_WORDS.replace(
    "[targets.p1]",
    """\
[clocks.handling]
scope = "team"
[targets.p1]
handling = { within = { by = "team", tier1 = "30m", else = "none" }, boundary = "inclusive", \
calendar = "always" }""",
)
HEAD = 'retention = "30d"\n'
HOURLY = OWN_WORDS.replace(
    'within = "1h"', 'within = { inside = "1h", outside = "2h", of = "office" }'
).replace(
    "[calendars.always]", f'[calendars.office]\nzone = "UTC"\nhours = {DAYS}\n[calendars.always]'
)
SOURCES = '[exceptions]\nsources = ["/a"]\n[words]'
RULES = [
    (
        OWN_WORDS,
        "[clocks.resolution]\n",
        '[clocks.resolution]\non_severity = "from_change"\n',
        ("resolution: another severity counts", "everyone", "from the start", "from the change",
         "other"),
    ),
    (
        OWN_WORDS,
        HEAD,
        f'{HEAD}merge = "earliest"\n',
        ("communication of merged tickets", "everyone", "changes nothing",
         "counts if it is earlier", "stricter"),
    ),
    (
        HOURLY,
        HEAD,
        f'{HEAD}merge = "earliest"\n',
        ("communication of merged tickets", "everyone", "changes nothing",
         "counts if it is earlier", "other"),
    ),
    (
        OWN_WORDS,
        "[words]",
        SOURCES,
        ("may grant exceptions", "everyone", None, "/a", "looser"),
    ),
    (
        OWN_WORDS.replace("[words]", SOURCES),
        '["/a"]',
        '["/a", "/b"]',
        ("may grant exceptions", "everyone", "/a", "/a, /b", "other"),
    ),
    (
        BY_TEAM,
        'tier1 = "30m"',
        'tier1 = "20m"',
        ("handling", "Outage", "by team: tier1: up to 30 min (always); any other: no promise",
         "by team: tier1: up to 20 min (always); any other: no promise", "stricter"),
    ),
    (
        BY_TEAM,
        'else = "none"',
        'else = "9h"',
        ("handling", "Outage", "by team: tier1: up to 30 min (always); any other: no promise",
         "by team: tier1: up to 30 min (always); any other: up to 9 h (always)", "stricter"),
    ),
    (
        BY_TEAM,
        '{ by = "team", tier1 = "30m", else = "none" }',
        '"30m"',
        ("handling", "Outage", "by team: tier1: up to 30 min (always); any other: no promise",
         "up to 30 min (always)", "stricter"),
    ),
    (
        BY_TEAM,
        '{ by = "team", tier1 = "30m", else = "none" }',
        '"40m"',
        ("handling", "Outage", "by team: tier1: up to 30 min (always); any other: no promise",
         "up to 40 min (always)", "other"),
    ),
]  # fmt: skip


def test_whose_promise_a_clock_is_is_told() -> None:
    ours = BY_TEAM.replace('by = "team"', 'by = "region"').replace(
        'scope = "team"', 'stops = ["resolved"]'
    )
    scope = "handling: whose promise it is"
    found = {row[0]: row[2:] for row in told(BY_TEAM, ours)}
    assert found[scope] == ("between teams, not promised to the client", "the client's", "other")
    # A clock that is new says it where it is a team's.
    new = {row[0]: row[2:] for row in told(OWN_WORDS, BY_TEAM)}
    assert new[scope] == (None, "between teams, not promised to the client", "other")
    assert scope not in [row[0] for row in told(OWN_WORDS, ours)]


@pytest.mark.parametrize(("text", "old", "new", "expected"), [*DIFFER, *RULES])
def test_a_pair_that_differs_in_one_thing_is_told_so(
    text: str, old: str, new: str, expected: tuple[Any, ...]
) -> None:
    assert text.count(old) == 1
    assert told(text, text.replace(old, new)) == [expected]
    (back,) = told(text.replace(old, new), text)
    opposite = {"stricter": "looser", "looser": "stricter", "other": "other"}[expected[4]]
    assert back[2:] == (*expected[2:4][::-1], opposite)
    assert told(text, text) == []


def test_the_order_in_which_agreements_are_tried_is_told() -> None:
    head, gold, europe = AGREEMENTS.split("[[agreements]]")
    swapped = f"{head}[[agreements]]{europe}\n[[agreements]]{gold}"
    (row,) = told(AGREEMENTS, swapped)
    before, after = "gold, europe, standard", "europe, gold, standard"
    assert row == ("order of agreements", "everyone", before, after, "other")


def of_files(folder: Path, *closed: str) -> list[tuple[str, str | None, str | None, str]]:
    """What is told of two policies with different files of holidays."""
    policies = []
    for name, events in zip(("old", "new"), closed, strict=True):
        (folder / name).mkdir()
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN", events, "END:VCALENDAR"]
        (folder / name / "company.ics").write_text("\n".join(lines))
        path = folder / name / "policy.toml"
        holidays = f'holidays = {{ ics = "company.ics" }}\nhours = {DAYS}\n[calendars.freeze]'
        path.write_text(SUN.replace(f"hours = {DAYS}\n[calendars.freeze]", holidays))
        policies.append(load_policy(path))
    found = changes(*policies, Texts("en"))
    assert {change.whom for change in found} <= {"Outage"}
    return [(each.what, each.before, each.after, each.effect) for each in found]


def all_day(name: str, *dates: str) -> str:
    return "\n".join(
        f"BEGIN:VEVENT\nSUMMARY:{name}\nDTSTART;VALUE=DATE:{date}\nEND:VEVENT" for date in dates
    )


def test_days_of_a_file_are_told_by_date_and_name(tmp_path: Path) -> None:
    # Monday to Wednesday; the policy is in force from 2020.
    old = all_day("Move", "20210104", "20210108") + "\n" + all_day("Party", "20210111")
    new = all_day("Moving", "20210104") + "\n" + all_day("Party", "20210111", "20210115")
    assert of_files(tmp_path, old, new) == [
        ("west: 2021-01-04", "closed (Move)", "closed (Moving)", "other"),
        ("west: 2021-01-08", "closed (Move)", "09:00-18:00", "stricter"),
        ("west: 2021-01-15", "09:00-18:00", "closed (Party)", "looser"),
    ]


def test_hours_of_a_file_are_told_by_date_and_name(tmp_path: Path) -> None:
    short = all_day("Party", "20210111").replace(
        "DTSTART;VALUE=DATE:20210111", "DTSTART:20210111T{}0000\nDTEND:20210111T200000"
    )
    rows = of_files(tmp_path, short.format(15), short.format(16))
    assert rows == [("west: 2021-01-11", "09:00-15:00 (Party)", "09:00-16:00 (Party)", "stricter")]


def test_days_of_distant_years_are_told_by_the_next_and_their_count(tmp_path: Path) -> None:
    old = all_day("Jubilee", "20350101", "19990101", "20360104")
    assert of_files(tmp_path, old, all_day("Jubilee", "20360104")) == [
        ("west: 2035-01-01 and 1 more", "closed (Jubilee)", "09:00-18:00", "stricter"),
    ]


def with_office(target: str) -> Policy:
    """A contract with this target, and with an office by whose hours it may go."""
    text = OWN_WORDS.replace(
        "[calendars.always]",
        f'[calendars.office]\nzone = "UTC"\nhours = {DAYS}\n[calendars.always]',
    )
    usual = 'within = "1h", boundary = "inclusive", calendar = "always"'
    text = text.replace(usual, f'{target}, boundary = "inclusive"')
    return own_words(f'business_calendar = "always"\n{text}').latest


ARRIVAL = '{{ inside = "{}", outside = "{}", of = "office" }}'


@pytest.mark.parametrize(
    ("old", "new", "before", "after", "effect"),
    [
        (
            '"next business day"',
            '"end of business day"',
            "by the end of the next business day (always)",
            "by the end of the business day (always)",
            "stricter",
        ),
        (
            '"1h"',
            '"next business day"',
            "up to 1 h (always)",
            "by the end of the next business day (always)",
            "other",
        ),
        (
            ARRIVAL.format("1h", "2h"),
            ARRIVAL.format("1h", "3h"),
            "up to 1 h if the time begins during office, else up to 2 h (always)",
            "up to 1 h if the time begins during office, else up to 3 h (always)",
            "looser",
        ),
        (
            ARRIVAL.format("1h", "2h"),
            ARRIVAL.format("30m", "3h"),
            "up to 1 h if the time begins during office, else up to 2 h (always)",
            "up to 30 min if the time begins during office, else up to 3 h (always)",
            "other",
        ),
    ],
)
def test_a_promise_of_any_form_is_told_and_compared(
    old: str, new: str, before: str, after: str, effect: str
) -> None:
    (found,) = changes(
        *(with_office(f'within = {each}, calendar = "always"') for each in (old, new)), Texts("en")
    )
    assert (found.before, found.after, found.effect) == (before, after, effect)


EITHER = (
    'within = {{ inside = "{}", outside = "{}", of = "office" }}, '
    'calendar = {{ inside = "{}", outside = "{}", of = "office" }}'
)


@pytest.mark.parametrize(
    ("old", "new", "before", "after", "effect"),
    [
        (
            EITHER.format("1h", "4h", "office", "always"),
            EITHER.format("1h", "2h", "office", "always"),
            "up to 1 h (office) if the time begins during office, else up to 4 h (always)",
            "up to 1 h (office) if the time begins during office, else up to 2 h (always)",
            "stricter",
        ),
        (
            EITHER.format("1h", "4h", "always", "always"),
            EITHER.format("1h", "4h", "office", "always"),
            "up to 1 h if the time begins during office, else up to 4 h (always)",
            "up to 1 h (office) if the time begins during office, else up to 4 h (always)",
            "other",
        ),
    ],
)
def test_a_promise_on_two_calendars_is_compared_calendar_by_calendar(
    old: str, new: str, before: str, after: str, effect: str
) -> None:
    (found,) = changes(*map(with_office, (old, new)), Texts("en"))
    assert (found.before, found.after, found.effect) == (before, after, effect)


def test_the_fact_that_a_promise_goes_by_is_told() -> None:
    by = '{{ by = "{}", emea = "always", else = "always" }}'
    texts = [
        OWN_WORDS.replace('calendar = "always"', f"calendar = {by.format(fact)}", 1)
        for fact in ("region", "plan")
    ]
    (found,) = changes(*[own_words(text).latest for text in texts], Texts("en"))
    told = "up to 1 h (by {}: emea: always; any other: always)"
    assert (found.before, found.after) == (told.format("region"), told.format("plan"))


def test_steps_are_told_of_the_policy_and_of_a_target_that_has_its_own() -> None:
    p2 = 'within = "8h", '
    own = WITH_STEPS.replace(p2, p2 + 'steps = [{ at = "+1h", name = "owner" }], ')
    policies = [own_words(text).latest for text in (OWN_WORDS, own)]
    p2_only, everybody = changes(*policies, Texts("en"))
    later = "1 h past the end: manager, then every 2 h, 2 times: director"
    assert (everybody.what, everybody.before, everybody.after) == (
        "warnings and escalations",
        "50%",
        f"50%, 15 min before the end, {later}",
    )
    assert (p2_only.what, p2_only.whom, p2_only.before, p2_only.after) == (
        "resolution: warnings and escalations",
        "Degraded",
        "50%",
        "1 h past the end: owner",
    )


# --- drawn contracts ---


def plain(target: AnyTarget) -> Any:
    """A target without the objects that policies do not share."""
    match target:
        case Target():
            if not target.ladder:
                return "none"
            return target.within, target.boundary, target.calendar.name, target.rules
        case ClosingTarget():
            return target.day, target.boundary, target.calendar.name, target.rules
        case ArrivalTarget():
            return plain(target.inside), plain(target.outside), target.of.name
        case TargetChoice():
            parts = {value: plain(each) for value, each in target.by_value.items()}
            return target.by, parts, plain(target.otherwise)


def meaning(policy: Policy) -> object:
    """All that a policy says, but for its name, as plain values."""
    return (
        policy.severities,
        policy.default_severity,
        policy.severity_names,
        policy.steps,
        policy.clocks,
        [
            (
                each.name,
                each.when,
                each.objective,
                {key: plain(target) for key, target in each.targets.items()},
            )
            for each in policy.every_agreement
        ],
        policy.merges_earliest,
        policy.exception_sources,
        {
            name: (
                each.built_by,
                each.severities,
                each.outside.name,
                # A plan's limit has the steps of the target beside it.
                {key: plain(target)[:3] for key, target in each.targets.items()},
            )
            for name, each in policy.plans.items()
        },
        {
            name: (
                each.zone,
                each.week,
                each.dates,
                each.day_length,
                {other.name for other in each.union},
                {other.name for other in each.excluded},
            )
            for name, each in policy.calendars.items()
        },
    )


def nearly(draw: random.Random, contract: Contract) -> Contract:
    """A contract that differs from another in a single thing, if at all."""
    severities = list(contract["severities"])
    kinds = ("default", "rank", "agreements", "when", "rules")
    keys = ("standard", "steps", "calendars", "clocks", "merge", "sources", "guard")
    kind = draw.choice([*kinds, *keys])
    other: dict[str, Any] = {}
    if kind == "default":
        other["default"] = draw.choice([None, *severities])
    elif kind == "rank":
        other["severities"] = draw.sample(severities, len(severities))
    elif kind == "agreements":
        kept = contract["agreements"][: draw.randint(0, 3)]
        other["agreements"] = draw.sample(kept, len(kept))
    elif kind == "when":
        first = [{**each, "when": {"plan": ["silver"]}} for each in contract["agreements"][:1]]
        other["agreements"] = [*first, *contract["agreements"][1:]]
    elif kind == "rules":
        name = draw.choice([*contract["clocks"]])
        rule = contract["clocks"][name]
        turned = rule | {"from_change": not rule.get("from_change")}
        other["clocks"] = contract["clocks"] | {name: turned}
    else:
        # One of the contract's keys, as another contract has it.
        other[kind] = drawn(draw)[kind]
    return contract | other


def read(contract: Contract) -> Policy | None:
    try:
        return parse_policy(written(contract), "drawn.toml")
    except PolicyError:
        return None


def test_any_two_drawn_contracts_that_differ_have_a_difference() -> None:
    pairs = alike = 0
    last: Policy | None = None
    for seed in itertools.count():
        draw = random.Random(seed)  # noqa: S311  the same every time
        contract = drawn(draw)
        policy = read(contract)
        others = [last, *(read(nearly(draw, contract)) for _ in range(3))]
        last = policy or last
        for other in others:
            if policy is None or other is None:
                continue
            found = changes(policy, other, Texts("en"))
            assert bool(found) == (meaning(policy) != meaning(other)), seed
            pairs += 1
            alike += not found
        if pairs > 400:
            break
    assert 0 < alike < pairs
