"""What policies come to over the same recording, side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sla_domain.clock import Outcome
from sla_domain.delay import NO_DELAY, Delay
from sla_domain.policy import SeverityNames
from sla_lab.simulation import ClockStory, Outputs, Story
from sla_text.chart import BarGroup, chart
from sla_text.language import Texts
from sla_text.presentation import Table
from sla_text.times import length

#: Lines of a table for people; JSON and files have all.
SHOWN: Final = 10
#: A clock of one ticket.
Key = tuple[str, str, int]
#: A row of a comparison: what it is cut by (a severity, a client) and the clock; ``None`` is all.
Row = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Attainment:
    """Of the clocks that came to an end, how many kept their promise."""

    met: int
    breached: int
    open: int
    #: Met and breached if no exception had been granted.
    met_without: int = 0
    breached_without: int = 0

    @property
    def share(self) -> float | None:
        """Kept of all that ended; ``None`` where none did."""
        ended = self.met + self.breached
        return self.met / ended if ended else None

    @property
    def share_without(self) -> float | None:
        """The same if no exception had been granted."""
        ended = self.met_without + self.breached_without
        return self.met_without / ended if ended else None


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
        self._clients = {story.ticket_id: story.client_id for story in outputs.stories}

    def by_severity(self, key: Key) -> Iterator[Row]:
        """The rows in which a clock counts: its severity's, and that of all."""
        clock = self.clocks[key]
        yield clock.severity, clock.clock
        yield None, clock.clock

    def by_client(self, key: Key) -> Iterator[Row]:
        """The row in which a clock counts: its client's."""
        ticket, clock, _ = key
        yield self._clients[ticket], clock

    def by_agreement(self, key: Key) -> Iterator[Row]:
        """The row in which a clock counts under a policy with agreements: its agreement's."""
        clock = self.clocks[key]
        if clock.agreement is not None:
            yield clock.agreement, clock.clock

    def origins(self) -> Counter[tuple[str, str]]:
        """Ended clocks by where the fault lay, as (origin, outcome)."""
        return Counter(
            (clock.origin, clock.outcome.value)
            for clock in self.clocks.values()
            if clock.origin is not None
        )


#: How results are cut into rows.
Cutting = Callable[[Result, Key], Iterator[Row]]


class Cut:
    """Attainment in rows, under each policy, and what changes from the first policy to it."""

    def __init__(self, results: Sequence[Result], cutting: Cutting) -> None:
        self._attainment = [_attainment(result, cutting) for result in results]
        first = results[0]
        self._gained = [_only(result, first, cutting) for result in results]
        self._lost = [_only(first, result, cutting) for result in results]
        self.rows = {row for found in self._attainment for row in found}

    def attainment(self, row: Row) -> list[Attainment]:
        """Of each policy."""
        return [found.get(row, Attainment(0, 0, 0)) for found in self._attainment]

    def gained(self, row: Row, index: int) -> int:
        """Breaches that the policy at ``index`` has and the first has not."""
        return self._gained[index][row]

    def lost(self, row: Row, index: int) -> int:
        """Breaches that the first policy has and the one at ``index`` has not."""
        return self._lost[index][row]

    def document(self, rows: Sequence[Row], name: str) -> list[dict[str, Any]]:
        """``rows``, cut by what is called ``name``, as JSON: lists in the order of the policies."""
        policies = range(len(self._attainment))
        return [
            {
                name: row[0],
                "clock": row[1],
                "met": [found.met for found in self.attainment(row)],
                "breached": [found.breached for found in self.attainment(row)],
                "open": [found.open for found in self.attainment(row)],
                "kept": [found.share for found in self.attainment(row)],
                "kept_without_exceptions": [found.share_without for found in self.attainment(row)],
                "gained": [self.gained(row, index) for index in policies],
                "lost": [self.lost(row, index) for index in policies],
            }
            for row in rows
        ]


def _attainment(result: Result, cutting: Cutting) -> dict[Row, Attainment]:
    counted: Counter[tuple[Row, Outcome]] = Counter()
    without: Counter[tuple[Row, Outcome]] = Counter()
    for key, clock in result.clocks.items():
        for row in cutting(result, key):
            counted[row, clock.outcome] += 1
            without[row, clock.without_exceptions] += 1
    return {
        row: Attainment(
            counted[row, Outcome.MET],
            counted[row, Outcome.BREACHED],
            counted[row, Outcome.RUNNING] + counted[row, Outcome.PAUSED],
            without[row, Outcome.MET],
            without[row, Outcome.BREACHED],
        )
        for row in {row for row, _ in counted}
    }


def _only(one: Result, other: Result, cutting: Cutting) -> Counter[Row]:
    """Breaches of ``one`` that ``other`` has not, by row."""
    if one is other:
        return Counter()
    return Counter(
        row
        for key, clock in one.clocks.items()
        if clock.outcome is Outcome.BREACHED
        and ((twin := other.clocks.get(key)) is None or twin.outcome is not Outcome.BREACHED)
        for row in cutting(one, key)
    )


def client_delays(stories: Sequence[Story]) -> dict[tuple[str, str], Delay]:
    """The delay by client and party, the longest first."""
    found: dict[tuple[str, str], Delay] = defaultdict(lambda: NO_DELAY)
    for story in stories:
        for party, delay in story.delay.items():
            found[story.client_id, party] = found[story.client_id, party].plus(delay)
    return dict(sorted(found.items(), key=lambda item: (-item[1].business_ms, item[0])))


