"""Settings from the environment."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest
import trustme

from sla_config.secrets import SecretError
from sla_engine.frontier import REPLAY, TimeRule
from sla_kafka.settings import ConnectionSettingsError, KafkaSettings
from sla_runtime.address import AddressError
from sla_runtime.metrics_access import metrics_access
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


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"bootstrap": "broker:9092"}, "SLA_KAFKA_ALLOW_PLAINTEXT"),
        ({"bootstrap": "127.0.0.1:9092,10.1.2.3:9092"}, "10.1.2.3:9092"),
        ({"security_protocol": "SASL_SSL", "sasl_username": "x"}, "SLA_KAFKA_SASL_PASSWORD_FILE"),
        ({"security_protocol": "SSL", "ssl_cafile": "/nowhere.pem"}, "SLA_KAFKA_SSL_CAFILE"),
    ],
)
def test_what_can_not_be_safe_is_refused_in_a_sentence(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ConnectionSettingsError, match=re.escape(told)):
        KafkaSettings(**settings).client_options()


def test_plaintext_to_another_machine_is_a_decision() -> None:
    allowed = KafkaSettings(bootstrap="broker:9092", allow_plaintext=True)
    assert allowed.client_options()["security_protocol"] == "PLAINTEXT"
    for local in ("localhost:1", "127.0.0.2:1", "[::1]:1"):
        assert KafkaSettings(bootstrap=local).client_options()["bootstrap_servers"] == local


def test_a_passwords_file_goes_before_a_variable_and_it_shows_nowhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "password").write_text("from-the-f1le\n")
    settings = KafkaSettings(
        security_protocol="SASL_SSL",
        sasl_username="tracker",
        sasl_password="from-the-var",
        sasl_password_file=tmp_path / "password",
    )
    assert settings.client_options()["sasl_plain_password"] == "from-the-f1le"
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert "from-the" not in shown


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "board.example"])
def test_metrics_are_open_on_loopback_only(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert metrics_access("127.0.0.1").allows(None)
    with pytest.raises(AddressError, match="SLA_HTTP_METRICS_TOKEN_FILE"):
        metrics_access(host)
    (tmp_path / "token").write_text("t0ken\n")
    monkeypatch.setenv("SLA_HTTP_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    access = metrics_access(host)
    assert access.allows("Bearer t0ken")
    for wrong in (None, "", "t0ken", "Bearer", "Bearer t0ken2"):
        assert not access.allows(wrong)
    monkeypatch.setenv("SLA_HTTP_METRICS_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(SecretError, match="none"):
        metrics_access(host)
