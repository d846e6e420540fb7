"""The files under deploy/ match the code and are accepted by the tools they are for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic_settings import BaseSettings
from support import ROOT, default_book, script

import jsonschema
from sla_board.access import read_access
from sla_board.settings import BoardSettings
from sla_config.environment import variable_of
from sla_intake.settings import IntakeSettings
from sla_intake.sources import read_sources
from sla_kafka.settings import KafkaSettings
from sla_notifier.main import check_routes
from sla_notifier.settings import NotifierSettings
from sla_runtime.metrics_access import HttpSettings
from sla_runtime.tracing import TracingSettings
from sla_schemas.topics import DEFAULT_PARTITIONS
from sla_tracker.settings import TrackerSettings

DEPLOY = ROOT / "deploy"
SCHEMAS = ROOT / "tests" / "fixtures" / "schemas"
SETTINGS: tuple[type[BaseSettings], ...] = (
    KafkaSettings,
    HttpSettings,
    TracingSettings,
    TrackerSettings,
    BoardSettings,
    NotifierSettings,
    IntakeSettings,
)
#: Every variable that a program reads.
VARIABLES = {variable_of(model, name) for model in SETTINGS for name in model.model_fields}
#: Read by the image's health check, and a secret of the sources file.
OTHERS = {"SLA_HEALTH_URL", "EVENTS_TOKEN_FILE"}


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the development environment."""
    binary = Path(sys.executable).with_name(name)
    return subprocess.run(
        [binary, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


def test_what_follows_from_the_code_is_as_the_code_says() -> None:
    for path, text in script(DEPLOY / "generate.py").files().items():
        assert path.read_text("utf-8") == text, f"run 'make deploy': {path.name} is out of date"


def test_the_image_is_as_hadolint_wants_it() -> None:
    linted = tool("hadolint", DEPLOY / "container" / "Dockerfile")
    assert linted.returncode == 0, linted.stdout
    text = (DEPLOY / "container" / "Dockerfile").read_text("utf-8")
    assert "\nUSER 10001:10001\n" in text
    assert "\nHEALTHCHECK " in text
    assert text.count("uv sync") == text.count("--locked") == 3


def compose() -> dict[str, Any]:
    """The compose file."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))
    return found


def test_the_compose_file_is_one() -> None:
    schema = json.loads((SCHEMAS / "Compose.json").read_text("utf-8"))
    file = compose()
    # Its "$schema" is spelt otherwise than jsonschema knows it.
    checker = jsonschema.Draft7Validator(schema)
    checker.validate(file)
    with pytest.raises(jsonschema.ValidationError):
        checker.validate(file | {"servises": {}})
    for name, service in file["services"].items():
        variables = {each for each in service.get("environment", {}) if each.startswith("SLA_")}
        assert variables <= VARIABLES | OTHERS, name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is published beyond loopback"
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            assert source in file["volumes"] or (DEPLOY / "compose" / source).exists(), mount


def test_secrets_are_made_once_in_the_files_that_programs_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = DEPLOY / "compose" / "make_secrets.py"
    runs = []
    for _ in range(2):
        subprocess.run([sys.executable, make, tmp_path / "secrets"], check=True)
        runs.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    made, again = runs
    assert made == again, "made once"
    wanted = {Path(secret["file"]).name for secret in compose()["secrets"].values()}
    assert wanted <= set(made)
    access = read_access(tmp_path / "secrets" / "board-tokens")
    assert access.viewer(made["board-token"].strip()) is not None
    monkeypatch.setenv("EVENTS_TOKEN_FILE", str(tmp_path / "secrets" / "intake-token"))
    folders = (DEPLOY / "compose" / "config", DEPLOY / "kubernetes" / "base" / "config")
    for folder in folders:
        [source] = read_sources(folder / "sources.toml")
        assert source.secrets() == [made["intake-token"].strip().encode()]
        check_routes(NotifierSettings(routes=folder / "routes.toml"), default_book())


#: Stands for Docker: it says what it was called with, and which secrets were there by then.
DOCKER_STUB = """#!/bin/sh
echo "$@" >> "$CALLS"
ls secrets >> "$CALLS"
"""


def started(folder: Path, *arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    """What ``up`` did in a copy of its folder, so that no secret is made in the checkout."""
    copy = folder / "compose"
    if not copy.exists():
        shutil.copytree(DEPLOY / "compose", copy, ignore=shutil.ignore_patterns("secrets"))
    return subprocess.run(
        [shutil.which("bash") or "bash", copy / "up", *arguments],
        env={"PATH": path, "CALLS": str(folder / "calls")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_up_makes_the_secrets_and_starts_everything(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER_STUB)
    (tools / "docker").chmod(0o755)
    done = started(tmp_path, "--wait", path=f"{tools}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    call, *secrets = (tmp_path / "calls").read_text().splitlines()
    assert call == "compose up --build --detach --wait"
    assert {Path(each["file"]).name for each in compose()["secrets"].values()} <= set(secrets)
    told = [Path(found) for found in re.findall(r"(?:token|password): (\S+)", done.stdout)]
    assert len(told) == 3
    for path in told:
        assert path.read_text().strip(), f"{path} is what a person is sent to"


def test_up_says_that_docker_is_needed(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "python3"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = started(tmp_path, path=str(tools))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Docker with compose is needed\n"
    assert not (tmp_path / "compose" / "secrets").exists()


NAMED_FILE = re.compile(r"(?<![\w.$/-])((?:[\w.-]+/)*[\w-]+\.(?:py|sh))\b")


def scripts() -> list[Path]:
    """What is run by its name, and what runs others."""
    found = (path for folder in (".ci", "deploy", "tests") for path in (ROOT / folder).rglob("*"))
    runnable = sorted(path for path in found if path.is_file() and os.access(path, os.X_OK))
    assert DEPLOY / "compose" / "up" in runnable
    return [*runnable, ROOT / "Makefile", DEPLOY / "compose" / "make_secrets.py"]


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.name)
def test_a_script_names_files_that_are_there(script: Path) -> None:
    for name in NAMED_FILE.findall(script.read_text("utf-8")):
        assert any((base / name).exists() for base in (ROOT, script.parent)), name


OVERLAYS = ("base", "overlays/staging", "overlays/production")


def manifests(overlay: str) -> list[dict[str, Any]]:
    """What kustomize makes of an overlay."""
    built = tool("kubectl", "kustomize", DEPLOY / "kubernetes" / overlay)
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


@pytest.fixture(scope="module", params=OVERLAYS)
def built(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Each overlay's resources."""
    return manifests(request.param)


def test_kubernetes_accepts_every_resource_and_every_field(built: list[dict[str, Any]]) -> None:
    for resource in built:
        schema = SCHEMAS / f"{resource['kind']}.json"
        if schema.exists():
            jsonschema.validate(resource, json.loads(schema.read_text("utf-8")))
        else:
            kubernetes_validate.validate(resource, "1.37", strict=True)


def workloads(resources: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, pod and container of each program."""
    found = []
    for resource in resources:
        if resource["kind"] == "Deployment":
            pod = resource["spec"]["template"]["spec"]
            [container] = pod["containers"]
            found.append((resource["metadata"]["name"], pod, container))
    return found


def test_pods_are_what_pod_security_calls_restricted(built: list[dict[str, Any]]) -> None:
    programs = workloads(built)
    assert {name for name, _, _ in programs} == {
        "sla-tracker",
        "sla-board",
        "sla-notifier",
        "sla-intake",
    }
    for name, pod, container in programs:
        assert pod["automountServiceAccountToken"] is False, name
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
    [space] = [each for each in built if each["kind"] == "Namespace"]
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_probes_leave_time_for_a_restore_and_never_restart_for_a_broker(
    built: list[dict[str, Any]],
) -> None:
    for name, _, container in workloads(built):
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz", name
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", name
        if name == "sla-tracker":
            startup = container["startupProbe"]
            patience = startup["periodSeconds"] * startup["failureThreshold"]
            assert patience > TrackerSettings().restore_seconds


def test_programs_are_told_what_they_read_and_serve_where_they_are_asked(
    built: list[dict[str, Any]],
) -> None:
    ports = {
        "sla-tracker": TrackerSettings().port,
        "sla-board": BoardSettings().port,
        "sla-notifier": NotifierSettings().port,
        "sla-intake": IntakeSettings().port,
    }
    for name, _, container in workloads(built):
        variables = {each["name"] for each in container["env"]}
        assert variables <= VARIABLES | OTHERS, name
        assert container["ports"][0]["containerPort"] == ports[name]
    [kafka] = [
        each
        for each in built
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith("sla-kafka")
    ]
    assert set(kafka["data"]) <= VARIABLES
    assert kafka["data"]["SLA_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"


def test_never_more_trackers_than_partitions_each_a_static_member(
    built: list[dict[str, Any]],
) -> None:
    [scaled] = [each for each in built if each["kind"] == "ScaledObject"]
    assert scaled["spec"]["maxReplicaCount"] <= DEFAULT_PARTITIONS
    topics = [each for each in built if each["kind"] == "KafkaTopic"]
    assert {topic["spec"]["partitions"] for topic in topics} == {DEFAULT_PARTITIONS}
    [tracker] = [container for name, _, container in workloads(built) if name == "sla-tracker"]
    identity = {each["name"]: each for each in tracker["env"]}["SLA_TRACKER_INSTANCE_ID"]
    assert identity["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_nothing_may_be_reached_that_is_not_listed(built: list[dict[str, Any]]) -> None:
    policies = {
        each["metadata"]["name"]: each["spec"] for each in built if each["kind"] == "NetworkPolicy"
    }
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allowed = {name: spec for name, spec in policies.items() if name not in ("deny-all", "brokers")}
    rules = chain.from_iterable(
        [*spec.get("ingress", []), *spec.get("egress", [])] for spec in allowed.values()
    )
    for rule in rules:
        assert rule["ports"], "a port is named"
        assert rule.get("from") or rule.get("to"), "a peer is named"


def test_a_file_of_holidays_is_mounted_beside_its_policy(tmp_path: Path) -> None:
    shown = re.search(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "deployment.md").read_text(), re.DOTALL
    )
    assert shown is not None
    shutil.copytree(DEPLOY / "kubernetes" / "base", tmp_path / "base")
    mine = tmp_path / "mine"
    (mine / "config").mkdir(parents=True)
    (mine / "config" / "policy.toml").write_text("mine")
    (mine / "config" / "company.ics").write_text("days")
    (mine / "kustomization.yaml").write_text(
        f"namespace: sla\nresources: [../base]\n{textwrap.dedent(shown[1])}"
    )
    done = tool("kubectl", "kustomize", mine)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    (files,) = [
        each
        for each in built
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith("sla-policies-")
    ]
    assert files["data"] == {"policy.toml": "mine", "company.ics": "days"}
    mounted = {
        name
        for name, pod, _ in workloads(built)
        for volume in pod.get("volumes", [])
        if volume.get("configMap", {}).get("name") == files["metadata"]["name"]
    }
    assert mounted == {"sla-tracker", "sla-board", "sla-notifier"}


def test_nothing_made_here_holds_a_secret() -> None:
    for overlay in OVERLAYS:
        assert not [each for each in manifests(overlay) if each["kind"] == "Secret"]
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "deploy/compose/secrets/" in ignored
