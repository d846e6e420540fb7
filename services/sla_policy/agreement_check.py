"""What is wrong with the agreements of a policy that is well formed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, get_args

from sla_config.toml_places import Path
from sla_config.wording import listed, nearest
from sla_domain.agreement import STANDARD
from sla_domain.profile import FACTS
from sla_domain.ticket import TEAM
from sla_policy.finding import Finding
from sla_policy.sections import PolicyFile
from sla_policy.target_sections import AgreementSection, tables_of
from sla_policy.values import WORD_PATTERN
from sla_schemas.words import Kind

#: Those that events say in words of small letters.
_WORDED: Final = ("plan", "affects", "built_by")
_KINDS: Final[tuple[str, ...]] = get_args(Kind)


def agreement_findings(file: PolicyFile) -> Iterator[Finding]:
    """What is wrong with the agreements, in their order."""
    names = [each.name for each in file.agreements]
    for place, agreement in enumerate(file.agreements):
        path: Path = ("agreements", place)
        if agreement.name == STANDARD:
            yield Finding(
                (*path, "name"),
                f"{STANDARD!r} is what the targets under [targets] are called; name it otherwise",
            )
        elif agreement.name in names[:place]:
            yield Finding((*path, "name"), f"there is an agreement {agreement.name!r} already")
        yield from _conditions(file, path, agreement)
        yield from _extended(file, path, agreement)
        yield from _hidden(file, place, agreement)
        yield from _promises(file, path, agreement)
    if file.agreements and not file.targets:
        yield Finding(
            ("targets",),
            "there are none, so a ticket that no agreement takes is promised nothing and raises "
            "the notice no_agreement; write [targets] for everybody else",
            harmless=True,
            near=("agreements", 0),
        )


def _conditions(file: PolicyFile, path: Path, agreement: AgreementSection) -> Iterator[Finding]:
    known = {"severity": file.all_severities(), "kind": _KINDS}
    for fact, words in known.items():
        for word in agreement.when.get(fact, ()):
            if word not in words:
                like = nearest(word, words) or f"; write one of {listed(words)}"
                yield Finding((*path, "when", fact), f"no ticket has the {fact} {word!r}{like}")
    for fact, values in agreement.when.items():
        if fact in _WORDED:
            yield from _unwordly((*path, "when", fact), fact, values)
        elif fact == TEAM:
            yield Finding(
                (*path, "when", fact),
                "an agreement is chosen for the ticket as a whole, so this asks for an attribute "
                "called team; amounts by team are written at a clock of teams, like within = "
                '{ by = "team", level1 = "30m", else = "none" }',
                harmless=True,
            )
        elif fact not in FACTS and (like := nearest(fact, FACTS)):
            yield Finding(
                (*path, "when", fact),
                f"{fact!r} is taken for an attribute of tickets{like}",
                harmless=True,
            )
    if not agreement.when:
        yield Finding(
            (*path, "when"),
            "it takes every ticket, so nothing after it counts; say which, or write its targets "
            "under [targets]",
        )


def _unwordly(path: Path, fact: str, values: list[str]) -> Iterator[Finding]:
    """Values that no event can say of a fact of ``_WORDED``."""
    for value in values:
        if not re.fullmatch(WORD_PATTERN, value):
            yield Finding(
                path,
                f"no ticket has the {fact} {value!r}: events say it in small letters, digits, - "
                f"and _; write {value.lower().replace(' ', '_')!r}",
            )


def _extended(file: PolicyFile, path: Path, agreement: AgreementSection) -> Iterator[Finding]:
    others = {each.name: each.extends for each in file.agreements}
    known = [STANDARD, *(name for name in others if name != agreement.name)]
    if agreement.extends is None:
        return
    if agreement.extends == agreement.name:
        yield Finding(
            (*path, "extends"),
            f"{agreement.name!r} can't extend itself; name another, or delete it",
        )
        return
    if agreement.extends not in known:
        like = nearest(agreement.extends, known) or f"; there are {listed(known)}"
        yield Finding(
            (*path, "extends"), f"there is no agreement {agreement.extends!r} to extend{like}"
        )
        return
    seen = [agreement.name]
    name: str | None = agreement.extends
    while name is not None and name != STANDARD:
        if name in seen:
            yield Finding(
                (*path, "extends"), f"{listed([*seen, name])}: agreements that extend each other"
            )
            return
        seen.append(name)
        name = others.get(name)
    if agreement.extends == STANDARD and not file.targets:
        yield Finding(
            (*path, "extends"), f"there are no targets under [targets], which {STANDARD!r} means"
        )


def _hidden(file: PolicyFile, place: int, agreement: AgreementSection) -> Iterator[Finding]:
    """An earlier agreement takes every ticket that this one would."""
    for earlier in file.agreements[:place]:
        if earlier.when and all(
            fact in agreement.when and set(agreement.when[fact]) <= set(values)
            for fact, values in earlier.when.items()
        ):
            yield Finding(
                ("agreements", place, "when"),
                f"{earlier.name!r} comes before and takes each of these tickets; put "
                f"{agreement.name!r} first",
            )
            return


def _promises(file: PolicyFile, path: Path, agreement: AgreementSection) -> Iterator[Finding]:
    if agreement.extends == agreement.name:
        return  # told already
    tables = tables_of(agreement.name, file.targets, file.agreements)
    # What is promised, and what is said to be promised nothing.
    said = {severity for table in tables for severity in table}
    if not said:
        yield Finding(
            path,
            f"{agreement.name!r} promises nothing; give it targets, or have it extend {STANDARD!r}",
        )
        return
    for severity in agreement.when.get("severity", file.all_severities()):
        if severity in file.all_severities() and severity not in said:
            yield Finding(
                (*path, "targets", severity),
                f"nothing is promised at {severity!r} under {agreement.name!r}; write "
                f'{severity} = "none" to mean it',
                harmless=True,
                near=path,
            )
