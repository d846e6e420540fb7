"""Scenario files: given a ticket, when this happens, then these alerts and figures.

A support manager tries a contract with them before signing it (``sla policy test``). Times are
local, in the zone of the file or else of the policy's business calendar; a weekday before a date is
checked. Format: docs/policy.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

from sla_config.toml_file import TomlFileError, read_model, read_text
from sla_domain.event import EVENT_TYPES
from sla_domain.instant import (
    format_duration,
    format_instant,
    from_datetime,
    parse_duration,
    parse_instant,
    to_datetime,
)
from sla_domain.policy import PolicyBook
from sla_lab.errors import CommandError
from sla_lab.recording import as_line
from sla_lab.simulation import Outputs, simulate
from sla_policy.loading import load_policies
from sla_schemas.events import TYPE_PREFIX

TICKET: Final = "T-1"
#: Before the name of an attribute, as in ``attributes.region=emea``.
_ATTRIBUTE: Final = "attributes."
_SOURCE: Final = "/scenario"
_MOMENT: Final = r"(?:(?P<day>\w{3}) )?(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{3})?)?)"
_OFFSET: Final = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")
_LINE: Final = re.compile(rf"{_MOMENT}\s+(?P<rest>\S.*)")
_CLOCK: Final = re.compile(r"(?P<name>\w+)(?: cycle=(?P<cycle>\d+))?: (?P<outcome>\w+)(?P<rest>.*)")
#: What the model asks of an event and no scenario cares about.
_IMPLIED: Final = {
    "created": {"client_id": "client"},
    "assigned": {"analyst_id": "analyst"},
    "absorbed": {"ticket_id": "T-2"},
    "exception_granted": {"reason": "agreed", "approved_by": "client"},
}
#: The fields of an event that are instants.
_INSTANTS: Final = ("communicated_at", "from", "until")
#: What a clock is said to be besides its figures, by the name of that in its record.
_SAID: Final = {
    "limit": "limit",
    "origin": "origin",
    "severity": "severity",
    "team": "team",
    "without": "without_exceptions",
}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Then(_Table):
    """What must hold at ``at``. Breaches, escalations, notices, approvals and dead letters that are
    not listed must not be; the rest is only looked at where it is given.
    """

    at: str
    breaches: list[str] = []
    escalations: list[str] = []
    warnings: list[str] | None = None
    notices: list[str] = []
    approvals: list[str] = []
    dead_letters: list[str] = []
    clocks: list[str] = []
    no_clocks: bool = False
    state: str | None = None
    delay: list[str] | None = None
    owed_records: list[str] | None = None


class Scenario(_Table):
    """One story, its events in the order in which they arrive."""

    name: str
    given: list[str] = []
    when: list[str] = []
    then: Then

    def all_lines(self) -> list[str]:
        """Every event line."""
        return [*self.given, *self.when]


class ScenarioFile(_Table):
    """Scenarios that share a zone and, where no other is asked for, policy files beside them."""

    zone: str | None = None
    policies: list[str] = []
    scenario: list[Scenario]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a scenario had the expected outcome; ``differences`` lists where it did not."""

    file: str
    scenario: str
    differences: list[str] = field(default_factory=list)


def read_scenarios(path: Path) -> ScenarioFile:
    """The scenarios in a TOML file. Raises ``CommandError`` naming file, line, key and remedy."""
    try:
        return read_model(read_text(path, str(path)), ScenarioFile, str(path), quoted=True)
    except TomlFileError as error:
        raise CommandError(str(error)) from None


def try_file(path: Path, policies: Sequence[Path] = ()) -> Iterator[Verdict]:
    """Run every scenario of a file under ``policies``, else the file's own, else the packaged one.

    Raises ``CommandError`` for what can't be understood.
    """
    found = read_scenarios(path)
    own = [path.parent / name for name in found.policies]
    book = load_policies(list(policies) or own)
    zone = _zone(found.zone or book.latest.business_calendar.zone, path)
    for scenario in found.scenario:
        yield Verdict(str(path), scenario.name, differences(scenario, book, zone, path))


def differences(scenario: Scenario, book: PolicyBook, zone: ZoneInfo, path: Path) -> list[str]:
    """Where the outcome of ``scenario`` differs from what it expects."""
    reader = _Reader(zone, f"{path}: {scenario.name!r}")
    events = [reader.event(line, number) for number, line in enumerate(scenario.all_lines(), 1)]
    lines = [as_line(json.dumps(event).encode()) for event in events]
    outputs = simulate(lines, book, partitions=1, until=reader.instant(scenario.then.at))
    return list(_compare(scenario.then, outputs, reader))