class Comparison:
    """Results over one recording; the first is what the others are compared with. ``severities``
    are those of all policies, the gravest first.
    """

    def __init__(self, results: Sequence[Result], severities: Sequence[str]) -> None:
        self.results = list(results)
        self._ranked = [*severities, None]
        self.by_severity = Cut(results, Result.by_severity)
        self.by_client = Cut(results, Result.by_client)
        self.by_agreement = Cut(results, Result.by_agreement)
        self.delays = [client_delays(result.outputs.stories) for result in results]

    @property
    def severities(self) -> list[Row]:
        """Every severity and clock that occurs, the gravest first."""
        return sorted(self.by_severity.rows, key=lambda row: (self._ranked.index(row[0]), row[1]))

    @property
    def agreements(self) -> list[Row]:
        """Every agreement and clock that occurs."""
        return sorted(self.by_agreement.rows, key=lambda row: (row[0] or "", row[1]))

    @property
    def clients(self) -> list[Row]:
        """Every client and clock that occurs, those with the most breaches first."""

        def worst_first(row: Row) -> tuple[int, str, str]:
            breaches = sum(found.breached for found in self.by_client.attainment(row))
            return -breaches, row[0] or "", row[1]

        return sorted(self.by_client.rows, key=worst_first)

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
            **self.figures(),
            "differing": list(self.differing()),
        }

    def figures(self) -> dict[str, Any]:
        """What was kept, by severity and by client, and what lay with whom, in the same form."""
        return {
            "attainment": self.by_severity.document(self.severities, "severity"),
            "agreements": self.by_agreement.document(self.agreements, "agreement"),
            "clients": self.by_client.document(self.clients, "client_id"),
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
        }


def _at(delays: Mapping[tuple[str, str], Delay], client: str, party: str) -> Delay:
    return delays.get((client, party), NO_DELAY)


def tables(comparison: Comparison, texts: Texts, names: SeverityNames) -> list[Table]:
    """The comparison for people; of the first policy alone where there is only one."""
    return [
        _severity_table(comparison, texts, names),
        *_agreement_table(comparison, texts),
        _client_table(comparison, texts),
        *_differing_table(comparison, texts),
        *_origin_table(comparison, texts),
        *_delay_table(comparison, texts),
    ]


def drawn(comparison: Comparison, texts: Texts, names: SeverityNames) -> str:
    """The promises kept as a drawing (SVG)."""
    groups = [
        BarGroup(
            f"{_severity(severity, texts, names)}, {texts.word('clock', clock)}",
            [found.share for found in comparison.by_severity.attainment((severity, clock))],
        )
        for severity, clock in comparison.severities
    ]
    policies = [result.policy for result in comparison.results]
    return chart(texts("compare.chart"), policies, groups)


def _severity(severity: str | None, texts: Texts, names: SeverityNames) -> str:
    return texts.severity(severity, names) if severity else texts("compare.all")


def _severity_table(comparison: Comparison, texts: Texts, names: SeverityNames) -> Table:
    results, cut = comparison.results, comparison.by_severity
    rows = [
        [_severity(row[0], texts, names), texts.word("clock", row[1]), *_cells(cut, row, texts)]
        for row in comparison.severities
    ]
    summary = results[0].outputs.summary
    title = texts.counted(
        "compare.title",
        len(results),
        events=texts.counted("compare.events", summary.events),
        tickets=texts.counted("compare.tickets", summary.tickets),
    )
    return Table(title, _columns("severity", results, texts), rows)


def _agreement_table(comparison: Comparison, texts: Texts) -> Iterator[Table]:
    """What each agreement came to, where there are any."""
    rows = [
        [row[0] or "", texts.word("clock", row[1]), *_cells(comparison.by_agreement, row, texts)]
        for row in comparison.agreements
    ]
    if rows:
        columns = _columns("agreement", comparison.results, texts)
        yield Table(texts("compare.agreements"), columns, rows)


def _client_table(comparison: Comparison, texts: Texts) -> Table:
    rows = [
        [row[0] or "", texts.word("clock", row[1]), *_cells(comparison.by_client, row, texts)]
        for row in comparison.clients
    ]
    columns = _columns("client", comparison.results, texts)
    return _cut(texts("compare.clients"), columns, rows[:SHOWN], len(rows), texts)


def _columns(name: str, results: Sequence[Result], texts: Texts) -> list[str]:
    columns = [texts(f"compare.{name}"), texts("compare.clock")]
    for index, result in enumerate(results):
        columns += [f"{result.policy} {texts('compare.attainment')}", texts("compare.breaches")]
        if index:
            columns += [texts("compare.gained"), texts("compare.lost")]
    return columns


def _cells(cut: Cut, row: Row, texts: Texts) -> list[str]:
    cells = []
    for index, found in enumerate(cut.attainment(row)):
        share = "-" if found.share is None else f"{found.share:.1%}"
        if found.share_without != found.share and found.share_without is not None:
            told = f"{found.share_without:.1%}"
            share += f" ({texts('explain.without_exceptions', outcome=told)})"
        cells += [share, f"{found.breached:,}"]
        if index:
            cells += [f"{cut.gained(row, index):,}", f"{cut.lost(row, index):,}"]
    return cells


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
    yield _cut(texts.counted("compare.differ", count), columns, rows, len(differing), texts)


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
