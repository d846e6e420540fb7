"""The simulation detects every rule that is removed from the sources.

The rules are compiled, so they can't be patched at run time: each mutation is a copy of the sources
with one line changed, run in its own uncompiled process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from support import ROOT

#: Within how many seeds each mutation must be found.
SEEDS = 600


class Mutation(NamedTuple):
    """A line of the sources, and what stands there instead."""

    file: str
    line: str
    instead: str


MUTATIONS = {
    "said before all is read that came with it": Mutation(
        "sla_domain/judge.py", "Postponed(*key, appended,", "Postponed(*key, horizon,"
    ),
    "what waits to be said is not stored": Mutation(
        "sla_engine/wire/tables.py",
        '"postponed": list(ticket.postponed.values()),',
        '"postponed": [],',
    ),
    "what is set aside is never cut": Mutation(
        "sla_engine/wire/records.py",
        "if size_of(key, value, headers) > MAX_INPUT_BYTES:",
        "if size_of(key, value, headers) > 100 * MAX_INPUT_BYTES:",
    ),
    "all headers of what is cut are kept": Mutation(
        "sla_engine/wire/records.py",
        "headers = _first(headers, KEPT_HEADERS)",
        "headers = list(headers)",
    ),
    "an event of any size is read": Mutation(
        "sla_engine/wire/events.py",
        "if size > MAX_RECORD_BYTES:",
        "if size > 100 * MAX_RECORD_BYTES:",
    ),
    "an event of any depth is read": Mutation(
        "sla_engine/wire/events.py",
        "and _depth(value) > MAX_DEPTH:",
        "and _depth(value) > 1_000_000:",
    ),
    "a ticket of any weight is kept": Mutation(
        "sla_engine/partition.py",
        "if weight > MAX_TICKET_WEIGHT:",
        "if weight > 100 * MAX_TICKET_WEIGHT:",
    ),
    "any number of events is gone through again": Mutation(
        "sla_engine/partition.py",
        "if self._folded > MOST_FOLDED or not",
        "if not",
    ),
    "any number of bytes waits": Mutation(
        "sla_tracker/inbox.py",
        "return len(self._records) > INBOX_LIMIT or self.bytes > INBOX_BYTES",
        "return len(self._records) > INBOX_LIMIT",
    ),
    "any number of bytes is taken in at once": Mutation(
        "sla_tracker/inbox.py",
        "len(batch) < at_most and size < BATCH_BYTES:",
        "len(batch) < at_most:",
    ),
    "whoever orders it has a ticket erased": Mutation(
        "sla_engine/partition.py",
        "if refused is None:",
        "if refused is not None:",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_rule_that_is_missing_is_missed(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    mutation = MUTATIONS[name]
    copy = tmp_path / "services"
    shutil.copytree(ROOT / "services", copy, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    path = copy / mutation.file
    source = path.read_text()
    assert source.count(mutation.line) == 1, f"{mutation.line!r} stands no longer in {path.name}"
    path.write_text(source.replace(mutation.line, mutation.instead))
    places = os.pathsep.join(map(str, (copy, ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, "-m", "support.simulated_world", str(SEEDS), "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": places},
        check=False,
        capture_output=True,
        text=True,
    )
    found = done.stdout.split()
    assert done.returncode == 1, done.stdout + done.stderr
    assert found[0] == "seed", done.stdout + done.stderr
    record_property("seeds", int(found[1]) + 1)
