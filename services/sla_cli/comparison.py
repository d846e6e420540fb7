"""What policies come to over the same recording, side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from sla_cli.simulation import ClockStory, Outputs, Story
from sla_domain.clock import Outcome
from sla_domain.delay import NO_DELAY, Delay
from sla_schemas.words import Severity
from sla_text.chart import Group, chart
from sla_text.language import Texts
from sla_text.moments import length
from sla_text.telling import Table

#: Lines of a table for people; JSON and files have all.
SHOWN: Final = 10
_SEVERITIES: Final = get_args(Severity)
#: A clock of one ticket.
Key = tuple[str, str, int]
#: A row of a comparison: severity and clock; a severity of ``None`` is all of them.
Row = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Attainment:
    """Of the clocks that came to an end, how many kept their promise."""

    met: int
    breached: int
    open: int

    @property
    def share(self) -> float | None:
        """Kept of all that ended; ``None`` where none did."""
        ended = self.met + self.breached
        return self.met / ended if ended else None


class Result:
    """What one policy came to."""

    def __init__(self, policy: str, outputs: Outputs) -> None:
        self.policy = policy
        self.outputs = outputs
        self.clocks: dict[Key, ClockStory] = {
            (story.ticket_id, clock.clock, clock.cycle): clock
            for story in outputs.stories
            for clock in story.clocks
        }

    def attainment(self) -> dict[Row, Attainment]:
        """By severity and clock, and by clock alone."""
        counted: Counter[tuple[Row, Outcome]] = Counter()
        for clock in self.clocks.values():
            for severity in (clock.severity, None):
                counted[(severity, clock.clock), clock.outcome] += 1
        rows = {row for row, _ in counted}
        return {
            row: Attainment(
                counted[row, Outcome.MET],
                counted[row, Outcome.BREACHED],
                counted[row, Outcome.RUNNING] + counted[row, Outcome.PAUSED],
            )
            for row in sorted(rows, key=_order)
        }

    def origins(self) -> Counter[tuple[str, str]]:
        """Ended clocks by where the fault lay, as (origin, outcome)."""
        return Counter(
            (clock.origin, clock.outcome.value)
            for clock in self.clocks.values()
            if clock.origin is not None
        )


def _order(row: Row) -> tuple[int, str]:
    severity, clock = row
    return len(_SEVERITIES) if severity is None else _SEVERITIES.index(severity), clock


def client_delays(stories: Sequence[Story]) -> dict[tuple[str, str], Delay]:
    """The delay by client and party, the longest first."""
    found: dict[tuple[str, str], Delay] = defaultdict(lambda: NO_DELAY)
    for story in stories:
        for party, delay in story.delay.items():
            found[story.client_id, party] = found[story.client_id, party].plus(delay)
    return dict(sorted(found.items(), key=lambda item: (-item[1].business_ms, item[0])))


class Comparison:
    """Results over one recording; the first is what the others are compared with."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = list(results)
        self._attainment = [result.attainment() for result in results]
        self.delays = [client_delays(result.outputs.stories) for result in results]
        first = self.results[0]
        self._gained = [_only(result, first) for result in results]
        self._lost = [_only(first, result) for result in results]

    @property
    def rows(self) -> list[Row]:
        """Every severity and clock that occurs."""
        return sorted({row for found in self._attainment for row in found}, key=_order)

    def attainment(self, row: Row) -> list[Attainment]:
        """Of each policy."""
        return [found.get(row, Attainment(0, 0, 0)) for found in self._attainment]

    def gained(self, row: Row, index: int) -> int:
        """Breaches that the policy at ``index`` has and the first has not."""
        return self._gained[index][row]

    def lost(self, row: Row, index: int) -> int:
        """Breaches that the first policy has and the one at ``index`` has not."""
        return self._lost[index][row]

    def differing(self) -> Iterator[dict[str, Any]]:
        """Every clock that comes out otherwise under some policy, ticket by ticket."""
        keys = {key for result in self.results for key in result.clocks}
        for key in sorted(keys):
            clocks = [result.clocks.get(key) for result in self.results]
            outcomes = [None if clock is None else clock.outcome.value for clock in clocks]
            if len(set(outcomes)) > 1:
                ticket, clock_name, cycle = key
                severities = [None if clock is None else clock.severity for clock in clocks]
                yield {
                    "ticket_id": ticket,
                    "clock": clock_name,
                    "cycle": cycle,
                    "severities": severities,
                    "outcomes": outcomes,
                }

    def document(self) -> dict[str, Any]:
        """Everything as JSON: lists in the order of the policies, milliseconds."""
        return {
            "policies": [result.policy for result in self.results],
            "summaries": [result.outputs.summary.as_dict() for result in self.results],
            "attainment": [
                {
                    "severity": row[0],
                    "clock": row[1],
                    "met": [found.met for found in self.attainment(row)],
                    "breached": [found.breached for found in self.attainment(row)],
                    "open": [found.open for found in self.attainment(row)],
                    "kept": [found.share for found in self.attainment(row)],
                    "gained": [self.gained(row, index) for index in range(len(self.results))],
                    "lost": [self.lost(row, index) for index in range(len(self.results))],
                }
                for row in self.rows
            ],
            "origins": [
                [
                    {"origin": origin, "outcome": outcome, "clocks": count}
                    for (origin, outcome), count in sorted(result.origins().items())
                ]
                for result in self.results
            ],
            "client_delay": [
                {
                    "client_id": client,
                    "party": party,
                    "business_ms": [
                        _at(delays, client, party).business_ms for delays in self.delays
                    ],
                    "clock_ms": [_at(delays, client, party).clock_ms for delays in self.delays],
                }
                for client, party in self.delays[0]
            ],
            "differing": list(self.differing()),
        }


