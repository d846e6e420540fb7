"""The events that a rule means, in words."""

from __future__ import annotations

from sla_domain.selector import Selectors
from sla_text.language import Texts, catalogue


def told_events(events: Selectors, texts: Texts) -> list[str]:
    """``the ticket is resolved``, ``the ticket waits for supplier``, in the order of the types."""
    known = catalogue()["words"]["happens"]
    found = []
    for selector in events.selectors:
        type_, word = selector.type.word, selector.word
        if word is None or selector.written in known:
            found.append(texts(f"words.happens.{selector.written}"))
        else:
            found.append(texts(f"words.happens.{type_}_word", word=word.replace("_", " ")))
    return found
