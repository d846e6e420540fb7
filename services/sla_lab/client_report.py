"""What a client's tickets have come to, and how long they waited for the client (clause C12).

What teams promise each other is none of the client's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sla_domain.policy import SeverityNames
from sla_lab.comparison import client_delays
from sla_lab.simulation import ClockStory, Story
from sla_text.language import Texts
from sla_text.presentation import Table
from sla_text.times import length


def as_document(client: str, stories: Sequence[Story]) -> dict[str, Any]:
    """The client's tickets and delay as JSON, milliseconds."""
    return {
        "client_id": client,
        "client_delay": {
            party: delay._asdict() for (_, party), delay in client_delays(stories).items()
        },
        "tickets": [
            {
                "ticket_id": story.ticket_id,
                "state": story.state.value,
                "severity": story.severity,
                "clocks": [clock._asdict() for clock in _promised(story)],
                "client_delay": {party: delay._asdict() for party, delay in story.delay.items()},
            }
            for story in stories
        ],
    }


def tables(
    client: str, stories: Sequence[Story], texts: Texts, names: SeverityNames
) -> list[Table]:
    """The same for people."""
    columns = [texts(f"compare.{name}") for name in ("ticket", "severity", "clocks")]
    columns += [texts("column.state"), texts("explain.delays")]
    rows = [
        [
            story.ticket_id,
            texts.severity(story.severity, names) if story.severity else "-",
            ", ".join(_clock(clock, texts) for clock in _promised(story)),
            texts.word("state", story.state.value),
            _delay(story, texts),
        ]
        for story in stories
    ]
    delays = [
        [texts.word("holder", party), length(delay.business_ms), length(delay.clock_ms)]
        for (_, party), delay in client_delays(stories).items()
    ]
    found = [Table(texts.counted("compare.tickets_of", len(rows), client=client), columns, rows)]
    if delays:
        columns = [texts(f"compare.{name}") for name in ("party", "business", "total")]
        found.append(Table(texts("explain.delays"), columns, delays))
    return found


def _promised(story: Story) -> list[ClockStory]:
    return [clock for clock in story.clocks if clock.team is None]


def _clock(clock: ClockStory, texts: Texts) -> str:
    outcome = texts.word("outcome", clock.outcome.value)
    if clock.without_exceptions is not clock.outcome:
        without = texts.word("outcome", clock.without_exceptions.value)
        outcome += f" ({texts('explain.without_exceptions', outcome=without)})"
    cycle = f" {clock.cycle}" if clock.cycle > 1 else ""
    return f"{texts.word('clock', clock.clock)}{cycle} {outcome}"


def _delay(story: Story, texts: Texts) -> str:
    return ", ".join(
        f"{texts.word('holder', party)} {length(delay.business_ms)}"
        for party, delay in story.delay.items()
    )
