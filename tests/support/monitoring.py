"""A real Prometheus and a real Alertmanager, with the files under deploy/ and shorter intervals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from sla_kafka.embedded import free_port
from support import ROOT
from support.debian import environment, placed, program

DEPLOY = ROOT / "deploy"
#: Debian's packages have files that both programs expect at their installed paths.
_INSTALLED = "usr/share/prometheus"


def promtool(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return _checked(program("promtool", "usr/bin/promtool"), arguments, stdin)


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run amtool."""
    return _checked(program("amtool", "usr/bin/amtool"), arguments, "")


def _checked(
    binary: Path, arguments: tuple[str | Path, ...], stdin: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def hurried_alertmanager(receivers: Mapping[str, Any]) -> dict[str, Any]:
    """The deployed configuration without delays, its receivers updated with ``receivers``."""
    path = DEPLOY / "alertmanager" / "alertmanager.yaml"
    config: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    config["receivers"] = [each | receivers[each["name"]] for each in config["receivers"]]
    routes = [config["route"]]
    while routes:
        route = routes.pop()
        route |= {"group_wait": "1s", "group_interval": "1s"}
        routes += route.get("routes", [])
    return config


def hurried_rules(directory: Path) -> Path:
    """The deployed rules, evaluated every second and without delays."""
    made = directory / "rules"
    made.mkdir()
    for path in (DEPLOY / "prometheus" / "rules").glob("*.yaml"):
        rules = yaml.safe_load(path.read_text("utf-8"))
        for group in rules["groups"]:
            group["interval"] = "1s"
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = "1s"
        (made / path.name).write_text(yaml.safe_dump(rules), "utf-8")
    return made


class Prometheus:
    """A client of a running Prometheus."""

    def __init__(self, host: str) -> None:
        self.host = host

    def get(self, path: str, **query: str) -> Any:
        """The ``data`` of a response."""
        with urllib.request.urlopen(
            f"http://{self.host}/api/v1/{path}?{urlencode(query)}", timeout=10
        ) as answer:
            return json.load(answer)["data"]

    def series(self, expression: str, seconds: int = 120) -> list[dict[str, Any]]:
        """The series of ``expression`` over the last ``seconds``."""
        now = time.time()
        found: list[dict[str, Any]] = self.get(
            "query_range", query=expression, start=str(now - seconds), end=str(now), step="1"
        )["result"]
        return found


@contextmanager
def prometheus(
    directory: Path, programs: Mapping[str, str], token: str, alertmanager: str | None = None
) -> Iterator[Prometheus]:
    """Prometheus with the deployed configuration on ``programs`` (job to host:port)."""
    directory.mkdir()
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text("utf-8"))
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    hurried_rules(directory)
    (directory / "targets").mkdir()
    targets = [{"targets": [host], "labels": {"program": name}} for name, host in programs.items()]
    (directory / "targets" / "programs.yaml").write_text(yaml.safe_dump(targets))
    told = [] if alertmanager is None else [{"targets": [alertmanager]}]
    (directory / "targets" / "alertmanager.yaml").write_text(yaml.safe_dump(told))
    (directory / "secrets").mkdir()
    (directory / "secrets" / "metrics-token").write_text(token)
    (directory / "prometheus.yaml").write_text(yaml.safe_dump(config))
    binary = program("prometheus", "usr/bin/prometheus")
    with _running(
        directory,
        "prometheus",
        [
            str(binary),
            f"--config.file={directory / 'prometheus.yaml'}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
        ],
    ) as host:
        yield Prometheus(host)


@contextmanager
def alertmanager(directory: Path, config: Mapping[str, Any]) -> Iterator[str]:
    """Alertmanager with ``config`` and the deployed templates; its host:port."""
    directory.mkdir()
    for template in (DEPLOY / "alertmanager").glob("*.tmpl"):
        shutil.copy(template, directory)
    (directory / "alertmanager.yaml").write_text(yaml.safe_dump(dict(config)))
    binary = program("prometheus-alertmanager", "usr/bin/prometheus-alertmanager")
    command = [
        str(binary),
        f"--config.file={directory / 'alertmanager.yaml'}",
        f"--storage.path={directory / 'data'}",
        "--cluster.listen-address=",
    ]
    with _running(directory, "alertmanager", command) as host:
        yield host


@contextmanager
def _running(directory: Path, name: str, command: list[str]) -> Iterator[str]:
    host = f"127.0.0.1:{free_port()}"
    log = directory / f"{name}.log"
    root = directory / "root"
    root.mkdir()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            placed([*command, f"--web.listen-address={host}"], _INSTALLED, root),
            stdout=sink,
            stderr=sink,
            env=environment(directory),
            start_new_session=True,
        )
    try:
        _wait_until_ready(host, process, log)
        yield host
    finally:
        # If it exited by itself, it has logged why.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait_until_ready(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://{host}/-/ready", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"not ready: {log.read_text()[-2000:]}")