def _zone(name: str, path: Path) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CommandError(f"{path}: zone: {name!r} is not a time zone") from None


class _Reader:
    """Reads and writes the lines of one scenario, its times in one zone."""

    def __init__(self, zone: ZoneInfo, where: str) -> None:
        self._zone = zone
        self._where = where

    def instant(self, text: str) -> int:
        found = re.fullmatch(_MOMENT, text.strip())
        if found is None:
            raise self._wrong(text, "is not a time like 'Mon 2026-11-23 09:00'")
        local = datetime.fromisoformat(found["time"]).replace(tzinfo=self._zone)
        if found["day"] and found["day"] != local.strftime("%a"):
            raise self._wrong(text, f"is a {local:%a}")
        return from_datetime(local)

    def event(self, line: str, number: int) -> dict[str, Any]:
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise self._wrong(line, "is not a time and an event")
        type_, *given = found["rest"].split()
        if type_ not in EVENT_TYPES:
            raise self._wrong(line, f"{type_!r} is not one of {', '.join(EVENT_TYPES)}")
        pairs = [pair.partition("=") for pair in given]
        if any(not equals for _, equals, _ in pairs):
            raise self._wrong(line, "has other words after the event than ones like severity=high")
        data: dict[str, Any] = {name: value for name, _, value in pairs}
        envelope = {
            "specversion": "1.0",
            "id": data.pop("id", str(number)),
            "source": data.pop("source", _SOURCE),
            "type": TYPE_PREFIX + type_,
            "subject": TICKET,
            "time": format_instant(self.instant(line[: found.start("rest")])),
        }
        if "sequence" in data:
            envelope["sequence"] = data.pop("sequence")
        data |= {name: self._told_instant(data[name]) for name in _INSTANTS if name in data}
        if "affects" in data:
            data["affects"] = [name for name in data["affects"].split(",") if name]
        attributes = {
            name.removeprefix(_ATTRIBUTE): data.pop(name)
            for name in list(data)
            if name.startswith(_ATTRIBUTE)
        }
        if attributes:
            data["attributes"] = attributes
        if "built_by" in data:
            data["integration"] = {"built_by": data.pop("built_by")}
        return {**envelope, "data": {**_IMPLIED.get(type_, {}), **data}}

    def _told_instant(self, text: str) -> str:
        """An instant that an event tells: local, or with an offset as events have it."""
        return text if _OFFSET.search(text) else format_instant(self.instant(text))

    def clock(self, line: str) -> re.Match[str]:
        found = _CLOCK.fullmatch(line)
        if found is None:
            raise self._wrong(line, "is not like 'resolution: met used=2h due=2026-11-24 10:00'")
        return found

    def duration(self, text: str) -> int:
        try:
            return parse_duration(text)
        except ValueError as error:
            raise self._wrong(text, str(error)) from None

    def told(self, records: Sequence[bytes]) -> list[str]:
        """Alerts in the words of scenario files."""
        return [self._told(json.loads(record)) for record in records]

    def moment(self, instant: str | None) -> str:
        """A record's instant as scenario files write it."""
        if instant is None:
            return "none"
        at = to_datetime(parse_instant(instant)).astimezone(self._zone)
        time = at.strftime("%a %Y-%m-%d %H:%M:%S") + f".{at.microsecond // 1000:03}"
        return re.sub(r"(:00)?[.]000$", "", time)

    def _told(self, record: dict[str, Any]) -> str:
        words = " ".join(_words(record["type"], record["data"]))
        return f"{self.moment(record['time'])}  {words}"

    def _wrong(self, text: str, what: str) -> CommandError:
        return CommandError(f"{self._where}: {text.strip()!r} {what}")


def _words(type_: str, data: dict[str, Any]) -> Iterator[str]:
    if type_ == "feature.approved":
        yield data["subscriber_id"]
        return
    if type_ == "sla.notice":
        yield data["kind"]
        if data["contact"] and not data["contact"].startswith(_SOURCE):
            yield f"contact={data['contact']}"
        return
    yield type_.removeprefix("sla.")
    yield data["clock"]
    if data["cycle"] > 1:
        yield f"cycle={data['cycle']}"
    if "fraction" in data:
        yield data["fraction"]
    if "number" in data:
        yield f"{data['name']} {data['number']}"
    if data["limit"] != "severity":
        yield f"limit={data['limit']}"
    if "reason" in data:
        yield data["reason"]
    if data["occurrence"] > 1:
        yield f"again={data['occurrence']}"


