"""A ticket: its timeline, and what follows from it.

The state is a function of the set of events. Events are applied one by one, but in the order of
the timeline: one that comes late, or that makes an earlier one count differently, has the whole
timeline applied again.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Final, NamedTuple

from sla_domain.alert import Said, Sent
from sla_domain.clock import Clock, Contact, Outcome
from sla_domain.duties import Duties
from sla_domain.errors import UnknownPolicyError
from sla_domain.event import Event, EventType, in_order, insert
from sla_domain.policy import ClockRule, Plan, Policy, PolicyBook, Target

FEATURE_REQUEST: Final = "feature_request"
CLIENT: Final = "client"
#: Who can do something about an open ticket that waits for nobody.
VENDOR: Final = "vendor"

#: What ends a wait, whichever occurs first (semantics §3).
ENDS_WAIT: Final = frozenset(
    {
        EventType.CLIENT_RESPONDED,
        EventType.ASSIGNED,
        EventType.REOPENED,
        EventType.RESOLVED,
    }
)


class Status(StrEnum):
    """Where a ticket stands; ``early`` until its ``created`` has arrived."""

    EARLY = "early"
    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


class Stage(NamedTuple):
    """A ticket from ``start`` on: its status, the party waited for, and the event that began it."""

    start: int
    status: Status
    party: str | None
    cause: str

    @property
    def holder(self) -> str | None:
        """Who has the ball: the vendor, the party waited for, or nobody."""
        return self.party or (VENDOR if self.status is Status.OPEN else None)


class Placement(Enum):
    """What became of an event put into a timeline."""

    APPLIED = auto()
    DUPLICATE = auto()
    CONFLICT = auto()


class Ticket:
    """One ticket under the policy in force when it was communicated.

    A ticket that was restored stays under the version it was pinned to, even where a newer one
    says it was in force earlier: a new version judges no running ticket anew.
    """

    __slots__ = (
        "_book",
        "_pinned",
        "client_id",
        "clocks",
        "closed_at",
        "communicated_at",
        "created",
        "duties",
        "id",
        "kind",
        "policy",
        "said",
        "sent",
        "severity",
        "stages",
        "status",
        "timeline",
        "void",
        "waited",
    )

    def __init__(self, ticket_id: str, book: PolicyBook) -> None:
        self.id = ticket_id
        self._book = book
        self.timeline: list[Event] = []
        #: The alerts sent so far, those taken back included.
        self.sent: list[Sent] = []
        #: The announcements made so far.
        self.said: list[Said] = []
        # A restored ticket's version, and the event it was pinned by.
        self._pinned: tuple[Policy, Event] | None = None
        self._forget()

    def _forget(self) -> None:
        self.created: Event | None = None
        self.policy: Policy = self._book.latest
        self.client_id = ""
        self.communicated_at = 0
        self.kind = "incident"
        self.severity: str | None = None
        self.status = Status.EARLY
        #: Whether nothing is promised: the ticket is cancelled or a feature request (C15).
        self.void = False
        #: When the ticket was resolved or cancelled; ``None`` while it is neither.
        self.closed_at: int | None = None
        self.clocks: list[Clock] = []
        #: What it went through since its communication; a stage lasts until the next begins.
        self.stages: list[Stage] = []
        #: Whether it ever waited for its client.
        self.waited = False
        self.duties = Duties(self.policy)

    @property
    def pin(self) -> str | None:
        """The version to restore the ticket with; ``None`` where the book says the same."""
        return None if self._pinned is None else self._pinned[0].ref

    def restore(
        self, timeline: list[Event], sent: list[Sent], said: list[Said], pin: str | None
    ) -> None:
        """Take over what another process kept of this ticket, pinned to the version it cites.

        Raises ``UnknownPolicyError`` where the book does not have that version.
        """
        self.timeline = in_order(timeline)
        self.sent, self.said = sent, said
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
        """Put ``event`` in its place. A copy changes nothing; with other content it is a
        conflict, and the first one read stands.
        """
        source, id_ = event.source, event.id
        for known in self.timeline:
            if known.id == id_ and known.source == source:
                return Placement.DUPLICATE if known == event else Placement.CONFLICT
        in_place = insert(self.timeline, event)
        if not in_place or event.type in _CHANGES_ALL or self.severity is None:
            self._fold()
        elif self.created is not None:
            self._apply(event)
        return Placement.APPLIED

    @property
    def holder(self) -> str | None:
        """Who has the ball now; nobody where the ticket is closed or not created yet."""
        return self.stages[-1].holder if self.stages else None

    def clock(self, name: str, cycle: int) -> Clock | None:
        """The clock of that name and cycle, if there is one."""
        for clock in self.clocks:
            if clock.cycle == cycle and clock.rule.name == name:
                return clock
        return None

    def outcome(self, clock: Clock, at: int) -> Outcome:
        """How ``clock`` stands at ``at``: void where the ticket promises nothing."""
        return Outcome.VOID if self.void else clock.outcome(at)

    def _fold(self) -> None:
        if self.created is not None:
            self._forget()
        created = self._standing_created()
        if created is None:
            return
        self._create(created)
        for event in self.timeline:
            if event.type is not EventType.CREATED:
                self._apply(event)

    def _standing_created(self) -> Event | None:
        """Of several ``created`` the first stands."""
        return next((e for e in self.timeline if e.type is EventType.CREATED), None)

    def _in_force(self) -> Policy:
        return self._book.in_force(self.communicated_at)

    def _create(self, created: Event) -> None:
        """What ``created`` says takes effect before all other events."""
        facts = created.facts
        self.created = created
        self.communicated_at = facts.get("communicated_at", created.occurred)
        pinned = self._pinned
        self.policy = pinned[0] if pinned and pinned[1] is created else self._in_force()
        self.client_id = facts.get("client_id", "")
        self.kind = facts.get("kind", "incident")
        self.status = Status.OPEN
        self.void = self.kind == FEATURE_REQUEST
        self.stages.append(Stage(self.communicated_at, Status.OPEN, None, created.id))
        self.duties = Duties(self.policy)
        self.duties.created(created)
        self.severity = self.policy.severity_of(facts)
        if self.severity is not None:
            self.duties.severity_told(self.severity, created, created)
        if self._ever_promised():
            for rule in self.policy.clocks:
                self._start(rule, 1, self.communicated_at, created.id)

    def _ever_promised(self) -> bool:
        """Whether the ticket is or ever was more than a feature request; one that was never has no
        clocks at all (clause C15).
        """
        return self.kind != FEATURE_REQUEST or any(
            event.type is EventType.RECLASSIFIED and event.facts.get("kind") != FEATURE_REQUEST
            for event in self.timeline
        )

    def _first_severity(self) -> str | None:
        """The first severity the timeline tells; clocks that start before it take it."""
        for event in (self.created, *self.timeline):
            if event is not None and event.type in _TELLS_SEVERITY:
                severity = self.policy.severity_of(event.facts)
                if severity is not None:
                    return severity
        return None

    def _start(self, rule: ClockRule, cycle: int, start: int, cause: str) -> None:
        severity = self.severity or self._first_severity()
        if severity is None:
            return
        target = self.policy.target(severity, rule.name)
        if target is not None:
            self.clocks.append(Clock(rule, cycle, start, severity, target, cause))

    def _apply(self, event: Event) -> None:
        """Let ``event``, which follows all those applied before, take effect."""
        if self.status is Status.CANCELLED or event.type is EventType.CREATED:
            return
        if event.type in _TELLS_SEVERITY:
            self._judge_anew(event)
        self._move_clocks(event)
        self._move_duties(event)
        self._move_status(event)

    def _judge_anew(self, event: Event) -> None:
        """Take kind and severity from ``event``, and judge what still runs by them."""
        if event.type is EventType.RECLASSIFIED:
            self.kind = event.facts.get("kind", self.kind)
            self.void = self.kind == FEATURE_REQUEST
            for clock in self.clocks:
                # What was void may count again, and the other way round.
                clock.changed = True
        severity = self.policy.severity_of(event.facts)
        if severity is None or severity == self.severity:
            return
        self.severity = severity
        assert self.created is not None, "events are applied to a ticket that exists"
        self.duties.severity_told(severity, self.created, event)
        for clock in self.clocks:
            target = self.policy.target(severity, clock.rule.name)
            if clock.running and target is not None:
                second = self._second_target(clock, severity)
                clock.retarget(severity, target, second, event.id)

    def _move_clocks(self, event: Event) -> None:
        type_, at = event.type, event.occurred
        for clock in list(self.clocks):
            rule = clock.rule
            if clock.running:
                if type_ in rule.stops:
                    clock.stop(at, event.id, event.facts.get("origin"))
                elif clock.paused:
                    if type_ in rule.resumes:
                        clock.resume(at, event.id)
                elif type_ in rule.pauses:
                    clock.pause(at, event.facts.get("party", CLIENT), event.id)
            elif type_ in rule.restarts and clock is self._last(rule):
                self._start(rule, clock.cycle + 1, at, event.id)

    def _last(self, rule: ClockRule) -> Clock:
        return next(clock for clock in reversed(self.clocks) if clock.rule is rule)

    def _move_duties(self, event: Event) -> None:
        type_, duties = event.type, self.duties
        if type_ is EventType.RESOLVED:
            if self.status is not Status.RESOLVED:
                duties.resolved(event)
        elif type_ is EventType.GUARD_CONTACTED:
            plan = self._covering_plan()
            duties.guard_contacted(event, plan, self.severity)
            if plan is not None and not plan.outside.is_open(event.occurred):
                self._limit_from(event, plan)
        elif type_ is EventType.CONTACT_LOGGED:
            duties.contact_logged(event)
        elif type_ is EventType.FEATURE_SUBSCRIBED:
            duties.subscribed(event)
        elif type_ is EventType.FEATURE_APPROVED:
            duties.approved(event)

    def _covering_plan(self) -> Plan | None:
        """The plan bought for this ticket, if it covers the integration (clauses C17, C21)."""
        assert self.created is not None, "events are applied to a ticket that exists"
        facts = self.created.facts
        plan = self.policy.plans.get(facts.get("plan", ""))
        if plan is None or facts.get("integration", {}).get("built_by") not in plan.built_by:
            return None
        return plan

    def _limit_from(self, event: Event, plan: Plan) -> None:
        """Start the second limit of the cycles that run (clause C19)."""
        for clock in self.clocks:
            if clock.running and event.occurred >= clock.start:
                target = plan.targets.get((clock.severity, clock.rule.name))
                clock.guard(Contact(plan.name, event.occurred, event.id), target)

    def _second_target(self, clock: Clock, severity: str) -> Target | None:
        """What the contact with the guard, if there was one, means at ``severity``."""
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
        if self.status is Status.RESOLVED:
            if type_ is EventType.REOPENED:
                self.status, self.closed_at = Status.OPEN, None
        elif type_ is EventType.RESOLVED:
            self.status, self.closed_at = Status.RESOLVED, event.occurred
        elif type_ is EventType.WAITING_ON_CLIENT:
            self.status = Status.WAITING
        elif type_ in ENDS_WAIT:
            self.status = Status.OPEN
        if type_ is EventType.CANCELLED:
            self.status, self.closed_at = Status.CANCELLED, event.occurred
            self.void = True


#: Events that make earlier ones count differently.
_CHANGES_ALL: Final = frozenset({EventType.CREATED, EventType.RECLASSIFIED})
_TELLS_SEVERITY: Final = frozenset(
    {EventType.CREATED, EventType.SEVERITY_CHANGED, EventType.RECLASSIFIED}
)
