"""The events that a rule means, in words."""

from __future__ import annotations

from sla_domain.event import EventType
from sla_domain.selector import Selectors
from sla_text.language import Texts, catalogue


def told_events(events: Selectors, texts: Texts) -> list[str]:
    """``the ticket is resolved``, ``the ticket waits for supplier``, in the order of the types."""
    known = catalogue()["words"]["happens"]
    found = []
    selectors = events.selectors
    parties = [each for each in selectors if each.type is EventType.WAITING and each.word]
    for selector in selectors:
        type_, word = selector.type.word, selector.word
        if len(parties) > 1 and selector in parties:
            if selector is parties[0]:
                found.append(_waits([each.word or "" for each in parties], texts))
        elif word is None or selector.written in known:
            found.append(texts(f"words.happens.{selector.written}"))
        else:
            found.append(texts(f"words.happens.{type_}_word", word=word.replace("_", " ")))
    return found


def _waits(parties: list[str], texts: Texts) -> str:
    """Whom the ticket waits for, where there are several."""
    *most, last = [texts.word("holder", party) for party in parties]
    return texts(
        "words.happens.waiting_word", word=texts("contract.or", most=", ".join(most), last=last)
    )
