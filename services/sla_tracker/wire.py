"""Records to domain values and back: the only place that knows both.

Reading never raises: a record is an event or a ``Rejected`` with the reason it becomes a dead
letter for. Writing is plain dictionaries in the shape of the ``sla_schemas`` models; the contract
tests hold the two together.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from pydantic import ValidationError

from sla_domain.alert import SEVERITY_LIMIT, Alert, AlertKind, ClockShown, Sent
from sla_domain.clock import Clock, Outcome
from sla_domain.event import Event, EventType, Facts
from sla_domain.instant import MINUTE, format_instant
from sla_domain.policy import PolicyBook
from sla_domain.ticket import FEATURE_REQUEST, Status, Ticket
from sla_schemas.events import TICKET_EVENT
from sla_schemas.words import DeadLetterReason
from sla_tracker.fast import TYPES, NotFast, fast_event

Headers = Sequence[tuple[str, bytes]]

#: Limits of the contract: bytes of a record, and how deep its JSON may nest.
MAX_RECORD_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 8
#: How far ahead of its append time an event may say it occurred.
FUTURE_TOLERANCE: Final = 5 * MINUTE

REKEYED_HEADER: Final = "sla-rekeyed"
REPLAY_FRONTIER_HEADER: Final = "sla-replay-frontier"
REASON_HEADER: Final = "sla-reason"
DETAIL_HEADER: Final = "sla-detail"
TOPIC_HEADER: Final = "sla-topic"
PARTITION_HEADER: Final = "sla-partition"
OFFSET_HEADER: Final = "sla-offset"

OUTPUT_SOURCE: Final = "/sla-tracker"


class Record(Protocol):
    """A record as a consumer hands it out; ``timestamp`` is its append time in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class Rejected(NamedTuple):
    """Why a record can't be used. ``detail`` names fields, never their content."""

    reason: DeadLetterReason
    detail: str


class Received(NamedTuple):
    """A valid event and the ticket it is about."""

    ticket_id: str
    event: Event
    unknown_fields: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be used, on its way to the dead letters."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: DeadLetterReason


def dead_letter(record: Record, rejected: Rejected) -> DeadLetter:
    """``record`` as it came, with reason and origin in headers."""
    origin = [
        (REASON_HEADER, rejected.reason.encode()),
        (DETAIL_HEADER, rejected.detail.encode()),
        (TOPIC_HEADER, record.topic.encode()),
        (PARTITION_HEADER, str(record.partition).encode()),
        (OFFSET_HEADER, str(record.offset).encode()),
    ]
    return DeadLetter(record.key, record.value, [*record.headers, *origin], rejected.reason)


# --- reading events -----------------------------------------------------------------------------

_JSON: Final = msgspec.json.Decoder()
_ENVELOPE_FIELDS: Final = ("specversion", "id", "source", "type")
_CLOUDEVENTS: Final = b"application/cloudevents"
_INTEGRATION_FIELDS: Final = ("name", "built_by")


def read_event(record: Record, book: PolicyBook, *, replay: bool) -> Received | Rejected:
    """The event in ``record``.

    With ``replay`` the event's own time stands for the append time.
    """
    value = record.value
    if value is None:
        return Rejected("not_json", "the record has no value")
    if len(value) > MAX_RECORD_BYTES:
        return Rejected("too_large", f"{len(value)} bytes; at most {MAX_RECORD_BYTES}")
    if value[:1] == b"\x00":
        # Confluent's wire format: a zero byte and a four-byte schema id before the JSON.
        value = value[5:]
    raw = _parse(value)
    if isinstance(raw, Rejected):
        return raw
    if record.headers:
        raw = _with_binary_attributes(raw, record.headers)
    return _validated(raw, record.timestamp, book, replay=replay)


def _parse(value: bytes) -> Any:
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return Rejected("too_large", f"nested deeper than {MAX_DEPTH}")
    try:
        return _JSON.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejected("not_json", str(error))


