"""Every command in README and docs/ runs and does what the page says."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT
from support.cli import SLA, environment

from sla_kafka.admin import create_topics
from sla_kafka.embedded import EmbeddedKafka, free_port
from sla_kafka.settings import KafkaSettings
from sla_schemas.topics import DEFAULT_PARTITIONS

pytestmark = pytest.mark.kafka

BASH = shutil.which("bash") or "/bin/bash"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^```csv\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Which examples are which files.
_FILES = {
    "intake.md": "sources.toml",
    "notifier.md": "routes.toml",
    "board.md": "tokens.toml",
    "imports.md": "columns.toml",
    "policy-reference.md": "acme.toml",
}
_PORTS = ("SLA_BOARD_PORT", "SLA_INTAKE_PORT", "SLA_NOTIFIER_PORT", "SLA_TRACKER_HTTP_PORT")
_SECRETS = ("ZENDESK_SECRET", "FRESHDESK_SECRET", "OWN_TOKEN", "CRM_SECRET")
#: A log as ServiceNow writes it, where a page imports one.
_INCIDENTS = """\
number,incident_state,sys_mod_count,opened_at,sys_updated_at,priority,assigned_to,assignment_group,location
INC1,New,0,23/11/2026 09:00,23/11/2026 09:00,2 - High,?,?,Location 1
INC1,Resolved,1,23/11/2026 09:00,23/11/2026 11:00,2 - High,Ana,Group 1,Location 1
"""
#: Made by every other test run, and this one is part of the second.
_ELSEWHERE = ("make run", "make test")
#: Programs that run until they are ended, unless they are to check, list, or run beside.
_STAYS = re.compile(
    r"sla (?:tracker|board|intake|notifier|top)\b(?!.*(?:--check|--json|--skipped|&))"
)
#: Seconds in which a command must come to an end or such a program be up.
_LIMIT = 40

# Like a person, it tries again for a while: what was started beside needs a moment.
_PRELUDE = f"""
set -m
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
trap 'exit 1' TERM
run() {{
  local end=$((SECONDS + {_LIMIT})) status
  while true; do
    eval "$1" && return 0; status=$?
    if ((status == 2 || SECONDS >= end)); then echo "FAILED ($status): $1" >&2; exit 1; fi
    sleep 0.5
  done
}}
stays() {{
  timeout --foreground --signal INT 5 bash -c "$1"; local status=$?
  if ((status != 124)); then echo "ENDED BY ITSELF ($status): $1" >&2; exit 1; fi
}}
"""


def commands(page: Path) -> list[str]:
    """The commands of a page's console blocks; one may go on over lines."""
    found: list[str] = []
    for block in _BLOCK.findall(page.read_text("utf-8")):
        open_ = False
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(line[2:])
            elif open_:
                found[-1] += f"\n{line}"
            else:
                continue
            open_ = not _complete(found[-1])
    return found


def _complete(command: str) -> bool:
    """Whether the shell would run it, or wait for more."""
    read = subprocess.run([BASH, "-n"], input=command, capture_output=True, text=True, check=False)
    return read.returncode == 0 and not read.stderr


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """A broker with topics, as the pages suppose one."""
    with EmbeddedKafka() as kafka:
        settings = KafkaSettings(bootstrap=kafka.bootstrap)
        asyncio.run(create_topics(settings, DEFAULT_PARTITIONS))
        yield kafka.bootstrap


def script(page: Path, broker: str, ports: dict[str, int]) -> str:
    """A page's commands as a script, on ports that are free."""
    lines = [_PRELUDE]
    board, kafka = ports["SLA_BOARD_PORT"], broker.rpartition(":")[2]
    for command in commands(page):
        said = command.replace("broker:9092", broker).replace(
            "127.0.0.1:8080", f"127.0.0.1:{board}"
        )
        said = re.sub(r"\bsla top\b", rf"\g<0> --board http://127.0.0.1:{board}", said)
        said = re.sub(r"\bsla kafka\b", rf"\g<0> --port {kafka}", said)
        quoted = "'" + said.replace("'", "'\\''") + "'"
        if said in _ELSEWHERE:
            continue
        if said.rstrip().endswith("&"):
            lines.append(said)
        else:
            lines.append(f"{'stays' if _STAYS.search(said) else 'run'} {quoted}")
    return "\n".join([*lines, "exit 0"])


def _lay_out_exports(directory: Path) -> None:
    """The files that the page of the imports reads; the first of them is its own example."""
    page = (ROOT / "docs" / "imports.md").read_text("utf-8")
    export = _EXPORT.search(page)
    assert export is not None
    (directory / "export.csv").write_text(export[1])
    (directory / "incident_event_log.csv").write_text(_INCIDENTS)
    log = (ROOT / "tests" / "fixtures" / "imports" / "vinst.xes").read_bytes()
    # But for its one state that nobody knows.
    known = log.replace(b"Dreaming", b"In Progress")
    (directory / "bpi_challenge_2013_incidents.xes.gz").write_bytes(gzip.compress(known))


@pytest.mark.parametrize("page", [each for each in PAGES if commands(each)], ids=lambda p: p.name)
def test_the_commands_of_a_page_run(page: Path, broker: str, tmp_path: Path) -> None:
    for name in ("deploy", "tests", "docs", "schemas", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name, file in _FILES.items():
        example = _EXAMPLE.search((ROOT / "docs" / name).read_text("utf-8"))
        assert example is not None
        (tmp_path / file).write_text(example[1])
    _lay_out_exports(tmp_path)
    secrets = dict.fromkeys(_SECRETS, "whsec_bm90IGEgcmVhbCBzZWNyZXQgYXQgYWxs")
    if page.name == "README.md":
        # It starts one of its own.
        broker = f"127.0.0.1:{free_port()}"
    ports = {name: free_port() for name in _PORTS}
    given = environment(
        SLA_KAFKA_BOOTSTRAP=broker,
        **{name: str(port) for name, port in ports.items()},
    )
    ran = subprocess.Popen(
        [BASH, "-c", script(page, broker, ports)],
        cwd=tmp_path,
        env={**given, **secrets, "PATH": f"{SLA.parent}:{os.environ['PATH']}", "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = ran.communicate(timeout=240)
    finally:
        # The script ends what it has started beside.
        ran.terminate()
        ran.wait(20)
    assert ran.returncode == 0, said[-3000:]
    assert "Traceback" not in said


def test_every_link_of_a_page_leads_somewhere() -> None:
    pages = [*PAGES, *(ROOT / "docs" / "adr").glob("*.md"), ROOT / "CONTRIBUTING.md"]
    for page in [*pages, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]:
        text = page.read_text("utf-8")
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"
        for test in re.findall(r"`(test_\w+\.py)`", text):
            assert list((ROOT / "tests").rglob(test)), f"{page.name}: {test}"
