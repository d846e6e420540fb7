"""``sla import`` run like a user does: files, exit status, and messages about rows."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from support.cli import SLA, environment, sla, sla_json

COLUMNS = """
ticket = "id"
client = "org"
created = "opened"
severity = "prio"
[severities]
High = "high"
"""
HEAD = "id,org,opened,prio\n"


@pytest.fixture
def columns(tmp_path: Path) -> Path:
    file = tmp_path / "columns.toml"
    file.write_text(COLUMNS)
    return file


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A thousand rows, of which forty are bad."""
    file = tmp_path / "export.csv"
    rows = [
        f"{number},acme,{'soon' if number % 25 == 0 else '2026-11-16T09:00:00Z'},High\n"
        for number in range(1000)
    ]
    file.write_text(HEAD + "".join(rows))
    return file


def test_one_bad_row_and_nothing_is_written(tmp_path: Path, columns: Path, export: Path) -> None:
    out = tmp_path / "events.jsonl"
    out.write_text("what was there before\n")
    done = sla("import", "csv", export, "--columns", columns, "--out", out, status=1)
    said = done.stderr.decode()
    assert "line 2, column 'opened', 'soon': it is not a time like ISO 8601" in said
    assert said.count("line ") == 20, "the first of them"
    assert "and 20 more; --refused FILE writes all of them" in said
    last = said.splitlines()[-1]
    assert last == (
        f"sla: {export}: 40 of 1,000 rows can't be imported, so nothing was written; fix them, or "
        "leave them out with --skip-bad"
    )
    assert out.read_text() == "what was there before\n"
    assert sla("import", "csv", export, "--columns", columns, status=1).stdout == b""
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "columns.toml",
        "events.jsonl",
        "export.csv",
    ], "no half file is left"


def test_bad_rows_are_left_out_and_all_of_them_named_in_a_file(
    tmp_path: Path, columns: Path, export: Path
) -> None:
    out, refused = tmp_path / "events.jsonl.gz", tmp_path / "refused.jsonl"
    done = sla(
        *("import", "csv", export, "--columns", columns, "--skip-bad"),
        *("--refused", refused, "--out", out),
    )
    assert f"and 20 more; {refused} has all of them" in done.stderr.decode()
    assert "1,000 rows: 960 imported, 40 refused; 960 events of 960 tickets" in done.stderr.decode()
    assert len(gzip.decompress(out.read_bytes()).splitlines()) == 960
    named = [json.loads(line) for line in refused.read_text().splitlines()]
    assert [each["line"] for each in named] == list(range(2, 1002, 25))
    assert {each["column"] for each in named} == {"opened"}
    assert {each["value"] for each in named} == {"soon"}
    again = sla("import", "csv", export, "--columns", columns, "--skip-bad")
    assert again.stdout == gzip.decompress(out.read_bytes())


def test_the_summary_as_json_has_every_refused_row(
    tmp_path: Path, columns: Path, export: Path
) -> None:
    out = tmp_path / "events.jsonl"
    call = ("import", "csv", export, "--columns", columns, "--out", out)
    refused = sla_json(*call, status=1)
    assert len(refused["refused"]) == 40
    assert not out.exists()
    summary = sla_json(*call, "--skip-bad")
    assert (summary["rows"], summary["tickets"], summary["refused_rows"]) == (1000, 960, 40)
    assert (summary["events"], summary["without_severity"], summary["alarms"]) == (960, 0, [])
    assert len(out.read_bytes().splitlines()) == 960
    done = sla("import", "csv", export, "--columns", columns, "--json", status=2)
    assert "--out" in done.stderr.decode()


def test_what_is_mostly_wrong_is_shouted_and_a_note_says_what_was_supposed(
    tmp_path: Path, columns: Path
) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes((HEAD + "1,Señor,2062-11-16,\n").encode("cp1252"))
    said = sla("import", "csv", file, "--columns", columns).stderr.decode().splitlines()
    assert "note: 1 date without a time of day, taken as midnight" in said
    assert "note: 1 time without an offset, read as UTC; name the zone with --zone" in said
    assert "note: the file was read as cp1252; name another encoding with --encoding" in said
    assert "note: 1 ticket without a severity: no clocks until one is set" in said
    shouted = [line for line in said if line.startswith("ATTENTION: ")]
    assert len(shouted) == 2
    assert "1 of 1 event in the future; if published today, they become dead letters" in shouted[0]
    assert "1 row: 1 imported, 0 refused; 1 event of 1 ticket" in said
    zoned = sla("import", "csv", file, "--columns", columns, "--zone", "UTC").stderr.decode()
    assert "read as UTC" not in zoned
    out = tmp_path / "events.jsonl"
    summary = sla_json("import", "csv", file, "--columns", columns, "--json", "--out", out)
    assert summary["notes"] == {
        "dates without a time of day, taken as midnight": 1,
        "times without an offset": 1,
    }


def test_a_piped_export_becomes_a_simulation(tmp_path: Path, columns: Path) -> None:
    table = (HEAD + "1,acme,2026-11-16 09:00,High\n").encode("utf-16")
    events = sla(
        *("import", "csv", "-", "--columns", columns, "--zone", "America/Bogota"), stdin=table
    ).stdout
    assert json.loads(events)["time"] == "2026-11-16T14:00:00.000Z"
    done = sla("simulate", "-", "--json", "--out", tmp_path / "result", stdin=events)
    assert json.loads(done.stdout)["tickets"] == 1


