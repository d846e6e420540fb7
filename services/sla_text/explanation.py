"""A ticket explained: one document, the source of the JSON, the terminal output and the page."""

from __future__ import annotations

from typing import Any, Final

from sla_domain.clock import SEVERITY_LIMIT, UNDUE, Clock, Limit, Outcome
from sla_domain.delay import client_delay
from sla_domain.earlier import parted, summed_up
from sla_domain.event import Event, EventType
from sla_domain.explanation import Ledger, SpanKind, due_steps, ledger
from sla_domain.instant import format_instant, format_optional
from sla_domain.policy import ClockRule
from sla_domain.ticket import Ticket

#: The facts of an event that are shown with it, in this order.
_TOLD_FACTS: Final = (
    "severity",
    "impact",
    "scope",
    "kind",
    "party",
    "analyst_id",
    "group",
    "medium",
    "contact_id",
    "record",
    "origin",
    "evidence",
    "reason",
    "merged_into",
    "subscriber_id",
    "name",
)

#: The same of events that say something else.
_TOLD: Final = {
    EventType.ABSORBED: ("ticket_id", "communicated_at"),
    EventType.EXCEPTION_GRANTED: (
        "exception_id",
        "clock",
        "from",
        "until",
        "reason",
        "approved_by",
    ),
    EventType.EXCEPTION_WITHDRAWN: ("exception_id",),
    EventType.ATTRIBUTES_CHANGED: ("client_id", "plan", "attributes"),
    EventType.QUEUED: ("group",),
}
#: Facts that are instants.
INSTANTS: Final = ("communicated_at", "from", "until")
#: What of a limit's figures its clock shows too.
_FIGURES: Final = (
    "calendar",
    "boundary",
    "target_ms",
    "used_ms",
    "paused_ms",
    "closed_ms",
    "not_begun_ms",
    "elapsed_ms",
    "remaining_ms",
)


def explain(ticket: Ticket, at: int) -> dict[str, Any]:
    """Everything behind the ticket's figures at ``at``: instants in UTC, milliseconds.

    For each limit of each clock ``used_ms + paused_ms + closed_ms + not_begun_ms`` is
    ``elapsed_ms`` (from the clock's start to its stop), and ``used_ms + remaining_ms`` is
    ``target_ms``. A clock's own figures are those of the limit due first.
    """
    facts = ticket.created.facts if ticket.created else {}
    policy = ticket.policy
    affects = facts.get("affects", [])
    without = ticket.outcomes_without_exceptions(at)
    earlier, shown = parted(ticket.clocks)
    return {
        "ticket_id": ticket.id,
        "client_id": ticket.client_id,
        "kind": ticket.kind,
        "severity": ticket.severity,
        "state": ticket.status.value,
        "policy": policy.ref,
        "agreement": ticket.agreement_name,
        "as_of": format_instant(at),
        "communicated_at": format_instant(ticket.communicated_at) if ticket.created else None,
        "channel": facts.get("channel"),
        "affects": affects,
        "primary_services": [each for each in affects if each in policy.primary_services],
        "platforms": [each for each in affects if each in policy.platforms],
        "plan": ticket.profile.plan or None,
        "attributes": ticket.profile.attributes,
        "integration": facts.get("integration"),
        "events": [_event(event) for event in ticket.timeline],
        "stages": [
            {
                "start": format_instant(stage.start),
                "state": stage.status.value,
                "party": stage.party,
                "cause": stage.cause,
            }
            for stage in ticket.stages
        ],
        "clocks": [
            *[_clock(ticket, clock, at, without.get(clock.key)) for clock in shown],
            *[_not_started(ticket, rule) for rule, _ in ticket.not_started],
        ],
        "earlier_cycles": [
            each.record for each in summed_up(earlier, without, policy.business_calendar, at)
        ],
        "client_delay": {
            party: delay._asdict() for party, delay in client_delay(ticket, at).items()
        },
        "records": [
            {
                "contact_id": owed.contact_id,
                "medium": owed.medium,
                "opened_at": format_instant(owed.opened),
                "closed_at": format_optional(owed.closed),
                "record": owed.record,
            }
            for owed in ticket.obligations.records
        ],
        "subscribers": ticket.obligations.subscribers,
        "alerts": [
            {
                "clock": sent.clock,
                "cycle": sent.cycle,
                "what": sent.what,
                "limit": sent.limit,
                "occurrence": sent.occurrence,
                "at": format_instant(sent.at),
                "retracted": sent.retracted,
            }
            for sent in ticket.sent
        ],
        "notices": [
            {"kind": said.kind, "about": said.about, "at": format_instant(said.at)}
            for said in ticket.said
        ],
    }


