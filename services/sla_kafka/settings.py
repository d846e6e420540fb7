"""How to reach a broker: one set of settings for every program."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_config.errors import UserFacingError
from sla_config.network import is_loopback
from sla_config.secrets import secret_file


class ConnectionSettingsError(UserFacingError):
    """The broker can't or must not be reached with these settings; the message says what to set."""


class KafkaSettings(BaseSettings):
    """Connection settings, from the environment with the prefix ``SLA_KAFKA_``.

    Every client of a broker, including Faust's, gets them from ``client_options``.
    """

    model_config = SettingsConfigDict(env_prefix="SLA_KAFKA_", hide_input_in_errors=True)

    bootstrap: str = Field(
        "127.0.0.1:9092", description="host:port of one or more brokers, separated by commas."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="`SSL` for TLS, `SASL_SSL` for TLS with a user name."
    )
    allow_plaintext: bool = Field(
        False, description="Allow connections without TLS to a broker on another machine."
    )
    ssl_cafile: Path | None = Field(
        None,
        description="PEM file of the CA that signs the brokers' certificates. Default: the CAs "
        "that the system trusts.",
    )
    ssl_certfile: Path | None = Field(
        None, description="PEM file of the client certificate, for mutual TLS."
    )
    ssl_keyfile: Path | None = Field(None, description="PEM file of its private key.")
    ssl_password_file: Path | None = Field(
        None, description="File with the password of the private key."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = Field(None, description="The user name.")
    sasl_password: SecretStr | None = Field(None, description="The user's password.")
    sasl_password_file: Path | None = Field(
        None, description="File with the user's password; safer than the variable."
    )

    @field_validator("bootstrap")
    @classmethod
    def _with_ports(cls, bootstrap: str) -> str:
        for address in bootstrap.split(","):
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(
                    f"{address!r} is not a host and a port; write it like 127.0.0.1:9092"
                )
        return bootstrap

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments that every ``aiokafka`` client takes.

        Raises ``ConnectionSettingsError`` and ``SecretError``.
        """
        self._refuse_plaintext()
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self._encrypted:
            options["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            password = self._password()
            if not self.sasl_username or not password:
                raise ConnectionSettingsError(
                    f"{self.security_protocol} needs a user and a password; set "
                    "SLA_KAFKA_SASL_USERNAME and SLA_KAFKA_SASL_PASSWORD_FILE"
                )
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = password
        return options

    def _refuse_plaintext(self) -> None:
        """Raise ``ConnectionSettingsError`` if events or a password would be sent unencrypted."""
        if self._encrypted or self.allow_plaintext:
            return
        for address in self.bootstrap.split(","):
            if not is_loopback(address.strip().rpartition(":")[0]):
                raise ConnectionSettingsError(
                    f"the connection to {address.strip()} would not use TLS; set "
                    "SLA_KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL, or allow it with "
                    "SLA_KAFKA_ALLOW_PLAINTEXT=1"
                )

    @property
    def _encrypted(self) -> bool:
        return self.security_protocol.endswith("SSL")

    def _password(self) -> str | None:
        if self.sasl_password_file is not None:
            return secret_file(self.sasl_password_file, "SLA_KAFKA_SASL_PASSWORD_FILE")
        return None if self.sasl_password is None else self.sasl_password.get_secret_value()

    def _key_password(self) -> str | None:
        if self.ssl_password_file is None:
            return None
        return secret_file(self.ssl_password_file, "SLA_KAFKA_SSL_PASSWORD_FILE")

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
            if self.ssl_certfile is not None:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, self._key_password())
        except (OSError, ssl.SSLError) as error:
            raise ConnectionSettingsError(
                "the certificates of SLA_KAFKA_SSL_CAFILE, _CERTFILE and _KEYFILE can't be used: "
                f"{error.strerror or error}"
            ) from error
        return context
