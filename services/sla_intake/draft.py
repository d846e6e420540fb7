"""From a vendor's words to events of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sla_intake.sources import Source, State
from sla_schemas.events import TYPE_PREFIX
from sla_schemas.words import DeadLetterReason


class UnusableError(Exception):
    """A proven delivery that no event can be made of; it goes to the dead letters."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """A proven delivery: headers with lower-case names, the body as read and as JSON."""

    source: Source
    headers: Mapping[str, str]
    body: bytes
    json: Any


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be: its type without prefix, its ticket and what it says."""

    word: str
    ticket: str
    time: str
    data: Mapping[str, Any] = field(default_factory=dict)


#: The events that bring a ticket from one state to another. From a state that is not known each
#: says what is true now, and changes nothing where it was so already.
_STEPS: Final[dict[tuple[State | None, State], tuple[str, ...]]] = {
    (None, "open"): ("client_responded",),
    ("waiting_on_client", "open"): ("client_responded",),
    ("resolved", "open"): ("reopened",),
    (None, "waiting_on_client"): ("waiting_on_client",),
    ("open", "waiting_on_client"): ("waiting_on_client",),
    ("resolved", "waiting_on_client"): ("reopened", "waiting_on_client"),
    (None, "resolved"): ("resolved",),
    ("open", "resolved"): ("resolved",),
    ("waiting_on_client", "resolved"): ("resolved",),
}


def steps(previous: State | None, current: State) -> tuple[str, ...]:
    """The types of the events between two states; none where nothing changed for the promise."""
    if previous in {current, "cancelled"}:
        return ()
    return ("cancelled",) if current == "cancelled" else _STEPS.get((previous, current), ())


def state_of(source: Source, status: Any) -> State:
    """What a status means. Raises ``UnusableError`` for one that the mapping lacks."""
    state = source.mapping.states.get(str(status).lower())
    if state is None:
        raise UnusableError(
            "unknown_type",
            f"status {str(status)[:80]!r} is not in the mapping of source {source.name!r}",
        )
    return state


def severity_of(source: Source, priority: Any) -> str | None:
    """What a priority means; ``None`` for none, and for one that the mapping lacks."""
    return source.mapping.severities.get(str(priority).lower())


def kind_of(source: Source, type_: Any) -> str | None:
    """What a type means; ``None`` for none, and for one that the mapping lacks."""
    return source.mapping.kinds.get(str(type_).lower())


def client_of(source: Source, ticket: Any) -> str:
    """Whose ticket it is. Raises ``UnusableError`` where that can't be told."""
    if source.client_id is not None:
        return source.client_id
    found = at(ticket, source.client_field or "")
    if found is None:
        raise UnusableError(
            "invalid_data", f"the ticket has nothing at client_field {source.client_field!r}"
        )
    return str(found)


def at(value: Any, path: str) -> Any:
    """What is at ``a.b.c`` in JSON, ``None`` where nothing is."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def needed(value: Any, path: str) -> Any:
    """The same, which must be there. Raises ``UnusableError``."""
    found = at(value, path)
    if found is None:
        raise UnusableError("invalid_data", f"there is no {path}")
    return found


def present(**data: Any) -> dict[str, Any]:
    """Only what there is."""
    return {name: value for name, value in data.items() if value is not None}


def events(delivery: Delivery, id_: str, drafts: Iterable[Draft]) -> Iterator[dict[str, Any]]:
    """CloudEvents of ``drafts``; the first has the delivery's own id, so that a repeat of the
    delivery is a repeat of its events.
    """
    source = delivery.source
    for number, draft in enumerate(drafts):
        yield {
            "specversion": "1.0",
            "id": id_ if number == 0 else f"{id_}-{number}",
            "source": source.uri,
            "type": TYPE_PREFIX + draft.word,
            "subject": source.ticket_prefix + draft.ticket,
            "time": draft.time,
            # Of events of one instant, the order they were told in.
            "sequence": f"{number:04}",
            "data": dict(draft.data),
        }
