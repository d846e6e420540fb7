"""Webhook deliveries, read like the intake does; and the intake without a network."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry

from sla_domain.instant import DAY, format_instant
from sla_intake.app import Intake
from sla_intake.arrival import arrival_text
from sla_intake.metrics import IntakeMetrics
from sla_intake.publisher import NotAcknowledgedError
from sla_intake.reading import Letter, Reading, understood
from sla_intake.settings import IntakeSettings
from sla_intake.signature import (
    HUB_SIGNATURE,
    SHARED_SECRET,
    ZENDESK_SIGNATURE,
    ZENDESK_TIMESTAMP,
)
from sla_intake.sources import Source
from support import ROOT

WEBHOOKS = ROOT / "tests" / "fixtures" / "webhooks"
DELIVERIES = sorted(WEBHOOKS.glob("*/*.json"))
NOW = 1_795_446_727_000
#: When the deliveries of the fixtures arrived: after all their events.
READ = NOW + DAY
ARRIVED = arrival_text(READ * 1000)
SECRET: Final = "the secret"


def source(kind: str = "cloudevents", **given: Any) -> Source:
    """A source with the vendor's default mapping; its client is ``acme`` unless given."""
    client = {} if "client_field" in given else {"client_id": "acme"}
    told = {"name": "s", "kind": kind, "secret_envs": ["S"]} | client | given
    return Source.model_validate(told).complete()


def read(whose: Source, headers: dict[str, str], body: Any) -> Reading:
    """The reading of a delivery that arrived at ``ARRIVED``."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return understood(whose, headers, raw, ARRIVED, READ)


def delivered(path: Path) -> tuple[dict[str, Any], Reading]:
    """A delivery of the fixtures, and its reading."""
    told = json.loads(path.read_text())
    whose = source(path.parent.name, **told.get("source", {}))
    return told, read(whose, told["headers"], told["body"])


def signed_by_zendesk(secret: bytes, body: bytes, at: int = NOW) -> dict[str, str]:
    """The signature headers that Zendesk sends with a body."""
    stamp = format_instant(at)
    signature = b64encode(hmac.digest(secret, stamp.encode() + body, "sha256")).decode()
    return {ZENDESK_TIMESTAMP: stamp, ZENDESK_SIGNATURE: signature}


def signed_as_a_hub(name: str, secret: bytes, body: bytes) -> dict[str, str]:
    """The signature header, called ``name``, that GitHub and Jira send with a body."""
    return {name: "sha256=" + hmac.digest(secret, body, "sha256").hex()}


def proof(vendor: str, body: bytes) -> dict[str, str]:
    """The signature headers that a vendor sends with a body at ``READ``."""
    secret = SECRET.encode()
    match vendor:
        case "zendesk":
            return signed_by_zendesk(secret, body, READ)
        case "jira" | "github":
            return signed_as_a_hub(HUB_SIGNATURE, secret, body)
        case "freshdesk":
            return {SHARED_SECRET: SECRET}
    return {"authorization": f"Bearer {SECRET}"}


class Client:
    """Calls the ASGI application like a server."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, whose: Source | None = None, **settings: Any
    ) -> None:
        monkeypatch.setenv("S", SECRET)
        self._source = whose or source()
        self.registry = CollectorRegistry()
        self.published: list[tuple[Sequence[dict[str, Any]], Sequence[Letter]]] = []
        self.fails = False
        #: Whether Kafka acknowledges; otherwise publishers wait.
        self.kafka = asyncio.Event()
        self.kafka.set()
        self.app = Intake(
            [self._source],
            self._publish,
            IntakeSettings(**settings),
            IntakeMetrics(self.registry, ["s"]),
            self._others,
            lambda: READ,
        )

    async def _publish(self, events: Any, letters: Any) -> None:
        await self.kafka.wait()
        if self.fails:
            raise NotAcknowledgedError("RequestTimedOutError")
        self.published.append((events, letters))

    async def _others(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody else is asked")

    async def post(
        self, body: bytes, chunks: int = 1, pause: float = 0.0, method: str = "POST", **headers: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and JSON of the response; underscores in header names become dashes."""
        given = {
            **proof(self._source.kind, body),
            "content-type": "application/cloudevents+json",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        size = -(-len(body) // chunks) or 1
        parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(pause)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: Any) -> None:
            sent.append(message)

        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        scope = {"type": "http", "path": "/hooks/s", "method": method, "headers": raw}
        await self.app(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], answered, json.loads(sent[1]["body"])
