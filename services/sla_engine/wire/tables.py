"""The table topic: a ticket's row, which includes its stored state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sla_domain.clock import SEVERITY_LIMIT, UNDUE, Clock, Limit, Outcome
from sla_domain.delay import client_delay
from sla_domain.earlier import parted, summed_up
from sla_domain.event import EventType
from sla_domain.instant import format_instant, format_optional
from sla_domain.obligations import Obligation
from sla_domain.policy import ClockRule
from sla_domain.status import Status
from sla_domain.target import Target
from sla_domain.ticket import FEATURE_REQUEST, Ticket
from sla_engine.memory import STATE_VERSION, Held


def ticket_as_of(ticket: Ticket) -> int:
    """The instant of the latest event or sent alert of ``ticket``."""
    latest = ticket.timeline[-1].occurred
    for sent in ticket.sent:
        latest = max(latest, sent.at)
    return latest


def ticket_record(
    ticket: Ticket,
    as_of: int,
    next_deadline: int | None,
    held: Sequence[Held] = (),
    held_until: int | None = None,
    weight: int = 0,
    known_at: int = 0,
) -> dict[str, Any]:
    """A ticket's row, with its figures as of ``as_of``."""
    created = ticket.created is not None
    obligations = ticket.obligations
    record: dict[str, Any] = {
        "ticket_id": ticket.id,
        "client_id": ticket.client_id,
        "kind": ticket.kind,
        "severity": ticket.severity,
        "state": ticket.status,
        "holder": ticket.holder,
        "holder_since": format_instant(ticket.stages[-1].start) if ticket.stages else None,
        **_assignment(ticket),
        "policy": ticket.policy.ref,
        "channel": ticket.created.facts.get("channel") if ticket.created else None,
        "communicated_at": format_instant(ticket.communicated_at) if created else None,
        "closed_at": format_optional(ticket.closed_at),
        "as_of": format_instant(as_of),
        "next_deadline": format_optional(next_deadline),
        **_clocks(ticket, as_of),
        "client_delay": _client_delay(ticket, as_of) if ticket.waited else {},
        "obligations": [_obligation(owed) for owed in obligations.records],
        "subscribers": obligations.subscribers,
        "timeline": ticket.timeline,
        "sent": ticket.sent,
        "said": ticket.said,
        "postponed": list(ticket.postponed.values()),
        "held": list(held),
        "held_until": held_until,
        "weight": weight,
        "known_at": known_at,
        "state_version": STATE_VERSION,
    }
    if ticket.policy.begins_later:
        waiting = ticket.not_started
        record["clocks"] += [_not_started(ticket, rule, target) for rule, target in waiting]
    if ticket.policy.agreements:
        record["agreement"] = ticket.agreement_name
    return record


def _assignment(ticket: Ticket) -> dict[str, str | None]:
    """Who has the ticket: the analyst of the latest ``assigned``, nobody since a ``queued``; and
    the team.
    """
    for event in reversed(ticket.timeline):
        if event.type is EventType.ASSIGNED or event.type is EventType.QUEUED:
            return {"analyst_id": event.facts.get("analyst_id"), "team": ticket.team}
    return {"analyst_id": None, "team": None}


def _clocks(ticket: Ticket, as_of: int) -> dict[str, Any]:
    """The clocks of a row; of those that have had many cycles, the earlier ones summed up."""
    without = ticket.outcomes_without_exceptions(as_of)
    earlier, shown = parted(ticket.clocks)
    told: dict[str, Any] = {
        "clocks": [
            _clock(ticket, clock, as_of, without.get(clock.key) if without else None)
            for clock in shown
        ]
    }
    if earlier:
        summed = summed_up(earlier, without, ticket.policy.business_calendar, as_of)
        # What has no value is left out, as of clocks.
        told["earlier_cycles"] = [
            {name: value for name, value in each.record.items() if value is not None}
            for each in summed
        ]
    return told


