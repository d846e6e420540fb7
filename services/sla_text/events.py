"""The events that a rule means, in words."""

from __future__ import annotations

from sla_domain.selector import Selectors
from sla_text.language import Texts


def told_events(events: Selectors, texts: Texts) -> list[str]:
    """``resolved``, ``waiting (supplier)``, in the order of the types."""
    found = []
    for type_, word in events.selectors:
        told = texts.word("event", type_.word)
        found.append(told if word is None else f"{told} ({word.replace('_', ' ')})")
    return found
