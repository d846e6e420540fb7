"""All metrics of the tracker, in one place. In seconds, without ticket, client or analyst labels.

Counters are increased after a commit; gauges are computed at each scrape from the owned partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import chain, product
from typing import Any, Final, Generic, TypeVar, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from sla_domain.alert import RETRACTED_BY, Alert, AlertKind, Notice, Reason
from sla_domain.clock import Outcome
from sla_domain.event import EventType
from sla_domain.policy import WORD_FIELDS, PolicyBook
from sla_domain.target import Target
from sla_engine.census import NO_SEVERITY
from sla_engine.effects import Effects, Stopped
from sla_schemas.words import DeadLetterReason, NoticeKind
from sla_tracker.gauges import Gauges, Owner

RESULTS: Final = ("applied", "early", "duplicate", "conflict", "rekeyed")
NO_ORIGIN: Final = "none"
#: The label of a word that no policy lists: events may say any, and each would be a series.
OTHER: Final = "other"
CONSUMED_BUCKETS: Final = (0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0)
TRANSACTION_BUCKETS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15)
RESTORE_BUCKETS: Final = (0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 600)
WAIT_BUCKETS: Final = tuple(hours * 3600.0 for hours in (0.25, 1, 2, 4, 9, 18, 45, 90, 180))


M = TypeVar("M", Counter, Histogram)


class Series(Generic[M]):
    """The series of a metric, cached by their labels, since the library's own ``labels`` checks its
    arguments again at every call.
    """

    def __init__(self, metric: M) -> None:
        self._metric: M = metric
        self._known: dict[tuple[str, ...], M] = {}

    def labels(self, *values: str) -> M:
        """The series with these values, in the order of the metric's labels."""
        known = self._known.get(values)
        if known is None:
            known = self._known[values] = self._metric.labels(*values)
        return known


