"""An explanation as text: the same lines and tables for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from sla_domain.alert import AlertKind, kind_of
from sla_domain.clock import SEVERITY_LIMIT, Outcome
from sla_domain.instant import parse_instant
from sla_domain.pause import AGREED, NOBODY
from sla_domain.policy import SeverityNames
from sla_text.explanation import INSTANTS
from sla_text.language import Texts
from sla_text.promise import told_limit
from sla_text.steps import told_step
from sla_text.times import length, moment, time_of_day

#: How many of the spans leading to a due time are listed; the ones between are only counted.
_SHOWN_STEPS: Final = 6

#: The text of an alert that was sent.
_SENT: Final = {
    AlertKind.WARNING: "explain.sent_warning",
    AlertKind.BREACH: "explain.sent_breach",
    AlertKind.ESCALATION: "explain.sent_escalation",
}

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title, and a note below them."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class LimitTold:
    """A limit of a clock: its spans, its sums and its due time."""

    spans: Table
    sums: str
    due: str


@dataclass(frozen=True, slots=True)
class ClockTold:
    """A clock, its outcome and its limits; ``notes`` says what else applies to it."""

    title: str
    outcome: str
    notes: list[str]
    limits: list[LimitTold]


@dataclass(frozen=True, slots=True)
class Presentation:
    """A whole explanation in one language."""

    title: str
    subtitle: str
    facts: list[tuple[str, str]]
    events: Table
    clocks: list[ClockTold]
    tables: list[Table]


class Presenter:
    """Turns documents of ``explain`` into text, with times in one zone."""

    def __init__(self, texts: Texts, zone: ZoneInfo, severity_names: SeverityNames) -> None:
        self.texts = texts
        self.zone = zone
        self._names = severity_names

    def tell(self, document: Document) -> Presentation:
        """``document`` as text."""
        texts = self.texts
        subtitle = texts(
            "explain.subtitle",
            client=document["client_id"] or "?",
            kind=texts.word("kind", document["kind"]),
            severity=texts.severity(document["severity"], self._names),
            state=texts.word("state", document["state"]),
            policy=document["policy"],
            at=self.moment(document["as_of"]),
            zone=self.zone.key,
        )
        return Presentation(
            title=texts("explain.title", ticket=document["ticket_id"]),
            subtitle=subtitle,
            facts=self._facts(document),
            events=self._events(document["events"]),
            clocks=[self._clock(clock) for clock in document["clocks"]],
            tables=[table for table in self._tables(document) if table.rows],
        )

    def moment(self, instant: str) -> str:
        """An instant of a document, formatted for people."""
        return moment(parse_instant(instant), self.zone, self.texts)

    def clock_title(self, clock: Document) -> str:
        """A clock's name, cycle and outcome, and whose it is between teams."""
        return self.texts(
            "explain.clock_title",
            clock=self.texts.clock(clock["clock"], clock["team"]),
            cycle=clock["cycle"],
            outcome=self.texts.word("outcome", clock["outcome"]),
        )

    def _facts(self, document: Document) -> list[tuple[str, str]]:
        texts, found = self.texts, []
        if document["communicated_at"]:
            told = self.moment(document["communicated_at"])
            found.append((texts("explain.communicated"), told))
        found += [
            (texts(f"explain.{name}"), document[name].replace("_", " "))
            for name in ("channel", "plan", "agreement")
            if document[name]
        ]
        if document["attributes"]:
            told = ", ".join(f"{name} {value}" for name, value in document["attributes"].items())
            found.append((texts("explain.attributes"), told))
        if document["integration"]:
            integration = document["integration"]
            told = texts(
                "explain.built_by",
                name=integration.get("name", "?"),
                built_by=integration.get("built_by", "?"),
            )
            found.append((texts("explain.integration"), told))
        if document["affects"]:
            affected = ", ".join(self._affected(name, document) for name in document["affects"])
            found.append((texts("explain.affects"), affected))
        if document["subscribers"]:
            found.append((texts("explain.subscribers"), ", ".join(document["subscribers"])))
        return found

    def _affected(self, name: str, document: Document) -> str:
        if name in document["primary_services"]:
            return self.texts("explain.primary_service", name=name)
        return self.texts("explain.platform", name=name) if name in document["platforms"] else name

    def _events(self, events: list[Document]) -> Table:
        rows = [
            [
                self.moment(event["occurred"]),
                self.texts.word("event", event["type"]),
                ", ".join(self._fact(*fact) for fact in event["facts"].items()),
                event["id"],
            ]
            for event in events
        ]
        return Table(self.texts("explain.events"), self._columns("occurred event details id"), rows)

    def _fact(self, name: str, value: Any) -> str:
        if isinstance(value, dict):
            return ", ".join(f"{inner}={each}" for inner, each in value.items())
        return f"{name}={self.moment(value) if name in INSTANTS else value}"

    def _columns(self, names: str) -> list[str]:
        return [self.texts(f"column.{name}") for name in names.split()]

    def _clock(self, clock: Document) -> ClockTold:
        texts = self.texts
        notes = []
        if clock["origin"]:
            origin = texts.word("origin", clock["origin"])
            notes.append(texts("explain.attributed", origin=origin))
        if not clock["limits"]:
            begun = clock["outcome"] != Outcome.NOT_STARTED
            notes.append(texts("explain.void_clock" if begun else "explain.not_started"))
        if clock["outcome"] == Outcome.EXCUSED:
            notes.append(texts("explain.excused_clock"))
        if clock["without_exceptions"]:
            without = texts.word("outcome", clock["without_exceptions"])
            notes.append(texts("explain.without_exceptions", outcome=without))
        limits = [self._limit(limit, clock) for limit in clock["limits"]]
        return ClockTold(self.clock_title(clock), clock["outcome"], notes, limits)

    def _limit(self, limit: Document, clock: Document) -> LimitTold:
        texts = self.texts
        calendar = texts.word("calendar", limit["calendar"])
        told = self._limit_name(limit, clock)
        promise = told_limit(limit["target_ms"], limit["boundary"], limit["calendar"], texts)
        rows = [
            [
                self.moment(span["start"]),
                self.moment(span["end"]),
                texts.word("state", span["state"]),
                texts.word("holder", span["holder"] or "nobody"),
                texts.word("span", span["kind"]),
                self._why(span, limit["limit"], clock, calendar),
                length(span["ms"], self.texts),
                length(span["used_ms"], self.texts),
            ]
            for span in limit["spans"]
        ]
        spans = Table(
            texts("explain.limit_title", limit=told, promise=promise),
            self._columns("from to state holder what why length used"),
            rows,
        )
        return LimitTold(spans, self._sums(limit), self._due(limit, clock))

    def _limit_name(self, limit: Document, clock: Document) -> str:
        texts, name = self.texts, limit["limit"]
        told = texts.word("limit", name)
        if limit["ended"]:
            return texts("explain.ended_limit", limit=told, at=self.moment(limit["ended"]))
        if name == SEVERITY_LIMIT:
            told = f"{told} {texts.severity(clock['severity'], self._names)}"
        return told

    def _why(self, span: Document, limit: str, clock: Document, calendar: str) -> str:
        kind = span["kind"]
        if kind == "counted" and span["state"] == "waiting" and not clock["pauses_for_waits"]:
            kind = "counted_waiting"
        if kind == "paused" and span["holder"] in (None, NOBODY):
            kind = "paused_by_nobody"
        elif kind == "paused" and span["holder"] == AGREED:
            kind = "paused_by_agreed"
        elif kind == "not_begun" and limit == SEVERITY_LIMIT:
            kind = "not_begun_change"
        holder = self.texts.word("holder", span["holder"] or "nobody")
        return self.texts(f"why.{kind}", calendar=calendar, cause=span["cause"], holder=holder)

    def _sums(self, limit: Document) -> str:
        texts, remaining = self.texts, limit["remaining_ms"]
        before = limit["not_begun_ms"]
        rest = texts("explain.sum_not_begun", length=length(before, self.texts)) if before else ""
        return texts(
            "explain.sums",
            used=length(limit["used_ms"], self.texts),
            paused=length(limit["paused_ms"], self.texts),
            closed=length(limit["closed_ms"], self.texts),
            rest=rest,
            elapsed=length(limit["elapsed_ms"], self.texts),
            target=length(limit["target_ms"], self.texts),
            remaining=texts("explain.remaining", length=length(remaining, self.texts))
            if remaining >= 0
            else texts("explain.overrun", length=length(-remaining, self.texts)),
        )

    def _due(self, limit: Document, clock: Document) -> str:
        if limit["due"] is None:
            excused = clock["outcome"] == Outcome.EXCUSED
            return self.texts("explain.no_due_excused" if excused else "explain.no_due")
        steps = [
            self.texts(
                "explain.due_step",
                start=self.moment(step["start"]),
                end=time_of_day(parse_instant(step["end"]), self.zone, self.texts)
                if step["start"][:10] == step["end"][:10]
                else self.moment(step["end"]),
                amount=length(step["ms"], self.texts),
            )
            for step in limit["due_steps"]
        ]
        if len(steps) > _SHOWN_STEPS:
            more = self.texts.counted("explain.due_more", len(steps) - _SHOWN_STEPS)
            half = _SHOWN_STEPS // 2
            steps = [*steps[:half], more, *steps[-half:]]
        told = " + ".join(steps)
        if len(limit["due_steps"]) > 1:
            told = self.texts(
                "explain.due_total", steps=told, target=length(limit["target_ms"], self.texts)
            )
        present = [each for each in clock["limits"] if not each["ended"]]
        earlier = clock["limit"] == limit["limit"] and not limit["ended"]
        first = len(present) > 1 and earlier
        return self.texts(
            "explain.due_first" if first else "explain.due",
            due=self.moment(limit["due"]),
            steps=told,
        )

    def _tables(self, document: Document) -> list[Table]:
        texts = self.texts
        return [
            Table(
                texts("explain.alerts"),
                [*self._columns("at alert"), ""],
                [self._alert(alert) for alert in document["alerts"]],
            ),
            Table(
                texts("explain.earlier_cycles"),
                self._columns("clock cycles outcome at"),
                [self._earlier(each) for each in document["earlier_cycles"]],
                texts("explain.earlier_note"),
            ),
            Table(
                texts("explain.notices"),
                ["", ""],
                [
                    [
                        self.moment(notice["at"]),
                        texts.word("notice", notice["kind"], about=notice["about"]),
                    ]
                    for notice in document["notices"]
                ],
            ),
            Table(
                texts("explain.records"),
                [""],
                [[self._record(record)] for record in document["records"]],
            ),
            Table(
                texts("explain.delays"),
                [""],
                [
                    [
                        texts(
                            "explain.delay_row",
                            party=texts.word("holder", party),
                            business=length(delay["business_ms"], self.texts),
                            clock=length(delay["clock_ms"], self.texts),
                        )
                    ]
                    for party, delay in document["client_delay"].items()
                ],
            ),
        ]

    def _earlier(self, earlier: Document) -> list[str]:
        texts, cycles = self.texts, []
        for first, last in earlier["cycles"]:
            cycles.append(str(first) if first == last else f"{first}-{last}")
        outcome = texts.word("outcome", earlier["outcome"])
        without = earlier["without_exceptions"]
        if without not in (None, earlier["outcome"]):
            told = texts.word("outcome", without)
            outcome += f" ({texts('explain.without_exceptions', outcome=told)})"
        clock = texts.clock(earlier["clock"], earlier["team"])
        return [clock, ", ".join(cycles), outcome, earlier["date"]]

    def _alert(self, alert: Document) -> list[str]:
        texts, what = self.texts, alert["what"]
        told = texts(
            _SENT[kind_of(what)],
            clock=texts.word("clock", alert["clock"]),
            cycle=alert["cycle"],
            limit=texts.word("limit", alert["limit"]),
            step=told_step(what, texts),
        )
        if alert["occurrence"] > 1:
            told += texts("explain.again", occurrence=alert["occurrence"])
        reason = alert["retracted"]
        fate = (
            texts("explain.taken_back", reason=texts.word("reason", reason))
            if reason
            else texts("explain.stands")
        )
        return [self.moment(alert["at"]), told, fate]

    def _record(self, record: Document) -> str:
        closed = record["closed_at"]
        return self.texts(
            "explain.record_kept" if closed else "explain.record_owed",
            contact=record["contact_id"],
            medium=self.texts.word("medium", record["medium"]),
            opened=self.moment(record["opened_at"]),
            record=record["record"],
            closed=self.moment(closed) if closed else "",
        )
