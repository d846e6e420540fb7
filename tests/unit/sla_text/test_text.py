"""Texts for users: complete in every language, exact, and safe on a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from support import decoded, default_book, event, lines_of, run
from support.contracts import OWN_WORDS, own_words

from sla_cli.explaining import from_recording
from sla_domain.announcement import AnnouncementKind
from sla_domain.clock import Outcome
from sla_domain.counting import counted
from sla_domain.event import EventType
from sla_domain.explanation import SpanKind
from sla_domain.instant import HOUR, MINUTE, parse_instant
from sla_domain.status import Status
from sla_domain.steps import StepRule
from sla_schemas import words
from sla_text.alerts import alert_text
from sla_text.explanation import explain
from sla_text.language import LANGUAGES, Texts, catalogue, language_of
from sla_text.page import page
from sla_text.presentation import Presenter
from sla_text.steps import told_rules, told_step
from sla_text.times import length, moment, percent, percent_of

BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
NAMES = default_book().severity_names


def entries(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for name, value in table.items():
        if isinstance(value, dict) and set(value) <= set(LANGUAGES):
            yield f"{path}{name}", value
        else:
            yield from entries(value, f"{path}{name}.")


def test_every_text_says_the_same_things_in_every_language() -> None:
    found = dict(entries(catalogue()))
    assert len(found) > 100
    for path, text in found.items():
        assert set(text) == set(LANGUAGES), path
        filled = [set(re.findall(r"{(\w+)}", each)) for each in text.values()]
        assert all(each == filled[0] for each in filled), path


WORDS = {
    "outcome": [outcome.value for outcome in Outcome],
    "state": [status.value for status in Status],
    "kind": get_args(words.Kind),
    "holder": [*default_book().words("party"), "vendor", "agreed", "nobody"],
    "origin": default_book().words("origin"),
    "medium": default_book().words("medium"),
    "event": [type_.word for type_ in EventType],
    "span": [kind.value for kind in SpanKind],
    "reason": get_args(words.RetractionReason),
    "notice": [kind.value for kind in AnnouncementKind],
}


@pytest.mark.parametrize("sort", WORDS)
def test_every_word_of_the_contract_is_known(sort: str) -> None:
    assert set(catalogue()["words"][sort]) == set(WORDS[sort])


def test_the_language_is_that_of_the_locale_else_english() -> None:
    assert language_of({"LANG": "es_AR.UTF-8"}) == "es"
    assert language_of({"LC_ALL": "C", "LANG": "es_AR.UTF-8"}) == "en"
    assert language_of({"LC_MESSAGES": "es", "LANG": "en_GB"}) == "es"
    assert language_of({"LANG": "de_DE"}) == language_of({}) == "en"


def test_a_severity_has_the_name_that_the_policy_gives_it_in_a_language() -> None:
    assert Texts("en").severity("high", NAMES) == "High"
    assert Texts("es").severity("high", NAMES) == "Alto"
    for language in LANGUAGES:
        assert Texts(language).severity("blocker", NAMES) == "Blocker"
        assert Texts(language).severity("high", {}) == "High"
        assert Texts(language).severity("high", {"high": {"name": "Alto"}}) == "Alto"
    assert Texts("en").severity(None, NAMES) == "no severity"


def test_times_and_lengths_are_exact_to_the_millisecond() -> None:
    at = parse_instant("2026-11-23T20:42:00Z")
    assert moment(at, BUENOS_AIRES, Texts("en")) == "Mon 2026-11-23 17:42"
    assert moment(at + 250, BUENOS_AIRES, Texts("es")) == "lun 2026-11-23 17:42:00,250"
    assert moment(at + 1000, ZoneInfo("Europe/Madrid"), Texts("en")) == "Mon 2026-11-23 21:42:01"
    assert length(22 * HOUR + 21 * MINUTE) == "22 h 21 min"
    assert length(0) == "0 s"
    assert length(-1) == "-0.001 s"
    assert length(15_250) == "15.25 s"
    assert length(15_250, Texts("en")) == "15.25 s"
    assert length(15_250, Texts("es")) == "15,25 s"
    assert percent_of(Fraction(3, 4)) == percent_of(Fraction(3, 4), Texts("en")) == "75%"
    assert percent_of(Fraction(33, 40), Texts("es")) == "82,5 %"
    assert percent(0.9999) == percent(0.9999, Texts("en")) == "99.9%"
    assert percent(0.9999, Texts("es")) == "99,9 %"


def story() -> list[dict[str, Any]]:
    """A ticket with everything that an explanation can tell."""
    return [
        event(
            "created",
            "2026-11-20T17:00:00-03:00",
            severity="high",
            channel="telephone",
            plan="integrations_24x7",
            integration={"name": "<crm>", "built_by": "aivo"},
            affects=["live", "myaivo", "other"],
            requester_id="lucia",
        ),
        event("guard_contacted", "2026-11-20T20:00:00-03:00"),
        event("contact_logged", "2026-11-20T20:10:00-03:00", contact_id="call-1", medium="phone"),
        event("contact_logged", "2026-11-20T20:20:00-03:00", contact_id="call-2", medium="meet"),
        event(
            "contact_logged",
            "2026-11-20T20:30:00-03:00",
            contact_id="call-2",
            medium="email",
            record="mail/<7>",
        ),
        event("waiting_on_client", "2026-11-21T00:00:00-03:00", party="client_third_party"),
        event("client_responded", "2026-11-21T06:00:00-03:00"),
        event("resolved", "2026-11-21T19:30:15.250-03:00", origin="third_party"),
        event("assigned", "2026-11-20T17:40:00-03:00"),
        event("reopened", "2026-11-21T20:00:00-03:00"),
        event("severity_changed", "2026-11-23T10:00:00-03:00", severity="medium"),
        event("feature_approved", "2026-11-23T11:00:00-03:00"),
    ]


def document(until: str = "2026-11-23T12:00:00-03:00") -> dict[str, Any]:
    ticket, at = from_recording("T-1", lines_of(story()), default_book(), 1, parse_instant(until))
    return explain(ticket, at)


def test_the_sums_of_an_explanation_add_up() -> None:
    told = document()
    assert [(clock["clock"], clock["cycle"]) for clock in told["clocks"]] == [
        ("first_response", 1),
        ("resolution", 1),
        ("resolution", 2),
    ]
    for clock in told["clocks"]:
        for limit in clock["limits"]:
            parts = ("used_ms", "paused_ms", "closed_ms", "not_begun_ms")
            assert sum(limit[part] for part in parts) == limit["elapsed_ms"]
            assert limit["used_ms"] + limit["remaining_ms"] == limit["target_ms"]
            spans = limit["spans"]
            assert sum(span["ms"] for span in spans) == limit["elapsed_ms"] + limit["stopped_ms"]
            assert spans[0]["start"] == clock["start"]
            assert spans[-1]["end"] == told["as_of"]
            assert limit["due_steps"][-1]["total_ms"] == limit["target_ms"]
            assert limit["due_steps"][-1]["end"] == limit["due"]
    own, guard = told["clocks"][1]["limits"]
    assert (own["used_ms"], own["due"]) == (HOUR, "2026-11-23T19:00:00.000Z")
    assert (guard["used_ms"], guard["paused_ms"], guard["due"]) == (
        17 * HOUR + 30 * MINUTE + 15_250,
        6 * HOUR,
        "2026-11-21T21:00:00.000Z",
    )
    assert told["clocks"][1]["limit"] == "integrations_24x7"


def test_an_explanation_says_who_has_the_ball_and_why_time_counts_or_not() -> None:
    (_, guard) = document()["clocks"][1]["limits"]
    assert [(s["kind"], s["state"], s["holder"]) for s in guard["spans"]] == [
        ("not_begun", "open", "vendor"),
        ("counted", "open", "vendor"),
        ("paused", "waiting", "client_third_party"),
        ("counted", "open", "vendor"),
        ("stopped", "resolved", None),
        ("stopped", "open", "vendor"),
    ]


def test_a_pause_while_nobody_has_the_ball_names_nobody() -> None:
    told = document()
    (_, guard) = told["clocks"][1]["limits"]
    [paused] = [span for span in guard["spans"] if span["kind"] == "paused"]
    paused["holder"] = None
    for language, said in (("en", "paused since event"), ("es", "en pausa desde el evento")):
        [why] = [
            row[5]
            for clock in Presenter(Texts(language), BUENOS_AIRES, NAMES).tell(told).clocks
            for limit in clock.limits
            for row in limit.spans.rows
            if row[5].startswith(said)
        ]
        assert paused["cause"] in why


ENGLISH = (
    "incident, Medium, open",
    "limit for severity High: up to 8 h (business hours)",
    "live (primary service), myaivo (platform), other",
    "waiting on the client's third party since event",
    "due Sat 2026-11-21 18:00, the earlier limit",
    "1 h 30 min 15.25 s over",
    "first response warning at 50%, cycle 1",
    "retracted: an event arrived late",
    "received through a channel that the policy does not list",
    "resolved without a written record of contact call-1",
    "call-2 by Google Meet",
    "client's third party: 0 s in business hours, 6 h in total",
)


def test_one_is_told_as_one() -> None:
    assert counted(1, "row") == "1 row"
    assert counted(0, "breach") == "0 breaches"
    assert counted(30_000, "event") == "30,000 events"
    english, spanish = Texts("en"), Texts("es")
    assert english.counted("compare.differ", 1) == "1 ticket has a different outcome"
    assert english.counted("compare.differ", 2_000) == "2,000 tickets have a different outcome"
    assert spanish.counted("compare.differ", 1) == "1 ticket tiene otro resultado"
    assert spanish.counted("compare.differ", 2_000) == "2.000 tickets tienen otro resultado"
    known = dict(entries(catalogue()))
    of_many = {
        name
        for name, text in known.items()
        if re.search(r"\{count\} \w", text["en"]) and not name.endswith("_one")
    }
    # "and 1 more" is right as it is.
    assert {name for name in of_many if f"{name}_one" not in known} == {"compare.more"}


def plain(told: object) -> str:
    """Everything that a telling says, in one string."""
    if isinstance(told, str):
        return told
    if isinstance(told, list | tuple):
        return "\n".join(map(plain, told))
    return "\n".join(plain(getattr(told, name)) for name in type(told).__slots__)  # type: ignore[attr-defined]


def test_a_telling_has_it_all_in_both_languages() -> None:
    english = plain(Presenter(Texts("en"), BUENOS_AIRES, NAMES).tell(document()))
    for text in ENGLISH:
        assert text in english
    spanish = plain(Presenter(Texts("es"), BUENOS_AIRES, NAMES).tell(document()))
    for text in (
        "límite por severidad Alto: hasta 8 h (horario laborable)",
        "se espera al tercero del cliente",
        "exceso de 1 h 30 min 15,25 s",
    ):
        assert text in spanish
    madrid = plain(Presenter(Texts("en"), ZoneInfo("Europe/Madrid"), NAMES).tell(document()))
    assert "due Sat 2026-11-21 22:00, the earlier limit" in madrid


class Reader(HTMLParser):
    """Notes what a page refers to, and whether its elements nest."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_needs_nothing_else_and_escapes_what_others_wrote(language: Any) -> None:
    written = page(document(), Presenter(Texts(language), BUENOS_AIRES, NAMES))
    reader = Reader()
    reader.feed(written)
    assert reader.open == []
    assert reader.references == []
    assert "url(" not in written
    assert "<crm>" not in written
    assert "&lt;crm&gt;" in written
    assert "@media print" in written
    assert f'<html lang="{language}">' in written