class TrackerMetrics:
    """The metrics of one tracker on a registry of its own."""

    def __init__(self, book: PolicyBook, registry: CollectorRegistry) -> None:
        self.registry = registry
        clocks = sorted({rule.name for policy in book.versions for rule in policy.clocks})
        steps = [rule for policy in book.versions for rule in policy.every_step]
        fractions = sorted({rule.label for rule in steps if not rule.number})
        escalations = sorted({rule.label for rule in steps if rule.number})
        self._severities = book.severities
        self._agreements = book.agreements
        self._parties, self._origins = book.words("party"), book.words("origin")

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, registry=registry)

        def counters(name: str, text: str, *labels: str) -> Series[Counter]:
            return Series(Counter(name, text, labels, registry=registry))

        def histogram(name: str, text: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(name, text, buckets=buckets, registry=registry)

        def histograms(
            name: str, text: str, buckets: Sequence[float], *labels: str
        ) -> Series[Histogram]:
            return Series(Histogram(name, text, labels, buckets=buckets, registry=registry))

        self._events = counters("sla_events", "Events read, by type and result.", "type", "result")
        self._unknown_fields = counter(
            "sla_unknown_fields", "Event fields that are not in the schema and were dropped."
        )
        self._unknown_words = counters(
            "sla_unknown_words", "Words of events that the policy in force does not list.", "field"
        )
        self._erased = counter("sla_erased_tickets", "Tickets erased with `sla erase`.")
        self._dead_letters = counters(
            "sla_dead_letters", "Records that could not be used.", "reason"
        )
        self._warnings = counters("sla_warnings", "Warnings sent.", "clock", "severity", "fraction")
        self._breaches = counters("sla_breaches", "Breaches sent.", "clock", "severity")
        self._escalations = counters(
            "sla_escalations",
            "Escalations sent, by the name of the step.",
            "clock",
            "severity",
            "step",
        )
        self._retractions = counters("sla_retractions", "Alerts retracted.", "kind", "reason")
        self._notices = counters("sla_notices", "Notices sent.", "kind")
        self._approvals = counter(
            "sla_feature_approvals", "Subscribers notified that a feature request was approved."
        )
        self._stopped_clocks = counters(
            "sla_stopped_clocks",
            "Clocks that have stopped, by outcome and where the fault lay.",
            "clock",
            "outcome",
            "origin",
        )
        self._by_agreement = counters(
            "sla_agreement_stopped_clocks",
            "Clocks that have stopped under policies with agreements, by what came of them.",
            "agreement",
            "clock",
            "outcome",
        )
        self._used = {
            clock: histograms(
                f"sla_{clock}_seconds",
                f"Time used by {clock} when it stopped, on its calendar.",
                _target_buckets(book, clock),
                "severity",
            )
            for clock in clocks
        }
        self._consumed = histograms(
            "sla_consumed_ratio",
            "Share of the target used when a clock stopped; up to 1, the promise was kept.",
            CONSUMED_BUCKETS,
            "clock",
            "severity",
        )
        self._client_wait = histograms(
            "sla_client_wait_seconds",
            "Business time for which a clock had waited for its client when it stopped.",
            WAIT_BUCKETS,
            "party",
        )
        self._client_wait_elapsed = histograms(
            "sla_client_wait_elapsed_seconds",
            "Elapsed time for which a clock had waited for its client when it stopped.",
            WAIT_BUCKETS,
            "party",
        )
        self._transaction = histogram(
            "sla_transaction_seconds", "Time to commit a transaction.", TRANSACTION_BUCKETS
        )
        self._restore = histogram(
            "sla_restore_seconds", "Time to restore a partition's state.", RESTORE_BUCKETS
        )
        Info("sla_build", "The program's version.", registry=registry).info(
            {"version": version("sla-tracker")}
        )
        ranks = Gauge(
            "sla_severity_rank",
            "The rank of a severity in the policies, 1 for the gravest.",
            ["severity"],
            registry=registry,
        )
        for rank, severity in enumerate(book.severities, 1):
            ranks.labels(severity).set(rank)
        objectives = Gauge(
            "sla_objective_ratio",
            "The share of clocks that an agreement wants kept.",
            ["agreement"],
            registry=registry,
        )
        for name, objective in book.objectives.items():
            objectives.labels(name).set(float(objective))
        policies = Info("sla_policy", "Policies in force.", ["policy"], registry=registry)
        for policy in book.versions:
            policies.labels(policy.name).info({"version": policy.version})
        self._initialise(clocks, book.severities)
        _known(self._warnings, product(clocks, book.severities, fractions))
        _known(self._escalations, product(clocks, book.severities, escalations))

    def _initialise(self, clocks: Sequence[str], severities: Sequence[str]) -> None:
        """Create all series: one that first appears with its first event looks like a lost one."""
        types = [type_.word for type_ in EventType]
        clock_severities = list(product(clocks, severities))
        _known(self._events, product(types, RESULTS), [("unknown", "dead_letter")])
        _known(self._unknown_words, product(WORD_FIELDS))
        _known(self._dead_letters, product(get_args(DeadLetterReason)))
        _known(self._notices, product(get_args(NoticeKind)))
        _known(self._retractions, product([_word(kind) for kind in RETRACTED_BY], Reason))
        _known(self._breaches, clock_severities)
        _known(self._consumed, clock_severities)
        for used in self._used.values():
            _known(used, product(severities))
        parties = [*self._parties, OTHER]
        _known(self._client_wait, product(parties))
        _known(self._client_wait_elapsed, product(parties))
        stops = (Outcome.MET, Outcome.BREACHED)
        origins = (*self._origins, OTHER, NO_ORIGIN)
        _known(self._stopped_clocks, product(clocks, stops, origins))
        _known(self._by_agreement, product(self._agreements, clocks, stops))

    def watch(self, tracker: Owner) -> None:
        """Compute the gauges from ``tracker`` at every scrape."""
        self.registry.register(Gauges(tracker, self._severities))

    def restored(self, seconds: float) -> None:
        """A partition's state was restored."""
        self._restore.observe(seconds)

    def committed(self, effects: Effects, seconds: float) -> None:
        """A transaction with ``effects`` was committed."""
        self._transaction.observe(seconds)
        for (type_, result), count in effects.results.items():
            self._events.labels(type_, result).inc(count)
        if effects.unknown_fields:
            self._unknown_fields.inc(effects.unknown_fields)
        for field, count in effects.unknown_words.items():
            self._unknown_words.labels(field).inc(count)
        if effects.erased:
            self._erased.inc(effects.erased)
        for letter in effects.dead_letters:
            self._dead_letters.labels(letter.reason).inc()
        for stopped in effects.stopped:
            self._stopped(stopped)
        for alert in effects.alerts:
            if isinstance(alert, Notice):
                self._noticed(alert)
            else:
                self._alerted(alert)

    def _noticed(self, notice: Notice) -> None:
        exemplar = _exemplar(notice.ticket_id)
        if notice.kind is AlertKind.APPROVED:
            self._approvals.inc(exemplar=exemplar)
        else:
            self._notices.labels(notice.what.value).inc(exemplar=exemplar)

    def _alerted(self, alert: Alert) -> None:
        exemplar = _exemplar(alert.ticket_id)
        severity = alert.severity or NO_SEVERITY
        if alert.kind is AlertKind.WARNING:
            self._warnings.labels(alert.clock, severity, alert.what).inc(exemplar=exemplar)
        elif alert.kind is AlertKind.BREACH:
            self._breaches.labels(alert.clock, severity).inc(exemplar=exemplar)
        elif alert.kind is AlertKind.ESCALATION and alert.escalation is not None:
            step = alert.escalation.name
            self._escalations.labels(alert.clock, severity, step).inc(exemplar=exemplar)
        elif alert.reason is not None:
            self._retractions.labels(_word(alert.told), alert.reason.value).inc(exemplar=exemplar)

    def _stopped(self, stopped: Stopped) -> None:
        origin = _listed(stopped.origin, self._origins) if stopped.origin else NO_ORIGIN
        self._stopped_clocks.labels(stopped.clock, stopped.outcome.value, origin).inc()
        if stopped.agreement is not None:
            agreed = stopped.agreement, stopped.clock, stopped.outcome.value
            self._by_agreement.labels(*agreed).inc()
        self._used[stopped.clock].labels(stopped.severity).observe(stopped.used / 1000)
        self._consumed.labels(stopped.clock, stopped.severity).observe(stopped.consumed)
        for word, delay in stopped.delays.items():
            party = _listed(word, self._parties)
            self._client_wait.labels(party).observe(delay.business_ms / 1000)
            self._client_wait_elapsed.labels(party).observe(delay.clock_ms / 1000)


def _word(kind: AlertKind) -> str:
    return kind.value.partition(".")[2]


def _listed(word: str, known: Sequence[str]) -> str:
    return word if word in known else OTHER


def _known(series: Series[Any], *labels: Iterable[tuple[str, ...]]) -> None:
    for values in chain(*labels):
        series.labels(*values)


def _exemplar(ticket_id: str) -> dict[str, str]:
    return {"ticket_id": ticket_id[:100]}


def _target_buckets(book: PolicyBook, clock: str) -> list[float]:
    """The targets, the warnings before them and two steps beyond; of a clock that is only promised
    by the closing of a day, which has no length, those of waits.
    """
    targets = {
        target.within / 1000
        for policy in book.versions
        for agreement in policy.every_agreement
        for (_, name), any_target in agreement.targets.items()
        if name == clock
        for target in any_target.variants
        if isinstance(target, Target)
    }
    shares = (0.25, 0.5, 0.75, 1, 1.5, 2)
    return sorted({target * share for target in targets for share in shares}) or [*WAIT_BUCKETS]
