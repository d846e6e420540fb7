"""The rules of a drawn contract a second time: a ticket judged minute by minute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from support.naive import Limit, Ticket, minute_of, severity_of
from support.naive_calendar import DrawnWorld
from support.naive_contract import CLOSINGS, PLAN, Contract
from support.naive_exceptions import Exceptions

Clock = dict[str, Any]


class Ended(NamedTuple):
    """A limit that counted until another severity's took its place, and whose target it was."""

    limit: Limit
    promise: dict[str, Any]
    until: int


def promise_of(contract: Contract, name: str, severity: str, clock: str) -> Any:
    """The target under an agreement, those it extends included; ``None`` for none."""
    while True:
        if name == "standard":
            return (contract["standard"].get(severity) or {}).get(clock)
        (own,) = [each for each in contract["agreements"] if each["name"] == name]
        if severity in own["targets"]:
            if own["targets"][severity] is None:
                return None
            if clock in own["targets"][severity]:
                return own["targets"][severity][clock]
        if own["extends"] is None:
            return None
        name = own["extends"]


def _by_fact(told: Any, facts: dict[str, Any]) -> Any:
    """What a table by a fact says for these facts; anything else as it is."""
    if isinstance(told, dict) and "by" in told:
        return told.get(facts.get(told["by"]), told["else"])
    return told


def _told_group(event: dict[str, Any]) -> str | None:
    """The team that an event gives the ticket to, if it says."""
    if event["type"] in ("ticket.queued", "ticket.assigned"):
        group: str | None = event["data"].get("group")
        return group
    return None


def _any_means(selectors: list[str], event: dict[str, Any]) -> bool:
    """Whether some selector means the event."""
    type_, data = event["type"].removeprefix("ticket."), event["data"]
    for selector in selectors:
        name, _, word = selector.partition(":")
        if name in ("waiting", "waiting_on_client"):
            if type_ not in ("waiting", "waiting_on_client"):
                continue
            party = data.get("party", "client")
            if name == "waiting_on_client":
                found = type_ == name or party == "client"
            else:
                found = word in ("", party)
        elif name == "milestone":
            found = type_ == "milestone_reached" and data["name"] == word
        else:
            said = data.get("kind", "answer") if name == "replied" else data.get("group")
            found = type_ == name and word in ("", said)
        if found:
            return True
    return False


def _party(wait: dict[str, Any] | None) -> str | None:
    return None if wait is None else wait["data"].get("party", "client")


