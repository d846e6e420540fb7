"""Settings from the environment."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from sla_kafka.settings import KafkaSettings
from sla_tracker.partition import REPLAY, TimeRule
from sla_tracker.settings import TrackerSettings


def test_plain_by_default() -> None:
    assert KafkaSettings().client_options() == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_sasl_over_tls_with_a_client_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    own = authority.issue_cert("tracker.example")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    own.cert_chain_pems[0].write_to_path(str(certificate))
    own.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name, value in {
        "BOOTSTRAP": "broker:9093",
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SSL_CAFILE": str(tmp_path / "ca.pem"),
        "SSL_CERTFILE": str(certificate),
        "SSL_KEYFILE": str(key),
        "SASL_USERNAME": "tracker",
        "SASL_PASSWORD": "secret",
    }.items():
        monkeypatch.setenv(f"SLA_KAFKA_{name}", value)
    settings = KafkaSettings()
    options = settings.client_options()
    assert options["bootstrap_servers"] == "broker:9093"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("tracker", "secret")
    assert isinstance(options["ssl_context"], ssl.SSLContext)
    assert options["ssl_context"].get_ca_certs()
    assert "secret" not in repr(settings)


def test_what_moves_a_trackers_frontiers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TrackerSettings().time == TimeRule(grace=2000, replay=False)
    monkeypatch.setenv("SLA_TRACKER_GRACE_MS", "500")
    assert TrackerSettings().time.grace == 500
    monkeypatch.setenv("SLA_TRACKER_REPLAY", "1")
    assert TrackerSettings().time == REPLAY
