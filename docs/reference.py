"""The parts of the pages that are written from the code: what ``generate.py`` fills in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final

import typer
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from sla_board.reader import Reader
from sla_cli.main import app
from sla_domain.event import EVENT_TYPES
from sla_intake.metrics import IntakeMetrics
from sla_kafka.access import USERS
from sla_notifier.metrics import NotifierMetrics
from sla_policy.clock_check import IDLE_EVENTS
from sla_policy.loading import load_policies
from sla_policy.sections import PolicyFile
from sla_schemas.topics import TOPICS
from sla_tracker.metrics import TrackerMetrics

ROOT: Final = Path(__file__).parents[1]
DAY_MS: Final = 24 * 3600 * 1000


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# --- command line ---


def commands() -> str:
    """Every command with its text and options, as ``--help`` has them."""
    return "\n".join(_command(("sla", name), each) for name, each in _commands(app)) + "\n"


def _commands(group: typer.Typer) -> list[tuple[str, Any]]:
    made: Any = typer.main.get_command(group)
    return list(made.commands.items())


def _command(path: tuple[str, ...], command: Any) -> str:
    name = " ".join(path)
    if hasattr(command, "commands"):
        inner = "\n".join(_command((*path, sub), each) for sub, each in command.commands.items())
        return f"## {name}\n\n{command.help}\n\n{inner}"
    mark = "#" * min(len(path), 3)
    text = "\n".join(line.strip() for line in (command.help or "").splitlines())
    rows = [
        (f"`{_parameter(each)}`", (getattr(each, "help", None) or "").replace("\n", " "))
        for each in command.params
        if not getattr(each, "hidden", False) and each.name != "help"
    ]
    told = _table(("", ""), rows) if rows else ""
    return f"{mark} {name}\n\n{_prose(text)}\n\n{told}"


def _parameter(parameter: Any) -> str:
    if getattr(parameter, "param_type_name", "") == "argument":
        return str(parameter.name).upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def _prose(text: str) -> str:
    """The help's text, its examples as code."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    made = []
    for part in parts:
        lines = [line.removesuffix("\\n") for line in part.splitlines()]
        if all(line.startswith(("sla ", "$")) for line in lines):
            made.append("```text\n" + "\n".join(lines) + "\n```")
        else:
            made.append("\n".join(lines))
    return "\n\n".join(made)


# --- metrics ---


def metrics() -> str:
    """Every metric of the programs."""
    rows = [(row[0], name, *row[1:]) for name, each in registries() for row in _metrics(each)]
    return _table(("metric", "program", "kind", "labels", ""), rows)


def registries() -> list[tuple[str, CollectorRegistry]]:
    """Each program by name, and its own metrics as they are before anything has happened."""
    names = ("tracker", "board", "notifier", "intake")
    tracker, board, notifier, intake = made = [CollectorRegistry() for _ in names]
    TrackerMetrics(load_policies([]), tracker).watch(_NoTracker())  # type: ignore[arg-type]
    Reader(None, {}, board, 1.0, replay=False)  # type: ignore[arg-type]
    NotifierMetrics(notifier, ["d"])
    IntakeMetrics(intake, ["s"])
    return list(zip(names, made, strict=True))


class _NoTracker:
    tasks: Mapping[Any, Any] = {}

    @staticmethod
    def input_partitions() -> int:
        """None."""
        return 0


def _metrics(registry: CollectorRegistry) -> Iterator[tuple[str, str, str, str]]:
    labels: dict[str, Sequence[str]] = {}
    collectors: Iterable[Collector] = registry._collector_to_names  # noqa: SLF001  no other way
    for collector in collectors:
        if isinstance(collector, MetricWrapperBase):
            labels[collector._name] = collector._labelnames  # noqa: SLF001  as above
    for family in registry.collect():
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        known = labels.get(family.name)
        if known is None:
            known = sorted({label for sample in family.samples for label in sample.labels})
        told = ", ".join(f"`{label}`" for label in known)
        yield f"`{name}`", family.type, told, family.documentation


# --- events and policy ---


def events() -> str:
    """The ``data`` of every event, from its published JSON Schema."""
    schema = json.loads((ROOT / "schemas" / "jsonschema" / "TicketEvent.json").read_text("utf-8"))
    known = schema["$defs"]
    made = []
    for type_, reference in schema["discriminator"]["mapping"].items():
        event = known[reference.rpartition("/")[2]]
        data = event["properties"].get("data", {})
        body = known.get(
            data.get("$ref", data.get("allOf", [{}])[0].get("$ref", "")).rpartition("/")[2], {}
        )
        needed = set(body.get("required", []))
        rows = [
            (
                f"`{name}`",
                "yes" if name in needed else "",
                _kind(field, known),
                field.get("description", ""),
            )
            for name, field in body.get("properties", {}).items()
        ]
        told = _table(("field", "needed", "value", ""), rows) if rows else "No data.\n"
        about = event.get("description", "").split("\n\n")[0].replace("\n", " ")
        made.append("\n\n".join(part for part in (f"## {type_}", about, told) if part))
    return "\n".join(made) + "\n"