def _compare(then: Then, outputs: Outputs, reader: _Reader) -> Iterator[str]:
    notices, warnings = _parted(outputs.warnings, b'"type":"sla.notice"')
    escalations, breaches = _parted(outputs.breaches, b'"type":"sla.escalation')
    yield from _same("breaches", then.breaches, reader.told(breaches))
    yield from _same("escalations", then.escalations, reader.told(escalations))
    if then.warnings is not None:
        yield from _same("warnings", then.warnings, reader.told(warnings))
    yield from _same("notices", then.notices, reader.told(notices))
    yield from _same("approvals", then.approvals, reader.told(outputs.approvals))
    letters = [json.loads(letter)["reason"] for letter in outputs.dead_letters]
    yield from _same("dead letters", then.dead_letters, letters)
    ticket: dict[str, Any] = {"state": "gone", "clocks": []}
    if outputs.tickets:
        ticket = json.loads(outputs.tickets[0])
    if then.state is not None:
        yield from _same("state", [then.state], [ticket["state"]])
    if then.no_clocks:
        yield from _same("clocks", [], [clock["clock"] for clock in ticket["clocks"]])
    for line in then.clocks:
        yield from _compare_clock(line, ticket["clocks"], reader)
    if then.delay is not None:
        yield from _same("delay", then.delay, _delays(ticket["client_delay"], then.delay, reader))
    if then.owed_records is not None:
        owed = [each["contact_id"] for each in ticket["obligations"] if each["record"] is None]
        yield from _same("owed records", then.owed_records, owed)


def _parted(lines: Sequence[bytes], type_: bytes) -> tuple[list[bytes], list[bytes]]:
    """The records of a type, and the others."""
    return [each for each in lines if type_ in each], [each for each in lines if type_ not in each]


def _same(what: str, expected: Sequence[str], came: Sequence[str]) -> Iterator[str]:
    # How wide the gap between time and words is says nothing.
    plain = [" ".join(line.split()) for line in expected]
    found = [" ".join(line.split()) for line in came]
    for one, other in zip_longest(plain, found):
        if one != other:
            yield f"{what}: expected {one or 'nothing more'!r}, got {other or 'nothing more'!r}"


def _delays(found: dict[str, Any], expected: Sequence[str], reader: _Reader) -> list[str]:
    """The delays in the words of ``expected`` where they are equal, else in milliseconds."""
    words = dict(line.split(" ", 1) for line in expected)
    told = []
    for party, delay in found.items():
        pairs = dict(pair.split("=", 1) for pair in words.get(party, "").split())
        same = pairs and all(
            reader.duration(value) == delay.get(f"{name}_ms") for name, value in pairs.items()
        )
        told.append(
            f"{party} {words[party]}"
            if same
            else f"{party} business={delay['business_ms']}ms clock={delay['clock_ms']}ms"
        )
    return told


def _compare_clock(line: str, clocks: list[dict[str, Any]], reader: _Reader) -> Iterator[str]:
    """``resolution cycle=2: met used=2h paused=1h due=2026-11-24 10:00 client=1h``."""
    said = reader.clock(line)
    cycle = int(said["cycle"] or 1)
    found = next((c for c in clocks if c["clock"] == said["name"] and c["cycle"] == cycle), None)
    if found is None:
        yield f"{line}: there is no such clock"
        return
    if found["outcome"] != said["outcome"]:
        yield f"{line}: the outcome is {found['outcome']}"
    for name, value in re.findall(r" (\w+)=(.*?)(?= \w+=|$)", said["rest"]):
        if name == "due":
            expected: Any = "none" if value == "none" else format_instant(reader.instant(value))
            came = found["due"] or "none"
            shown = reader.moment(found["due"])
        elif name in _SAID:
            expected, came = value, found.get(_SAID[name]) or "none"
            shown = str(came)
        else:
            measured = name in ("used", "paused", "target")
            came = found[f"{name}_ms"] if measured else found["paused_by"].get(name, 0)
            expected = reader.duration(value)
            shown = "unknown" if came is None else format_duration(came)
        if expected != came:
            yield f"{line}: {name} is {shown}"
