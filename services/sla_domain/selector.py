"""Which events a rule means: those of a type, or of a type and its word (``waiting:supplier``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from sla_domain.event import Event, EventType

#: The party waited for where an event names none.
CLIENT: Final = "client"
#: What a reply is that does not say.
ANSWER: Final = "answer"

#: Events that have a ticket wait; ``waiting_on_client`` is older, and says the client unless it
#: names another party.
WAITS: Final = frozenset({EventType.WAITING_ON_CLIENT, EventType.WAITING})
#: Events of which a rule may mean only those with a word.
WORDED: Final = frozenset(
    {
        EventType.REPLIED,
        EventType.WAITING,
        EventType.MILESTONE_REACHED,
        EventType.QUEUED,
    }
)


def word_of(event: Event) -> str | None:
    """The word by which events of its type are told apart; ``None`` where there is none."""
    type_, facts = event.type, event.facts
    if type_ in WAITS:
        return facts.get("party", CLIENT)
    if type_ is EventType.REPLIED:
        return facts.get("kind", ANSWER)
    if type_ is EventType.MILESTONE_REACHED:
        return facts.get("name")
    if type_ is EventType.QUEUED:
        return facts.get("group")
    return None


class Selector(NamedTuple):
    """Every event of a type or, with a word, some of them, as a policy names them."""

    type: EventType
    word: str | None = None

    @property
    def written(self) -> str:
        """``resolved``, ``waiting:supplier``."""
        return self.type.word if self.word is None else f"{self.type.word}:{self.word}"

    def overlaps(self, other: Selector) -> bool:
        """Whether some event is meant by both."""
        if self.type is not other.type:
            return False
        return self.word is None or other.word is None or self.word == other.word


#: Every event of a type is meant; or some, by their word.
_EVERY: Final = 1
_SOME: Final = 2


@dataclass(frozen=True, slots=True)
class Selectors:
    """Event types whose every event is meant, and those of which only some words are."""

    types: frozenset[EventType] = frozenset()
    words: frozenset[tuple[EventType, str]] = frozenset()
    #: By the number of a type, how it is meant; most events are told apart by that alone.
    _meant: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        meant = bytearray(len(EventType))
        for type_, _ in self.words:
            meant[type_] = _SOME
        for type_ in self.types:
            meant[type_] = _EVERY
        object.__setattr__(self, "_meant", bytes(meant))

    @classmethod
    def of(cls, *types: EventType) -> Self:
        """Every event of these types."""
        return cls(frozenset(types))

    @classmethod
    def meant(cls, each: Iterable[Selector]) -> Selectors:
        """What selectors mean: both kinds of waiting, where they name the one or the other."""
        types: set[EventType] = set()
        words: set[tuple[EventType, str]] = set()
        for type_, word in each:
            if word is not None:
                words |= {(same, word) for same in (WAITS if type_ in WAITS else (type_,))}
            elif type_ is EventType.WAITING:
                types |= WAITS
            else:
                types.add(type_)
            if word is None and type_ is EventType.WAITING_ON_CLIENT:
                words.add((EventType.WAITING, CLIENT))
        return cls(frozenset(types), frozenset(words))

    @property
    def selectors(self) -> list[Selector]:
        """Selectors that mean this, as few as say it, in the order of the types."""
        types = set(self.types)
        if types >= WAITS:
            types.remove(EventType.WAITING_ON_CLIENT)
        found = [Selector(type_) for type_ in types]
        for type_, word in self.words:
            twin = (EventType.WAITING, word) in self.words
            old = type_ is EventType.WAITING_ON_CLIENT and twin
            implied = (
                type_ is EventType.WAITING
                and word == CLIENT
                and EventType.WAITING_ON_CLIENT in self.types
            )
            if not (old or implied):
                found.append(Selector(type_, word))
        return sorted(found, key=lambda each: (each.type, each.word or ""))

    @classmethod
    def joined(cls, each: Iterable[Selectors]) -> Selectors:
        """What any of them means."""
        found = list(each)
        return Selectors(
            frozenset().union(*[one.types for one in found]),
            frozenset().union(*[one.words for one in found]),
        )

    def takes(self, event: Event) -> bool:
        """Whether ``event`` is meant."""
        meant = self._meant[event.type]
        if meant == _SOME:
            return (event.type, word_of(event)) in self.words
        return meant == _EVERY

    def __bool__(self) -> bool:
        return bool(self.types or self.words)


#: No event at all.
NOTHING: Final = Selectors()