def _depth(value: bytes) -> int:
    """How deep the brackets of ``value`` nest, those inside strings left out."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in value:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _with_binary_attributes(raw: Any, headers: Headers) -> Any:
    """A structured event from a binary one (CloudEvents Kafka binding §3.2); others unchanged."""
    found = dict(headers)
    if "ce_specversion" not in found or found.get("content-type", b"").startswith(_CLOUDEVENTS):
        return raw
    event = {
        name[3:]: content.decode("utf-8", "replace")
        for name, content in found.items()
        if name.startswith("ce_")
    }
    return {**event, "data": raw}


def _validated(raw: Any, appended: int, book: PolicyBook, *, replay: bool) -> Received | Rejected:
    if not isinstance(raw, dict):
        return Rejected("not_cloudevents", "the JSON is not an object")
    try:
        ticket_id, event = fast_event(raw)
    except NotFast:
        # Rare: a record that is wrong, or right in a way that only the full models see.
        try:
            model = TICKET_EVENT.validate_python(raw)
        except ValidationError as error:
            return _reason(raw, error)
        ticket_id = model.subject
        event = Event(
            model.time,
            TYPES[model.type],
            model.source,
            model.id,
            model.sequence,
            _facts(model.data),
        )
    wrong = _outside_world(event, event.occurred if replay else appended, book)
    if wrong is not None:
        return wrong
    return Received(ticket_id, event, _unknown(raw.get("data"), event.facts))


def _facts(data: Any) -> Facts:
    facts: dict[str, Any] = {
        name: value for name, value in data.__dict__.items() if value is not None
    }
    if (integration := facts.get("integration")) is not None:
        facts["integration"] = _facts(integration)
    return facts  # type: ignore[return-value]  # the models declare exactly these keys


def _unknown(data: Any, facts: Facts) -> int:
    """How many fields of ``data`` were dropped; those given as null are not counted."""
    if not isinstance(data, dict) or len(data) == len(facts):
        return 0
    return sum(1 for name, value in data.items() if value is not None and name not in facts)


def _outside_world(event: Event, now: int, book: PolicyBook) -> Rejected | None:
    """What the schema can't see: times ahead of ``now`` and severities no table gives."""
    facts = event.facts
    communicated = facts.get("communicated_at", event.occurred)
    if max(event.occurred, communicated) > now + FUTURE_TOLERANCE:
        return Rejected("from_the_future", "more than 5 minutes ahead of its append time")
    policy = book.in_force(communicated)
    needed = event.type is EventType.SEVERITY_CHANGED or (
        event.type is EventType.CREATED and facts.get("kind") != FEATURE_REQUEST
    )
    if needed and policy.severity_of(facts) is None:
        return Rejected("unclassifiable", "neither severity nor an impact and scope that give one")
    return None


def _reason(raw: dict[str, Any], error: ValidationError) -> Rejected:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    for problem in problems:
        where = [str(part) for part in problem["loc"] if part not in TYPES]
        detail = f"{'.'.join(where) or 'the event'}: {problem['msg']}"
        kind = problem["type"]
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            return _envelope_problem(raw) or Rejected("unknown_type", "no such event type")
        if where and where[0] in _ENVELOPE_FIELDS and kind != "string_too_long":
            return Rejected("not_cloudevents", detail)
        if kind == "string_too_long":
            return Rejected("too_large", detail)
        if kind == "instant_naive":
            return Rejected("naive_time", detail)
    first = problems[0]
    where = [str(part) for part in first["loc"] if part not in TYPES]
    return Rejected("invalid_data", f"{'.'.join(where)}: {first['msg']}")


def _envelope_problem(raw: dict[str, Any]) -> Rejected | None:
    for name in _ENVELOPE_FIELDS:
        if not isinstance(raw.get(name), str) or not raw[name]:
            return Rejected("not_cloudevents", f"{name}: must be a string that is not empty")
    if raw["specversion"] != "1.0":
        return Rejected("not_cloudevents", "specversion: must be 1.0")
    return None


# --- writing alerts -----------------------------------------------------------------------------

_DATA_SCHEMAS: Final = {
    AlertKind.WARNING: "SlaWarning",
    AlertKind.WARNING_RETRACTED: "SlaWarningRetracted",
    AlertKind.BREACH: "SlaBreach",
    AlertKind.BREACH_RETRACTED: "SlaBreachRetracted",
}


def write_alert(alert: Alert) -> bytes:
    """The alert as a CloudEvent in structured JSON."""
    data: dict[str, Any] = {
        "ticket_id": alert.ticket_id,
        "client_id": alert.client_id,
        "severity": alert.severity,
        "policy": alert.policy,
        "clock": alert.clock,
        "cycle": alert.cycle,
        "occurrence": alert.occurrence,
    }
    if alert.kind in (AlertKind.WARNING, AlertKind.WARNING_RETRACTED):
        data["fraction"] = alert.what
    else:
        data["limit"] = SEVERITY_LIMIT
    if alert.kind is AlertKind.BREACH:
        data["breached_at"] = format_instant(alert.at)
    if alert.retracts is not None and alert.reason is not None:
        data |= {"retracts": alert.retracts, "reason": alert.reason, "start": None, "due": None}
    if alert.shown is not None:
        data.update(_figures(alert.shown))
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": alert.id,
            "source": OUTPUT_SOURCE,
            "type": alert.kind.value,
            "subject": alert.ticket_id,
            "time": format_instant(alert.at),
            "partitionkey": alert.ticket_id,
            "causationid": alert.caused_by,
            "dataschema": f"/schemas/{_DATA_SCHEMAS[alert.kind]}.json",
            "datacontenttype": "application/json",
            "data": data,
        }
    )


class _Typed(msgspec.Struct):
    type: str


_TYPED: Final = msgspec.json.Decoder(_Typed)


def read_alert_kind(value: bytes) -> AlertKind:
    """Of which kind a written alert is."""
    return AlertKind(_TYPED.decode(value).type)


