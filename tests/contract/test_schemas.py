"""The published schemas: generated, valid, obeyed by all output, and compatible over time."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from support import POLICY, ROOT, decoded, event, run
from support.compatibility import incompatibilities

import generate
from jsonschema import Draft202012Validator, FormatChecker
from sla_domain.event import EventType
from sla_domain.policy import PolicyBook
from sla_lab.simulation import Outputs
from sla_policy.loading import parse_policy
from sla_schemas.events import TYPE_PREFIX
from sla_schemas.topics import TOPICS

SCHEMAS = ROOT / "schemas"
EXAMPLES = sorted((SCHEMAS / "examples").glob("*.json"))
OUTPUTS = {
    "sla.warning": "SlaWarning",
    "sla.warning_retracted": "SlaWarningRetracted",
    "sla.breach": "SlaBreach",
    "sla.breach_retracted": "SlaBreachRetracted",
    "sla.escalation": "SlaEscalation",
    "sla.escalation_retracted": "SlaEscalationRetracted",
    "sla.notice": "SlaNotice",
    "feature.approved": "FeatureApproved",
}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / "jsonschema" / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def schema_of(path: Path) -> str:
    named = {
        "ticket-record": "TicketRecord",
        "progress-record": "ProgressRecord",
        "heartbeat": "Heartbeat",
    }
    return named.get(path.stem) or OUTPUTS.get(path.stem) or "TicketEvent"


def test_generating_changes_nothing() -> None:
    for name, text in generate.files().items():
        assert (SCHEMAS / name).read_text() == text, f"{name} is out of date: make schemas"
    known = set(generate.files())
    for folder in ("jsonschema", "topics"):
        for path in (SCHEMAS / folder).iterdir():
            assert f"{folder}/{path.name}" in known, f"{path} is no longer generated: delete it"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid(path: Path) -> None:
    value = json.loads(path.read_text())
    validator(schema_of(path)).validate(value)
    generate.SCHEMAS[schema_of(path)].validate_python(value)


def test_every_event_and_every_output_has_an_example() -> None:
    stems = {path.stem for path in EXAMPLES}
    assert {TYPE_PREFIX + type_.word for type_ in EventType} <= stems
    assert {*OUTPUTS, "ticket-record", "progress-record", "heartbeat"} <= stems


def everything() -> Outputs:
    """A run in which every kind of output occurs."""
    text = POLICY.read_text().replace("[warnings]\nfractions = [0.5, 0.75, 0.9]\n", STEPS)
    return run(EVERYTHING, book=PolicyBook([parse_policy(text, "aivo.toml")]))


STEPS = """\
[[steps]]
at = "75%"
[[steps]]
at = "-30m"
[[steps]]
at = "+10m"
name = "manager"
"""
EVERYTHING = [
    event(
        "created",
        "2026-11-23T12:00:00Z",
        severity="high",
        impact="partial_outage",
        channel="phone",
        plan="integrations_24x7",
        integration={"name": "crm", "built_by": "aivo"},
    ),
    event("guard_contacted", "2026-11-23T21:30:00Z"),
    event("contact_logged", "2026-11-24T14:00:00Z", contact_id="call-1", medium="phone"),
    event("waiting_on_client", "2026-11-23T15:00:00Z", party="client_third_party"),
    event("client_responded", "2026-11-23T16:00:00Z"),
    event("resolved", "2026-11-24T18:00:00Z"),
    event("reopened", "2026-11-24T19:00:00Z"),
    event("assigned", "2026-11-23T12:30:00Z"),
    event("severity_changed", "2026-11-25T16:00:00Z", severity="medium"),
    event("reclassified", "2026-11-25T17:00:00Z", kind="feature_request"),
    event("created", "2026-11-25T17:00:00Z", "T-2", severity="blocker"),
    event("cancelled", "2026-11-25T20:00:00Z", "T-2"),
    event("assigned", "2026-11-25T21:00:00Z", "T-3"),
    event("created", "2026-11-25T18:00:00Z", "T-4", kind="feature_request", requester_id="lu"),
    event("feature_approved", "2026-11-25T21:00:00Z", "T-4"),
]


def test_what_is_written_is_valid_by_schema_and_by_model() -> None:
    outputs = everything()
    alerts = decoded([*outputs.warnings, *outputs.breaches, *outputs.approvals])
    assert {record["type"] for record in alerts} == set(OUTPUTS)
    for record in alerts:
        validator(OUTPUTS[record["type"]]).validate(record)
        generate.SCHEMAS[OUTPUTS[record["type"]]].validate_python(record)
    tickets = decoded(outputs.tickets)
    assert {record["state"] for record in tickets} == {"open", "cancelled", "early"}
    for record in tickets:
        validator("TicketRecord").validate(record)
        generate.SCHEMAS["TicketRecord"].validate_python(record)


def test_a_record_says_when_each_promise_breaks() -> None:
    # Eight business hours from ten: used up at closing, which is allowed, broken at the opening.
    outputs = run(
        [
            event("created", "2026-11-23T13:00:00Z", severity="high"),
            event("assigned", "2026-11-23T14:00:00Z"),
        ]
    )
    (record,) = decoded(outputs.tickets)
    met, running = record["clocks"]
    assert met["breaches_at"] is None, "it stopped before"
    assert running["due"] == "2026-11-23T21:00:00.000Z"
    assert running["breaches_at"] == "2026-11-24T12:00:00.001Z"


def test_the_cloudevents_sdk_reads_what_is_written() -> None:
    outputs = everything()
    for line in [*outputs.warnings, *outputs.breaches, *outputs.approvals]:
        headers = {"content-type": b"application/cloudevents+json"}
        read = from_structured_event(
            KafkaMessage(headers=headers, key=None, value=line), JSONFormat()
        )
        written = json.loads(line)
        assert read.get_id() == written["id"]
        assert read.get_type() == written["type"]
        assert read.get_subject() == written["data"]["ticket_id"]
        assert read.get_data() == written["data"]


#: What was broken knowingly since a release; the changelog tells readers of it.
BROKEN_KNOWINGLY = {
    f"{path}: {what} is new to readers"
    for what, paths in {
        "value 'unclassified'": ["$.data.kind"],
        # A clock may start with an event of the ticket's.
        "value 'not_started'": ["$.clocks[].outcome"],
        "value 'no_agreement'": ["$.data.kind"],
        "value 'agreement_changed'": ["$.data.reason"],
        # What was agreed not to count.
        "value 'excused'": ["$.clocks[].outcome", "$.data.reason"],
        "value 'exception_not_allowed'": ["$.data.kind"],
        # Words of the contract are the policy's, and no schema lists them.
        "any value": [
            "$.severity<string>",
            "$.clocks[].severity",
            "$.data.severity<string>",
            "$.data.pauses[].party",
            "$.data.pauses<array>[].party",
        ],
    }.items()
    for path in paths
} | {"$.clocks[].start: type was string, is None"}


def test_a_released_schema_is_still_kept() -> None:
    seen: set[str] = set()
    for path in sorted((SCHEMAS / "released" / "v1").glob("*.json")):
        old = json.loads(path.read_text())
        new = json.loads((SCHEMAS / "jsonschema" / path.name).read_text())
        direction = "backward" if path.stem == "TicketEvent" else "forward"
        broken = set(incompatibilities(old, new, direction))
        assert broken - BROKEN_KNOWINGLY == set(), path.stem
        seen |= broken
    assert seen == BROKEN_KNOWINGLY


def changed(name: str, change: Any) -> list[str]:
    old = json.loads((SCHEMAS / "jsonschema" / f"{name}.json").read_text())
    new = copy.deepcopy(old)
    change(new)
    direction = "backward" if name == "TicketEvent" else "forward"
    return incompatibilities(old, new, direction)


INPUT_BREAKS = {
    "a field becomes required": lambda s: s["$defs"]["AssignedData"]["required"].append("group"),
    "a value is taken away": lambda s: s["$defs"]["CreatedData"]["properties"]["kind"]["anyOf"][0][
        "enum"
    ].remove("question"),
    "a limit is tightened": lambda s: s["$defs"]["TicketAssigned"]["properties"]["id"].update(
        maxLength=100
    ),
    "a type changes": lambda s: s["$defs"]["AssignedData"]["properties"]["analyst_id"].update(
        type="integer"
    ),
    "an event type goes": lambda s: s["oneOf"].pop(),
    "a field goes": lambda s: s["$defs"]["AssignedData"]["properties"].pop("group"),
}
OUTPUT_BREAKS = {
    "a field may be missing": lambda s: s["$defs"]["BreachData"]["required"].remove("due"),
    "a field goes": lambda s: s["$defs"]["BreachData"]["properties"].pop("limit"),
    "a new value appears": lambda s: s["$defs"]["BreachData"]["properties"]["boundary"][
        "enum"
    ].append("none"),
    "any value may appear": lambda s: s["$defs"]["BreachData"]["properties"]["boundary"].pop(
        "enum"
    ),
    "a number becomes text": lambda s: s["$defs"]["BreachData"]["properties"]["used_ms"].update(
        type="string"
    ),
}


@pytest.mark.parametrize("name", INPUT_BREAKS)
def test_a_change_that_breaks_producers_is_found(name: str) -> None:
    assert len(changed("TicketEvent", INPUT_BREAKS[name])) == 1


@pytest.mark.parametrize("name", OUTPUT_BREAKS)
def test_a_change_that_breaks_consumers_is_found(name: str) -> None:
    assert len(changed("SlaBreach", OUTPUT_BREAKS[name])) == 1


def test_changes_that_break_nobody_pass() -> None:
    def optional_input(schema: Any) -> None:
        schema["$defs"]["AssignedData"]["properties"]["shift"] = {"type": "string"}

    def more_output(schema: Any) -> None:
        schema["$defs"]["BreachData"]["properties"]["shift"] = {"type": "string"}
        schema["$defs"]["BreachData"]["required"].append("shift")

    assert changed("TicketEvent", optional_input) == []
    assert changed("SlaBreach", more_output) == []


def test_asyncapi_names_every_topic_and_resolves_every_reference() -> None:
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {topic.name for topic in TOPICS}

    def references(value: Any) -> Any:
        if isinstance(value, dict):
            yield from [value["$ref"]] if "$ref" in value else []
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for reference in references(document):
        if reference.startswith("#/"):
            section, name = reference.removeprefix("#/").split("/", 1)
            found = document[section]
            for part in [name] if section == "channels" else name.split("/"):
                found = found[part]
        else:
            assert (SCHEMAS / reference).exists(), reference
