"""The languages, and the texts in one of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

from sla_domain.policy import SeverityNames

Language = Literal["en", "es"]
LANGUAGES: Final = get_args(Language)
_SPANISH_FIGURES: Final = str.maketrans(",.", ".,")
DEFAULT_LANGUAGE: Final[Language] = "en"
#: The variables that give a user's language; the first one set counts.
_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


@cache
def catalogue() -> dict[str, Any]:
    """Every text by its path, each with one value per language."""
    return tomllib.loads((resources.files(__package__) / "texts.toml").read_text("utf-8"))


def language_of(environment: Mapping[str, str]) -> Language:
    """The language of the locale in ``environment``; English if it is none of ours."""
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    return next((each for each in LANGUAGES if locale.startswith(each)), DEFAULT_LANGUAGE)


class Texts:
    """The texts of one language."""

    def __init__(self, language: Language = DEFAULT_LANGUAGE) -> None:
        self.language = language
        self.weekdays = catalogue()["weekdays"][language].split()

    def __call__(self, path: str, **values: object) -> str:
        """The text at ``path`` (``explain.title``), with ``values`` filled in."""
        section, _, name = path.rpartition(".")
        found: Any = catalogue()
        for part in (*section.split("."), name):
            found = found[part]
        text: str = found[self.language]
        return text.format(**values)

    def counted(self, path: str, count: int, **values: object) -> str:
        """The text at ``path`` with ``count`` filled in; the one at ``path_one`` if that is 1."""
        shown = self.figure(f"{count:,}")
        return self(f"{path}_one" if count == 1 else path, count=shown, **values)

    def figure(self, text: str) -> str:
        """A figure as this language writes it: ``1,234.5`` is ``1.234,5`` in Spanish."""
        return text.translate(_SPANISH_FIGURES) if self.language == "es" else text

    def word(self, sort: str, value: str, **values: object) -> str:
        """A term of the contract; one without a text is shown as it is."""
        if value in catalogue()["words"][sort]:
            return self(f"words.{sort}.{value}", **values)
        return value.replace("_", " ")

    def clock(self, name: str, team: str | None = None) -> str:
        """What a clock is called; of a promise between teams with the team whose it is."""
        called = self.word("clock", name)
        return called if team is None else f"{called} ({team})"

    def severity(self, severity: str | None, names: SeverityNames) -> str:
        """The policy's name for a severity, in this language if it has one; its word if the policy
        names none; or "no severity".
        """
        if not severity:
            return self("explain.no_severity")
        names_of = names.get(severity, {})
        return names_of.get(self.language) or names_of.get("name") or severity.capitalize()
