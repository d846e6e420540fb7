"""The columns file: which column of a helpdesk's export says what."""

from __future__ import annotations

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

    column: Annotated[str, Field(min_length=1, description="The column's name in the head.")]
    number: Annotated[
        int | None,
        Field(ge=1, description="Which it is, where several columns have that name: 1, 2, …"),
    ] = None


class Cell(StrictSection):
    """Where a word stands; only a column's name, written as a string, will do."""

    column: Annotated[str | None, Field(min_length=1, description="The column's name.")] = None
    number: Annotated[
        int | None, Field(ge=1, description="Which it is, as 1, where several have it.")
    ] = None
    constant: Annotated[
        str | None, Field(min_length=1, description="The word of all rows, instead of a column.")
    ] = None
    default: Annotated[
        str | None, Field(min_length=1, description="The word where the cell is empty.")
    ] = None
    values: dict[str, str] = Field(
        default={}, description="What the helpdesk's words are called here."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("needs a column or a constant, and not both")
        return self


class When(At):
    """A condition on another column of the row."""

    equals: Annotated[
        list[str],
        BeforeValidator(_listed),
        Field(min_length=1, description="The word or words it must have."),
    ]


class Moment(At):
    """Where a time stands; only a column's name, written as a string, will do."""

    after: Annotated[
        Start | None,
        Field(description="The column holds how long after this moment it was, not when."),
    ] = None
    unit: Annotated[
        Literal["seconds", "minutes", "hours", "days"] | None,
        Field(description="Of a span that is a plain number. `01:30` and `1h 30m` need none."),
    ] = None
    when: Annotated[
        When | None,
        Field(
            description="It is so only where another column has a word, as "
            '`{ column = "Status", equals = ["Solved", "Closed"] }`.'
        ),
    ] = None

    @model_validator(mode="after")
    def _unit(self) -> Self:
        if self.unit is not None and self.after is None:
            raise ValueError("has a unit but does not say after which moment")
        return self


AnAt = Annotated[At, BeforeValidator(_named)]
ACell = Annotated[Cell, BeforeValidator(_named)]
AMoment = Annotated[Moment, BeforeValidator(_named)]


class Columns(StrictSection):
    """Which column says what. A moment whose cell is empty did not happen."""

    rows: Annotated[
        Literal["tickets", "events"],
        Field(description='`"tickets"`: a row is a ticket; `"events"`: a row is one event.'),
    ] = "tickets"
    ticket: Annotated[AnAt, Field(description="The ticket's id.")]
    client: Annotated[ACell, Field(description="The client's id.")]

    created: Annotated[
        AMoment | None,
        Field(description="When the client communicated it. Needed where a row is a ticket."),
    ] = None
    assigned: Annotated[
        AMoment | None, Field(description="When it was assigned; the first reply will do.")
    ] = None
    waiting_on_client: Annotated[
        AMoment | None, Field(description="When it began to wait for the client.")
    ] = None
    client_responded: Annotated[AMoment | None, Field(description="When the client answered.")] = (
        None
    )
    resolved: Annotated[AMoment | None, Field(description="When it was resolved.")] = None
    reopened: Annotated[AMoment | None, Field(description="When it was opened again.")] = None
    cancelled: Annotated[AMoment | None, Field(description="When it was cancelled.")] = None

    time: Annotated[
        AMoment | None, Field(description="When it happened, where a row is an event.")
    ] = None
    event: Annotated[
        ACell | None,
        Field(
            description="What happened, where a row is an event. Its `values` turn the helpdesk's "
            "words into `created`, `assigned`, `waiting_on_client`, `client_responded`, "
            "`resolved`, `reopened`, `cancelled`, `severity_changed`, `reclassified`, "
            "`guard_contacted` or `ignore`."
        ),
    ] = None
    status: Annotated[
        ACell | None,
        Field(
            description="Instead of `event`: how the ticket stood afterwards, in the words of "
            "`[states]`; what happened is the difference to the row before."
        ),
    ] = None

    severity: Annotated[ACell | None, Field(description="The severity.")] = None
    impact: Annotated[
        ACell | None, Field(description="The impact, from which with the scope a severity follows.")
    ] = None
    scope: Annotated[ACell | None, Field(description="How many clients are concerned.")] = None
    kind: Annotated[
        ACell | None, Field(description="`incident`, `question` or `feature_request`.")
    ] = None
    channel: Annotated[ACell | None, Field(description="By which channel it came.")] = None
    plan: Annotated[ACell | None, Field(description="The client's plan.")] = None
    requester: Annotated[ACell | None, Field(description="Who asked, as an id.")] = None
    analyst: Annotated[ACell | None, Field(description="Who it was assigned to.")] = None
    group: Annotated[ACell | None, Field(description="The team of theirs.")] = None
    party: Annotated[ACell | None, Field(description="Who is waited for, as `client`.")] = None
    origin: Annotated[ACell | None, Field(description="Where the fault lay, as `vendor`.")] = None
    cancel_reason: Annotated[
        ACell | None, Field(description="`spam`, `duplicate`, `merged` or `deleted`.")
    ] = None

    severities: dict[str, SeverityText] = Field(
        default={}, description="The helpdesk's words and the policy's severities, as a table."
    )
    states: dict[str, State] = Field(
        default={},
        description="The helpdesk's statuses and `open`, `waiting_on_client`, `resolved`, "
        "`closed` or `cancelled`, as a table.",
    )
    time_format: Annotated[
        list[Annotated[str, AfterValidator(check_form)]], BeforeValidator(_listed)
    ] = Field(
        default=list(DEFAULT_FORMS),
        min_length=1,
        description="How times are written, as for `strptime`; a list where a file has several. "
        "By name: `iso`, `excel` (a spreadsheet's days), `unix`, `unix_ms`, `jira`. A time that "
        "two of a list read differently is refused.",
    )
    zone: Annotated[
        str | None, Field(description="Of times without an offset; `--zone` goes before it.")
    ] = None
    locale: Annotated[
        str | None,
        Field(description="Language of names of months, as `es`; `--locale` goes before it."),
    ] = None
    decimal: Annotated[
        Literal[".", ","], Field(description="What stands before the decimals of spans.")
    ] = "."
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
        description="Cells that say nothing, beside those without text.",
    )

    @field_validator("event")
    @classmethod
    def _words(cls, event: Cell | None) -> Cell | None:
        for word in event.values.values() if event else ():
            if word not in KNOWN:
                raise ValueError(f"{word!r} is none of {', '.join(sorted(KNOWN))}")
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
            return "created is needed: the column that says when"
        if self.created.after is not None or self.created.when is not None:
            return "created is a time, in every row"
        odd = [word for word in ("time", "event", "status") if getattr(self, word) is not None]
        return f'{odd[0]} is for files where a row is an event: rows = "events"' if odd else None

    def _wrong_events(self) -> str | None:
        """What is wrong where a row is an event."""
        if self.time is None:
            return "time is needed: the column that says when it happened"
        if any(
            each is not None and (each.after or each.when) for each in (self.time, self.created)
        ):
            return "time and created are times, in every row"
        if (self.event is None) == (self.status is None):
            return "event or status is needed, and not both"
        if self.status is not None and not self.states:
            return "status needs a table [states]"
        odd = [type_.word for type_ in MOMENTS[1:] if getattr(self, type_.word) is not None]
        return f'{odd[0]} is for files where a row is a ticket: rows = "tickets"' if odd else None


def read_columns(path: Path) -> Columns:
    """The file that says which column holds what. Raises ``TableError``."""
    return read_toml(path, Columns, "columns file", TableError)
