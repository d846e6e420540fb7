"""A ticket: its timeline and the state derived from it.

The state is a function of the set of events. Events are applied in timeline order; a late event,
or one that changes the effect of earlier ones, causes the whole timeline to be applied again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sla_domain.agreement import Agreement
from sla_domain.alert import Postponed, PostponedKey, SentAlert, SentNotice
from sla_domain.clock import DECIDED, Clock, Contact, Outcome, Terms
from sla_domain.cycles import Cycles
from sla_domain.errors import UnknownPolicyError
from sla_domain.event import Event, EventType, effective, in_order, insert, standing_created
from sla_domain.granted_exceptions import (
    EXCEPTION_TYPES,
    GrantedException,
    standing_exceptions,
)
from sla_domain.guard import covering_plan, plan_target
from sla_domain.obligations import Obligations
from sla_domain.policy import ClockRule, Plan, Policy, PolicyBook
from sla_domain.profile import Profile
from sla_domain.status import Course, Placement, Stage, Status
from sla_domain.target import Target
from sla_domain.team import Stay

FEATURE_REQUEST: Final = "feature_request"
#: What targets call the team of a team's clock when they ask for it.
TEAM: Final = "team"

#: Cancellation reasons that keep the outcomes already decided: deleting or merging a ticket must
#: not erase its breaches.
KEEPS_DECIDED: Final = frozenset({"deleted", "merged"})


def communication_of(created: Event) -> int:
    """When the client communicated a ticket, as its ``created`` tells (clause C10)."""
    return created.facts.get("communicated_at", created.occurred)


class Ticket:
    """One ticket under the policy version in force when it was reported.

    A restored ticket keeps its pinned version, even if a newer version claims to have been in force
    then: a new version never applies to existing tickets (decision 9).
    """

    __slots__ = (
        "_book",
        "_course",
        "_cycles",
        "_first_classified",
        "_pinned",
        "_promising",
        "_stay",
        "agreement",
        "communicated_at",
        "created",
        "exceptions",
        "folded",
        "id",
        "obligations",
        "policy",
        "postponed",
        "profile",
        "said",
        "sent",
        "timeline",
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
        #: What its promise is chosen by.
        self.profile = Profile({})
        #: The promise it gets; ``None`` while it gets none.
        self.agreement: Agreement | None = None
        self.communicated_at = 0
        # Whether anything was ever to be promised for it.
        self._promising = False
        self._course = Course(self.policy.begins_wait, self.policy.ends_wait)
        self._cycles = Cycles()
        self._stay = Stay()
        #: The exceptions that stand; they hold for its whole life.
        self.exceptions: list[GrantedException] = []
        # What tells the severity where ``created`` does not, until its turn comes.
        self._first_classified: Event | None = None
        self.obligations = Obligations(self.policy)

    @property
    def client_id(self) -> str:
        """Whose ticket it is."""
        return self.profile.client_id

    @property
    def kind(self) -> str:
        """Incident, question or feature request."""
        return self.profile.kind

    @property
    def severity(self) -> str | None:
        """By which it is judged; ``None`` while none is known."""
        return self.profile.severity

    @property
    def clocks(self) -> list[Clock]:
        """The clocks by which something is promised at present."""
        return self._cycles.promised

    @property
    def not_started(self) -> list[tuple[ClockRule, Target]]:
        """The clocks that are yet to start, with what they will promise as far as is known now."""
        severity = self.severity
        if not self.policy.begins_later:
            return []
        if severity is None or self.kind == FEATURE_REQUEST or self.closed_at is not None:
            return []
        now = self.timeline[-1].occurred
        rules = [
            rule
            for rule in self.policy.begins_later
            if not rule.team and not self._cycles.begun(rule)
        ]
        found = [(rule, self._target(severity, rule, now)) for rule in rules]
        return [(rule, target) for rule, target in found if target.ladder]

    @property
    def status(self) -> Status:
        """Where it stands."""
        return self._course.status

    @property
    def closed_at(self) -> int | None:
        """When it was resolved or cancelled; ``None`` while it is neither."""
        return self._course.closed_at

    @property
    def stages(self) -> list[Stage]:
        """What it went through since its communication; a stage lasts until the next begins."""
        return self._course.stages

    @property
    def waited(self) -> bool:
        """Whether it ever waited for its client."""
        return self._course.waited

    @property
    def team(self) -> str | None:
        """The team that has it: the group that was told last; ``None`` where none was."""
        return self._stay.team

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
        created = standing_created(self.timeline)
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
        found = (each for each in self.clocks if each.cycle == cycle and each.rule.name == name)
        return next(found, None)

    def outcomes_without_exceptions(self, at: int) -> dict[tuple[str, int], Outcome]:
        """By the key of each clock that an exception is about, whether it would be met or breached
        at ``at`` if none had been granted; those that are undecided then are left out.
        """
        if not self.exceptions:
            return {}
        other = Ticket(self.id, self._book)
        others = [event for event in self.timeline if event.type not in EXCEPTION_TYPES]
        other.restore(others, [], [], [], self.policy.ref)
        excepted = {clock.key for clock in self.clocks if clock.exceptions}
        found = {each.key: each.outcome(at) for each in other.clocks if each.key in excepted}
        # No deadline would have an undecided one told anew when it is decided.
        return {key: outcome for key, outcome in found.items() if outcome in DECIDED}

    def event(self, source: str, id_: str) -> Event | None:
        """The event with this source and id, if it is in the timeline."""
        return next((e for e in self.timeline if e.id == id_ and e.source == source), None)

    def _fold(self) -> None:
        if self.created is not None:
            self._reset()
        created = standing_created(self.timeline)
        if created is None:
            return
        self._create(created)
        self.folded += len(self.timeline)
        for event in self.timeline:
            if event.type is not EventType.CREATED:
                self._apply(event)

    def _in_force(self) -> Policy:
        """The version at its own communication, whatever was merged into it."""
        assert self.created is not None, "a ticket has no policy before it was created"
        return self._book.in_force(communication_of(self.created))

    def _create(self, created: Event) -> None:
        """Apply ``created``, before all other events."""
        facts = created.facts
        self.created = created
        pinned = self._pinned
        self.policy = pinned[0] if pinned and pinned[1] is created else self._in_force()
        self.communicated_at, started_by = communication_of(created), [created.id]
        if self.policy.merges_earliest:
            for event in effective(self.timeline):
                if event.type is EventType.ABSORBED and event.facts["ticket_id"] != self.id:
                    earlier = event.facts["communicated_at"]
                    if earlier < self.communicated_at:
                        self.communicated_at, started_by = earlier, [created.id, event.id]
        if self.policy.exception_sources:
            self.exceptions = standing_exceptions(self.timeline, self.policy.exception_sources)
        self.profile = Profile(facts)
        self._course = Course(self.policy.begins_wait, self.policy.ends_wait)
        self._course.begin(self.communicated_at, created.id)
        self.obligations = Obligations(self.policy)
        self.obligations.created(created)
        self._take_first_severity(created)
        self._find_agreement(created)
        self._promising = self._ever_promised()
        if self._promising:
            for rule in self.policy.clocks:
                if rule.starts is None:
                    self._start(rule, 1, self.communicated_at, started_by)

    def _take_first_severity(self, created: Event) -> None:
        """Take the severity from ``created``, or from the first later event that has one: it then
        applies from the communication on (clause C8).
        """
        told = created
        severity = self.policy.severity_of(created.facts) or self.policy.default_severity
        if severity is None:
            for event in effective(self.timeline):
                if event.type in _TELLS_SEVERITY:
                    severity = self.policy.severity_of(event.facts)
                    if severity is not None:
                        self._first_classified = told = event
                        break
        self.profile.severity = severity
        if severity is not None:
            self.obligations.severity_set(severity, created, told)
        elif self.kind != FEATURE_REQUEST:
            self.obligations.unclassified(created)

    def _ever_promised(self) -> bool:
        """True unless the ticket has only ever been a feature request, which has no clocks
        (clause C15).
        """
        return self.kind != FEATURE_REQUEST or any(
            event.type is EventType.RECLASSIFIED and event.facts.get("kind") != FEATURE_REQUEST
            for event in effective(self.timeline)
        )

    def _start(self, rule: ClockRule, cycle: int, start: int, started_by: list[str]) -> None:
        if self.severity is None:
            return
        causes = [*started_by]
        if self._first_classified is not None:
            causes.append(self._first_classified.id)
        team = self._stay.team if rule.team else None
        clock = Clock(
            rule,
            cycle,
            start,
            self.severity,
            self._target(self.severity, rule, start, team),
            causes,
            self.agreement_name,
            team,
            self._exceptions_of(rule),
        )
        clock.void = self.kind == FEATURE_REQUEST
        self._cycles.start(clock)
        if self._course.wait is not None:
            self._cycles.pause_for(clock, self._course.wait, start)

    def _exceptions_of(self, rule: ClockRule) -> Sequence[GrantedException]:
        if not self.exceptions:
            return ()
        return [each for each in self.exceptions if each.clock is None or each.clock == rule.name]

    def _target(
        self, severity: str, rule: ClockRule, start: int, team: str | None = None
    ) -> Target:
        agreement = self.agreement
        target = None if agreement is None else agreement.targets.get((severity, rule.name))
        if target is None:
            return Target.none(self.policy.business_calendar)
        fact = self.profile.fact
        if rule.team:
            # Not the team that has the ticket by now.
            return target.chosen(lambda name: (team or "",) if name == TEAM else fact(name), start)
        return target.chosen(fact, start)

    def _apply(self, event: Event) -> None:
        """Apply ``event``, which must follow all events applied so far."""
        if self.status is Status.CANCELLED or event.type is EventType.CREATED:
            return
        if event.type in _TELLS_SEVERITY:
            self._reclassify(event)
        elif event.type is EventType.ATTRIBUTES_CHANGED:
            self.profile.change(event.facts)
            self._retarget(event, changed=self._find_agreement(event))
        handed_over = self._stay.move(event)
        team = self._stay.team
        self._take_up(event)
        for ended in self._cycles.move(event, handed_over=handed_over):
            self._start(ended.rule, ended.cycle + 1, event.occurred, [event.id])
        self._move_obligations(event)
        resolved = self.status is Status.RESOLVED
        self._course.move(event)
        if self.policy.begins_later and self._promising:
            reopened = resolved and event.type is EventType.REOPENED
            begun = self._cycles.beginning(
                event, self.policy, self.status, stay=handed_over, reopened=reopened
            )
            for rule, cycle in begun:
                if not rule.team or team is not None:
                    start = max(event.occurred, self.communicated_at)
                    self._start(rule, cycle, start, [event.id])
        if event.type is EventType.CANCELLED:
            keeps = event.facts.get("reason") in KEEPS_DECIDED
            self._cycles.void_undecided(event.occurred, keeps_decided=keeps)

    def _reclassify(self, event: Event) -> None:
        """Take kind and severity from ``event``, and retarget the running clocks."""
        if event is self._first_classified:
            self._first_classified = None
        severity = self.policy.severity_of(event.facts)
        if severity is not None and severity not in self.policy.severity_words:
            # Only a later policy version knows this severity, so there is no target.
            self.obligations.unclassified(event)
        if event.type is EventType.RECLASSIFIED:
            self.profile.kind = event.facts.get("kind", self.kind)
            # What was void may count again, and the other way round.
            self._cycles.set_void(void=self.kind == FEATURE_REQUEST)
            if self.kind != FEATURE_REQUEST and self.severity is None:
                self.obligations.unclassified(event)
        changed = severity is not None and severity != self.severity
        if severity is not None and changed:
            self.profile.severity = severity
            assert self.created is not None, "events are applied to a ticket that exists"
            self.obligations.severity_set(severity, self.created, event)
        moved = self._find_agreement(event)
        self._retarget(event, changed=moved or changed, severity_changed=changed)

    def _retarget(self, event: Event, *, changed: bool, severity_changed: bool = False) -> None:
        """Judge what still runs by what ``event`` has led to: if severity or agreement ``changed``,
        or the target is another by what is known now.
        """
        severity = self.severity
        if severity is None or not (changed or self.policy.choosy):
            return
        for clock in self._cycles.running():
            self._judge_anew(
                clock, severity, event, changed=changed, severity_changed=severity_changed
            )
        self._cycles.retargeted()

    def _judge_anew(
        self, clock: Clock, severity: str, event: Event, *, changed: bool, severity_changed: bool
    ) -> None:
        rule, start = clock.rule, clock.primary.start
        anew = severity_changed and rule.from_change
        if anew:
            start = max(event.occurred, clock.start)
            if clock.contact is not None:
                clock.contact = clock.contact.not_before(start)
        target = self._target(severity, rule, start, clock.team)
        if not changed and target == clock.primary.target:
            return
        limit = plan_target(self.policy, self.profile, clock, severity, clock.contact)
        terms = Terms(severity, self.agreement_name, target, limit, event.id)
        if anew:
            clock.begin_anew(terms, start)
        else:
            clock.retarget(terms, max(event.occurred, clock.start))
        if not clock.running:
            self._cycles.stopped(clock)

    def _take_up(self, event: Event) -> None:
        """Take up again what the resolution had stopped, by what has changed since."""
        taken_up = self._cycles.take_up(event, self._stay.team)
        severity = self.severity
        if severity is None:
            return
        for clock in taken_up:
            other = clock.severity != severity
            moved = other or clock.agreement != self.agreement_name
            self._judge_anew(clock, severity, event, changed=moved, severity_changed=other)
        if taken_up:
            self._cycles.retargeted()

    def _find_agreement(self, event: Event) -> bool:
        """Look for the promise that the ticket gets; whether it is another than before."""
        before = self.agreement
        self.agreement = self.policy.agreement(self.profile.fact)
        if self.agreement is None and self.severity and self.kind != FEATURE_REQUEST:
            self.obligations.no_agreement(event)
        return self.agreement is not before

    @property
    def agreement_name(self) -> str | None:
        """Its agreement, as records and alerts say it; ``None`` under a policy that has none beside
        the standard.
        """
        if not self.policy.agreements or self.agreement is None:
            return None
        return self.agreement.name

    def _move_obligations(self, event: Event) -> None:
        type_, obligations = event.type, self.obligations
        if type_ is EventType.RESOLVED:
            if self.status is not Status.RESOLVED:
                obligations.resolved(event)
        elif type_ is EventType.GUARD_CONTACTED:
            plan = covering_plan(self.policy, self.profile)
            obligations.guard_contacted(event, plan, self.severity)
            if plan is not None and not plan.outside.is_open(event.occurred):
                self._limit_from(event, plan)
        elif type_ is EventType.CONTACT_LOGGED:
            obligations.contact_logged(event)
        elif type_ is EventType.FEATURE_SUBSCRIBED:
            obligations.subscribed(event)
        elif type_ is EventType.FEATURE_APPROVED:
            obligations.approved(event)
        elif type_ in EXCEPTION_TYPES:
            obligations.exception_told(event)

    def _limit_from(self, event: Event, plan: Plan) -> None:
        """Start the plan limit of the cycles that run (clause C19)."""
        for clock in self._cycles.running():
            if event.occurred >= clock.start:
                contact = Contact(plan.name, event.occurred, event.id)
                target = plan_target(self.policy, self.profile, clock, clock.severity, contact)
                clock.guard(contact, target)


#: Events that change the effect of earlier events.
_CHANGES_ALL: Final = EXCEPTION_TYPES | {
    EventType.CREATED,
    EventType.ABSORBED,
    EventType.RECLASSIFIED,
}
_TELLS_SEVERITY: Final = frozenset(
    {EventType.CREATED, EventType.SEVERITY_CHANGED, EventType.RECLASSIFIED}
)
