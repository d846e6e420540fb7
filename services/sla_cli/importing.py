"""What ``sla import`` does around an importer: files, progress, and the report on every row."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, cast, get_args

from sla_domain.counting import counted
from sla_import.ledger import Ledger, Summary
from sla_import.mapping import Finding, Mapping
from sla_import.opening import FileFormat, opened_table
from sla_import.snapshots import State
from sla_import.times import WITHOUT_ZONE, check_form
from sla_lab.errors import CommandError, UsageError
from sla_lab.progress import err, working

#: How many refused rows are shown in a terminal.
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What to do with the rows that were read."""

    out: Path | None
    refused: Path | None
    skip_bad: bool
    as_json: bool
    #: Whether the zone of times without an offset was given, not assumed.
    zone_known: bool


def run(file: Path, mapping: Mapping, how: FileFormat, wish: Wish) -> None:
    """Import ``file``, write its events and report what became of its rows.

    Raises ``CommandError`` if a row is refused, and has then written no events, unless bad rows
    are to be skipped.
    """
    if wish.as_json and wish.out is None:
        raise UsageError(
            "--json prints the summary on standard output, where the events would go; name a file "
            "for the events with --out"
        )
    with Ledger() as ledger:
        with (
            opened_table(file, mapping.wanted, how) as (table, source),
            working(f"reading {source.name}, percent", 100) as progress,
        ):
            summary = ledger.gather(table, mapping, lambda: progress(source.done()))
        with working("converting rows to events", summary.rows) as progress:
            ledger.convert(mapping, summary, progress)
        if wish.refused is not None:
            with _replaced(wish.refused) as sink:
                for finding in ledger.refused():
                    sink.write(json.dumps(finding._asdict(), ensure_ascii=False).encode() + b"\n")
        good = wish.skip_bad or not summary.refused_rows
        if good:
            with working("writing events"), _events_file(wish.out) as sink:
                ledger.write(sink)
        if wish.as_json:
            _print_json(summary, ledger)
        else:
            _tell(summary, ledger, wish)
    if not good:
        raise CommandError(
            f"{summary.file}: {summary.refused_rows:,} of {counted(summary.rows, 'row')} can't be "
            "imported, so nothing was written; fix them, or leave them out with --skip-bad"
        )


# --- files ---


@contextmanager
def _events_file(out: Path | None) -> Iterator[IO[bytes]]:
    if out is None:
        yield sys.stdout.buffer
        return
    with _replaced(out) as file:
        if out.suffix == ".gz":
            # No name and no time inside, so that the same log gives the same bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                yield cast("IO[bytes]", packed)
        else:
            yield file


@contextmanager
def _replaced(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears only once it is complete; an earlier one stays until then."""
    if path.exists() and not path.is_file():
        # A device or a pipe can't be replaced.
        with path.open("wb") as file:
            yield file
        return
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        whole = Path(file.name)
        try:
            yield cast("IO[bytes]", file)
            file.flush()
            umask = os.umask(0)
            os.umask(umask)
            whole.chmod(0o666 & ~umask)
            whole.replace(path)
        finally:
            whole.unlink(missing_ok=True)


# --- the report ---


def _print_json(summary: Summary, ledger: Ledger) -> None:
    """One JSON document, written piece by piece, since there may be any number of refused rows."""
    head = {each.name: getattr(summary, each.name) for each in fields(summary)}
    head["alarms"] = summary.alarms
    sys.stdout.write(json.dumps(head, ensure_ascii=False)[:-1])
    for name, findings in (("remarks", ledger.remarks()), ("refused", ledger.refused())):
        sys.stdout.write(f', "{name}": [')
        for number, finding in enumerate(findings):
            sys.stdout.write(", " if number else "")
            sys.stdout.write(json.dumps(finding._asdict(), ensure_ascii=False))
        sys.stdout.write("]")
    sys.stdout.write("}\n")


def _tell(summary: Summary, ledger: Ledger, wish: Wish) -> None:
    """The report for people, on standard error."""
    if summary.refused_rows:
        _say(f"refused, {summary.refused_rows:,} of {counted(summary.rows, 'row')}:")
        where = (
            f"{wish.refused} has all of them"
            if wish.refused
            else "--refused FILE writes all of them"
        )
        _list(ledger.refused(), summary.unit, where)
    if next(ledger.remarks(), None) is not None:
        _say("interpreted by a rule:")
        _list(ledger.remarks(), summary.unit, "--json shows all of them")
    for note in _notes(summary, wish):
        _say(f"note: {note}")
    for alarm in summary.alarms:
        _say(f"ATTENTION: {alarm}", style="bold red")
    _say(
        f"{counted(summary.rows, 'row')}: {summary.rows - summary.refused_rows:,} imported, "
        f"{summary.refused_rows:,} refused; {counted(summary.events, 'event')} of "
        f"{counted(summary.tickets, 'ticket')}"
    )


def _notes(summary: Summary, wish: Wish) -> Iterator[str]:
    for note, count in sorted(summary.notes.items()):
        # A note is in the plural, and starts with what it is about: "times without an offset".
        many, _, rest = note.partition(" ")
        told = f"{counted(count, many.removesuffix('s'))} {rest}"
        if note != WITHOUT_ZONE:
            yield told
        elif not wish.zone_known:
            yield f"{told}, read as UTC; name the zone with --zone"
    encoding = summary.read_as.get("encoding", "utf-8")
    if encoding != "utf-8":
        yield f"the file was read as {encoding}; name another encoding with --encoding"
    if summary.without_severity:
        yield (
            f"{counted(summary.without_severity, 'ticket')} without a severity: no clocks until "
            "one is set"
        )
    if summary.in_the_future:
        yield f"{counted(summary.in_the_future, 'event')} in the future"
    if summary.blank_rows:
        yield f"{counted(summary.blank_rows, 'blank row')} skipped"


def _list(findings: Iterator[Finding], unit: str, where: str) -> None:
    """The first findings, and where to find the rest."""
    for finding in islice(findings, SHOWN):
        _say(f"  {described(finding, unit)}")
    rest = sum(1 for _ in findings)
    if rest:
        _say(f"  and {rest:,} more; {where}")


def described(finding: Finding, unit: str) -> str:
    """A finding as a sentence."""
    column = f", column {finding.column!r}" if finding.column else ""
    value = f", {finding.value!r}" if finding.value else ""
    return f"{unit} {finding.line}{column}{value}: {finding.reason}"


def _say(text: str, style: str = "") -> None:
    err.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


# --- options ---


def forms_option(forms: Sequence[str] | None) -> list[str]:
    """Time formats. Raises ``UsageError``."""
    try:
        return [check_form(form) for form in forms or ()]
    except ValueError as error:
        raise UsageError(f"--time-format {error}") from None


def severities_option(pairs: Sequence[str] | None, known: Sequence[str]) -> dict[str, str]:
    """``WORD=SEVERITY`` options, the severities of ``known``. Raises ``UsageError``."""
    return dict(_pairs(pairs or (), "--severity", known))


def states_option(pairs: Sequence[str] | None) -> dict[str, State]:
    """``WORD=STATE`` options. Raises ``UsageError``."""
    found = _pairs(pairs or (), "--state", get_args(State))
    return {word.casefold(): cast("State", state) for word, state in found}


def _pairs(pairs: Iterable[str], option: str, known: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        word, _, meaning = pair.rpartition("=")
        if not word.strip() or meaning.strip() not in known:
            raise UsageError(
                f"{option} {pair!r} is not WORD=MEANING; the meaning is one of {', '.join(known)}"
            )
        yield word.strip(), meaning.strip()
