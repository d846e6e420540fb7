"""Write the published schemas from the models: ``python schemas/generate.py``.

JSON Schemas go to ``jsonschema/``, one YAML file per topic to ``topics/``, and there is
``asyncapi.yaml``. A test runs it and fails if anything changes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import TypeAdapter

from sla_schemas.alerts import (
    FeatureApproved,
    SlaBreach,
    SlaBreachRetracted,
    SlaEscalation,
    SlaEscalationRetracted,
    SlaNotice,
    SlaWarning,
    SlaWarningRetracted,
)
from sla_schemas.events import TICKET_EVENT
from sla_schemas.heartbeat import Heartbeat
from sla_schemas.tables import ProgressRecord, TicketRecord
from sla_schemas.topics import DEFAULT_PARTITIONS, EVENTS, TOPICS, Topic

HERE: Final = Path(__file__).parent
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

#: Every published schema, by the name that topics use for it.
SCHEMAS: Final[dict[str, TypeAdapter[Any]]] = {
    "TicketEvent": TICKET_EVENT,
    "SlaWarning": TypeAdapter(SlaWarning),
    "SlaWarningRetracted": TypeAdapter(SlaWarningRetracted),
    "SlaBreach": TypeAdapter(SlaBreach),
    "SlaBreachRetracted": TypeAdapter(SlaBreachRetracted),
    "SlaEscalation": TypeAdapter(SlaEscalation),
    "SlaEscalationRetracted": TypeAdapter(SlaEscalationRetracted),
    "SlaNotice": TypeAdapter(SlaNotice),
    "FeatureApproved": TypeAdapter(FeatureApproved),
    "TicketRecord": TypeAdapter(TicketRecord),
    "ProgressRecord": TypeAdapter(ProgressRecord),
    "Heartbeat": TypeAdapter(Heartbeat),
}
#: Schemas of the records on a topic, if there are several or none.
MESSAGES: Final[dict[str, tuple[str, ...]]] = {
    "WarningRecord": ("SlaWarning", "SlaWarningRetracted", "SlaNotice"),
    "BreachRecord": (
        "SlaBreach",
        "SlaBreachRetracted",
        "SlaEscalation",
        "SlaEscalationRetracted",
    ),
    "bytes": (),
}


def messages_of(topic: Topic) -> tuple[str, ...]:
    """The names of the schemas of the records on ``topic``."""
    return MESSAGES.get(topic.model, (topic.model,))


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one record."""
    mode = "validation" if name == "TicketEvent" else "serialization"
    schema = SCHEMAS[name].json_schema(mode=mode)  # type: ignore[arg-type]
    return {"$schema": DIALECT, "$id": f"/schemas/{name}.json", **schema}


def topic_file(topic: Topic) -> dict[str, Any]:
    """The content of a topic's YAML file."""
    return {
        "topic": topic.name,
        "description": topic.purpose,
        "key": topic.key,
        "partitions": DEFAULT_PARTITIONS,
        "producers": list(topic.made_by),
        "consumers": list(topic.used_by),
        "schemas": [f"jsonschema/{name}.json" for name in messages_of(topic)],
        "compatibility": "backward" if topic is EVENTS else "forward",
        "config": dict(topic.config),
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: one channel per topic, who sends and who receives."""
    operations: dict[str, Any] = {}
    for topic in TOPICS:
        channel = {"$ref": f"#/channels/{topic.name}"}
        if "sla_tracker" in topic.made_by:
            operations[f"send.{topic.name}"] = {"action": "send", "channel": channel}
        if "sla_tracker" in topic.used_by:
            operations[f"receive.{topic.name}"] = {"action": "receive", "channel": channel}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "SLA tracker",
            "version": "1",
            "description": "Ticket events in; warnings, breaches and the state of tickets out. "
            "Operations are those of sla_tracker. Read the outputs with "
            "isolation.level=read_committed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": operations,
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "payload": {
                        "schemaFormat": "application/schema+json;version=draft-2020-12",
                        "schema": {"$ref": f"jsonschema/{name}.json"},
                    },
                }
                for name in SCHEMAS
            }
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in messages_of(topic)} or {
        "bytes": {"summary": topic.purpose}
    }
    return {
        "address": topic.name,
        "description": topic.purpose,
        "messages": messages,
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": DEFAULT_PARTITIONS,
                "topicConfiguration": {"cleanup.policy": topic.config["cleanup.policy"].split(",")},
                "bindingVersion": "0.5.0",
            }
        },
    }


def files() -> dict[str, str]:
    """Every generated file by its path below ``schemas/``."""
    made = {
        f"jsonschema/{name}.json": json.dumps(json_schema(name), indent=2) + "\n"
        for name in SCHEMAS
    }
    made |= {f"topics/{topic.name}.yaml": _yaml(topic_file(topic)) for topic in TOPICS}
    made["asyncapi.yaml"] = _yaml(asyncapi())
    return made


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def main() -> None:
    """Write the files below this folder, or below the folder given."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for name, text in files().items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