def _figures(shown: ClockShown) -> dict[str, Any]:
    return {
        "start": format_instant(shown.start),
        "due": _optional(shown.due),
        "target_ms": shown.target,
        "boundary": shown.boundary,
        "calendar": shown.calendar,
        "used_ms": shown.used,
        "paused_ms": shown.paused,
        "pauses": [
            {
                "start": format_instant(pause.start),
                "end": _optional(pause.end),
                "party": pause.party,
                "counted_ms": pause.counted,
            }
            for pause in shown.pauses
        ],
        "follows": list(shown.follows),
    }


def _optional(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)


# --- the table ----------------------------------------------------------------------------------


class Held(msgspec.Struct, array_like=True):
    """An early event's record, kept whole until its ``created`` arrives or it is an orphan."""

    offset: int
    timestamp: int
    key: str | None
    value: str
    headers: list[tuple[str, str]]

    @classmethod
    def of(cls, record: Record) -> Held:
        """Keep ``record``; bytes as base64, since they need not be text."""
        return cls(
            record.offset,
            record.timestamp,
            None if record.key is None else b64encode(record.key).decode(),
            b64encode(record.value or b"").decode(),
            [(name, b64encode(content).decode()) for name, content in record.headers],
        )


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A held record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @classmethod
    def of(cls, held: Held, topic: str, partition: int) -> HeldRecord:
        """The record that ``held`` kept."""
        return cls(
            topic,
            partition,
            held.offset,
            held.timestamp,
            None if held.key is None else b64decode(held.key),
            b64decode(held.value),
            [(name, b64decode(content)) for name, content in held.headers],
        )


class Stored(msgspec.Struct):
    """What the tracker reads back of a ticket's record: its memory, not the figures."""

    timeline: list[Event]
    sent: list[Sent]
    held: list[Held] = []
    held_until: int | None = None


_STORED: Final = msgspec.json.Decoder(Stored)


def read_stored(value: bytes) -> Stored:
    """The memory in a record of the ticket table."""
    return _STORED.decode(value)


class Counts(msgspec.Struct):
    """Records by what became of them (``sla_schemas.tables.Counts``)."""

    events: int = 0
    applied: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rekeyed: int = 0
    dead_letters: int = 0


class Progress(msgspec.Struct):
    """How far a partition has come (``sla_schemas.tables.ProgressRecord``)."""

    offset: int
    frontier: int | None
    counts: Counts


_PROGRESS: Final = msgspec.json.Decoder(Progress)


def read_progress(value: bytes) -> Progress:
    """A record of the progress topic."""
    return _PROGRESS.decode(value)


def write_progress(offset: int, frontier: int | None, counts: Counts) -> bytes:
    """A record for the progress topic: the next input offset and all that is known with it."""
    return msgspec.json.encode(Progress(offset, frontier, counts))


def ticket_as_of(ticket: Ticket) -> int:
    """The latest event or deadline that ``ticket`` knows of."""
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
) -> dict[str, Any]:
    """A ticket's record, its figures as of the instant given."""
    created = ticket.created is not None
    return {
        "ticket_id": ticket.id,
        "client_id": ticket.client_id,
        "kind": ticket.kind,
        "severity": ticket.severity,
        "state": ticket.status,
        "policy": ticket.policy.ref,
        "communicated_at": format_instant(ticket.communicated_at) if created else None,
        "closed_at": _optional(ticket.closed_at),
        "as_of": format_instant(as_of),
        "next_deadline": _optional(next_deadline),
        "clocks": [_clock(ticket, clock, as_of) for clock in ticket.clocks],
        "timeline": ticket.timeline,
        "sent": ticket.sent,
        "held": list(held),
        "held_until": held_until,
    }


def clock_outcome(ticket: Ticket, clock: Clock, at: int) -> Outcome:
    """How ``clock`` stands at ``at``: void where its ticket promises nothing."""
    return Outcome.VOID if ticket.void else clock.outcome(at)


def _clock(ticket: Ticket, clock: Clock, as_of: int) -> dict[str, Any]:
    outcome = clock_outcome(ticket, clock, as_of)
    until = as_of
    if ticket.status is Status.CANCELLED and ticket.closed_at is not None:
        until = min(as_of, ticket.closed_at)
    measured = ticket.kind != FEATURE_REQUEST
    paused = measured and bool(clock.pauses)
    target = clock.target
    return {
        "clock": clock.rule.name,
        "cycle": clock.cycle,
        "severity": clock.severity,
        "start": format_instant(clock.start),
        "due": None if outcome in (Outcome.PAUSED, Outcome.VOID) else _optional(clock.due),
        "stopped": _optional(clock.stopped),
        "outcome": outcome,
        "used_ms": clock.used(until) if measured else None,
        "paused_ms": (clock.paused_time(until) if paused else 0) if measured else None,
        "paused_by": _paused_by(clock, until) if paused else {},
        "target_ms": target.within,
        "boundary": target.boundary,
        "calendar": target.calendar.name,
    }


def _paused_by(clock: Clock, until: int) -> dict[str, int]:
    parties = {pause.party for pause in clock.pauses}
    return {party: clock.paused_time(until, party) for party in sorted(parties)}


def write_json(value: object) -> bytes:
    """Compact JSON, UTF-8."""
    return msgspec.json.encode(value)
