"""The tables of a policy file that say what moves its clocks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sla_domain.event import EventType
from sla_domain.policy import ClockRule
from sla_domain.selector import Selector, Selectors
from sla_policy.calendar_sections import Section
from sla_policy.values import EventSelector, Starts


class ClockSection(Section):
    """What moves one clock of each ticket. Each clock begins with a header such as
    `[clocks.resolution]`; the name is yours to choose. The lists name [events](#events); some are
    told apart by a word, like `waiting:supplier`, `replied:update`, `milestone:workaround` and
    `queued:level2`.
    """

    starts: Starts = Field(
        "communicated",
        description="From when the clock counts: from the client's communication, or from events "
        "of the ticket. Then it owes nothing before the first of them, and each of them that comes "
        "after it has stopped starts it anew. By default it counts from the communication.",
        examples=['"communicated"', '["client_responded"]'],
    )
    scope: Literal["ticket", "team"] = Field(
        "ticket",
        description="Whose promise it is. A clock of `team` is a promise between teams, which no "
        "client sees: it starts when the ticket comes to another team and stops when it goes on to "
        "the next or is resolved. Then `starts`, `stops`, `restarts` and `repeat` are left out. By "
        "default the clock is the ticket's.",
        examples=['"team"'],
    )
    stops: list[EventSelector] = Field(
        [],
        description="The events that keep the promise: the first of them stops the clock. They "
        "are needed except for a clock of `team`.",
        examples=['["resolved"]'],
    )
    pauses: list[EventSelector] = Field(
        [],
        description="The events after which time does not count, because the ticket is waiting for "
        "someone else. By default nothing pauses the clock.",
        examples=['["waiting_on_client"]', '["waiting:client", "waiting:supplier"]'],
    )
    resumes: list[EventSelector] = Field(
        [],
        description="The events after which time counts again, whichever comes first. They are "
        "needed with `pauses`.",
        examples=['["client_responded", "resolved"]'],
    )
    restarts: list[EventSelector] = Field(
        [],
        description="The events that start the clock anew once it has stopped. By default it stops "
        "for good.",
        examples=['["reopened"]'],
    )
    repeat: bool = Field(
        default=False,
        description="Whether what stops the clock starts it anew, as for an update every four "
        "hours. It does not if the ticket is resolved then; if it is waiting, the clock starts "
        "anew when the wait ends. By default it does not repeat.",
        examples=["true"],
    )
    on_reopen: Literal["new_cycle", "continue", "nothing"] | None = Field(
        None,
        description="What becomes of the clock when the ticket is reopened: `new_cycle` starts it "
        "anew, as `restarts` with `reopened` does; `continue` goes on with the time used so far, "
        "if the resolution had stopped it; `nothing` leaves it. By default `restarts` decides.",
        examples=['"continue"'],
    )
    on_severity: Literal["from_start", "from_change"] = Field(
        "from_start",
        description="From when the target of another severity counts: `from_start`, from the start "
        "of the clock, or `from_change`, from the change. Then the time before counts under the "
        "old target, and what was broken by then stays broken. By default it is `from_start`.",
        examples=['"from_change"'],
    )

    @property
    def selectors(self) -> list[Selector]:
        """Every event that it names."""
        lists = self.begins, self.stops, self.pauses, self.resumes, self.restarts
        return [selector for each in lists for selector in each]

    @property
    def begins(self) -> list[Selector]:
        """The events it starts with; none where it starts with the communication."""
        return self.starts if isinstance(self.starts, list) else []

    def to_domain(self, name: str) -> ClockRule:
        """The rule as the domain knows it."""
        restarts, team = list(self.restarts), self.scope == "team"
        if self.on_reopen == "new_cycle":
            restarts.append(Selector(EventType.REOPENED))
        return ClockRule(
            name,
            Selectors.of(EventType.RESOLVED) if team else Selectors.meant(self.stops),
            Selectors.meant(self.pauses),
            Selectors.meant(self.resumes),
            Selectors.meant(restarts),
            Selectors.meant(self.begins) if self.begins or team else None,
            self.repeat,
            self.on_reopen == "continue",
            self.on_severity == "from_change",
            team,
        )
