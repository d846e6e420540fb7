"""The files that a policy names beside itself, and where they are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sla_config.toml_places import Path as Key
from sla_policy.calendar_sections import HolidaysSection
from sla_policy.closings import Closings
from sla_policy.finding import Finding
from sla_policy.sections import PolicyFile


class NotReadError(Exception):
    """A file can't be used; each of ``said`` is a sentence that names it and the remedy."""

    def __init__(self, *said: str) -> None:
        super().__init__(*said)
        self.said = said


class Read(NamedTuple):
    """What a file closes, and what is odd in it."""

    closings: Closings
    oddities: Sequence[str] = ()


#: What a file of this name closes. Raises ``NotReadError``.
Beside = Callable[[str], Read]


def in_folder(folder: Path) -> Beside:
    """Files are looked for in the folder of the policy."""
    return lambda name: _read(folder, name)


def nowhere(why: str) -> Beside:
    """No file can be looked for; ``why`` completes "can't be looked for, since "."""

    def refuse(name: str) -> Read:
        raise NotReadError(
            f"{name} can't be looked for, since {why}; save the policy as a file beside it, or "
            'write its days like dates = ["2026-12-24"]'
        )

    return refuse


#: For a policy that is no file.
FROM_TEXT: Final = nowhere("the policy is read from a text, which is in no folder")


def as_read(closings: Mapping[str, Closings]) -> Beside:
    """Files are not read again: what was read of them is at hand."""
    return lambda name: Read(closings[name])


def attach(file: PolicyFile, beside: Beside, read: dict[str, Closings]) -> Iterator[Finding]:
    """Give each source of holidays what its file closes, and put that into ``read`` by file.

    What is wrong with a file is found once, where it is named first.
    """
    tried: set[str] = set()
    for path, source in _sources(file):
        name = source.ics
        if name is None:
            continue
        if name not in tried:
            tried.add(name)
            try:
                found = beside(name)
            except NotReadError as error:
                for said in error.said:
                    yield Finding(path, said)
            else:
                read[name] = found.closings
                for said in found.oddities:
                    yield Finding(path, said, harmless=True)
        if name in read:
            source.attach(read[name])


def _sources(file: PolicyFile) -> Iterator[tuple[Key, HolidaysSection]]:
    for name, calendar in file.calendars.items():
        path: Key = ("calendars", name, "holidays")
        if isinstance(calendar.holidays, list):
            for place, source in enumerate(calendar.holidays):
                yield (*path, place, "ics"), source
        else:
            yield (*path, "ics"), calendar.holidays


def _read(folder: Path, name: str) -> Read:
    # Half a second, and most policies name no such file.
    from sla_policy.ics import Said, read_ics  # noqa: PLC0415

    try:
        # A byte order mark is no part of the calendar.
        text = (folder / name).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        where = folder.absolute()
        raise NotReadError(f"{name} is not in {where}; put it there, or correct its name") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise NotReadError(f"{name}:{line}: is not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise NotReadError(
            f"{name} can't be read: {why}; let the programs read it, or name another file"
        ) from None

    def told(said: Said) -> str:
        where = name if said.line is None else f"{name}:{said.line}"
        return f"{where}: {said.message}"

    reading = read_ics(text, Path(name).name)
    if reading.mistakes:
        raise NotReadError(*map(told, reading.mistakes))
    return Read(reading.closings, [*map(told, reading.oddities)])
