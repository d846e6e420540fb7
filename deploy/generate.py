"""Write what of deploy/kubernetes follows from elsewhere: topics, users, rules, the policy.

``python deploy/generate.py``. A test runs it and fails where anything changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from sla_kafka.access import USERS, Permission, User
from sla_schemas.topics import DEFAULT_PARTITIONS, TOPICS, Topic

HERE: Final = Path(__file__).parent
#: The Strimzi cluster that the resources belong to.
CLUSTER: Final = {"strimzi.io/cluster": "kafka"}
API_VERSION: Final = "kafka.strimzi.io/v1"
REPLICAS: Final = 3
_NOTE: Final = "# Written by deploy/generate.py from {}; change it there.\n"


def topic_resource(topic: Topic) -> dict[str, Any]:
    """A topic as Strimzi's ``KafkaTopic``."""
    config = {**topic.config, "min.insync.replicas": str(REPLICAS - 1)}
    return {
        "apiVersion": API_VERSION,
        "kind": "KafkaTopic",
        "metadata": {"name": topic.name, "labels": dict(CLUSTER)},
        "spec": {"partitions": DEFAULT_PARTITIONS, "replicas": REPLICAS, "config": config},
    }


def user_resource(user: User) -> dict[str, Any]:
    """A user as Strimzi's ``KafkaUser``, with the least it works with."""
    return {
        "apiVersion": API_VERSION,
        "kind": "KafkaUser",
        "metadata": {"name": user.name, "labels": dict(CLUSTER)},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": [_acl(permission) for permission in user.permissions],
            },
        },
    }


def _acl(permission: Permission) -> dict[str, Any]:
    resource = {
        "type": permission.resource,
        "name": permission.name,
        "patternType": "prefix" if permission.prefix else "literal",
    }
    return {"resource": resource, "operations": list(permission.operations)}


def rules_resource() -> dict[str, Any]:
    """The rules of Prometheus as its operator's ``PrometheusRule``."""
    groups = [
        group
        for path in sorted((HERE / "prometheus" / "rules").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    ]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "sla", "labels": {"app.kubernetes.io/part-of": "sla"}},
        "spec": {"groups": groups},
    }


def _documents(source: str, documents: Iterable[Mapping[str, Any]]) -> str:
    return _NOTE.format(source) + yaml.safe_dump_all(documents, sort_keys=False)


def files() -> dict[Path, str]:
    """Every generated file and its content."""
    base = HERE / "kubernetes" / "base"
    kafka = "services/sla_kafka/"
    return {
        base / "kafka-topics.yaml": _documents(kafka + "topics.py", map(topic_resource, TOPICS)),
        base / "kafka-users.yaml": _documents(kafka + "access.py", map(user_resource, USERS)),
        base / "rules.yaml": _documents("deploy/prometheus/rules", [rules_resource()]),
        # Kustomize reads nothing outside its folder.
        base / "config" / "policy.toml": (HERE / "policies" / "aivo.toml").read_text("utf-8"),
    }


def main() -> None:
    """Rewrite the files."""
    for path, text in files().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
