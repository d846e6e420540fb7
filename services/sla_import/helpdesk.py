"""A helpdesk's export turned into ticket events, by a columns file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from sla_config.wording import listed
from sla_domain.event import EVENT_TYPES, EventType
from sla_domain.instant import LATEST, format_instant
from sla_domain.policy import Policy
from sla_import.columns import IGNORE, KNOWN, MOMENTS, At, Cell, Columns, Moment, cells, columns_of
from sla_import.mapping import (
    Event,
    Finding,
    Mapping,
    RefusedError,
    event_of,
    in_turn,
    unreadable,
)
from sla_import.saying import SAYS, adapter, why_not
from sla_import.snapshots import ENDED, Snapshot, State, events_between
from sla_import.tables import Row, TableError, Wanted
from sla_import.times import Reading, Times, order, read_span
from sla_policy.loading import load_policy
from sla_schemas.events import (
    AssignedData,
    CreatedData,
)

SOURCE: Final = "/import/csv"

#: Who it was assigned to where the export does not say.
_NOBODY: Final = "unknown"


class _Told(NamedTuple):
    """A time as a row tells it."""

    reading: Reading
    column: str
    text: str


class Helpdesk(Mapping):
    """An export as ``columns`` describes it, its words those of ``policy`` (the packaged one).

    Raises ``TableError`` where the columns file names a severity that the policy does not have.
    """

    def __init__(
        self,
        columns: Columns,
        zone: ZoneInfo,
        locale: str | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._columns = columns
        self._policy = policy or load_policy()
        self.one_row_a_ticket = columns.rows == "tickets"
        self._places: dict[tuple[str, int | None], int] = {}
        wanted: list[Wanted] = []
        for key, at in columns_of(columns):
            if (at.column, at.number) not in self._places:
                self._places[at.column, at.number] = len(wanted)
                why = f"which the columns file names for {key}"
                wanted.append(Wanted(at.column, why, at.number))
        times = Times(zone, columns.time_format, locale or columns.locale, columns.decimal)
        super().__init__(wanted, columns.ticket.column, times)
        self._empty = frozenset(columns.empty)
        self._words = {
            key: {word.casefold(): ours for word, ours in cell.values.items()}
            for key, cell in cells(columns)
        }
        for key, table in (("severity", columns.severities), ("status", columns.states)):
            own = {word.casefold(): str(ours) for word, ours in table.items()}
            self._words[key] = own | self._words.get(key, {})
        for word, ours in columns.severities.items():
            if ours not in self._policy.severity_words:
                raise TableError(f"the columns file's severities.{word}: {self._unknown(ours)}")

    def ticket_of(self, row: Row) -> str:
        """The ticket's id as it stands in the row."""
        return self._at(row, self._columns.ticket)

    def events(self, ticket: str, rows: Sequence[Row]) -> list[Event]:
        """The events of a ticket."""
        if self.one_row_a_ticket:
            return self._of_ticket(ticket, rows[0])
        bad: list[Finding] = []
        told = [(row, self._time(row, self._needed_moment("time"), bad)) for row in rows]
        if bad:
            raise RefusedError(bad)
        timed = in_turn([(row, time.reading) for row, time in told if time is not None])
        if self._columns.status is not None:
            return self._of_statuses(ticket, timed)
        return self._of_happenings(ticket, timed)

    # --- a row a ticket ---

    def _of_ticket(self, ticket: str, row: Row) -> list[Event]:
        bad: list[Finding] = []
        told = self._told(row, bad)
        created = told.get(EventType.CREATED)
        if created is None:
            column = self._needed_moment("created").column
            bad = bad or [Finding(row.line, column, "", "it is empty")]
            raise RefusedError(bad)
        start = order(created.reading, [each.reading for each in told.values()])
        at = {type_: each.reading.choose(start) for type_, each in told.items()}
        at[EventType.CREATED] = start
        self._add_spans(row, at, bad)
        for type_, each in told.items():
            if at[type_] < start:
                why = f"it is before the ticket's creation, {created.column} {created.text!r}"
                bad.append(Finding(row.line, each.column, each.text, why))
        data = {type_: self._data(row, type_, bad) for type_ in at}
        if bad:
            raise RefusedError(bad)
        made = [
            event_of(
                SOURCE,
                type_,
                ticket,
                at[type_],
                data[type_],
                id_=f"{ticket}-{type_.word}",
                sequence=str(place),
            )
            for place, type_ in enumerate(MOMENTS)
            if type_ in at
        ]
        return sorted(made, key=lambda event: event.at)

    def _told(self, row: Row, bad: list[Finding]) -> dict[EventType, _Told]:
        """The moments that a row tells by a time."""
        told = {}
        for type_ in MOMENTS:
            moment = self._moment(row, type_)
            if moment is not None and moment.after is None:
                found = self._time(row, moment, bad)
                if found is not None:
                    told[type_] = found
        return told

    def _add_spans(self, row: Row, at: dict[EventType, int], bad: list[Finding]) -> None:
        """The moments that a row tells by how long after another they were."""
        for type_ in MOMENTS:
            moment = self._moment(row, type_)
            text = self._at(row, moment) if moment is not None and moment.after else ""
            if moment is None or not text:
                continue
            start = at.get(EVENT_TYPES[str(moment.after)])
            why = f"there is no {moment.after} to count from" if start is None else None
            if start is not None:
                try:
                    at[type_] = start + read_span(text, moment.unit, self._columns.decimal)
                    why = "it would end after 2100" if at[type_] >= LATEST else None
                except ValueError as error:
                    why = str(error)
            if why is not None:
                bad.append(Finding(row.line, moment.column, text, why))

    def _moment(self, row: Row, type_: EventType) -> Moment | None:
        """Where a moment stands, if the row has it."""
        moment: Moment | None = getattr(self._columns, type_.word)
        if moment is None or moment.when is None:
            return moment
        wanted = {word.casefold() for word in moment.when.equals}
        return moment if self._at(row, moment.when).casefold() in wanted else None

    # --- a row an event ---

    def _of_happenings(self, ticket: str, timed: Sequence[tuple[Row, int]]) -> list[Event]:
        bad: list[Finding] = []
        found: list[tuple[EventType, int, dict[str, Any]]] = []
        ended: list[tuple[Row, int]] = []
        for row, at in timed:
            word = self._word(row, "event", bad)
            if word == IGNORE:
                self.log.notes["rows that the columns file ignores"] += 1
            elif word is not None:
                type_ = EVENT_TYPES[word]
                found.append((type_, at, self._data(row, type_, bad)))
                if type_ is EventType.RESOLVED:
                    ended.append((row, at))
        first, start = timed[0]
        if all(type_ is not EventType.CREATED for type_, _, _ in found):
            if self._columns.created is None:
                cell = cast("Cell", self._columns.event)
                why = f"no row says that ticket {ticket!r} was created; name a column for created"
                bad.append(Finding(first.line, cell.column or "event", "", why))
            else:
                created = self._time(first, self._columns.created, bad)
                start = created.reading.choose(0) if created else start
                found.insert(
                    0, (EventType.CREATED, start, self._data(first, EventType.CREATED, bad))
                )
        start = next(at for type_, at, _ in found if type_ is EventType.CREATED) if not bad else 0
        self._check_order(ended, start, bad)
        if bad:
            raise RefusedError(bad)
        seen: Counter[str] = Counter()
        events = []
        for number, (type_, at, data) in enumerate(found):
            id_ = f"{ticket}-{type_.word}-{format_instant(at)}"
            seen[id_] += 1
            again = f"-{seen[id_]}" if seen[id_] > 1 else ""
            events.append(
                event_of(
                    SOURCE,
                    type_,
                    ticket,
                    at,
                    data,
                    id_=id_ + again,
                    sequence=f"{number:05}",
                )
            )
        return events

    def _of_statuses(self, ticket: str, timed: Sequence[tuple[Row, int]]) -> list[Event]:
        bad: list[Finding] = []
        snapshots: list[Snapshot] = []
        for row, at in timed:
            state = self._word(row, "status", bad)
            severity = self._said(row, CreatedData, "severity", "severity", bad)
            analyst = self._said(row, AssignedData, "analyst_id", "analyst", bad)
            group = self._said(row, AssignedData, "group", "group", bad)
            if state is not None:
                snapshots.append(Snapshot(at, cast("State", state), severity, analyst, group))
        first, start = timed[0]
        created = self._data(first, EventType.CREATED, bad)
        created.pop("severity", None)
        if self._columns.created is not None:
            told = self._time(first, self._columns.created, bad)
            start = told.reading.choose(0) if told else start
        if bad:
            raise RefusedError(bad)
        told_by = zip(timed, snapshots, strict=True)
        ended = [where for where, snapshot in told_by if snapshot.state in ENDED]
        self._check_order(ended, start, bad)
        if bad:
            raise RefusedError(bad)
        return events_between(SOURCE, ticket, snapshots, created, start)

    def _check_order(
        self, ended: Sequence[tuple[Row, int]], start: int, bad: list[Finding]
    ) -> None:
        """A ticket must not end before it begins."""
        time = self._needed_moment("time")
        for row, at in ended:
            if at < start:
                why = f"the ticket would end before it begins, at {format_instant(start)}"
                bad.append(Finding(row.line, time.column, self._at(row, time), why))

    # --- cells ---

    def _needed_moment(self, key: str) -> Moment:
        return cast("Moment", getattr(self._columns, key))

    def _at(self, row: Row, at: At) -> str:
        text = row.cells[self._places[at.column, at.number]]
        return "" if text in self._empty else text

    def _time(self, row: Row, moment: Moment, bad: list[Finding]) -> _Told | None:
        """A time; ``None`` where the cell is empty or, with a finding, can't be read."""
        text = self._at(row, moment)
        if not text:
            written = row.cells[self._places[moment.column, moment.number]]
            if written:
                self.log.notes[f"times that say {written!r}, taken as empty"] += 1
            if not self.one_row_a_ticket:
                bad.append(Finding(row.line, moment.column, written, "it is empty"))
            return None
        try:
            reading = self.times.read(text)
        except ValueError as error:
            bad.append(Finding(row.line, moment.column, text, str(error)))
            return None
        self.log.read_as(reading, row.line, moment.column, text)
        return _Told(reading, moment.column, text)

    def _data(self, row: Row, type_: EventType, bad: list[Finding]) -> dict[str, Any]:
        if type_ not in SAYS:
            return {}
        model, fields = SAYS[type_]
        data = {}
        for field, key in fields.items():
            said = self._said(row, model, field, key, bad)
            if said is not None:
                data[field] = said
        if type_ is EventType.ASSIGNED:
            data.setdefault("analyst_id", _NOBODY)
        if type_ is EventType.RECLASSIFIED and "kind" not in data and not bad:
            bad.append(Finding(row.line, "kind", "", "the new kind is missing"))
        if type_ is EventType.SEVERITY_CHANGED and not data and not bad:
            bad.append(Finding(row.line, "severity", "", "the new severity is missing"))
        return data

    def _said(
        self, row: Row, model: type[BaseModel], field: str, key: str, bad: list[Finding]
    ) -> Any:
        """A word of the row in our words; ``None`` where there is none."""
        cell: Cell | None = getattr(self._columns, key)
        column = cell.column or key if cell else key
        word = self._word(row, key, bad) if cell else None
        if word is None:
            if key == "client":
                bad.append(Finding(row.line, column, "", "it is empty"))
            return None
        why = unreadable(word) or self._unknown_word(field, word)
        if why is None:
            if field == "severity":
                word = self._policy.severity_words[word]
            try:
                return adapter(model, field).validate_python(word)
            except ValidationError as error:
                why = why_not(error, key)
        bad.append(Finding(row.line, column, word, why))
        return None

    def _unknown_word(self, field: str, word: str) -> str | None:
        """Why the policy can't decide by ``word``."""
        policy = self._policy
        if field == "severity" and word not in policy.severity_words:
            return (
                f"{self._unknown(word)}; say what it means under [severities] of the columns file"
            )
        if field in ("impact", "scope") and policy.classification:
            known = policy.words[field]
            if word not in known:
                return f"it is not one of {listed(sorted(known))}; say what it means in its values"
        return None

    def _unknown(self, severity: str) -> str:
        policy = self._policy
        return f"{policy.ref} has no severity {severity!r}; it has {listed(policy.severities)}"

    def _word(self, row: Row, key: str, bad: list[Finding]) -> str | None:
        """A cell's word, translated; one that stands in no table of its key is as it is."""
        cell: Cell = getattr(self._columns, key)
        if cell.constant is not None:
            return cell.constant
        text = self._at(row, At(column=cell.column or "", number=cell.number)) or cell.default
        if not text:
            if key in {"event", "status"}:
                bad.append(Finding(row.line, cell.column or key, "", "it is empty"))
            return None
        ours = self._words.get(key, {}).get(text.casefold())
        if ours is not None or key not in {"event", "status"}:
            return ours or text
        if key == "event" and text in KNOWN:
            return text
        table = "[states]" if key == "status" else "the values of event"
        bad.append(Finding(row.line, cell.column or key, text, f"it is not in {table}"))
        return None
