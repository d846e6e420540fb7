"""The command line as a user meets it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import POLICY, event, shared_file
from support.cli import SLA, environment, sla, sla_json

from sla_cli import options, sample
from sla_domain.instant import format_instant, parse_duration, parse_instant
from sla_kafka.topics import DEFAULT_PARTITIONS

COMMANDS = [
    "demo",
    "kafka",
    "topics",
    "tracker",
    "publish",
    "replay",
    "simulate",
    "explain",
    "policy",
    "calendar",
    "import",
    "dlq",
    "doctor",
]


def test_help_lists_every_command_and_each_has_an_example() -> None:
    said = sla("--help").stdout.decode()
    for command in COMMANDS:
        assert f"\n  {command} " in said
        assert "sla " in sla(command, "--help").stdout.decode()


def test_the_default_partitions_are_one_number() -> None:
    assert options.DEFAULT_PARTITIONS == DEFAULT_PARTITIONS


def test_unknown_options_are_wrong_usage() -> None:
    sla("simulate", "--colour", status=2)
    sla("nonsense", status=2)


def test_calendar_answers() -> None:
    start, end = "2026-11-20T17:30:00-03:00", "2026-11-23T10:00:00-03:00"
    added = sla("calendar", "add", start, "1h").stdout.decode().strip()
    assert added == "2026-11-23T12:30:00.000Z"
    assert sla("calendar", "between", start, end).stdout.decode().strip() == "PT1H30M"
    around = sla("calendar", "add", "--calendar", "around_the_clock", start, "1h")
    assert around.stdout.decode().strip() == "2026-11-20T21:30:00.000Z"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("calendar", "add", "2026-11-20T17:30:00", "1h"), "2026-11-20T17:30:00"),
        (("calendar", "add", "2026-11-20T17:30:00Z", "soon"), "soon"),
        (("calendar", "add", "--calendar", "lunar", "2026-11-20T17:30:00Z", "1h"), "lunar"),
        (("calendar", "add"), "START DURATION"),
        (("simulate", "sample", "--until", "tomorrow"), "tomorrow"),
        (("import", "servicenow", str(POLICY), "--zone", "Mars/Base"), "Mars/Base"),
    ],
)
def test_wrong_usage_is_one_sentence_that_names_it(arguments: tuple[str, ...], named: str) -> None:
    said = sla(*arguments, status=2).stderr.decode().strip()
    assert named in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("simulate", "nowhere.jsonl"), "nowhere.jsonl"),
        (("policy", "check", "nowhere.toml"), "nowhere.toml"),
        (("import", "servicenow", str(POLICY)), "number"),
        (("explain", "NONE", "--events", "sample"), "NONE"),
        (("dlq", "list", "--bootstrap", "127.0.0.1:1"), "127.0.0.1:1"),
        (("publish", "sample", "--bootstrap", "127.0.0.1:1"), "127.0.0.1:1"),
        (("topics", "create", "--bootstrap", "127.0.0.1:1"), "127.0.0.1:1"),
        (("explain", "X", "--bootstrap", "127.0.0.1:1"), "127.0.0.1:1"),
    ],
)
def test_failures_are_told_without_a_stack_trace(arguments: tuple[str, ...], named: str) -> None:
    assert named in sla(*arguments, status=1).stderr.decode()


def test_every_published_case_of_business_time() -> None:
    """Facts transcribed from the test suites of helpdesks and calendar libraries."""
    path = shared_file("cases/business-time.jsonl")
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    answers = sla("calendar", "--batch", path).stdout.decode().splitlines()
    assert len(answers) == len(cases) > 200
    compared = 0
    for case, answer in zip(cases, answers, strict=True):
        if differs_by_convention(case):
            continue
        compared += 1
        expected = case["expected"]
        if isinstance(expected, str):
            assert answer == format_instant(parse_instant(expected)), case
        else:
            seconds = case.get("expected_seconds", expected * 60)
            assert parse_duration(answer) == round(seconds * 1000), case
    assert compared > 185


def differs_by_convention(case: dict[str, object]) -> bool:
    tags = case.get("tags", [])
    assert isinstance(tags, list)
    given = case["input"]
    assert isinstance(given, dict)
    # Nothing added answers the start itself here; sources that want the next opening differ.
    nothing = case["kind"] == "add" and given.get("seconds", given.get("minutes")) == 0
    moved = nothing and case["expected"] != given["start"]
    return moved or bool({"convention:next-open", "convention:wall-clock"} & set(tags))


def test_batch_answers_by_the_policys_calendar_and_names_a_bad_line() -> None:
    question = (
        b'{"kind": "add", "input": {"start": "2026-11-20T17:30:00-03:00", "duration": "1h"}}\n'
    )
    done = sla("calendar", "add", "--batch", "-", stdin=question)
    assert done.stdout == b"2026-11-23T12:30:00.000Z\n"
    done = sla("calendar", "--batch", "-", stdin=question + b'{"kind": "add"}\n', status=2)
    assert b"-:2" in done.stderr


def test_policy_check_promises_and_mistakes(tmp_path: Path) -> None:
    rows = sla_json("policy", "check")
    assert len(rows) == 8
    assert rows[0]["severity"] == "Blocker"
    broken = tmp_path / "broken.toml"
    broken.write_text(POLICY.read_text().replace('within = "8h"', 'within = "8 moons"'))
    said = sla("policy", "check", broken, status=1).stderr.decode()
    assert f"{broken}:" in said
    assert "targets.high.resolution" in said
    assert len(sla_json("policy", "check", broken, status=1)["mistakes"]) == 1


def test_topics_are_listed() -> None:
    assert {row["topic"] for row in sla_json("topics", "list")} >= {"support.tickets.v1"}


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def test_import_simulate_and_explain_the_whole_way(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    head = (
        "number,incident_state,sys_mod_count,opened_at,sys_updated_at,priority,assigned_to,"
        "assignment_group,location,contact_type\n"
    )
    rest = "Group 1,Location 9,Phone"
    rows = [
        f"INC1,{state},{n},7/3/2016 12:00,7/3/2016 {at},{priority},{agent},{rest}"
        for n, (state, at, priority, agent) in enumerate(
            [
                ("New", "12:01", "2 - High", "?"),
                ("Active", "13:00", "2 - High", "Resolver 4"),
                ("Awaiting User Info", "14:00", "2 - High", "Resolver 4"),
                ("Active", "15:00", "1 - Critical", "Resolver 4"),
                ("Resolved", "16:00", "1 - Critical", "Resolver 4"),
                ("Active", "17:00", "1 - Critical", "Resolver 7"),
            ]
        )
    ]
    log.write_text(head + "\n".join(rows) + "\n")
    packed = tmp_path / "events.jsonl.gz"
    sla("import", "servicenow", log, "--out", packed)
    types = [json.loads(line)["type"] for line in unpacked(packed).splitlines()]
    assert types == [
        f"ticket.{word}"
        for word in (
            "created",
            "assigned",
            "waiting_on_client",
            "severity_changed",
            "client_responded",
            "resolved",
            "reopened",
            "assigned",
        )
    ]
    assert sla("import", "servicenow", log).stdout == unpacked(packed)
    summary = sla_json("simulate", packed, "--out", tmp_path / "result")
    assert summary["events"] == 8
    assert json.loads((tmp_path / "result" / "summary.json").read_text()) == summary
    told = sla_json("explain", "INC1", "--events", packed)
    resolution = told["clocks"][1]
    assert resolution["outcome"] == "met"
    assert (
        resolution["used_ms"] + resolution["paused_ms"] + resolution["closed_ms"]
        == (resolution["elapsed_ms"])
    )
    (limit,) = resolution["limits"]
    lengths = [span["ms"] for span in limit["spans"] if span["kind"] != "stopped"]
    assert sum(lengths) == resolution["elapsed_ms"]
    text = sla("explain", "INC1", "--events", packed).stdout.decode()
    assert "waiting for the client since event" in text
    assert "resolution, cycle 2" in text
    spanish = sla("--lang", "es", "explain", "INC1", "--events", packed).stdout.decode()
    assert "se espera al cliente desde el evento" in spanish
    assert sla("explain", "INC1", "--events", packed, LC_ALL="es_AR.UTF-8").stdout == (
        spanish.encode()
    )


def test_the_whole_log_imports_with_the_published_counts() -> None:
    path = shared_file("data/uci-incident-event-log.csv.gz")
    lines = sla("import", "servicenow", path).stdout.splitlines()
    counts: dict[str, int] = {}
    for line in lines:
        type_ = json.loads(line)["type"].removeprefix("ticket.")
        counts[type_] = counts.get(type_, 0) + 1
    assert counts == {
        "created": 24_918,
        "assigned": 17_778 + 8_740 + 2_941,
        "waiting_on_client": 5_659 + 193,
        "client_responded": 1_140,
        "resolved": 23_417 + 1_819,
        "reopened": 331,
        "severity_changed": 436,
    }


def test_the_sample_is_small_and_has_everything() -> None:
    packed = sample.sample_bytes()
    assert len(packed) < 500_000
    events = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    assert len({item["subject"] for item in events}) >= 600
    assert {item["data"].get("severity") for item in events} >= {"blocker", "high", "medium", "low"}
    types = {item["type"].removeprefix("ticket.") for item in events}
    assert types >= {"waiting_on_client", "reopened", "severity_changed", "resolved"}


def test_standard_input_and_plain_files_are_the_same(tmp_path: Path) -> None:
    lines = b"".join(
        json.dumps(item).encode() + b"\n\n"
        for item in (
            event("created", "2026-11-23T12:00:00Z"),
            event("resolved", "2026-11-23T13:00:00Z"),
        )
    )
    plain = tmp_path / "events.jsonl"
    plain.write_bytes(lines)
    one = sla_json("simulate", plain)
    other = json.loads(sla("simulate", "-", "--json", stdin=lines).stdout)
    assert one["events"] == other["events"] == 2


def left_behind(mark: str) -> list[str]:
    """Processes whose environment carries ``mark``: every child inherits it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().decode()[:120])
            except OSError:
                continue
    return found


