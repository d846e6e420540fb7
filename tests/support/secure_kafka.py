"""A broker with TLS, users and permissions, as in a secured production setup."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

import trustme
import yaml
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest
from cryptography.hazmat.primitives import serialization

from sla_kafka.admin import admin_client
from sla_kafka.embedded import HOST, EmbeddedKafka, free_port
from sla_kafka.settings import KafkaSettings
from support import ROOT

#: The administrator, who authenticates by certificate.
ADMIN: Final = "admin"
#: A user with a password and no permissions.
STRANGER: Final = "stranger"

# Protocol codes (org.apache.kafka.common.acl and .resource).
_RESOURCES: Final = {"topic": 2, "group": 3, "transactionalId": 5}
_OPERATIONS: Final = {"Read": 3, "Write": 4, "Describe": 8, "DescribeConfigs": 10}
_PATTERNS: Final = {"literal": 3, "prefix": 4}
_ALLOW: Final = 3

#: The format of the broker's authorization log.
_DECISION: Final = re.compile(
    r"Principal = User:(?P<user>\S+) is (?P<word>Allowed|Denied) operation = (?P<operation>\w+) "
    r"from host = \S+ on resource = (?P<kind>\w+):(?:LITERAL|PREFIXED):(?P<name>\S+) "
)

#: One permission of a user: resource type, name, pattern, operation.
Grant = tuple[str, str, str, str]


def deployed_grants() -> dict[str, list[Grant]]:
    """The permissions of every user under ``deploy/kubernetes``."""
    text = (ROOT / "deploy/kubernetes/base/kafka-users.yaml").read_text("utf-8")
    return {
        user["metadata"]["name"]: [
            (
                acl["resource"]["type"],
                acl["resource"]["name"],
                acl["resource"].get("patternType", "literal"),
                operation,
            )
            for acl in user["spec"]["authorization"]["acls"]
            for operation in acl["operations"]
        ]
        for user in yaml.safe_load_all(text)
    }


class SecureKafka(EmbeddedKafka):
    """Programs authenticate with SASL_SSL and SCRAM-SHA-512, the administrator with a TLS
    certificate. All other access is denied, and every permission used is logged.
    """

    def __init__(self, directory: Path, users: Collection[str]) -> None:
        self._secrets = {name: f"{name}-s3cret" for name in [*users, STRANGER]}
        self.tls = directory / "tls"
        self.tls.mkdir(parents=True)
        self.ca = trustme.CA()
        for name in ("broker", ADMIN):
            self._issue(name)
        self.ca.cert_pem.write_to_path(self.tls / "ca.pem")
        self._admin_port, controller = free_port(), free_port()
        port = free_port()
        stores: dict[str, str] = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.tls / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.tls / "ca.pem"),
        }
        super().__init__(
            directory / "kafka",
            port,
            overrides={
                **stores,
                "listeners": f"PROGRAMS://{HOST}:{port},ADMIN://{HOST}:{self._admin_port},"
                f"CONTROLLER://{HOST}:{controller}",
                "advertised.listeners": f"PROGRAMS://{HOST}:{port},"
                f"ADMIN://{HOST}:{self._admin_port}",
                "controller.quorum.voters": f"1@{HOST}:{controller}",
                "listener.security.protocol.map": "PROGRAMS:SASL_SSL,ADMIN:SSL,CONTROLLER:SSL",
                "inter.broker.listener.name": "ADMIN",
                "listener.name.admin.ssl.client.auth": "required",
                "listener.name.controller.ssl.client.auth": "required",
                "ssl.principal.mapping.rules": r"RULE:^CN=([^,]+),.*$/$1/,DEFAULT",
                "listener.name.programs.sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "listener.name.programs.scram-sha-512.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                ),
                "authorizer.class.name": (
                    "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
                ),
                "super.users": f"User:broker;User:{ADMIN}",
                "allow.everyone.if.no.acl.found": "false",
            },
        )

    def _wait_until_it_answers(self) -> None:
        """Both listeners: the administrator's opens a little later than the programs'."""
        super()._wait_until_it_answers()
        port, self.port = self.port, self._admin_port
        try:
            super()._wait_until_it_answers()
        finally:
            self.port = port

    def _issue(self, name: str) -> None:
        """Issue a certificate and its key in one PEM file, the key in a form that Java reads."""
        cert = self.ca.issue_cert(HOST, "localhost", common_name=name)
        key = serialization.load_pem_private_key(cert.private_key_pem.bytes(), None)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        chain = b"".join(each.bytes() for each in cert.cert_chain_pems)
        (self.tls / f"{name}.pem").write_bytes(pem + chain)

    def _command(self, jars: list[Path], main: str, arguments: list[str]) -> list[str]:
        command = super()._command(jars, main, arguments)
        if main == "kafka.tools.StorageTool":
            for name, secret in self._secrets.items():
                command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={secret}]"]
        else:
            command.insert(1, "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=debug")
        return command

    def environment(self, user: str) -> dict[str, str]:
        """The settings for a program to authenticate as ``user``; the password is in a file."""
        secret = self.tls / f"{user}.password"
        secret.write_text(self._secrets[user] + "\n")
        return {
            "SLA_KAFKA_BOOTSTRAP": self.bootstrap,
            "SLA_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "SLA_KAFKA_SSL_CAFILE": str(self.tls / "ca.pem"),
            "SLA_KAFKA_SASL_USERNAME": user,
            "SLA_KAFKA_SASL_PASSWORD_FILE": str(secret),
        }

    def secret(self, user: str) -> str:
        """The password of ``user``."""
        return self._secrets[user]

    def settings(self, user: str) -> KafkaSettings:
        """The Kafka settings of ``user``; the administrator's use a certificate."""
        if user == ADMIN:
            pem = self.tls / f"{ADMIN}.pem"
            return KafkaSettings(
                bootstrap=f"{HOST}:{self._admin_port}",
                security_protocol="SSL",
                ssl_cafile=self.tls / "ca.pem",
                ssl_certfile=pem,
                ssl_keyfile=pem,
            )
        prefix = len("SLA_KAFKA_")
        given: dict[str, Any] = {
            name[prefix:].lower(): value for name, value in self.environment(user).items()
        }
        return KafkaSettings(**given)

    async def grant(self, user: str, grants: Iterable[Grant]) -> None:
        """Grant ``grants`` to ``user``."""
        await self._ask(
            CreateAclsRequest(*_resource(grant), f"User:{user}", "*", _operation(grant), _ALLOW)
            for grant in grants
        )

    async def revoke(self, user: str, grants: Iterable[Grant]) -> None:
        """Revoke them."""
        await self._ask(
            DeleteAclsRequest(*_resource(grant), f"User:{user}", "*", _operation(grant), _ALLOW)
            for grant in grants
        )

    async def _ask(self, requests: Iterable[Any]) -> None:
        async with admin_client(self.settings(ADMIN)) as client:
            for request in requests:
                answer = await client._send_request(request)
                results = getattr(answer, "creation_responses", None) or answer.filter_responses
                assert all(result[0] == 0 for result in results), results

    def used(self, user: str) -> set[tuple[str, str, str]]:
        """Resource type, name and operation of every access allowed to ``user`` so far."""
        return self._decided(user, "Allowed")

    def denied(self, user: str) -> set[tuple[str, str, str]]:
        """The same for every access denied."""
        return self._decided(user, "Denied")

    def _decided(self, user: str, word: str) -> set[tuple[str, str, str]]:
        names = {"Topic": "topic", "Group": "group", "TransactionalId": "transactionalId"}
        return {
            (names.get(found["kind"], found["kind"]), found["name"], found["operation"])
            for found in _DECISION.finditer(self.log.read_text("utf-8", "replace"))
            if found["user"] == user and found["word"] == word
        }


def _resource(grant: Grant) -> tuple[int, str, int]:
    kind, name, pattern, _ = grant
    return _RESOURCES[kind], name, _PATTERNS[pattern]


def _operation(grant: Grant) -> int:
    return _OPERATIONS[grant[3]]
