"""The rules of a drawn contract a second time: a ticket judged minute by minute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.naive import Ticket
from support.naive_calendar import DrawnWorld
from support.naive_contract import CLOSINGS, Contract


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
            **{f"@{name}": value for name, value in data.get("attributes", {}).items()},
        }
        #: What began the wait that lasts, and which clocks' ends of it are still to come.
        self.wait: dict[str, Any] | None = None
        self.awaited: list[list[str]] = []
        self.repeated: set[str] = set()
        self.continued: list[dict[str, Any]] = []
        super().__init__(events, world)

    def _at_once(self) -> list[str]:
        return [name for name, rule in self.contract["clocks"].items() if "starts" not in rule]

    def _begin(self, name: str, cycle: int, start: int) -> None:
        super()._begin(name, cycle, start)
        self.clocks[-1] |= {"agreement": self._agreement(), "region": self.known.get("@region")}

    def _default(self) -> str | None:
        default: str | None = self.contract["default"]
        return default

    def _agreement(self) -> str | None:
        known = {**self.known, "kind": self.kind, "severity": self.severity or self.first_severity}
        for each in self.contract["agreements"]:
            if all(
                known.get("@" + fact if fact == "region" else fact) in values
                for fact, values in each["when"].items()
            ):
                return str(each["name"])
        return "standard"

    def _tell(self, event: dict[str, Any]) -> None:
        super()._tell(event)
        self._move()

    def _moved(self, event: dict[str, Any], at: int) -> None:
        """Whatever is no change of what the promise follows from."""
        if event["type"] == "ticket.reopened":
            for clock in self.continued:
                clock["pauses"].append([clock["stop"], at, "nobody"])
                clock["stop"] = None
            self.continued = []
        stopped, again = [], []
        for name, rule in self.contract["clocks"].items():
            last = self._last(name)
            if last is None:
                continue
            if last["stop"] is None:
                if self._ran(last, rule, event, at):
                    stopped.append(name)
            elif rule.get("on_reopen") == "new_cycle" and event["type"] == "ticket.reopened":
                again.append((name, last["cycle"] + 1))
        for name, cycle in again:
            self._begin(name, cycle, at)
        self._course(event)
        if self.ever:
            self._later(event, at, stopped)

    _assigned = _waiting = _waiting_on_client = _client_responded = _moved
    _resolved = _reopened = _replied = _milestone_reached = _queued = _moved

    def _last(self, name: str) -> dict[str, Any] | None:
        cycles = [clock for clock in self.clocks if clock["clock"] == name]
        return cycles[-1] if cycles else None

    def _ran(
        self, clock: dict[str, Any], rule: dict[str, Any], event: dict[str, Any], at: int
    ) -> bool:
        """Stop, pause or resume a running clock; whether it has stopped."""
        pauses = clock["pauses"]
        paused = bool(pauses) and pauses[-1][1] is None
        if _any_means(rule["stops"], event):
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
                self._begin(name, 1 if last is None else last["cycle"] + 1, at)
                if self.wait is not None and _any_means(rule.get("pauses", []), self.wait):
                    party = self.wait["data"].get("party", "client")
                    self.clocks[-1]["pauses"].append([at, None, party])

    def not_started(self) -> list[str]:
        """The clocks that are promised something but have had no cycle."""
        severity = self.severity or self.first_severity
        if severity is None or self.kind == "feature_request" or self.resolved:
            return []
        agreement = str(self._agreement())
        return [
            name
            for name, rule in self.contract["clocks"].items()
            if "starts" in rule
            and self._last(name) is None
            and promise_of(self.contract, agreement, severity, name) is not None
        ]

    def _move(self) -> None:
        for clock in self._running():
            clock |= {"agreement": self._agreement(), "region": self.known.get("@region")}

    def _attributes_changed(self, event: dict[str, Any], at: int) -> None:
        data = event["data"]
        self.known["client"] = data.get("client_id", self.known["client"])
        self.known["plan"] = data.get("plan", self.known["plan"])
        self.known |= {f"@{name}": value for name, value in data.get("attributes", {}).items()}
        self._move()

    def promise(self, clock: dict[str, Any]) -> Any:
        """What is promised for a clock; ``None`` for nothing."""
        return promise_of(self.contract, clock["agreement"], clock["severity"], clock["clock"])

    def _limits(self, clock: dict[str, Any]) -> list[tuple[int, tuple[int, bool, str]]]:
        return [(clock["start"], self.amount(clock))]

    def until_closing(self, clock: dict[str, Any]) -> bool:
        """Whether the clock may run until a day's closing."""
        within = self.promise(clock)["within"]
        if isinstance(within, dict):
            within = within[
                "inside" if self.world.open[within["of"]][clock["start"]] else "outside"
            ]
        return within in CLOSINGS

    def amount(self, clock: dict[str, Any]) -> tuple[int, bool, str]:
        """How many minutes a clock may use, whether that is less than so many, and on what."""
        promise, start = self.promise(clock), clock["start"]
        calendar, within = promise["calendar"], promise["within"]
        if isinstance(calendar, dict):
            calendar = calendar.get(clock["region"], calendar["else"])
        if isinstance(within, dict):
            within = within["inside" if self.world.open[within["of"]][start] else "outside"]
        if within in CLOSINGS:
            following = within == "next business day"
            closing = self.world.closing(calendar, start, following=following)
            within = int(self.world.open[calendar][start:closing].sum())
        elif isinstance(within, str):
            within = int(float(within.split()[0]) * self.contract["calendars"][calendar]["day"])
        return within, promise["less_than"], calendar

    def used(self, clock: dict[str, Any], now: int) -> int:
        """How many minutes it has used."""
        used: int = self._count(clock, clock["start"], self.amount(clock), now)["used"]
        return used

    def promised(self) -> list[dict[str, Any]]:
        """The clocks by which something is promised."""
        return [clock for clock in self.clocks if self.promise(clock) is not None]

    def figures(self, now: int) -> list[dict[str, Any]]:
        """Each clock by which something is promised."""
        return [
            {**self._figures(clock, now), "agreement": clock["agreement"]}
            for clock in self.promised()
        ]
