"""From a vendor's words to events of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from sla_domain.selector import CLIENT
from sla_intake.delivery import Delivery, UnusableError, at, ident, instant, shown, word
from sla_intake.sources import WAITING, Source, State
from sla_schemas.events import TYPE_PREFIX
from sla_schemas.words import CancelReason, DeadLetterReason

#: Why nothing of a delivery concerns a promise; the words of the metric and of the answer.
Ignored = Literal[
    "author_unknown",
    "bot_comment",
    "cleared",
    "comment_without_issue",
    "empty",
    "no_change",
    "not_a_ticket",
    "other_comment",
    "private_comment",
    "type_not_mapped",
    "unassigned",
    "undeleted",
    "unrelated_change",
]


class Translation(NamedTuple):
    """What a vendor's delivery comes to: events as CloudEvents, else why it has none; what of it
    was not understood; and which fields the ``created`` among the events lacks for that.
    """

    events: list[dict[str, Any]]
    ignored: Ignored | None = None
    problems: Sequence[UnusableError] = ()
    lacking: Sequence[str] = ()


def nothing(reason: Ignored) -> Translation:
    """Of a delivery that concerns no promise."""
    return Translation([], reason)


Step = tuple[str, Mapping[str, str]]

_ON_CLIENT: Final[Step] = ("waiting_on_client", {})
#: As it was told before a wait could name any party, since policies pause on it as they did.
_ON_THIRD_PARTY: Final[Step] = ("waiting_on_client", {"party": "client_third_party"})
_RESPONDED: Final[Step] = ("client_responded", {})
_REOPENED: Final[Step] = ("reopened", {})


def steps(previous: State | None, current: State) -> tuple[Step, ...]:
    """The events, as word and data, that bring a ticket from one state to another; none where
    nothing changed for the promise.

    From a state that is not known they say what is true now, whatever it was: ``reopened`` begins
    a new cycle of a resolved ticket, ends a wait, and changes nothing of an open one.
    """
    if previous in {current, "cancelled"}:
        return ()
    if current in {"cancelled", "resolved"}:
        return ((current, {}),)
    again = (_REOPENED,) if previous in {None, "resolved"} else ()
    match current:
        case "on_hold":
            return again
        case "open":
            # Whoever waits may have been put on hold in between.
            return again or (_RESPONDED,)
        case _:
            return (*again, *_wait(previous, current))


def _wait(previous: State | None, current: State) -> tuple[Step, ...]:
    """The events by which a ticket waits for whom its new state says."""
    if current == "waiting_on_third_party":
        return (_RESPONDED, _ON_THIRD_PARTY) if waits(previous) else (_ON_THIRD_PARTY,)
    if current == "waiting_on_client" and previous != "on_hold" and not waits(previous):
        return (_ON_CLIENT,)
    # Of a ticket that may wait already only this says that it waits for somebody else now.
    party = current.removeprefix(WAITING) if current.startswith(WAITING) else CLIENT
    return (("waiting", {"party": party}),)


def waits(state: State | None) -> bool:
    """Whether a ticket in this state waits for somebody."""
    return state is not None and state.startswith("waiting")


class Draft:
    """The events of one delivery, about one ticket, as they are found. What is not understood is
    noted and stops nothing else.

    A repeat of the delivery gives the same ids: its own and an event's word. ``order`` is what of
    the vendor's tells the order of events in one instant, written so that it sorts as a text.
    """

    def __init__(
        self, delivery: Delivery, *, id_: str, ticket: str, time: str, order: str = ""
    ) -> None:
        self.source: Final[Source] = delivery.source
        self._id = id_
        self._ticket = delivery.source.ticket_prefix + ticket
        self._time = time
        # Within an instant: the vendor's order, that of arrival, that in which it was told.
        self._order = f"{order}{delivery.arrived}"
        self._events: dict[str, dict[str, Any]] = {}
        self._problems: list[UnusableError] = []
        self._lacking: list[str] = []
        self._ignored: Ignored | None = None

    def say(self, type_: str, *, of: str | None = None, **data: Any) -> None:
        """Add an event, of another ticket if one is given; a delivery says each word once. ``None``
        is left out of ``data``.
        """
        self._events.setdefault(
            type_,
            {
                "specversion": "1.0",
                "id": f"{self._id}-{type_}",
                "source": self.source.uri,
                "type": TYPE_PREFIX + type_,
                "subject": of or self._ticket,
                "time": self._time,
                "sequence": f"{self._order}-{len(self._events):02}",
                "data": {name: value for name, value in data.items() if value is not None},
            },
        )

    def ignore(self, reason: Ignored) -> None:
        """Something of the delivery concerns no promise; told where nothing else does."""
        self._ignored = self._ignored or reason

    def problem(self, reason: DeadLetterReason, detail: str) -> None:
        """Something of the delivery is not understood."""
        self._problems.append(UnusableError(reason, detail))

    def done(self) -> Translation:
        """All of it."""
        events = list(self._events.values())
        ignored = None if events or self._problems else self._ignored or "no_change"
        return Translation(events, ignored, self._problems, self._lacking)

    def created(self, ticket: Any, communicated: str | None = None, **data: Any) -> None:
        """The ticket came to be. Its client, and the time of the communication if a path to it is
        given, are looked for in ``ticket``; without either there is no event.
        """
        try:
            at_ = None if communicated is None else instant(self.source, ticket, communicated)
            self.say("created", client_id=self._client(ticket), communicated_at=at_, **data)
        except UnusableError as error:
            self._problems.append(error)

    def merged(self, into: str | None, ticket: Any, communicated: str) -> None:
        """The ticket was merged into another, which takes over when this one was communicated, if
        that is told at a path in ``ticket``.
        """
        other = None if into is None else self.source.ticket_prefix + into
        self.say("cancelled", reason="merged", merged_into=other)
        at_ = self.instant(ticket, communicated)
        if other is not None and at_ is not None:
            self.say("absorbed", of=other, ticket_id=self._ticket, communicated_at=at_)

    def change(
        self, previous: State | None, current: State | None, reason: CancelReason | None = None
    ) -> None:
        """The ticket went from one state to another; from ``None``, which is not known. To
        ``None`` was noted as a problem already.
        """
        if current is None:
            return
        for type_, data in steps(previous, current):
            self.say(type_, **data, reason=reason if type_ == "cancelled" else None)
        if not steps(previous, current):
            self.ignore("no_change")

    def assigned(self, value: Any, path: str, group: str | None = None) -> None:
        """Who is at ``path`` has the ticket now; else the group has it, or nobody."""
        analyst = self.ident(value, path)
        if analyst is not None:
            self.say("assigned", analyst_id=analyst, group=group)
        elif group is not None:
            self.say("queued", group=group)
        else:
            self.ignore("unassigned")

    def replied(self, value: Any, path: str, *, bot: bool = False) -> None:
        """Who is at ``path`` replied to the client in public; a machine's reply is none."""
        author = self.ident(value, path)
        if bot or author in self.source.bots:
            self.ignore("bot_comment")
        else:
            self.say("replied", analyst_id=author)

    def severity(self, value: Any, path: str) -> None:
        """The priority at ``path`` is that of now."""
        found = self.word(value, path)
        if found is None:
            self.ignore("cleared")
        elif severity := self.severity_of(found):
            self.say("severity_changed", severity=severity)

    def kind(self, previous: str | None, now: str | None) -> None:
        """The type is another now. One that no mapping has matters only where the ticket had no
        clocks before.
        """
        if now is None:
            self.ignore("cleared")
        elif kind := self.kind_of(now):
            self.say("reclassified", kind=kind)
        elif previous is not None and self.kind_of(previous) == "feature_request":
            self.problem("unknown_type", self._unmapped("type", now))
        else:
            self.ignore("type_not_mapped")

    def state_of(self, status: str) -> State | None:
        """What a status means; ``None`` for one that the mapping lacks, which is noted."""
        state = self.known_state(status)
        if state is None:
            self.problem("unknown_type", self._unmapped("status", status))
        return state

    def known_state(self, status: str | None) -> State | None:
        """The same, not noted."""
        return None if status is None else self.source.mapping.states.get(status.lower())

    def severity_of(self, priority: str | None) -> str | None:
        """What a priority means; ``None`` for none, and for one that the mapping lacks, which is
        noted.
        """
        if priority is None:
            return None
        severity = self.source.mapping.severities.get(priority.lower())
        if severity is None:
            self.problem("unknown_type", self._unmapped("priority", priority))
            self._lacking.append("severity")
        return severity

    def kind_of(self, type_: str | None) -> str | None:
        """What a type means; ``None`` for none, and for one that the mapping lacks."""
        return None if type_ is None else self.source.mapping.kinds.get(type_.lower())

    def word(self, value: Any, path: str) -> str | None:
        """What is at ``path``, where that is no word noted."""
        try:
            return word(value, path)
        except UnusableError as error:
            self._problems.append(error)
            return None

    def ident(self, value: Any, path: str) -> str | None:
        """The same of an identifier."""
        try:
            return ident(value, path)
        except UnusableError as error:
            self._problems.append(error)
            return None

    def instant(self, value: Any, path: str) -> str | None:
        """The same of a time."""
        try:
            return instant(self.source, value, path)
        except UnusableError as error:
            self._problems.append(error)
            return None

    def _unmapped(self, what: str, found: str) -> str:
        return f"{what} {shown(found)} is not in the mapping of source {self.source.name!r}"

    def _client(self, ticket: Any) -> str:
        """Whose ticket it is: what ``client_field`` says, else ``client_id``."""
        field = self.source.client_field
        if isinstance(at(ticket, field or ""), list | dict):
            raise UnusableError(
                "invalid_data",
                f"client_field {field!r} leads to more than a word; name a field in it as a.b, or "
                "an element of a list as a.0",
            )
        found = None if field is None else ident(ticket, field)
        found = found or self.source.client_id
        if found is None:
            raise UnusableError("invalid_data", f"the ticket has nothing at client_field {field!r}")
        return found


def concerns_client(source: Source, field: str) -> bool:
    """Whether the ticket's client is found at or below ``field``."""
    path = source.client_field
    return path is not None and f"{path}.".startswith(f"{field}.")