def test_the_drawing_has_a_lane_for_the_ticket_and_each_limit() -> None:
    written = page(document(), Presenter(Texts("en"), BUENOS_AIRES, NAMES))
    svg = ET.fromstring(re.search(r"<svg.*?</svg>", written, re.DOTALL)[0])  # type: ignore[index]  # noqa: S314
    name = "{http://www.w3.org/2000/svg}"
    lanes = [lane for lane in svg.findall(f"{name}g") if lane.get("transform")]
    assert [lane.find(f"{name}text").text for lane in lanes] == [  # type: ignore[union-attr]
        "ticket",
        "first response, cycle 1: met (severity)",
        "resolution, cycle 1: breached (severity)",
        "resolution, cycle 1: breached (integrations 24x7)",
        "resolution, cycle 2: running (severity)",
    ]
    for bar in svg.iter(f"{name}rect"):
        assert 0 <= float(bar.get("x", "-1")) <= 1000
        assert float(bar.get("width", "-1")) >= 0
    assert len(svg.findall(f".//{name}g[@class='breach']")) == 1


def test_every_kind_of_alert_is_a_sentence() -> None:
    outputs = run(story())
    records = decoded([*outputs.warnings, *outputs.breaches, *outputs.approvals])
    late = [
        event("created", "2026-11-23T12:00:00Z", severity="high"),
        event("contact_logged", "2026-11-23T16:00:00Z", contact_id="c", medium="email"),
        event("assigned", "2026-11-23T13:00:00Z"),
    ]
    records += decoded(run(late).breaches)
    told = {
        record["type"]: alert_text(record, Texts("en"), BUENOS_AIRES, NAMES) for record in records
    }
    assert set(told) == {
        "sla.warning",
        "sla.warning_retracted",
        "sla.breach",
        "sla.breach_retracted",
        "sla.notice",
        "feature.approved",
    }
    assert told["feature.approved"] == "lucia: feature request T-1 has been approved"
    assert told["sla.breach_retracted"].endswith(" breach retracted: an event arrived late")
    breach = next(record for record in records if record["type"] == "sla.breach")
    assert alert_text(breach, Texts("es"), BUENOS_AIRES, NAMES) == (
        "T-1 (Alto) incumplió el tiempo de resolución el sáb 2026-11-21 18:00:00,001: "
        "usó 16 h 0,001 s de 16 h"
    )