class ContractTicket(Ticket):
    """A ticket judged by a drawn contract."""

    world: DrawnWorld

    def __init__(
        self, events: Iterable[dict[str, Any]], world: DrawnWorld, contract: Contract
    ) -> None:
        self.contract = contract
        events = list(events)
        created = next(event for event in events if event["type"] == "ticket.created")
        data = created["data"]
        self.known = {
            "client": data["client_id"],
            "plan": data.get("plan"),
            "region": data.get("attributes", {}).get("region"),
        }
        self.guarded = data.get("integration", {}).get("built_by") == "aivo"
        #: The group that has it.
        self.team: str | None = None
        #: What began the wait that lasts, and which clocks' ends of it are still to come.
        self.wait: dict[str, Any] | None = None
        self.awaited: list[list[str]] = []
        self.repeated: set[str] = set()
        self.continued: list[Clock] = []
        super().__init__(events, world)

    def _communicated(self, told: int, others: list[dict[str, Any]]) -> int:
        self.exceptions = Exceptions(others, self.contract["sources"])
        if not self.contract["merge"]:
            return told
        absorbed = [event["data"] for event in others if event["type"] == "ticket.absorbed"]
        return min([told, *(minute_of(data["communicated_at"]) for data in absorbed)])

    def _at_once(self) -> list[str]:
        return [
            name
            for name, rule in self.contract["clocks"].items()
            if "starts" not in rule and not rule.get("team")
        ]

    def _begin(self, name: str, cycle: int, start: int) -> None:
        super()._begin(name, cycle, start)
        team = self.team if self.contract["clocks"][name].get("team") else None
        self.clocks[-1] |= {
            "counts": start,
            "ended": [],
            "team": team,
            "agreement": self._agreement(),
            "facts": {**self.known, "team": team},
            "agreed": self.exceptions.spans(name),
            "excused": self.exceptions.excuse(name),
        }

    def _next(self, name: str, start: int) -> None:
        """Begin the next cycle, paused if the ticket waits for what pauses it."""
        last = self._last(name)
        self._begin(name, 1 if last is None else last["cycle"] + 1, start)
        pauses = self.contract["clocks"][name].get("pauses", [])
        if self.wait is not None and _any_means(pauses, self.wait):
            self.clocks[-1]["pauses"].append([start, None, _party(self.wait)])

    def _default(self) -> str | None:
        default: str | None = self.contract["default"]
        return default

    def _agreement(self) -> str | None:
        known = {**self.known, "kind": self.kind, "severity": self.severity or self.first_severity}
        for each in self.contract["agreements"]:
            if all(known.get(fact) in values for fact, values in each["when"].items()):
                return str(each["name"])
        return "standard"

    def _severity_changed(self, event: dict[str, Any], at: int) -> None:
        before, told = self.severity, severity_of(event["data"])
        self.severity = told or before
        # The first to be known applied from the start: that is no change.
        self._judge_anew(at, told=told, changed=before is not None and self.severity != before)
        self._later(event, at, [])

    def _reclassified(self, event: dict[str, Any], at: int) -> None:
        self.kind = event["data"]["kind"]
        self._severity_changed(event, at)

    def _judge_anew(self, at: int, *, told: str | None = None, changed: bool = False) -> None:
        """Give what runs the targets that follow from what is known now; those of another severity
        count from here on, if the clock says so.
        """
        for clock in self._running():
            self._judge_one(clock, at, told=told, changed=changed)

    def _judge_one(self, clock: Clock, at: int, *, told: str | None, changed: bool) -> None:
        rule = self.contract["clocks"][clock["clock"]]
        since = max(at, clock["start"])
        after = clock | {
            "severity": told or clock["severity"],
            "agreement": self._agreement(),
            "facts": {**self.known, "team": clock["team"]},
        }
        if changed and rule.get("from_change"):
            after |= {"counts": since, "ended": [*clock["ended"], *self._ended(clock, since)]}
        if self.promise(after) is None and self._broken_before(after):
            self._halt(clock, after["ended"], since)
            if rule.get("repeat"):
                self.repeated.add(clock["clock"])
        else:
            clock.update(after)

    def _ended(self, clock: Clock, until: int) -> list[Ended]:
        promise = self.promise(clock)
        if promise is None:
            return []
        return [Ended(limit, promise, until) for limit in self.limits(clock)]

    def _halt(self, clock: Clock, ended: list[Ended], at: int) -> None:
        """Stop for good what is broken and promises nothing any more, under its last limits."""
        if clock["pauses"] and clock["pauses"][-1][1] is None:
            clock["pauses"][-1][1] = at
        clock |= {"stop": at, "ended": ended}

    def _broken_before(self, clock: Clock) -> bool:
        """Whether a limit was broken that counts no longer."""
        return not clock["excused"] and bool(self.broken_limits(clock))

    def broken_limits(self, clock: Clock) -> list[Ended]:
        """The limits that were broken when they ended."""
        return [
            each
            for each in clock["ended"]
            if each.limit.breaks(self.used(clock, each.limit, each.until))
        ]

    def broken_first(self, clock: Clock) -> Ended | None:
        broken = [] if clock["excused"] else self.broken_limits(clock)
        order = sorted(broken, key=lambda each: (each.until, self._due(clock, each.limit) or 0))
        return order[0] if order else None

    def _moved(self, event: dict[str, Any], at: int) -> None:
        """Whatever is no change of what the promise follows from."""
        if event["type"] == "ticket.reopened":
            self._take_up(at)
        group = _told_group(event)
        handed = group is not None and group != self.team
        self.team = group or self.team
        reopened = self.resolved and event["type"] == "ticket.reopened"
        stopped, again = [], []
        for name, rule in self.contract["clocks"].items():
            last = self._last(name)
            if last is None:
                continue
            if last["stop"] is None:
                if self._ran(last, rule, event, at, handed=handed):
                    stopped.append(name)
            elif (
                not rule.get("team")
                and rule.get("on_reopen") == "new_cycle"
                and event["type"] == "ticket.reopened"
            ):
                again.append(name)
        self._course(event)
        for name in again:
            self._next(name, at)
        self._later(event, at, stopped)
        self._stay(at, handed=handed, reopened=reopened)

    def _take_up(self, at: int) -> None:
        """Go on with what the resolution stopped, if the team that had it still has it."""
        for clock in self.continued:
            if clock["team"] in (None, self.team):
                clock["pauses"].append([clock["stop"], at, "nobody"])
                clock["stop"] = None
                changed = self.severity not in (None, clock["severity"])
                self._judge_one(clock, at, told=self.severity, changed=changed)
        self.continued = []

    def _stay(self, at: int, *, handed: bool, reopened: bool) -> None:
        """Begin the stay of a team: another has the ticket, or the same has it again."""
        if not self.ever or self.resolved or self.team is None:
            return
        for name, rule in self.contract["clocks"].items():
            last = self._last(name)
            if not rule.get("team") or (last is not None and last["stop"] is None):
                continue
            if handed or (reopened and rule.get("on_reopen") == "new_cycle"):
                self._next(name, max(at, self.start))

    _assigned = _waiting = _waiting_on_client = _client_responded = _moved
    _resolved = _reopened = _replied = _milestone_reached = _queued = _moved

    def _last(self, name: str) -> dict[str, Any] | None:
        cycles = [clock for clock in self.clocks if clock["clock"] == name]
        return cycles[-1] if cycles else None

    def _ran(
        self, clock: Clock, rule: dict[str, Any], event: dict[str, Any], at: int, *, handed: bool
    ) -> bool:
        """Stop, pause or resume a running clock; whether it has stopped."""
        pauses = clock["pauses"]
        paused = bool(pauses) and pauses[-1][1] is None
        left = handed or event["type"] == "ticket.resolved"
        if left if rule.get("team") else _any_means(rule["stops"], event):
            if paused:
                pauses[-1][1] = at
            clock["stop"] = at
            if rule.get("repeat"):
                self.repeated.add(clock["clock"])
            if rule.get("on_reopen") == "continue" and event["type"] == "ticket.resolved":
                self.continued.append(clock)
            return True
        if paused:
            other = event["type"] == "ticket.waiting" and event["data"]["party"] != pauses[-1][2]
            if _any_means(rule["resumes"], event):
                pauses[-1][1] = at
                return False
            if not other:
                return False
            pauses[-1][1] = at
        if _any_means(rule.get("pauses", []), event):
            pauses.append([at, None, event["data"].get("party", "client")])
        return False

    def _course(self, event: dict[str, Any]) -> None:
        """Whether the ticket waits or is resolved after ``event``."""
        type_ = event["type"]
        if self.resolved:
            self.resolved = type_ != "ticket.reopened"
        elif type_ == "ticket.resolved":
            self.resolved, self.waiting, self.wait = True, False, None
        elif self.waiting:
            self.awaited = [ends for ends in self.awaited if not _any_means(ends, event)]
            if not self.awaited:
                self.waiting, self.wait = False, None
            elif type_ == "ticket.waiting" and event["data"]["party"] != _party(self.wait):
                self.wait = event
        elif type_ in ("ticket.waiting", "ticket.waiting_on_client"):
            self.waiting, self.wait = True, event
            pausing = [r["resumes"] for r in self.contract["clocks"].values() if r.get("pauses")]
            self.awaited = pausing or [["client_responded"]]

    def _later(self, event: dict[str, Any], at: int, stopped: list[str]) -> None:
        """Begin the cycles that begin with an event, or because the last was to be repeated."""
        if not self.ever:
            return
        if self.resolved:
            self.repeated = set()
            return
        repeated, self.repeated = self.repeated, set()
        for name, rule in self.contract["clocks"].items():
            if "starts" not in rule and not rule.get("repeat"):
                continue
            last = self._last(name)
            if last is not None and last["stop"] is None:
                continue
            starts = _any_means(rule.get("starts", []), event) and name not in stopped
            if name in repeated and self.waiting:
                self.repeated.add(name)
            elif name in repeated or starts:
                self._next(name, max(at, self.start))

    def not_started(self) -> list[str]:
        """The clocks that are promised something but have had no cycle."""
        severity = self.severity or self.first_severity
        if severity is None or self.kind == "feature_request" or self.resolved:
            return []
        if self.cancelled is not None:
            return []
        yet = {"severity": severity, "agreement": self._agreement(), "facts": self.known}
        return [
            name
            for name, rule in self.contract["clocks"].items()
            if "starts" in rule
            and self._last(name) is None
            and self.promise({"clock": name, **yet}) is not None
        ]

    def _attributes_changed(self, event: dict[str, Any], at: int) -> None:
        data = event["data"]
        self.known["client"] = data.get("client_id", self.known["client"])
        self.known["plan"] = data.get("plan", self.known["plan"])
        self.known |= data.get("attributes", {})
        self._judge_anew(at)
        self._later(event, at, [])

    def _guard_contacted(self, event: dict[str, Any], at: int) -> None:
        plan = self.contract["guard"]
        covered = plan is not None and self.guarded and self.known["plan"] == PLAN
        if covered and not self.world.open[plan["outside"]][at]:
            for clock in self._running():
                if clock["contact"] is None and at >= clock["start"]:
                    clock["contact"] = at

    def promise(self, clock: Clock) -> dict[str, Any] | None:
        """What is promised for a clock, its facts considered; ``None`` for nothing."""
        told = promise_of(self.contract, clock["agreement"], clock["severity"], clock["clock"])
        if told is None:
            return None
        within, calendar = (_by_fact(told[key], clock["facts"]) for key in ("within", "calendar"))
        return None if within == "none" else {**told, "within": within, "calendar": calendar}

    def broken(self, clock: Clock, now: int) -> bool:
        return self._broken_before(clock) or super().broken(clock, now)

    def limits(self, clock: Clock) -> list[Limit]:
        promise = self.promise(clock)
        assert promise is not None, "only what is promised has limits"
        limits = [self._limit(promise, clock["counts"])]
        added = self._of_guard(clock)
        if added is not None:
            limits.append(self._limit(added, max(clock["contact"], clock["counts"])))
        return limits

    def _of_guard(self, clock: Clock) -> dict[str, Any] | None:
        """What the plan adds for a clock after a contact with the guard."""
        if clock["contact"] is None:
            return None
        targets = self.contract["guard"]["targets"].get(clock["severity"], {})
        target: dict[str, Any] | None = targets.get(clock["clock"])
        return target

    def _arrival(self, told: Any, start: int) -> Any:
        """What a table by the hour says of what counts from ``start``; anything else as it is."""
        if isinstance(told, dict):
            return told["inside" if self.world.open[told["of"]][start] else "outside"]
        return told

    def until_closing(self, promise: dict[str, Any], start: int) -> bool:
        """Whether it may run until a day's closing."""
        return self._arrival(promise["within"], start) in CLOSINGS

    def _limit(self, promise: dict[str, Any], start: int) -> Limit:
        """How many minutes it may use from ``start`` on, or less than so many, and on what."""
        calendar = self._arrival(promise["calendar"], start)
        within = self._arrival(promise["within"], start)
        if within in CLOSINGS:
            following = within == "next business day"
            closing = self.world.closing(calendar, start, following=following)
            within = int(self.world.open[calendar][start:closing].sum())
        elif isinstance(within, str):
            within = int(float(within.split()[0]) * self.contract["calendars"][calendar]["day"])
        return Limit(start, within, promise["less_than"], calendar)

    def _breaks(self, clock: Clock) -> int | None:
        broken = [] if clock["excused"] else self.broken_limits(clock)
        return min((self._broke(clock, each) for each in broken), default=super()._breaks(clock))

    def _broke(self, clock: Clock, ended: Ended) -> int:
        at = self._reached(clock, ended.limit, ended.limit.breaks_at)
        assert at is not None, "it was broken"
        return at

    def promised(self) -> list[Clock]:
        """The clocks by which something is promised."""
        return [clock for clock in self.clocks if self.promise(clock) is not None]

    def figures(self, now: int) -> list[dict[str, Any]]:
        """Each clock by which something is promised."""
        return [
            {
                **self._figures(clock, now),
                "agreement": clock["agreement"],
                "team": clock["team"],
                "without_exceptions": self._otherwise(clock, now),
            }
            for clock in self.promised()
        ]

    def _otherwise(self, clock: Clock, now: int) -> str | None:
        """Whether it would be met or breached without exceptions, if one is about it."""
        if not self.exceptions.about(clock["clock"]):
            return None
        outcome = self.outcome(clock | {"agreed": [], "excused": False}, now)
        return outcome if outcome in ("met", "breached") else None
