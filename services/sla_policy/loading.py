"""Policy files read and checked, alone or as versions of each other."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sla_config.errors import UserFacingError
from sla_config.toml_file import TomlFileError, named, read_model, read_text
from sla_config.toml_places import Places
from sla_domain.policy import (
    Policy,
    PolicyBook,
)
from sla_policy.beside import FROM_TEXT, Beside, as_read, attach, in_folder, nowhere
from sla_policy.check import findings, same_versions
from sla_policy.closings import Closings, frozen, thawed
from sla_policy.finding import Finding
from sla_policy.sections import PolicyFile

log = logging.getLogger(__name__)

#: Where the policies that come with the package live inside it.
PACKAGED: Final = "policies"
DEFAULT_POLICY: Final = "aivo.toml"
_PACKAGED_ALONE: Final = nowhere("the packaged policy is in no folder of yours")


class PolicyError(UserFacingError):
    """A policy file has mistakes; ``mistakes`` names file, line, field and remedy of each.

    ``warnings`` are what is wrong in it beside, though it could be loaded with that.
    """

    def __init__(self, mistakes: Sequence[str], warnings: Sequence[str] = ()) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = list(mistakes)
        self.warnings = list(warnings)


def default_policy_text() -> str:
    """The text of the policy that comes with the package."""
    packaged = resources.files(__package__) / PACKAGED / DEFAULT_POLICY
    return packaged.read_text(encoding="utf-8")


class Checked(NamedTuple):
    """A policy, and what is odd in its file though it can be meant so."""

    policy: Policy
    warnings: list[str]


def check_policy(text: str, origin: str, beside: Beside = FROM_TEXT) -> Checked:
    """Read the text of a policy file that came from ``origin``; ``beside`` reads the files that it
    names.

    Raises ``PolicyError`` with every mistake, each with file, line, field and remedy.
    """
    try:
        file = read_model(text, PolicyFile, origin, quoted=True)
    except TomlFileError as error:
        raise PolicyError(error.mistakes) from None
    told = _Report(text, origin)
    read: dict[str, Closings] = {}
    found = [*attach(file, beside, read), *findings(file)]
    warnings = [told(finding) for finding in found if finding.harmless]
    if mistakes := [told(finding) for finding in found if not finding.harmless]:
        raise PolicyError(mistakes, warnings)
    return Checked(replace(file.to_domain(), source=frozen(text, read)), warnings)


class _Report:
    """Findings as lines that editors and people can follow."""

    def __init__(self, text: str, origin: str) -> None:
        self._text = text
        self._origin = origin

    @cached_property
    def _places(self) -> Places:
        return Places(self._text)

    def __call__(self, finding: Finding) -> str:
        written = not finding.near or finding.path in self._places
        line = self._places.line_of(finding.path if written else finding.near)
        kind = "warning: " if finding.harmless else ""
        return f"{self._origin}:{line}: {kind}{named(finding.path)}: {finding.message}"


def parse_policy(text: str, origin: str) -> Policy:
    """Read the text of a policy file; see ``check_policy``."""
    return check_policy(text, origin).policy


def policy_of(source: str, origin: str) -> Policy:
    """A policy from its ``source``, without the files it was read from; see ``check_policy``."""
    text, closings = thawed(source)
    return check_policy(text, origin, as_read(closings)).policy


def check_file(path: Path | None = None) -> Checked:
    """Read the policy file at ``path``, or the packaged one.

    Raises ``PolicyError`` when it is missing, unreadable or mistaken.
    """
    if path is None:
        return check_policy(default_policy_text(), DEFAULT_POLICY, _PACKAGED_ALONE)
    try:
        text = read_text(path, str(path))
    except TomlFileError as error:
        raise PolicyError(error.mistakes) from None
    return check_policy(text, str(path), in_folder(path.parent))


def load_policy(path: Path | None = None) -> Policy:
    """The policy in the file at ``path``, or the packaged one; see ``check_file``."""
    return check_file(path).policy


def check_versions(paths: Sequence[Path | None]) -> list[Checked]:
    """The policies in ``paths``, those of one name as versions of each other.

    Raises ``PolicyError`` with the mistakes of all of them.
    """
    checked: list[Checked] = []
    mistakes: list[str] = []
    warnings: list[str] = []
    read: list[tuple[str, Policy]] = []
    for path in paths:
        try:
            found = check_file(path)
        except PolicyError as error:
            mistakes += error.mistakes
            warnings += error.warnings
            continue
        checked.append(found)
        warnings += found.warnings
        read.append((str(path or DEFAULT_POLICY), found.policy))
    for (origin, policy), finding in same_versions(read):
        mistakes.append(_Report(thawed(policy.source)[0], origin)(finding))
    if mistakes:
        raise PolicyError(mistakes, warnings)
    return checked


def load_policies(paths: Sequence[Path]) -> PolicyBook:
    """The versions in ``paths`` side by side; none given, the packaged policy.

    What is odd in them is logged. Raises ``PolicyError``.
    """
    checked = check_versions(list(paths) or [None])
    for warning in (warning for each in checked for warning in each.warnings):
        log.warning("%s", warning)
    return PolicyBook([each.policy for each in checked])


def zone_of_start(policy: Policy) -> str:
    """The zone in which to tell from when a policy is in force, so that people find the date of the
    file: that of the business calendar if the file's offset is the one that it has then, else UTC.
    """
    zone = policy.business_calendar.zone
    text, _ = thawed(policy.source)
    written = datetime.fromisoformat(str(tomllib.loads(text)["effective_from"]))
    return zone if written.utcoffset() == written.astimezone(ZoneInfo(zone)).utcoffset() else "UTC"