def test_a_step_is_told_by_where_it_lies_or_what_it_is_called() -> None:
    english, spanish = Texts("en"), Texts("es")
    whats = ["0.75", "-1h30m", "breach", "team_lead#1", "team_lead#2"]
    assert [told_step(what, english) for what in whats] == [
        *("at 75%", "1 h 30 min before the end", "", "team lead", "team lead 2")
    ]
    assert told_step("0.75", spanish) == "al 75 %"
    rule = StepRule("director", Fraction(3, 2), 2 * HOUR, 2)
    assert told_rules([rule], english) == "150%, 2 h past the end: director 2"
    assert told_rules([rule], spanish) == "150 %, 2 h después del final: director 2"


@pytest.mark.parametrize(
    ("steps", "en", "es"),
    [
        (
            '{ every = "1h", times = 10, name = "credit" }',
            "every hour past the end, 10 times: credit",
            "cada hora después del final, 10 veces: credit",
        ),
        (
            '{ at = "50%" }, { at = "+1h", name = "a" }, { every = "2h", times = 3, name = "a" }',
            "50%, 1 h past the end: a 1, then every 2 h, 3 times: a 2 to 4",
            "50 %, 1 h después del final: a 1, luego cada 2 h, 3 veces: a 2 a 4",
        ),
        (
            '{ at = "+1h" }, { at = "+4h" }, { at = "+5h30m", name = "a" }',
            (
                "1 h past the end: escalation 1, 4 h past the end: escalation 2, "
                "5 h 30 min past the end: a"
            ),
            (
                "1 h después del final: escalation 1, 4 h después del final: escalation 2, "
                "5 h 30 min después del final: a"
            ),
        ),
        (
            '{ every = "30m", times = 2, name = "a" }, { every = "30m", times = 2, name = "b" }',
            "every 30 min past the end, 2 times: a, then every 30 min, 2 times: b",
            "cada 30 min después del final, 2 veces: a, luego cada 30 min, 2 veces: b",
        ),
        (
            '{ at = "+1h", name = "a" }, { at = "+2h", name = "a" }, { at = "200%", name = "a" }',
            "every hour past the end, 2 times: a 1 to 2, 200%: a 3",
            "cada hora después del final, 2 veces: a 1 a 2, 200 %: a 3",
        ),
    ],
)
def test_repeated_steps_are_told_in_one_with_the_numbers_of_their_events(
    steps: str, en: str, es: str
) -> None:
    text = OWN_WORDS.replace("[warnings]\nfractions = [0.5]\n", "").replace(
        "default_severity", f"steps = [{steps}]\ndefault_severity", 1
    )
    rules = own_words(text).latest.steps
    assert told_rules(rules, Texts("en")) == en
    assert told_rules(rules, Texts("es")) == es


