"""The columns file: what each column of a helpdesk's export contains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from sla_config.configuration import StrictSection, read_toml
from sla_domain.event import EventType
from sla_import.snapshots import State
from sla_import.tables import TableError
from sla_import.times import DEFAULT_FORMS, check_form
from sla_schemas.types import SeverityText

#: Moments that a column may hold, in the order they come within one instant.
MOMENTS: Final = (
    EventType.CREATED,
    EventType.ASSIGNED,
    EventType.WAITING_ON_CLIENT,
    EventType.CLIENT_RESPONDED,
    EventType.RESOLVED,
    EventType.REOPENED,
    EventType.CANCELLED,
)
#: What a row may say that happened, where a row is an event.
HAPPENINGS: Final = (
    *MOMENTS,
    EventType.SEVERITY_CHANGED,
    EventType.RECLASSIFIED,
    EventType.GUARD_CONTACTED,
)
#: A row that is none of the above, and counts for nothing.
IGNORE: Final = "ignore"
KNOWN: Final = frozenset({type_.word for type_ in HAPPENINGS} | {IGNORE})
#: Of which the one a column tells comes so much after.
Start = Literal[
    "created", "assigned", "waiting_on_client", "client_responded", "resolved", "reopened"
]


def _named(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class At(StrictSection):
    """A column by its name."""

    column: Annotated[str, Field(min_length=1, description="The column's name in the header.")]
    number: Annotated[
        int | None,
        Field(ge=1, description="Which one, if several columns have that name: 1, 2, …"),
    ] = None


class Cell(StrictSection):
    """Where a word is; a column's name as a string is enough."""

    column: Annotated[str | None, Field(min_length=1, description="The column's name.")] = None
    number: Annotated[
        int | None, Field(ge=1, description="Which one, such as 1, if several have that name.")
    ] = None
    constant: Annotated[
        str | None,
        Field(min_length=1, description="The word for all rows, instead of a column."),
    ] = None
    default: Annotated[
        str | None, Field(min_length=1, description="The word to use if the cell is empty.")
    ] = None
    values: dict[str, str] = Field(
        default={}, description="Table from the helpdesk's words to the words used here."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("needs either a column or a constant, not both")
        return self


class When(At):
    """A condition on another column of the row."""

    equals: Annotated[
        list[str],
        BeforeValidator(_listed),
        Field(min_length=1, description="The word or words that it must contain."),
    ]


class Moment(At):
    """Where a time is; a column's name as a string is enough."""

    after: Annotated[
        Start | None,
        Field(description="The column contains how long after this moment it was, not when."),
    ] = None
    unit: Annotated[
        Literal["seconds", "minutes", "hours", "days"] | None,
        Field(
            description="Unit of durations that are plain numbers. `01:30` and `1h 30m` need none."
        ),
    ] = None
    when: Annotated[
        When | None,
        Field(
            description="Use the time only if another column has a certain word, such as "
            '`{ column = "Status", equals = ["Solved", "Closed"] }`.'
        ),
    ] = None

    @model_validator(mode="after")
    def _unit(self) -> Self:
        if self.unit is not None and self.after is None:
            raise ValueError("has a unit but no moment to count from; add after")
        return self


AnAt = Annotated[At, BeforeValidator(_named)]
ACell = Annotated[Cell, BeforeValidator(_named)]
AMoment = Annotated[Moment, BeforeValidator(_named)]


class Columns(StrictSection):
    """What each column contains. If the cell of a moment is empty, it did not happen."""

    rows: Annotated[
        Literal["tickets", "events"],
        Field(description='`"tickets"`: a row is a ticket; `"events"`: a row is one event.'),
    ] = "tickets"
    ticket: Annotated[AnAt, Field(description="The ticket's id.")]
    client: Annotated[ACell, Field(description="The client's id.")]

    created: Annotated[
        AMoment | None,
        Field(description="When the client communicated it. Required if each row is a ticket."),
    ] = None
    assigned: Annotated[
        AMoment | None,
        Field(description="When it was assigned; the time of the first reply also works."),
    ] = None
    waiting_on_client: Annotated[
        AMoment | None, Field(description="When it started waiting for the client.")
    ] = None
    client_responded: Annotated[AMoment | None, Field(description="When the client answered.")] = (
        None
    )
    resolved: Annotated[AMoment | None, Field(description="When it was resolved.")] = None
    reopened: Annotated[AMoment | None, Field(description="When it was reopened.")] = None
    cancelled: Annotated[AMoment | None, Field(description="When it was cancelled.")] = None

    time: Annotated[
        AMoment | None, Field(description="When it happened, if each row is an event.")
    ] = None
    event: Annotated[
        ACell | None,
        Field(
            description="What happened, if each row is an event. Its `values` map the helpdesk's "
            "words to `created`, `assigned`, `waiting_on_client`, `client_responded`, "
            "`resolved`, `reopened`, `cancelled`, `severity_changed`, `reclassified`, "
            "`guard_contacted` or `ignore`."
        ),
    ] = None
    status: Annotated[
        ACell | None,
        Field(
            description="Instead of `event`: the ticket's status after the event, in the words of "
            "`[states]`; what happened is derived from the difference to the row before."
        ),
    ] = None

    severity: Annotated[ACell | None, Field(description="The severity.")] = None
    impact: Annotated[
        ACell | None,
        Field(description="The impact; impact and scope together determine a severity."),
    ] = None
    scope: Annotated[ACell | None, Field(description="How many clients are affected.")] = None
    kind: Annotated[
        ACell | None, Field(description="`incident`, `question` or `feature_request`.")
    ] = None
    channel: Annotated[ACell | None, Field(description="The channel it arrived by.")] = None
    plan: Annotated[ACell | None, Field(description="The client's plan.")] = None
    requester: Annotated[ACell | None, Field(description="The id of the requester.")] = None
    analyst: Annotated[ACell | None, Field(description="The assigned analyst.")] = None
    group: Annotated[ACell | None, Field(description="The analyst's team.")] = None
    party: Annotated[
        ACell | None, Field(description="Who it is waiting for, such as `client`.")
    ] = None
    origin: Annotated[ACell | None, Field(description="Where the fault lay: `vendor`, …")] = None
    cancel_reason: Annotated[
        ACell | None, Field(description="`spam`, `duplicate`, `merged` or `deleted`.")
    ] = None

    severities: dict[str, SeverityText] = Field(
        default={}, description="Table from the helpdesk's words to the policy's severities."
    )
    states: dict[str, State] = Field(
        default={},
        description="Table from the helpdesk's statuses to `open`, `waiting_on_client`, "
        "`resolved`, `closed` or `cancelled`.",
    )
    time_format: Annotated[
        list[Annotated[str, AfterValidator(check_form)]], BeforeValidator(_listed)
    ] = Field(
        default=list(DEFAULT_FORMS),
        min_length=1,
        description="Format of times, as for `strptime`; a list if a file has several. "
        "Named formats: `iso`, `excel` (a spreadsheet's days), `unix`, `unix_ms`, `jira`. A time "
        "that two formats of the list read differently is refused.",
    )
    zone: Annotated[
        str | None,
        Field(description="Time zone of times without an offset; `--zone` overrides it."),
    ] = None
    locale: Annotated[
        str | None,
        Field(description="Language of month names, such as `es`; `--locale` overrides it."),
    ] = None
    decimal: Annotated[Literal[".", ","], Field(description="Decimal separator of durations.")] = (
        "."
    )
    empty: list[str] = Field(
        default=[
            "-",
            "—",
            "N/A",
            "n/a",
            "NULL",
            "null",
            "None",
            "0000-00-00",
            "0000-00-00 00:00:00",
        ],
        description="Values that count as an empty cell, in addition to no text.",
    )

    @field_validator("event")
    @classmethod
    def _words(cls, event: Cell | None) -> Cell | None:
        for word in event.values.values() if event else ():
            if word not in KNOWN:
                raise ValueError(f"{word!r} is not one of {', '.join(sorted(KNOWN))}")
        return event

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wrong = self._wrong_tickets() if self.rows == "tickets" else self._wrong_events()
        if wrong is not None:
            raise ValueError(wrong)
        return self

    def _wrong_tickets(self) -> str | None:
        """What is wrong where a row is a ticket."""
        if self.created is None:
            return "created is missing; add the column that says when a ticket was created"
        if self.created.after is not None or self.created.when is not None:
            return "created must be a time in every row; remove after and when"
        odd = [word for word in ("time", "event", "status") if getattr(self, word) is not None]
        return f'{odd[0]} is only for files with rows = "events"' if odd else None

    def _wrong_events(self) -> str | None:
        """What is wrong where a row is an event."""
        if self.time is None:
            return "time is missing; add the column that says when an event happened"
        if any(
            each is not None and (each.after or each.when) for each in (self.time, self.created)
        ):
            return "time and created must be times in every row; remove after and when"
        if (self.event is None) == (self.status is None):
            return "either event or status is required, not both"
        if self.status is not None and not self.states:
            return "status requires a table [states]; add one"
        odd = [type_.word for type_ in MOMENTS[1:] if getattr(self, type_.word) is not None]
        return f'{odd[0]} is only for files with rows = "tickets"' if odd else None


def read_columns(path: Path) -> Columns:
    """The file that says which column holds what. Raises ``TableError``."""
    return read_toml(path, Columns, "columns file", TableError)


def cells(columns: Columns) -> Iterator[tuple[str, Cell]]:
    """Every value that comes from a cell, and its key."""
    for key in Columns.model_fields:
        value = getattr(columns, key)
        if isinstance(value, Cell):
            yield key, value


def columns_of(columns: Columns) -> Iterator[tuple[str, At]]:
    """Every column that is read, and the key that names it."""
    for key in Columns.model_fields:
        value = getattr(columns, key)
        if isinstance(value, Cell) and value.column is not None:
            yield key, At(column=value.column, number=value.number)
        if isinstance(value, At):
            yield key, value
        if isinstance(value, Moment) and value.when is not None:
            yield f"{key}.when", value.when
