"""The command line, used like a user does."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path

import pytest
from support import POLICY, ROOT, event, shared_file
from support.cli import SLA, at_a_terminal, environment, in_the_background, sla, sla_json

from sla_cli import options
from sla_domain.instant import format_instant, parse_duration, parse_instant
from sla_lab import sample
from sla_schemas.topics import DEFAULT_PARTITIONS, TOPICS

COMMANDS = [
    "demo",
    "kafka",
    "topics",
    "tracker",
    "board",
    "notifier",
    "intake",
    "top",
    "publish",
    "replay",
    "simulate",
    "explain",
    "policy",
    "calendar",
    "import",
    "dlq",
    "erase",
    "doctor",
]


def test_help_lists_every_command_and_each_has_an_example() -> None:
    said = sla("--help").stdout.decode()
    for command in COMMANDS:
        assert f"\n  {command} " in said
        assert "sla " in sla(command, "--help").stdout.decode()


def test_the_version_is_that_of_the_package() -> None:
    assert sla("--version").stdout.decode() == f"sla {version('sla-tracker')}\n"


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


def test_calendar_takes_business_days_as_a_policy_does() -> None:
    start = "2026-11-20T17:30:00-03:00"
    done = sla("calendar", "add", start, "5 business days")
    assert done.stdout == b"2026-11-27T20:30:00.000Z\n"
    assert done.stderr == b"'5 business days' is 45 h of business time on the calendar 'business'\n"
    assert sla("calendar", "add", start, "45h").stdout == done.stdout
    assert sla("calendar", "add", start, "45h").stderr == b""
    back = sla("calendar", "add", "--", start, "-1 business day").stdout
    assert back == b"2026-11-19T20:30:00.000Z\n"
    days = sla("calendar", "add", start, "5d")
    assert days.stdout == sla("calendar", "add", start, "120h").stdout
    assert b"'5d' is 120 h of business time" in days.stderr
    assert b"'5 business days' is 45 h" in days.stderr
    questions = [
        {"kind": "add", "input": {"start": start, "duration": "5 business days"}},
        {
            "input": {"start": "2026-11-20T17:30:00Z", "duration": "1 business day"},
            "calendar": {
                "timezone": "UTC",
                "day": "8h",
                "hours": {"fri": [["09:00", "17:30"]], "sat": [["09:00", "18:00"]]},
            },
        },
    ]
    lines = "".join(json.dumps(question) + "\n" for question in questions).encode()
    answers = sla("calendar", "--batch", "-", stdin=lines).stdout.split()
    assert answers == [b"2026-11-27T20:30:00.000Z", b"2026-11-21T17:00:00.000Z"]
    del questions[1]["calendar"]["day"]  # type: ignore[attr-defined]
    line = json.dumps(questions[1]).encode()
    said = sla("calendar", "--batch", "-", stdin=line, status=2).stderr
    assert b'says no day: write it like day = "9h"' in said


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
    told = sla_json("policy", "check", "--strict")
    rows = told["promises"]
    assert (len(rows), told["mistakes"], told["warnings"]) == (9, [], [])
    assert rows[8]["plan"] == "integrations_24x7"
    assert rows[0]["severity"] == "Blocker"
    broken = tmp_path / "broken.toml"
    broken.write_text(POLICY.read_text().replace('within = "8h"', 'within = "8 moons"'))
    said = sla("policy", "check", broken, status=1).stderr.decode()
    assert f"{broken}:" in said
    assert "targets.high.resolution" in said
    assert len(sla_json("policy", "check", broken, status=1)["mistakes"]) == 1


def test_policy_check_warns_and_takes_it_for_a_mistake_when_strict(tmp_path: Path) -> None:
    odd = tmp_path / "odd.toml"
    odd.write_text(POLICY.read_text().replace('"90d"', '"90m"'))
    done = sla("policy", "check", odd)
    assert b"9: warning: retention: a ticket is forgotten 1h 30m after" in done.stderr
    assert "≤ 8 h".encode() in done.stdout
    assert len(sla_json("policy", "check", odd)["warnings"]) == 1
    sla("policy", "check", odd, "--strict", status=1)
    said = sla("policy", "check", POLICY, POLICY, status=1).stderr.decode()
    assert "version: aivo@1 is the version of" in said


def test_what_is_odd_in_a_policy_is_told_once_where_it_is_used(tmp_path: Path) -> None:
    odd = tmp_path / "odd.toml"
    odd.write_text(POLICY.read_text().replace('"90d"', '"90m"'))
    events = tmp_path / "none.jsonl"
    events.write_text("")
    for command in ("simulate", "replay"):
        said = sla(command, events, "--policy", odd, "--out", tmp_path / command).stderr.decode()
        assert said.count("warning: retention") == 1, said


def test_words_that_the_policy_does_not_list_are_told_by_simulate(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lines = [
        event("created", "2026-11-23T12:00:00Z", severity="high"),
        event("waiting", "2026-11-23T13:00:00Z", party="nobody_we_know"),
    ]
    events.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    said = sla("simulate", events).stderr.decode()
    assert "match nothing: party 1" in said


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
    assert "waiting on the client since event" in text
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
        # When a wait ends in work, and when it ends in a wait for somebody else.
        "client_responded": 1_140 + 54,
        # Some are closed and were never resolved.
        "resolved": 23_417 + 1_819 + 13,
        "reopened": 331,
        "severity_changed": 436,
    }


def test_a_recording_may_begin_with_the_mark_of_its_encoding(tmp_path: Path) -> None:
    marked = tmp_path / "events.jsonl"
    marked.write_bytes(
        b"\xef\xbb\xbf" + json.dumps(event("created", "2026-11-23T12:00:00Z")).encode()
    )
    summary = sla_json("simulate", marked, "--out", tmp_path / "result")
    assert (summary["tickets"], summary["dead_letters"]) == (1, 0)


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
@pytest.mark.parametrize(
    ("after", "number"), [(0.3, signal.SIGINT), (2.5, signal.SIGTERM), (6.0, signal.SIGINT)]
)
def test_interrupting_the_demo_leaves_no_process_and_no_file(
    tmp_path: Path, after: float, number: signal.Signals
) -> None:
    mark = f"demo-interrupted-{after}"
    command: list[str | Path] = [SLA, "demo", "--seconds", "60"]
    process = subprocess.Popen(
        # What is ignored before it has begun can't be told to it.
        in_the_background(*command) if after > 1 else command,
        env=environment(SLA_TEST_MARK=mark, TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    # Not a wait for something to be done: it may come at any moment, these are three of them.
    time.sleep(after)
    os.killpg(process.pid, number)
    _, said = process.communicate(timeout=40)
    assert process.returncode == 128 + number, said.decode()
    assert b"Traceback" not in said
    wait_for_no_process(mark)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
def test_kafka_keeps_its_data_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "kafka"
    for created in (len(TOPICS), 0):
        with subprocess.Popen(
            in_the_background(SLA, "kafka", "--data", data, "--port", "0", "--partitions", "2"),
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
            if f"{created} topics created" not in said:
                # Left running it would be waited for.
                process.kill()
            assert f"{created} topics created" in said
            bootstrap = said.split("Kafka is running on ")[1].split(";")[0]
            checks = sla_json("doctor", "--bootstrap", bootstrap, status=1)
            assert [check["check"] for check in checks if not check["ok"]] == ["tracker"]
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(timeout=30) == 0
    assert not list(data.rglob(".lock"))


def stricter(tmp_path: Path) -> Path:
    """The default policy with four hours for a high resolution, as its version 2."""
    text = POLICY.read_text().replace('version = "1"', 'version = "2"')
    path = tmp_path / "aivo-2.toml"
    path.write_text(text.replace('within = "8h"', 'within = "4h"'))
    return path


def test_policies_are_compared_over_a_recording(tmp_path: Path) -> None:
    other, out, chart = stricter(tmp_path), tmp_path / "out", tmp_path / "kept.svg"
    policies = ("--policy", POLICY, "--policy", other)
    told = sla_json("simulate", "sample", *policies, "--out", out, "--chart", chart)
    assert told["policies"] == ["aivo@1", "aivo@2"]
    rows = {(row["severity"], row["clock"]): row for row in told["attainment"]}
    high = rows["high", "resolution"]
    assert high["gained"][1] == high["breached"][1] - high["breached"][0] > 0
    assert high["lost"] == [0, 0]
    assert rows["low", "resolution"]["breached"][0] == rows["low", "resolution"]["breached"][1]
    everything = rows[None, "resolution"]
    assert everything["gained"] == high["gained"]
    assert everything["met"][0] == sum(
        row["met"][0]
        for (severity, clock), row in rows.items()
        if severity and clock == "resolution"
    )
    clients = [row for row in told["clients"] if row["clock"] == "resolution"]
    for each in ("met", "breached", "open", "gained", "lost"):
        by_client = [sum(row[each][index] for row in clients) for index in (0, 1)]
        assert by_client == everything[each], "each clock is one client's"
    assert clients[0]["breached"] == max(row["breached"] for row in clients), "the worst first"
    assert len(told["differing"]) == high["gained"][1]
    assert told["differing"][0]["outcomes"] == ["met", "breached"]
    assert told["client_delay"][0]["business_ms"][0] > 0
    assert json.loads((out / "comparison.json").read_text()) == told
    for policy, summary in zip(told["policies"], told["summaries"], strict=True):
        written = json.loads((out / policy / "summary.json").read_text())
        assert written["breaches"] == summary["breaches"]
    ET.parse(chart)  # noqa: S314  written just now
    text = sla("--lang", "es", "simulate", "sample", *policies)
    assert "tickets tienen otro resultado" in text.stdout.decode()
    alone = sla_json("simulate", "sample", "--policy", other, "--out", out / "alone")
    assert alone["breaches"] == told["summaries"][1]["breaches"]
    figures = json.loads((out / "alone" / "attainment.json").read_text())
    assert {(row["client_id"], row["clock"]): row["kept"] for row in figures["clients"]} == {
        (row["client_id"], row["clock"]): row["kept"][1:] for row in told["clients"]
    }


def test_policies_may_be_versions_of_one(tmp_path: Path) -> None:
    other = stricter(tmp_path)
    later = '"2016-03-07T00:00:00-03:00"'
    other.write_text(other.read_text().replace('"2016-01-01T00:00:00-03:00"', later))
    one = sla_json("simulate", "sample", "--policy", POLICY)["breaches"]
    both = sla_json("simulate", "sample", "--policy", POLICY, "--policy", other, "--versions")
    two = sla_json("simulate", "sample", "--policy", other)["breaches"]
    assert one < both["breaches"] < two


def test_policy_diff_says_what_changes_for_whom(tmp_path: Path) -> None:
    other = stricter(tmp_path)
    other.write_text(
        other.read_text()
        .replace('within = "16h"', 'within = "20h"')
        .replace('fri = [["09:00", "18:00"]]', 'fri = [["09:00", "17:00"]]', 1)
        .replace('["support_center"]', '["support_center", "email"]')
        .replace('one_client = "medium" }', 'one_client = "low" }')
        .replace("[0.5, 0.75, 0.9]", "[0.8]")
    )
    told = sla_json("policy", "diff", POLICY, other)
    found = {(change["what"], change["whom"], change["effect"]) for change in told["changes"]}
    assert found == {
        ("resolution", "High", "stricter"),
        ("resolution", "High with integrations 24x7", "looser"),
        ("business hours: Fri", "High, Medium, Low", "looser"),
        ("channels", "everyone", "other"),
        ("classification", "minor_fault, one_client", "looser"),
        ("warnings and escalations", "everyone", "other"),
    }
    text = sla("--lang", "es", "policy", "diff", POLICY, other).stdout.decode()
    assert "hasta 8 h (horario laborable)" in text
    assert "más exigente" in text
    same = sla("policy", "diff", POLICY, POLICY).stdout.decode()
    assert "make the same commitments" in same
    missing = sla("policy", "diff", POLICY, tmp_path / "none.toml", status=1)
    assert b"none.toml" in missing.stderr


def test_a_policy_is_told_back_as_text_page_and_document(tmp_path: Path) -> None:
    steps = ROOT / "tests" / "scenarios" / "policies" / "steps.toml"
    text = sla("policy", "explain", steps, "--year", "2026").stdout.decode()
    assert "by the end of the next business day (office)" in text
    assert "Tue 2026-12-08" in text
    page = tmp_path / "contrato.html"
    sla("policy", "explain", "--lang", "es", "--html", page)
    assert "hasta 5 días hábiles (45 h, horario laborable)" in page.read_text()
    before = sla("--lang", "es", "policy", "explain", steps).stdout
    assert before == sla("--lang", "en", "policy", "explain", steps, "--lang", "es").stdout
    wrong = sla("policy", "explain", steps, "--lang", "fr", status=2)
    assert b"--lang 'fr' is not one of en, es" in wrong.stderr
    told = sla_json("policy", "explain", steps)
    assert told["title"] == "What steps promises"
    assert b"cannot be read" in sla("policy", "explain", tmp_path / "none", status=1).stderr


def test_a_new_policy_is_written_once_from_options_or_defaults(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    given = ("--zone", "Europe/Madrid", "--country", "ES", "--severity", "Alta: 1h, 4h")
    sla("policy", "new", ours, *given)
    assert sla_json("policy", "check", "--strict", ours)["promises"][0]["within"] == "PT1H"
    assert b"is there already" in sla("policy", "new", ours, status=2).stderr
    usual = tmp_path / "usual.toml"
    sla("policy", "new", usual, "--yes")
    assert len(sla_json("policy", "check", "--strict", usual)["promises"]) == 6
    wrong = tmp_path / "wrong.toml"
    said = sla("policy", "new", wrong, "--hours", "9 to 5", status=2).stderr.decode()
    assert "--hours: '9 to 5' are no hours; write them like 09:00-18:00" in said
    assert not wrong.exists()


def test_a_new_policy_asks_at_a_terminal_and_asks_again(tmp_path: Path) -> None:
    ours = tmp_path / "ours.toml"
    answers = "Europe/Madird\nEurope/Madrid\nmon-sat\n\nES\nAlta: 1h\nAlta: 1h, 4h\n\n"
    done = at_a_terminal(["policy", "new", str(ours)], answers)
    assert "did you mean 'Europe/Madrid'?" in done
    assert "'Alta: 1h' is not a severity and its times" in done
    told = sla_json("policy", "check", "--strict", ours)
    assert [row["severity"] for row in told["promises"]] == ["Alta", "Alta"]
    assert "hours = { mon-sat = [" in ours.read_text()


def test_policy_test_tries_a_contract_before_it_is_signed(tmp_path: Path) -> None:
    scenario = ROOT / "tests" / "scenarios" / "C4-high.toml"
    assert "0 failed" in sla("policy", "test", scenario).stdout.decode()
    other = stricter(tmp_path)
    failed = sla("policy", "test", scenario, "--policy", other, status=1).stdout.decode()
    assert "expected 'nothing more', got 'Tue 2026-11-24 10:00:00.001 breach resolution'" in failed
    verdicts = json.loads(sla("policy", "test", scenario, "--json").stdout)
    assert all(verdict["differences"] == [] for verdict in verdicts)
    assert b"cannot be read" in sla("policy", "test", tmp_path / "none.toml", status=1).stderr


def test_an_explanation_as_a_page(tmp_path: Path) -> None:
    path = tmp_path / "ticket.html"
    given = ("explain", "INC0003731", "--events", "sample", "--html", path)
    sla("--lang", "es", *given, "--zone", "Europe/Madrid")
    text = path.read_text()
    assert "Europe/Madrid" in text
    assert "incumplido" in text
    wrong = sla(*given, "--zone", "Mars/Base", status=2)
    assert b"'Mars/Base' is not a time zone" in wrong.stderr
    assert b"is not one of en, es" in sla("--lang", "fr", *given, status=2).stderr
    assert (
        b"there is no ticket 'nobody'"
        in sla("explain", "nobody", "--events", "sample", status=1).stderr
    )


def test_a_clients_tickets_and_delay() -> None:
    told = sla_json("explain", "--client", "location-55", "--events", "sample")
    rows = {ticket["ticket_id"]: ticket for ticket in told["tickets"]}
    outcomes = {clock["clock"]: clock["outcome"] for clock in rows["INC0003731"]["clocks"]}
    assert outcomes == {"first_response": "met", "resolution": "breached"}
    waited = [row["client_delay"].get("client", {}).get("business_ms", 0) for row in rows.values()]
    assert told["client_delay"]["client"]["business_ms"] == sum(waited) > 0
    text = sla("--lang", "es", "explain", "--client", "location-55", "--events", "sample")
    assert "Demora del cliente" in text.stdout.decode()
    nobody = sla("explain", "--client", "nobody", "--events", "sample", status=1)
    assert b"there is no ticket of client 'nobody'" in nobody.stderr
    sla("explain", "--events", "sample", status=2)
    sla("explain", "INC1", "--client", "x", "--events", "sample", status=2)
