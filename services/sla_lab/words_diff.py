"""What changes in the words of a contract: severities with their ranks and names, and others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sla_domain.policy import Policy
from sla_lab.change import LOOSER, OTHER, STRICTER, Change, changed
from sla_text.language import Texts


def word_changes(
    old: Policy, new: Policy, severities: Sequence[str], texts: Texts
) -> Iterator[Change]:
    """Every difference of the words; ``severities`` are those of both, the gravest first."""
    everyone = texts("diff.everyone")
    before, after = [", ".join(policy.severities) or None for policy in (old, new)]
    yield from changed(texts.word("part", "severities"), everyone, before, after)
    for word in severities:
        if word in old.severities and word in new.severities:
            before, after = [_names(policy.severity_names.get(word, {})) for policy in (old, new)]
            yield from changed(texts.word("part", "severity_name"), word, before, after)
    one, other = old.default_severity, new.default_severity
    effect = effect_of_severities(one, other, severities)
    yield from changed(texts.word("part", "default_severity"), everyone, one, other, effect)
    for field in sorted({*old.words, *new.words}):
        before, after = [
            ", ".join(sorted(policy.words.get(field, ()))) or None for policy in (old, new)
        ]
        yield from changed(texts.word("part", "words", field=field), everyone, before, after)


def effect_of_severities(before: str | None, after: str | None, severities: Sequence[str]) -> str:
    """What another severity means for the one who promised."""
    if before is None or after is None or before == after:
        return OTHER
    return STRICTER if severities.index(after) < severities.index(before) else LOOSER


def _names(names: Mapping[str, str]) -> str | None:
    """``High; es Alto``."""
    told = [text if key == "name" else f"{key} {text}" for key, text in names.items()]
    return "; ".join(told) or None