def _event(event: Event) -> dict[str, Any]:
    facts: dict[str, Any] = dict(event.facts)
    facts |= {name: format_instant(facts[name]) for name in INSTANTS if name in facts}
    told = _TOLD.get(event.type, _TOLD_FACTS)
    return {
        "occurred": format_instant(event.occurred),
        "type": event.type.word,
        "source": event.source,
        "id": event.id,
        "facts": {name: facts[name] for name in told if name in facts},
    }


def _clock(ticket: Ticket, clock: Clock, at: int, without: Outcome | None) -> dict[str, Any]:
    outcome = clock.outcome(at)
    undue = outcome in UNDUE
    governing = clock.primary if undue else clock.governing
    # What decided first is told first.
    limits = [] if outcome is Outcome.VOID else [*clock.ended_limits, *clock.present_limits]
    told = {id(limit): _limit(ledger(ticket, clock, limit, at), undue=undue) for limit in limits}
    figures = told.get(id(governing), {})
    return {
        "clock": clock.rule.name,
        "cycle": clock.cycle,
        "team": clock.team,
        "without_exceptions": without,
        "severity": clock.severity,
        "agreement": clock.agreement,
        "outcome": outcome.value,
        "origin": clock.origin,
        "start": format_instant(clock.start),
        "stopped": format_optional(clock.stopped),
        "due": None if undue else format_optional(governing.due),
        "limit": governing.name,
        "pauses_for_waits": bool(clock.rule.pauses),
        **{name: figures.get(name) for name in _FIGURES},
        "limits": list(told.values()),
    }


def _not_started(ticket: Ticket, rule: ClockRule) -> dict[str, Any]:
    return {
        "clock": rule.name,
        "cycle": 1,
        "team": None,
        "without_exceptions": None,
        "severity": ticket.severity,
        "agreement": ticket.agreement_name,
        "outcome": Outcome.NOT_STARTED.value,
        "origin": None,
        "start": None,
        "stopped": None,
        "due": None,
        "limit": SEVERITY_LIMIT,
        "pauses_for_waits": bool(rule.pauses),
        **dict.fromkeys(_FIGURES),
        "limits": [],
    }


def _limit(told: Ledger, *, undue: bool) -> dict[str, Any]:
    limit, target = told.limit, told.limit.target
    used = told.total(SpanKind.COUNTED)
    return {
        "limit": limit.name,
        "ended": format_optional(limit.stopped) if limit.ended else None,
        "calendar": target.calendar.name,
        "boundary": target.boundary.value,
        "target_ms": target.within,
        "counted_from": format_instant(limit.start),
        "due": None if undue else format_optional(limit.due),
        "used_ms": used,
        "paused_ms": told.total(SpanKind.PAUSED),
        "closed_ms": told.total(SpanKind.CLOSED),
        "not_begun_ms": told.total(SpanKind.NOT_BEGUN),
        "stopped_ms": told.total(SpanKind.STOPPED),
        "elapsed_ms": told.until - told.clock.start - told.total(SpanKind.STOPPED),
        "remaining_ms": target.within - used,
        "spans": _spans(told),
        "due_steps": [] if undue else _due_steps(limit),
    }


def _spans(told: Ledger) -> list[dict[str, Any]]:
    spans, used = [], 0
    for span in told.spans:
        used += span.length if span.kind is SpanKind.COUNTED else 0
        spans.append(
            {
                "start": format_instant(span.start),
                "end": format_instant(span.end),
                "kind": span.kind.value,
                "state": span.state.value,
                "holder": span.holder,
                "cause": span.cause,
                "ms": span.length,
                "used_ms": used,
            }
        )
    return spans


def _due_steps(limit: Limit) -> list[dict[str, Any]]:
    return [
        {
            "start": format_instant(step.start),
            "end": format_instant(step.end),
            "ms": step.amount,
            "total_ms": step.total,
        }
        for step in due_steps(limit)
    ]