def _only(one: Result, other: Result) -> Counter[Row]:
    """Breaches of ``one`` that ``other`` has not, by row."""
    counted: Counter[Row] = Counter()
    if one is other:
        return counted
    for key, clock in one.clocks.items():
        if clock.outcome is not Outcome.BREACHED:
            continue
        twin = other.clocks.get(key)
        if twin is None or twin.outcome is not Outcome.BREACHED:
            counted[clock.severity, clock.clock] += 1
            counted[None, clock.clock] += 1
    return counted


def _at(delays: Mapping[tuple[str, str], Delay], client: str, party: str) -> Delay:
    return delays.get((client, party), NO_DELAY)


def tables(comparison: Comparison, texts: Texts, names: Mapping[str, str]) -> list[Table]:
    """The comparison for people; of the first policy alone where there is only one."""
    return [
        _attainment_table(comparison, texts, names),
        *_differing_table(comparison, texts),
        *_origin_table(comparison, texts),
        *_delay_table(comparison, texts),
    ]


def drawn(comparison: Comparison, texts: Texts, names: Mapping[str, str]) -> str:
    """The promises kept as a drawing (SVG)."""
    groups = [
        Group(
            f"{_severity(severity, texts, names)}, {texts.word('clock', clock)}",
            [found.share for found in comparison.attainment((severity, clock))],
        )
        for severity, clock in comparison.rows
    ]
    policies = [result.policy for result in comparison.results]
    return chart(texts("compare.chart"), policies, groups)


def _severity(severity: str | None, texts: Texts, names: Mapping[str, str]) -> str:
    return texts.severity(severity, names) if severity else texts("compare.all")


def _attainment_table(comparison: Comparison, texts: Texts, names: Mapping[str, str]) -> Table:
    results = comparison.results
    columns = [texts("compare.severity"), texts("compare.clock")]
    for index, result in enumerate(results):
        columns += [f"{result.policy} {texts('compare.attainment')}", texts("compare.breaches")]
        if index:
            columns += [texts("compare.gained"), texts("compare.lost")]
    rows = []
    for row in comparison.rows:
        severity, clock = row
        cells = [_severity(severity, texts, names), texts.word("clock", clock)]
        for index, found in enumerate(comparison.attainment(row)):
            share = "-" if found.share is None else f"{found.share:.1%}"
            cells += [share, f"{found.breached:,}"]
            if index:
                cells += [
                    f"{comparison.gained(row, index):,}",
                    f"{comparison.lost(row, index):,}",
                ]
        rows.append(cells)
    title = texts(
        "compare.title" if len(results) > 1 else "compare.title_of_one",
        events=f"{results[0].outputs.summary.events:,}",
        tickets=f"{results[0].outputs.summary.tickets:,}",
        count=len(results),
    )
    return Table(title, columns, rows)


def _differing_table(comparison: Comparison, texts: Texts) -> Iterator[Table]:
    if len(comparison.results) < 2:
        return
    differing = list(comparison.differing())
    if not differing:
        yield Table(texts("compare.no_difference"), [], [])
        return
    rows = [
        [
            each["ticket_id"],
            f"{texts.word('clock', each['clock'])} {each['cycle']}",
            *(texts.word("outcome", outcome) if outcome else "-" for outcome in each["outcomes"]),
        ]
        for each in differing[:SHOWN]
    ]
    columns = [texts("compare.ticket"), texts("compare.clock")]
    columns += [result.policy for result in comparison.results]
    count = len({each["ticket_id"] for each in differing})
    yield _cut(texts("compare.differ", count=f"{count:,}"), columns, rows, len(differing), texts)


def _origin_table(comparison: Comparison, texts: Texts) -> Iterator[Table]:
    found = [result.origins() for result in comparison.results]
    rows = [
        [
            texts.word("origin", origin),
            texts.word("outcome", outcome),
            *(f"{counts[origin, outcome]:,}" for counts in found),
        ]
        for origin, outcome in sorted({key for counts in found for key in counts})
    ]
    if rows:
        columns = [texts("compare.origin"), ""]
        columns += [result.policy for result in comparison.results]
        yield Table(texts("compare.origins"), columns, rows)


def _delay_table(comparison: Comparison, texts: Texts) -> Iterator[Table]:
    delays = comparison.delays[0]
    if not delays:
        return
    rows = [
        [client, texts.word("holder", party), length(delay.business_ms), length(delay.clock_ms)]
        for (client, party), delay in list(delays.items())[:SHOWN]
    ]
    columns = [texts(f"compare.{name}") for name in ("client", "party", "business", "total")]
    yield _cut(texts("compare.delay"), columns, rows, len(delays), texts)


def _cut(title: str, columns: list[str], rows: list[list[str]], count: int, texts: Texts) -> Table:
    """A table of ``count`` lines of which not all are shown."""
    hidden = count - len(rows)
    note = texts("compare.more", count=f"{hidden:,}") if hidden else ""
    return Table(title, columns, rows, note)
