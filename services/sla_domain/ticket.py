"""A ticket: its timeline and the state derived from it.

The state is a function of the set of events. Events are applied in timeline order; a late event,
or one that changes the effect of earlier ones, causes the whole timeline to be applied again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sla_domain.alert import Postponed, PostponedKey, SentAlert, SentNotice
from sla_domain.clock import Clock, Contact
from sla_domain.errors import UnknownPolicyError
from sla_domain.event import Event, EventType, in_order, insert
from sla_domain.obligations import Obligations
from sla_domain.policy import CLIENT, ClockRule, Plan, Policy, PolicyBook, Target
from sla_domain.status import Placement, Stage, Status

FEATURE_REQUEST: Final = "feature_request"

#: Cancellation reasons that keep the outcomes already decided: deleting or merging a ticket must
#: not erase its breaches.
KEEPS_DECIDED: Final = frozenset({"deleted", "merged"})


class Ticket:
    """One ticket under the policy version in force when it was reported.

    A restored ticket keeps its pinned version, even if a newer version claims to have been in force
    then: a new version never applies to existing tickets (decision 9).
    """

    __slots__ = (
        "_awaited",
        "_book",
        "_current",
        "_cycles",
        "_first_classified",
        "_pinned",
        "client_id",
        "clocks",
        "closed_at",
        "communicated_at",
        "created",
        "folded",
        "id",
        "kind",
        "obligations",
        "policy",
        "postponed",
        "said",
        "sent",
        "severity",
        "stages",
        "status",
        "timeline",
        "waited",
    )

    def __init__(self, ticket_id: str, book: PolicyBook) -> None:
        self.id = ticket_id
        self._book = book
        self.timeline: list[Event] = []
        #: The alerts sent so far, including retracted ones.
        self.sent: list[SentAlert] = []
        #: The announcements sent so far.
        self.said: list[SentNotice] = []
        #: Alerts held until the frontier reaches the append time of the event that caused them.
        self.postponed: dict[PostponedKey, Postponed] = {}
        #: How many events were applied again because of late events.
        self.folded = 0
        # A restored ticket's version, and the ``created`` it is pinned by.
        self._pinned: tuple[Policy, Event] | None = None
        self._reset()

    def _reset(self) -> None:
        self.created: Event | None = None
        self.policy: Policy = self._book.latest
        self.client_id = ""
        self.communicated_at = 0
        self.kind = "incident"
        self.severity: str | None = None
        self.status = Status.EARLY
        #: When the ticket was resolved or cancelled, ``None`` if it is neither.
        self.closed_at: int | None = None
        #: The clocks that have a target at the current severity.
        self.clocks: list[Clock] = []
        # All clocks, also those without a target: a later severity may have one.
        self._cycles: list[Clock] = []
        # The latest cycle of each rule; events move only these.
        self._current: list[Clock] = []
        # If ``created`` has no severity, the first later event that has, until it is applied.
        self._first_classified: Event | None = None
        # While waiting: for each paused rule, the events that resume it.
        self._awaited: list[frozenset[EventType]] = []
        #: Its stages since the communication; each lasts until the next begins.
        self.stages: list[Stage] = []
        #: True if it has ever been waiting.
        self.waited = False
        self.obligations = Obligations(self.policy)

    @property
    def pin(self) -> str | None:
        """The policy version to restore the ticket with; ``None`` if the book gives the same."""
        return None if self._pinned is None else self._pinned[0].ref

    def restore(
        self,
        timeline: list[Event],
        sent: list[SentAlert],
        said: list[SentNotice],
        postponed: list[Postponed],
        pin: str | None,
    ) -> None:
        """Restore the ticket's stored state, pinned to policy version ``pin`` if given.

        Raises ``UnknownPolicyError`` if the book does not have that version.
        """
        self.timeline = in_order(timeline)
        self.sent, self.said = sent, said
        self.postponed = {item.key: item for item in postponed}
        created = self._standing_created()
        if pin is not None and created is not None:
            policy = self._book.find(pin)
            if policy is None:
                raise UnknownPolicyError(self.id, pin)
            self._pinned = policy, created
        self._fold()
        if self._pinned is not None and self._in_force() is self._pinned[0]:
            self._pinned = None

    def add(self, event: Event) -> Placement:
        """Add ``event`` to the timeline.

        The same source and id with equal content is a duplicate, with other content a conflict;
        both change nothing. ``sequence`` is not compared: a redelivery may have another one.
        """
        source, id_ = event.source, event.id
        for known in self.timeline:
            if known.id == id_ and known.source == source:
                copy = event._replace(sequence=known.sequence)
                return Placement.DUPLICATE if known == copy else Placement.CONFLICT
        in_place = insert(self.timeline, event)
        type_ = event.type
        if (
            not in_place
            or type_ in _CHANGES_ALL
            or (self.severity is None and type_ in _TELLS_SEVERITY)
        ):
            self._fold()
        elif self.created is not None:
            self._apply(event)
        return Placement.APPLIED

    @property
    def holder(self) -> str | None:
        """Who has to act next, ``None`` if the ticket is closed or not created yet."""
        return self.stages[-1].holder if self.stages else None

    def clock(self, name: str, cycle: int) -> Clock | None:
        """The clock with this name and cycle, if any."""
        for clock in self.clocks:
            if clock.cycle == cycle and clock.rule.name == name:
                return clock
        return None

    def event(self, source: str, id_: str) -> Event | None:
        """The event with this source and id, if it is in the timeline."""
        return next((e for e in self.timeline if e.id == id_ and e.source == source), None)

    def _fold(self) -> None:
        if self.created is not None:
            self._reset()
        created = self._standing_created()
        if created is None:
            return
        self._create(created)
        self.folded += len(self.timeline)
        for event in self.timeline:
            if event.type is not EventType.CREATED:
                self._apply(event)

    def _standing_created(self) -> Event | None:
        """The first ``created`` in the timeline; any other has no effect."""
        return next((e for e in self.timeline if e.type is EventType.CREATED), None)

    def _in_force(self) -> Policy:
        return self._book.in_force(self.communicated_at)

    def _effective(self) -> Iterator[Event]:
        """The events that take effect besides the standing ``created``: no other ``created``, and
        nothing after a cancellation.
        """
        for event in self.timeline:
            if event.type is not EventType.CREATED:
                yield event
            if event.type is EventType.CANCELLED:
                return

    def _create(self, created: Event) -> None:
        """Apply ``created``, before all other events."""
        facts = created.facts
        self.created = created
        self.communicated_at = facts.get("communicated_at", created.occurred)
        pinned = self._pinned
        self.policy = pinned[0] if pinned and pinned[1] is created else self._in_force()
        self.client_id = facts.get("client_id", "")
        self.kind = facts.get("kind", "incident")
        self.status = Status.OPEN
        self.stages.append(Stage(self.communicated_at, Status.OPEN, None, created.id))
        self.obligations = Obligations(self.policy)
        self.obligations.created(created)
        self._take_first_severity(created)
        if self._ever_promised():
            for rule in self.policy.clocks:
                self._start(rule, 1, self.communicated_at, created.id)

    def _take_first_severity(self, created: Event) -> None:
        """Take the severity from ``created``, or from the first later event that has one: it then
        applies from the communication on (clause C8).
        """
        told = created
        self.severity = self.policy.severity_of(created.facts) or self.policy.default_severity
        if self.severity is None:
            for event in self._effective():
                if event.type in _TELLS_SEVERITY:
                    self.severity = self.policy.severity_of(event.facts)
                    if self.severity is not None:
                        self._first_classified = told = event
                        break
        if self.severity is not None:
            self.obligations.severity_set(self.severity, created, told)
        elif self.kind != FEATURE_REQUEST:
            self.obligations.unclassified(created)

    def _ever_promised(self) -> bool:
        """True unless the ticket has only ever been a feature request, which has no clocks
        (clause C15).
        """
        return self.kind != FEATURE_REQUEST or any(
            event.type is EventType.RECLASSIFIED and event.facts.get("kind") != FEATURE_REQUEST
            for event in self._effective()
        )

    def _start(self, rule: ClockRule, cycle: int, start: int, cause: str) -> None:
        if self.severity is None:
            return
        causes = [cause] if self._first_classified is None else [cause, self._first_classified.id]
        target = self._target(self.severity, rule.name)
        clock = Clock(rule, cycle, start, self.severity, target, causes)
        clock.void = self.kind == FEATURE_REQUEST
        self._cycles.append(clock)
        self._current = [each for each in self._current if each.rule is not rule] + [clock]
        if clock.promised:
            self.clocks.append(clock)

    def _target(self, severity: str, clock: str) -> Target:
        target = self.policy.target(severity, clock)
        return Target.none(self.policy.business_calendar) if target is None else target

    def _apply(self, event: Event) -> None:
        """Apply ``event``, which must follow all events applied so far."""
        if self.status is Status.CANCELLED or event.type is EventType.CREATED:
            return
        if event.type in _TELLS_SEVERITY:
            self._reclassify(event)
        self._move_clocks(event)
        self._move_obligations(event)
        self._move_status(event)

    def _reclassify(self, event: Event) -> None:
        """Take kind and severity from ``event``, and retarget the running clocks."""
        if event is self._first_classified:
            self._first_classified = None
        severity = self.policy.severity_of(event.facts)
        if severity is not None and severity not in self.policy.severity_words:
            # Only a later policy version knows this severity, so there is no target.
            self.obligations.unclassified(event)
        if event.type is EventType.RECLASSIFIED:
            self.kind = event.facts.get("kind", self.kind)
            for clock in self._cycles:
                # A void clock may count again, and vice versa.
                clock.void, clock.changed = self.kind == FEATURE_REQUEST, True
            if self.kind != FEATURE_REQUEST and self.severity is None:
                self.obligations.unclassified(event)
        if severity is None or severity == self.severity:
            return
        self.severity = severity
        assert self.created is not None, "events are applied to a ticket that exists"
        self.obligations.severity_set(severity, self.created, event)
        for clock in self._current:
            if clock.running:
                target = self._target(severity, clock.rule.name)
                plan_target = self._plan_target(clock, severity)
                clock.retarget(severity, target, plan_target, event.id)
        self.clocks = [clock for clock in self._cycles if clock.promised]

    def _move_clocks(self, event: Event) -> None:
        type_, at = event.type, event.occurred
        for clock in self._current:
            rule = clock.rule
            if clock.running:
                if type_ in rule.stops:
                    clock.stop(at, event.id, event.facts.get("origin"))
                elif clock.paused:
                    if type_ in rule.resumes:
                        clock.resume(at, event.id)
                elif type_ in rule.pauses:
                    clock.pause(at, event.facts.get("party", CLIENT), event.id)
            elif type_ in rule.restarts:
                self._start(rule, clock.cycle + 1, at, event.id)

    def _move_obligations(self, event: Event) -> None:
        type_, obligations = event.type, self.obligations
        if type_ is EventType.RESOLVED:
            if self.status is not Status.RESOLVED:
                obligations.resolved(event)
        elif type_ is EventType.GUARD_CONTACTED:
            plan = self._covering_plan()
            obligations.guard_contacted(event, plan, self.severity)
            if plan is not None and not plan.outside.is_open(event.occurred):
                self._limit_from(event, plan)
        elif type_ is EventType.CONTACT_LOGGED:
            obligations.contact_logged(event)
        elif type_ is EventType.FEATURE_SUBSCRIBED:
            obligations.subscribed(event)
        elif type_ is EventType.FEATURE_APPROVED:
            obligations.approved(event)

    def _covering_plan(self) -> Plan | None:
        """The ticket's plan, if it covers the integration (clauses C17, C21)."""
        assert self.created is not None, "events are applied to a ticket that exists"
        facts = self.created.facts
        plan = self.policy.plans.get(facts.get("plan", ""))
        if plan is None or facts.get("integration", {}).get("built_by") not in plan.built_by:
            return None
        return plan

    def _limit_from(self, event: Event, plan: Plan) -> None:
        """Start the plan limit of the running clocks (clause C19)."""
        for clock in self._current:
            if clock.running and event.occurred >= clock.start:
                target = plan.targets.get((clock.severity, clock.rule.name))
                clock.guard(Contact(plan.name, event.occurred, event.id), target)

    def _plan_target(self, clock: Clock, severity: str) -> Target | None:
        """The plan target at ``severity`` if the guard was contacted, else ``None``."""
        if clock.contact is None:
            return None
        return self.policy.plans[clock.contact.plan].targets.get((severity, clock.rule.name))

    def _move_status(self, event: Event) -> None:
        before = self.status
        self._change_status(event)
        if self.status is not before:
            party = None
            if self.status is Status.WAITING:
                party = event.facts.get("party", CLIENT)
                self.waited = True
            start = max(event.occurred, self.communicated_at)
            self.stages.append(Stage(start, self.status, party, event.id))

    def _change_status(self, event: Event) -> None:
        type_ = event.type
        if type_ is EventType.CANCELLED:
            self.status, self.closed_at = Status.CANCELLED, event.occurred
            self._void_what_is_undecided(event)
        elif self.status is Status.RESOLVED:
            if type_ is EventType.REOPENED:
                self.status, self.closed_at = Status.OPEN, None
        elif type_ is EventType.RESOLVED:
            self.status, self.closed_at = Status.RESOLVED, event.occurred
        elif self.status is Status.WAITING:
            self._awaited = [ends for ends in self._awaited if type_ not in ends]
            if not self._awaited:
                self.status = Status.OPEN
        elif type_ in self.policy.begins_wait:
            self.status, self._awaited = Status.WAITING, list(self.policy.ends_wait)

    def _void_what_is_undecided(self, cancelled: Event) -> None:
        """Void the clocks of a cancelled ticket, except those already decided if the reason is in
        ``KEEPS_DECIDED``.
        """
        at, keeps = cancelled.occurred, cancelled.facts.get("reason") in KEEPS_DECIDED
        for clock in self._cycles:
            decided = keeps and clock.promised and (not clock.running or clock.broken(at))
            clock.void, clock.changed = clock.void or not decided, True


#: Events that change the effect of earlier events.
_CHANGES_ALL: Final = frozenset({EventType.CREATED, EventType.RECLASSIFIED})
_TELLS_SEVERITY: Final = frozenset(
    {EventType.CREATED, EventType.SEVERITY_CHANGED, EventType.RECLASSIFIED}
)