def test_a_pipe_is_read_like_a_file(tmp_path: Path, columns: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen(
        ["/bin/sh", "-c", 'cat > "$0"', pipe], stdin=subprocess.PIPE, env=environment()
    )
    assert writer.stdin is not None
    writer.stdin.write((HEAD + "1,acme,2026-11-16T09:00:00Z,High\n").encode())
    writer.stdin.close()
    assert len(sla("import", "csv", pipe, "--columns", columns).stdout.splitlines()) == 1
    assert writer.wait(60) == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--zone", "Mars/Base"), "'Mars/Base' is not a time zone"),
        (("--locale", "tlh"), "'tlh' is not a known locale"),
        (("--delimiter", "ab"), "--delimiter 'ab' is not a single character"),
    ],
)
def test_wrong_usage_is_told(
    columns: Path, export: Path, options: tuple[str, ...], told: str
) -> None:
    done = sla("import", "csv", export, "--columns", columns, *options, status=2)
    assert told in done.stderr.decode()


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--severity", "5=grave", "--severity '5=grave' is not WORD=MEANING"),
        ("--state", "Lost", "--state 'Lost' is not WORD=MEANING"),
        ("--time-format", "dd/MM/yyyy", "--time-format 'dd/MM/yyyy' is not a time format"),
    ],
)
def test_wrong_options_of_servicenow_are_told(
    export: Path, option: str, value: str, told: str
) -> None:
    done = sla("import", "servicenow", export, option, value, status=2)
    assert told in done.stderr.decode()


def test_a_file_that_is_not_there_is_told_in_a_sentence(tmp_path: Path, columns: Path) -> None:
    done = sla("import", "csv", tmp_path / "none.csv", "--columns", columns, status=1)
    [line] = done.stderr.decode().splitlines()
    assert line == f"sla: {tmp_path / 'none.csv'} can't be read: No such file or directory"
    done = sla("import", "csv", tmp_path, "--columns", columns, status=1)
    assert "Is a directory" in done.stderr.decode()


def test_a_ticket_without_a_severity_is_tracked_and_no_dead_letter(
    tmp_path: Path, columns: Path
) -> None:
    file, out = tmp_path / "export.csv", tmp_path / "events.jsonl"
    file.write_text(HEAD + "1,acme,2026-11-16T12:00:00Z,\n")
    sla("import", "csv", file, "--columns", columns, "--out", out)
    summary = sla_json("simulate", out, "--out", tmp_path / "result")
    assert (summary["tickets"], summary["dead_letters"]) == (1, 0)
    [ticket] = (tmp_path / "result" / "tickets.jsonl").read_bytes().splitlines()
    assert json.loads(ticket)["severity"] is None


def large(path: Path, rows: int) -> Path:
    """An export with a row a ticket, the newest first."""
    with path.open("w") as file:
        file.write(HEAD)
        for number in range(rows):
            at = f"2025-{12 - number % 12:02}-{1 + number % 28:02}T{number % 24:02}:00:00Z"
            file.write(f"T{number},acme-{number % 999},{at},High\n")
    return path


def test_what_an_import_holds_in_memory_does_not_grow_with_its_file(
    tmp_path: Path, columns: Path
) -> None:
    held = []
    for rows in (60_000, 240_000):
        export = large(tmp_path / "export.csv", rows)
        running = subprocess.Popen(
            [
                SLA,
                "import",
                "csv",
                export,
                "--columns",
                columns,
                "--out",
                tmp_path / "events.jsonl",
            ],
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode == 0
        held.append(used.ru_maxrss)
        with (tmp_path / "events.jsonl").open() as file:
            times = [json.loads(line)["time"] for line in file]
        assert len(times) == rows
        assert times == sorted(times)
    # Its caches are of 16 MiB; in memory the second would hold 300 MiB more.
    assert held[1] < held[0] + 40 * 1024, f"{held} KiB"


def test_progress_is_shown_to_a_terminal_and_to_nobody_else(tmp_path: Path, columns: Path) -> None:
    export = large(tmp_path / "export.csv", 30_000)
    call = [SLA, "import", "csv", export, "--columns", columns, "--out", tmp_path / "events.jsonl"]
    terminal, inner = pty.openpty()
    running = subprocess.Popen(call, stdin=inner, stderr=inner, env=environment(TERM="xterm"))
    os.close(inner)
    shown = b""
    with suppress(OSError):  # Linux says so when the other end is closed
        while chunk := os.read(terminal, 65536):
            shown += chunk
    os.close(terminal)
    assert running.wait(60) == 0
    assert b"reading" in shown
    assert b"converting rows to events" in shown
    assert b"30000" in shown
    piped = sla(*call[1:]).stderr.decode()
    assert piped.splitlines() == [
        "30,000 rows: 30,000 imported, 0 refused; 30,000 events of 30,000 tickets"
    ]


def test_ctrl_c_leaves_no_half_file(tmp_path: Path, columns: Path) -> None:
    pipe, out = tmp_path / "pipe", tmp_path / "events.jsonl"
    os.mkfifo(pipe)
    running = subprocess.Popen(
        [SLA, "import", "csv", pipe, "--columns", columns, "--out", out],
        stderr=subprocess.PIPE,
        env=environment(),
    )
    try:
        with pipe.open("wb"):
            # It has the pipe open, and waits for its first bytes.
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 130
    finally:
        running.kill()
        told = running.communicate()[1]
    assert b"Traceback" not in told
    assert sorted(each.name for each in tmp_path.iterdir()) == ["columns.toml", "pipe"]
