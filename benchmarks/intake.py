"""How many signed deliveries per second the intake accepts, each acknowledged by Kafka first.

A real Kafka, one intake and ``wrk`` (Debian's) on this machine. GitHub deliveries, all verified.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka
from sla_kafka.reading import end_offsets
from sla_kafka.settings import KafkaSettings
from sla_lab.processes import Program
from sla_schemas.topics import DEFAULT_PARTITIONS, EVENTS

#: From Debian, downloaded by the Makefile.
WRK: Final = Path(__file__).parents[1] / ".debian-bench/root/usr/bin/wrk"
SECRET: Final = "benchmark"  # noqa: S105  of this benchmark alone
SECONDS: Final = 15
RUNS: Final = 3
CONNECTIONS: Final = 64
DELIVERIES: Final = 2000
SOURCES: Final = """
[[sources]]
name = "bench"
kind = "github"
secret_envs = ["BENCH_SECRET"]
client_id = "acme"
"""
FIXTURE: Final = Path(__file__).parents[1] / "tests/fixtures/webhooks/github/labelled-severity.json"
SCRIPT: Final = """
local deliveries = {}
for line in io.lines("%s") do
  local id, signature, body = line:match("^(%%S+) (%%S+) (.*)$")
  deliveries[#deliveries + 1] = wrk.format("POST", "/hooks/bench", {
    ["Content-Type"] = "application/json", ["X-GitHub-Event"] = "issues",
    ["X-GitHub-Delivery"] = id, ["X-Hub-Signature-256"] = signature}, body)
end
local at = 0
request = function() at = at %% #deliveries + 1; return deliveries[at] end
"""


def deliveries() -> str:
    """One line per delivery: id, signature, body."""
    told = json.loads(FIXTURE.read_text())["body"]
    told["issue"]["body"] = "x" * 400
    lines = []
    for number in range(DELIVERIES):
        told["issue"]["number"] = number
        body = json.dumps(told)
        signature = hmac.digest(SECRET.encode(), body.encode(), "sha256").hex()
        lines.append(f"delivery-{number} sha256={signature} {body}")
    return "\n".join(lines) + "\n"


def run(*, runs: int = RUNS, seconds: int = SECONDS) -> dict[str, Any]:
    """``runs`` runs of ``seconds`` each, with ``wrk`` as downloaded by ``make bench``."""
    libraries = str(WRK.parents[1] / "lib/x86_64-linux-gnu")
    found = []
    with TemporaryDirectory() as directory, EmbeddedKafka() as broker:
        settings = KafkaSettings(bootstrap=broker.bootstrap)
        asyncio.run(create_topics(settings, DEFAULT_PARTITIONS))
        folder = Path(directory)
        (folder / "sources.toml").write_text(SOURCES)
        (folder / "deliveries").write_text(deliveries())
        (folder / "post.lua").write_text(SCRIPT % (folder / "deliveries"))
        intake = Program(
            "intake",
            broker.bootstrap,
            folder / "log",
            ["--sources", str(folder / "sources.toml")],
            environment={"BENCH_SECRET": SECRET, "SLA_INTAKE_REQUESTS_PER_SECOND": "1e9"},
        )
        intake.wait_until_ready()
        for _ in range(runs):
            before = sum(asyncio.run(end_offsets(settings, EVENTS.name)).values())
            done = subprocess.run(  # noqa: S603  the program named by who starts this
                [
                    WRK,
                    f"-d{seconds}s",
                    "-t1",
                    f"-c{CONNECTIONS}",
                    "--latency",
                    f"-s{folder / 'post.lua'}",
                    intake.url,
                ],
                env={**os.environ, "LD_LIBRARY_PATH": libraries},
                capture_output=True,
                text=True,
                check=True,
            )
            written = sum(asyncio.run(end_offsets(settings, EVENTS.name)).values()) - before
            rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
            latency = re.findall(r"(50|99)%\s+(\S+)", done.stdout)
            wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
            assert rate is not None, done.stdout
            found.append(
                {
                    "requests_per_second": float(rate[1]),
                    "latency": {f"p{name}": value for name, value in latency},
                    "refused": int(wrong[1]) if wrong else 0,
                    "events": written,
                }
            )
        intake.stop()
    return {"connections": CONNECTIONS, "seconds": seconds, "runs": found}


def tell(found: dict[str, Any]) -> None:
    """Print the results."""
    for each in found["runs"]:
        latency = ", ".join(f"{name} {value}" for name, value in each["latency"].items())
        print(
            f"  {each['requests_per_second']:.0f} requests/s, latency {latency}, "
            f"{each['refused']} refused, {each['events']} events in Kafka"
        )


if __name__ == "__main__":
    tell(run())
