"""The requests sent to each kind of receiver."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sla_domain.alert import kind_of
from sla_domain.instant import DAY, format_instant, parse_instant
from sla_domain.policy import PolicyBook
from sla_domain.steps import BREACH, escalation_of
from sla_notifier.alert import RETRACTIONS, ReceivedAlert
from sla_notifier.routes import Destination, word_of
from sla_text.alerts import alert_text
from sla_text.language import Texts

#: The header by which a receiver recognizes duplicates (Standard Webhooks 1.0).
DELIVERY_ID: Final = "webhook-id"
#: How long an alert keeps firing in Alertmanager if nothing ends it.
FIRES_FOR: Final = 7 * DAY
_ALERT_NAMES: Final = {
    "warning": "SlaWarning",
    "breach": "SlaBreach",
    "escalation": "SlaEscalation",
    "notice": "SlaNotice",
    "approved": "FeatureApproved",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A POST: path relative to the destination's URL, headers and body."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class StoppedClock:
    """A clock that stopped, or whose ticket no longer has an SLA: its alerts are over.

    ``limits`` are those that may have breached, ``steps`` what may have been sent, as the ladders
    call it.
    """

    ticket_id: str
    client: str
    clock: str
    cycle: int
    limits: tuple[str, ...]
    steps: tuple[str, ...]
    at: int


class Composer:
    """Composes the requests for one destination."""

    def __init__(self, destination: Destination, board: str | None, book: PolicyBook) -> None:
        self._destination = destination
        self._board = (board or "").rstrip("/")
        self._book = book
        self._texts = Texts(destination.language)
        self._token = destination.secret(destination.token_env)
        self._key = destination.signing_key()

    def request(self, alerts: Sequence[ReceivedAlert], now: int) -> Request:
        """A single request for ``alerts``, which are in order."""
        match self._destination.kind:
            case "alertmanager":
                return self._alertmanager(
                    each for alert in alerts for each in self._entries(alert, now)
                )
            case "slack":
                text = "\n".join(self._told(alert) for alert in alerts)
                return self._post({"text": text}, **{DELIVERY_ID: _delivery_id(alerts)})
            case "webhook":
                return self._webhook(alerts, now)

    def resolution(self, stopped: StoppedClock, now: int) -> Request:
        """A single request to Alertmanager that ends whatever may be firing for a clock."""
        return self._alertmanager(
            entry
            for what, limit in product(stopped.steps, stopped.limits)
            for entry in self._over(
                {
                    "alertname": _ALERT_NAMES[word_of(kind_of(what))],
                    "ticket_id": stopped.ticket_id,
                    "client_id": stopped.client,
                    "clock": stopped.clock,
                    "cycle": str(stopped.cycle),
                    "limit": limit,
                    **_step_labels(what),
                },
                min(stopped.at, now),
            )
        )

    def _told(self, alert: ReceivedAlert) -> str:
        return self._destination.text(
            sentence=self._sentence(alert),
            url=self._url(alert),
            word=alert.word,
            ticket=alert.ticket_id,
            client=alert.client,
            severity=alert.severity,
            alert=alert.record,
        )

    def _sentence(self, alert: ReceivedAlert) -> str:
        policy = self._book.cited(alert.data["policy"])
        zone = ZoneInfo(policy.business_calendar.zone)
        return alert_text(alert.record, self._texts, zone, policy.severity_names)

    def _url(self, alert: ReceivedAlert) -> str:
        ticket = quote(alert.ticket_id, safe="")
        return f"{self._board}/tickets/{ticket}?lang={self._texts.language}" if self._board else ""

    def _entries(self, alert: ReceivedAlert, now: int) -> Iterable[dict[str, Any]]:
        labels = _labels(alert)
        if alert.word in RETRACTIONS:
            return self._over(labels, now)
        at = parse_instant(alert.record["time"])
        annotations = {"summary": self._sentence(alert), "description": self._told(alert)}
        if alert.data.get("due"):
            annotations["due"] = alert.data["due"]
        entry = {
            "labels": {**labels, "severity": alert.severity or "none"},
            "annotations": annotations,
            "startsAt": format_instant(at),
            "endsAt": format_instant(now + FIRES_FOR),
        }
        if self._board:
            entry["generatorURL"] = self._url(alert)
        return [entry]

    def _over(self, labels: Mapping[str, str], at: int) -> Iterable[dict[str, Any]]:
        """The end of an alert under every severity it may have been sent with: severities change,
        and Alertmanager identifies an alert by its labels.
        """
        for severity in (*self._book.severities, "none"):
            yield {
                "labels": {**labels, "severity": severity},
                "startsAt": format_instant(at),
                "endsAt": format_instant(at),
            }

    def _alertmanager(self, entries: Iterable[dict[str, Any]]) -> Request:
        return self._post(list(entries), "/api/v2/alerts")

    def _post(self, body: Any, path: str = "", **headers: str) -> Request:
        return Request(path, self._headers("application/json") | headers, _json(body))

    def _headers(self, media_type: str) -> dict[str, str]:
        headers = {"Content-Type": media_type, "User-Agent": "sla-notifier"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _webhook(self, alerts: Sequence[ReceivedAlert], now: int) -> Request:
        """CloudEvents over HTTP, structured or batched, signed as in Standard Webhooks 1.0."""
        if len(alerts) == 1:
            body, media_type = alerts[0].value, "application/cloudevents+json"
        else:
            body = b"[" + b",".join(alert.value for alert in alerts) + b"]"
            media_type = "application/cloudevents-batch+json"
        delivery = _delivery_id(alerts)
        seconds = str(now // 1000)
        signed = b".".join((delivery.encode(), seconds.encode(), body))
        signature = b64encode(hmac.digest(self._key or b"", signed, "sha256")).decode()
        return Request(
            "",
            {
                **self._headers(media_type),
                DELIVERY_ID: delivery,
                "webhook-timestamp": seconds,
                "webhook-signature": f"v1,{signature}",
            },
            body,
        )


def _delivery_id(alerts: Sequence[ReceivedAlert]) -> str:
    """The same every time these alerts are delivered together."""
    if len(alerts) == 1:
        return alerts[0].id
    together = "".join(alert.id for alert in alerts).encode()
    return hashlib.blake2b(together, digest_size=16).hexdigest()


def _labels(alert: ReceivedAlert) -> dict[str, str]:
    """The labels that identify an alert in Alertmanager; a retraction has the same."""
    data = alert.data
    word = alert.word.removesuffix("_retracted")
    labels = {
        "alertname": _ALERT_NAMES[word],
        "ticket_id": alert.ticket_id,
        "client_id": alert.client,
    }
    names = {"notice": ("kind", "contact"), "approved": ("subscriber_id",)}
    for name in names.get(word, ("clock", "cycle", "limit", "fraction", "number")):
        if data.get(name) is not None:
            labels[name] = str(data[name])
    if word == "escalation":
        labels["step"] = data["name"]
    return labels


def _step_labels(what: str) -> dict[str, str]:
    """The labels by which ``_labels`` tells the steps of a clock apart."""
    if what == BREACH:
        return {}
    escalation = escalation_of(what)
    if escalation is None:
        return {"fraction": what}
    return {"step": escalation.name, "number": str(escalation.number)}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