def wait_for_no_process(mark: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while left := left_behind(mark):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.kafka
def test_the_demo_ends_by_itself_and_leaves_nothing(tmp_path: Path) -> None:
    done = sla("demo", "--seconds", "4", "--json", SLA_TEST_MARK="demo-whole", TMPDIR=str(tmp_path))
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["events"] > 3_000
    assert summary["breaches"] > 100
    wait_for_no_process("demo-whole")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
@pytest.mark.parametrize("after", [0.3, 2.5, 6.0])
def test_interrupting_the_demo_leaves_no_process_and_no_file(tmp_path: Path, after: float) -> None:
    mark = f"demo-interrupted-{after}"
    process = subprocess.Popen(
        [SLA, "demo", "--seconds", "60"],
        env=environment(SLA_TEST_MARK=mark, TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    # Not a wait for something to be done: Ctrl-C may come at any moment, these are three of them.
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=40)
    assert process.returncode == 130, said.decode()
    assert b"Traceback" not in said
    wait_for_no_process(mark)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
def test_kafka_keeps_its_data_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "kafka"
    for created in (7, 0):
        with subprocess.Popen(
            [SLA, "kafka", "--data", str(data), "--port", "0", "--partitions", "2"],
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            said = ""
            while "topics created" not in said:
                line = process.stderr.readline()
                assert line, f"it ended: {said}"
                said += line
            assert f"{created} topics created" in said
            bootstrap = said.split("answers on ")[1].split(",")[0]
            assert all(check["ok"] for check in sla_json("doctor", "--bootstrap", bootstrap))
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(timeout=30) == 0
    assert not list(data.rglob(".lock"))