def _clock(
    ticket: Ticket, clock: Clock, as_of: int, without_exceptions: Outcome | None
) -> dict[str, Any]:
    outcome = clock.outcome(as_of)
    undue = outcome in UNDUE
    until = as_of
    if ticket.status is Status.CANCELLED and ticket.closed_at is not None:
        until = min(as_of, ticket.closed_at)
    measured = ticket.kind != FEATURE_REQUEST
    several = clock.plan_limit is not None or clock.ended_limits
    limit = clock.governing if several and not undue else clock.primary
    record: dict[str, Any] = {
        "clock": clock.rule.name,
        "cycle": clock.cycle,
        "severity": clock.severity,
        "start": format_instant(clock.start),
        "stopped": format_optional(clock.stopped),
        "outcome": outcome,
        "origin": clock.origin,
        **_figures(limit, until, undue=undue, measured=measured),
        "breaches_at": None if undue else format_optional(_breaks(clock)),
        "paused_by": _paused_by(limit, until) if measured and clock.pauses else {},
        "limits": [_figures(each, until, undue=undue, measured=measured) for each in clock.limits]
        if several
        else [],
    }
    if clock.agreement is not None:
        record["agreement"] = clock.agreement
    if clock.team is not None:
        record["team"] = clock.team
    if without_exceptions is not None:
        record["without_exceptions"] = without_exceptions
    return record


def _not_started(ticket: Ticket, rule: ClockRule, target: Target) -> dict[str, Any]:
    """A clock that owes nothing yet; ``target`` is what it promised if it started now."""
    return {
        "clock": rule.name,
        "cycle": 1,
        "severity": ticket.severity,
        **({"agreement": ticket.agreement_name} if ticket.agreement_name is not None else {}),
        "start": None,
        "stopped": None,
        "outcome": Outcome.NOT_STARTED,
        "origin": None,
        "limit": SEVERITY_LIMIT,
        "counted_from": None,
        "due": None,
        "used_ms": 0,
        "paused_ms": 0,
        "target_ms": target.within,
        "boundary": target.boundary,
        "calendar": target.calendar.name,
        "breaches_at": None,
        "paused_by": {},
        "limits": [],
    }


def _breaks(clock: Clock) -> int | None:
    """The earliest breach of any limit."""
    if clock.plan_limit is None and not clock.ended_limits:
        return clock.primary.breaks
    return min((at for limit in clock.limits if (at := limit.breaks) is not None), default=None)


def _figures(limit: Limit, until: int, *, undue: bool, measured: bool) -> dict[str, Any]:
    target = limit.target
    return {
        **({"ended": format_optional(limit.stopped)} if limit.ended else {}),
        "limit": limit.name,
        "counted_from": format_instant(limit.start),
        "due": None if undue else format_optional(limit.due),
        "used_ms": limit.used(until) if measured else None,
        "paused_ms": (limit.paused_time(until) if limit.pauses else 0) if measured else None,
        "target_ms": target.within,
        "boundary": target.boundary,
        "calendar": target.calendar.name,
    }


def _paused_by(limit: Limit, until: int) -> dict[str, int]:
    parties = {pause.party for pause in limit.pauses}
    if len(parties) == 1:
        # The total is cached; a party's share is not.
        return {limit.pauses[0].party: limit.paused_time(until)}
    return {party: limit.paused_time(until, party) for party in sorted(parties)}


def _client_delay(ticket: Ticket, as_of: int) -> dict[str, Any]:
    return {
        party: {"business_ms": delay.business_ms, "clock_ms": delay.clock_ms}
        for party, delay in client_delay(ticket, as_of).items()
    }


def _obligation(owed: Obligation) -> dict[str, Any]:
    return {
        "kind": "written_record",
        "contact_id": owed.contact_id,
        "medium": owed.medium,
        "opened_at": format_instant(owed.opened),
        "closed_at": format_optional(owed.closed),
        "record": owed.record,
    }


def write_json(value: object) -> bytes:
    """Encode ``value`` as compact UTF-8 JSON."""
    return msgspec.json.encode(value)