def _kind(field: Mapping[str, Any], known: Mapping[str, Any]) -> str:  # noqa: PLR0911  a case each
    if "$ref" in field:
        target = known[field["$ref"].rpartition("/")[2]]
        if target.get("type") == "object":
            inner = ", ".join(f"`{name}`" for name in target["properties"])
            return f"object of {inner}"
        return _kind(target, known)
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field or "oneOf" in field:
        kinds = [_kind(each, known) for each in field.get("anyOf", field.get("oneOf", []))]
        return " or ".join(kind for kind in dict.fromkeys(kinds) if kind != "null")
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}), known)}"
    limit = field.get("maxLength")
    kind = str(field.get("format") or field.get("type", "anything"))
    return f"{kind}, up to {limit} characters" if limit else kind


def policy() -> str:
    """Every table and key of the policy file, in the order in which a person writes them."""
    schema = PolicyFile.model_json_schema()
    known = schema.pop("$defs", {})
    tables = [
        (_words(name), known[name])
        for name in dict.fromkeys(_mentioned(schema, known))
        if known[name].get("type") == "object"
    ]
    made = [_section(name, table, known) for name, table in [("The file", schema), *tables]]
    return "\n".join(made) + "\n"


def _mentioned(node: Any, known: Mapping[str, Any]) -> Iterator[str]:
    """What a part of a schema refers to, each followed by what that refers to."""
    if isinstance(node, list):
        for each in node:
            yield from _mentioned(each, known)
    elif isinstance(node, dict):
        for key, each in node.items():
            if key == "$ref":
                name = each.rpartition("/")[2]
                yield name
                yield from _mentioned(known[name], known)
            else:
                yield from _mentioned(each, known)


def clock_events() -> str:
    """Every event by the word that a clock's lists use, and why some move none."""
    rows = [
        (
            f"[`{word}`](event-reference.md#ticket{word})",
            f"moves no clock: {IDLE_EVENTS[type_]}" if type_ in IDLE_EVENTS else "",
        )
        for word, type_ in EVENT_TYPES.items()
    ]
    return _table(("event", ""), rows)


def _words(name: str) -> str:
    name = name.removesuffix("Section")
    return "".join(f" {c.lower()}" if c.isupper() and i else c for i, c in enumerate(name))


def _section(title: str, schema: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    needed = set(schema.get("required", []))
    rows = [
        (
            f"`{name}`",
            "needed" if name in needed else "",
            _policy_kind(field, known),
            field.get("description", ""),
            ", ".join(
                f"`{line}`"
                for line in (
                    *([field["x-header"]] if "x-header" in field else []),
                    *(f"{name} = {example}" for example in field.get("examples", [])),
                )
            ),
        )
        for name, field in schema.get("properties", {}).items()
    ]
    about = schema.get("description", "").replace("\n", " ")
    return f"## {title}\n\n{about}\n\n{_table(('key', '', 'value', '', 'example'), rows)}"


def _policy_kind(  # noqa: PLR0911  a case each
    field: Mapping[str, Any], known: Mapping[str, Any]
) -> str:
    if written := field.get("x-written"):
        return str(written)
    if field.get("enum") == list(EVENT_TYPES):
        return "[events](#events)"
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        if known[name].get("type") == "object":
            return f"[{_words(name).lower()}](#{_words(name).lower().replace(' ', '-')})"
        return _policy_kind(known[name], known)
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), dict):
        names = field.get("propertyNames", {})
        by = f" by {_policy_kind(names, known)}" if "enum" in names or "$ref" in names else ""
        return f"table{by}, each {_policy_kind(field['additionalProperties'], known)}"
    if field.get("type") == "array":
        return f"list of {_policy_kind(field.get('items', {}), known)}"
    if several := field.get("anyOf") or field.get("oneOf"):
        kinds = [_policy_kind(each, known) for each in several if each != {"type": "null"}]
        return " or ".join(dict.fromkeys(kinds))
    return {"string": "text", "date-time": "time with an offset"}.get(
        kind := _kind(field, known), kind
    )


# --- the broker ---


def permissions() -> str:
    """Every user and what it may do."""
    rows = [
        (
            f"`{user.name}`" if not number else "",
            permission.resource,
            f"`{permission.name}`" + ("…" if permission.prefix else ""),
            ", ".join(permission.operations),
        )
        for user in USERS
        for number, permission in enumerate(user.permissions)
    ]
    return _table(("user", "on", "", "may"), rows)


