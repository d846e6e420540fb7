"""Admission: the checks on an event that its schema cannot express."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sla_domain.event import Event, EventType, Facts
from sla_domain.policy import WORD_FIELDS, Policy, PolicyBook
from sla_engine.wire.events import Received, read_event
from sla_engine.wire.records import Record, Rejected
from sla_schemas.limits import FUTURE_TOLERANCE

#: Events with words that the policy defines.
_SAYS_WORDS: Final = frozenset(
    {
        EventType.CREATED,
        EventType.ATTRIBUTES_CHANGED,
        EventType.RECLASSIFIED,
        EventType.SEVERITY_CHANGED,
        EventType.WAITING_ON_CLIENT,
        EventType.WAITING,
        EventType.CONTACT_LOGGED,
        EventType.RESOLVED,
    }
)
#: The fields from which a policy may derive a severity.
_CLASSIFIED_BY: Final = ("impact", "scope")
_NONE: Final[frozenset[str]] = frozenset()


def admit(record: Record, book: PolicyBook, *, replay: bool) -> Received | Rejected:
    """The event in ``record``, or why it is rejected.

    With ``replay``, the event's own time is used as the append time.
    """
    received = read_event(record)
    if isinstance(received, Rejected):
        return received
    event = received.event
    facts = event.facts
    communicated = facts.get("communicated_at", event.occurred)
    latest = (event.occurred if replay else record.timestamp) + FUTURE_TOLERANCE
    if event.occurred > latest or communicated > latest:
        why = "more than 5 minutes ahead of its append time"
        return Rejected("from_the_future", why, event.source)
    if event.type is EventType.EXCEPTION_GRANTED:
        return _vain(event, book) or received
    if event.type not in _SAYS_WORDS or not facts:
        return received
    policy = book.in_force(communicated)
    wrong = _translated(event, policy)
    if wrong is not None:
        return wrong
    unknown = _unknown_words(facts, policy)
    return received._replace(unknown_words=unknown) if unknown else received


def _vain(event: Event, book: PolicyBook) -> Rejected | None:
    """Why an exception could have no effect, whatever ticket it is about."""
    facts = event.facts
    start, end = facts.get("from"), facts.get("until")
    if start is not None and end is not None and end <= start:
        return Rejected("invalid_data", "until: must be later than from", event.source)
    clock = facts.get("clock")
    known = dict.fromkeys(rule.name for policy in book.versions for rule in policy.clocks)
    if clock is not None and clock not in known:
        return _unknown(event, "clock", clock, [*known], book.latest)
    return None


def _translated(event: Event, policy: Policy) -> Rejected | None:
    """Replace a severity's name in ``event`` by the policy's word.

    Returns why the event is rejected, or ``None``: an unknown word in a field that decides the
    severity, or a severity change without a severity. A ticket may start without one (clause C8).
    """
    facts = event.facts
    severity = facts.get("severity")
    if severity is not None:
        word = policy.severity_words.get(severity)
        if word is None:
            return _unknown(event, "severity", severity, policy.severities, policy)
        facts["severity"] = word
    if policy.classification:
        for field in _CLASSIFIED_BY:
            told = facts.get(field)
            if told is not None and told not in policy.words[field]:
                return _unknown(event, field, told, sorted(policy.words[field]), policy)
    if event.type is EventType.SEVERITY_CHANGED and policy.severity_of(facts) is None:
        why = "neither severity nor an impact and scope that give one"
        return Rejected("unclassifiable", why, event.source)
    return None


def _unknown(
    event: Event, field: str, told: object, known: Sequence[str], policy: Policy
) -> Rejected:
    """``event`` is rejected for a word that the policy does not have."""
    why = f"{field}: {policy.ref} knows no {told!r}; it knows {', '.join(known)}"
    return Rejected("unknown_word", why, event.source)


def _unknown_words(facts: Facts, policy: Policy) -> tuple[str, ...]:
    """The fields with words that the policy does not know, which therefore have no effect."""
    words = policy.words
    said = _words_of(facts)
    return tuple([field for field, told in said if told not in words.get(field, _NONE)])


def _words_of(facts: Facts) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    for field in WORD_FIELDS:
        told = facts.get(field)
        if isinstance(told, str):
            said.append((field, told))
    said += [("affects", word) for word in facts.get("affects", ())]
    built_by = facts.get("integration", {}).get("built_by")
    if built_by is not None:
        said.append(("built_by", built_by))
    return said