@pytest.mark.parametrize(
    ("kind", "data", "english", "spanish"),
    [
        (
            "sla.warning",
            {"fraction": "0.75"},
            "has used 75% of its resolution time; due Mon 2026-11-23 10:00",
            "usó el 75 % del tiempo de resolución; vence el lun 2026-11-23 10:00",
        ),
        (
            "sla.warning",
            {"fraction": "-30m"},
            "30 min before the end of its resolution time; due",
            "30 min antes del final del tiempo de resolución; vence",
        ),
        (
            "sla.escalation",
            {"name": "manager", "number": 2},
            "is escalated (manager 2) on Mon 2026-11-23 11:00: 2 h used of 1 h of its resolution",
            "se escala (manager 2) el lun 2026-11-23 11:00: usó 2 h de 1 h del tiempo de",
        ),
        (
            "sla.breach",
            {"clock": "in_tier", "team": "tier2"},
            "breached its in tier (tier2) SLA on",
            "incumplió el tiempo de in tier (tier2) el",
        ),
        (
            "sla.escalation_retracted",
            {"name": "manager", "number": 1, "reason": "late_event"},
            "resolution escalation (manager) retracted: ",
            "se anula el escalamiento de resolución (manager): ",
        ),
    ],
)
def test_an_alert_of_a_step_is_a_sentence(
    kind: str, data: dict[str, Any], english: str, spanish: str
) -> None:
    about = {"ticket_id": "T-1", "severity": "high", "clock": "resolution"}
    figures = {"due": "2026-11-23T10:00:00Z", "used_ms": 2 * HOUR, "target_ms": HOUR}
    record = {"type": kind, "time": "2026-11-23T11:00:00Z", "data": about | figures | data}
    assert english in alert_text(record, Texts("en"), ZoneInfo("UTC"), NAMES)
    assert spanish in alert_text(record, Texts("es"), ZoneInfo("UTC"), NAMES)