def topics() -> str:
    """Every topic: what is on it, who writes and reads, how long it is kept."""
    rows = []
    for topic in TOPICS:
        if "retention.ms" in topic.config:
            kept = f"{int(topic.config['retention.ms']) // DAY_MS} days"
        else:
            kept = "latest per key"
        makers, users = ", ".join(topic.made_by), ", ".join(topic.used_by)
        rows.append((f"`{topic.name}`", topic.purpose, makers, users, kept))
    return _table(("topic", "", "written by", "read by", "kept"), rows)


# --- licences ---


def licences() -> str:
    """Every package of the programs and of each extra, with its licence."""
    packages = {
        each["name"]: each
        for each in tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    }
    own = packages["sla-tracker"]
    needed = _closure(own.get("dependencies", []), packages)
    rows = [(f"`{name}`", _licence(name), "") for name in sorted(needed)]
    for extra, dependencies in sorted(own.get("optional-dependencies", {}).items()):
        more = _closure(dependencies, packages) - needed
        rows += [(f"`{name}`", _licence(name), f"`{extra}`") for name in sorted(more)]
    return _table(("package", "licence", "only with the extra"), [row for row in rows if row[1]])


def _closure(dependencies: Iterable[Mapping[str, Any]], packages: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [(each["name"], tuple(each.get("extra", ()))) for each in dependencies]
    while waiting:
        name, extras = waiting.pop()
        package = packages[name]
        fresh = name not in found
        found.add(name)
        lists = [package.get("dependencies", [])] if fresh else []
        lists += [package.get("optional-dependencies", {}).get(extra, []) for extra in extras]
        waiting += [(e["name"], tuple(e.get("extra", ()))) for each in lists for e in each]
    return found


def _licence(name: str) -> str:
    """What a package says of itself; empty for one that is not for this platform."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    expression = told.get("License-Expression")
    if expression:
        return expression
    classes = [
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier") or []
        if each.startswith("License :: ") and each != "License :: OSI Approved"
    ]
    first = (told.get("License") or "").strip().splitlines()
    return ", ".join(classes) or (first[0][:60] if first else "see the package")


# --- capacity ---

#: Measured on 2 cores shared with the broker (docs/performance.md): what one tracker catches up
#: with, in events a second.
_CATCH_UP: Final = 30_000
#: Planned for half, so that an hour's outage is caught up within the hour.
_PLANNED: Final = _CATCH_UP // 2
#: Resident bytes: of a tracker without tickets, and of an open ticket at a million of them.
_PROCESS_BYTES: Final = 60e6
_TICKET_BYTES: Final = 734
#: Bytes in the log (the packaged sample): an event, a row of the table, an alert and their share.
_EVENT_BYTES, _ROW_BYTES, _ALERT_BYTES, _ALERTS_AN_EVENT = 241, 2051, 777, 0.46
_COPIES: Final = 3
_DAY_SECONDS: Final = 86_400


def _load(rate: int, tickets: int) -> tuple[str, ...]:
    trackers = max(2, -(-rate // _PLANNED))
    partitions = next(n for n in (12, 24, 48, 96, 192) if n >= 2 * trackers)
    memory = _PROCESS_BYTES + tickets * _TICKET_BYTES / trackers
    day = rate * _DAY_SECONDS * _COPIES
    events = day * _EVENT_BYTES * 30
    alerts = day * _ALERT_BYTES * _ALERTS_AN_EVENT * 60
    # The table: its rows, and what a day writes before compaction takes it back.
    table = _COPIES * tickets * _ROW_BYTES + day * _ROW_BYTES
    network = rate * (_EVENT_BYTES + _ROW_BYTES + _ALERT_BYTES * _ALERTS_AN_EVENT)
    return (
        f"{rate:,}",
        f"{tickets:,}",
        str(partitions),
        str(trackers),
        f"{memory / 1e9:.1f} GB",
        f"{network / 1e6:,.1f} MB/s",
        f"{(events + alerts + table) / 1e12:,.2f} TB",
    )


def capacity() -> str:
    """From a load to partitions, trackers, memory and the broker's disk."""
    head = (
        "events/s",
        "open tickets",
        "partitions",
        "trackers (one core each)",
        "memory per tracker",
        "written to the brokers",
        "broker disk, three replicas",
    )
    loads = [(10, 10_000), (1_000, 1_000_000), (10_000, 10_000_000), (100_000, 10_000_000)]
    return _table(head, [_load(*each) for each in loads])


PARTS: Final[dict[str, Callable[[], str]]] = {
    part.__name__: part
    for part in (
        commands,
        metrics,
        events,
        policy,
        clock_events,
        permissions,
        topics,
        licences,
        capacity,
    )
}
