"""Options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

    from sla_text.language import Language

    Settings = TypeVar("Settings", bound=BaseSettings)

Policies = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy", help="A policy file; repeat it for more versions. Default: the packaged one."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Bootstrap = Annotated[
    str | None,
    typer.Option(
        help="A broker's host:port. Default: SLA_KAFKA_BOOTSTRAP, or else 127.0.0.1:9092."
    ),
]
Partitions = Annotated[
    int,
    typer.Option(
        min=1, max=10_000, help="Number of partitions of every topic; it can't be changed later."
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        help="Stop the clock at this RFC 3339 time. Default: the time of the last valid event."
    ),
]


def choose_language(context: typer.Context, lang: str | None) -> str | None:
    """Remember the language of ``--lang``. Raises ``UsageError`` if it is none of ours."""
    from sla_lab.errors import UsageError
    from sla_text.language import LANGUAGES

    if lang is not None:
        if lang not in LANGUAGES:
            raise UsageError(f"--lang {lang!r} is not one of {', '.join(LANGUAGES)}")
        context.obj = lang
    return lang


#: People write it behind the command as well as before it.
Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        callback=choose_language,
        help="Language of explanations and reports: en or es. Default: from the locale.",
    ),
]
EventFiles = Annotated[
    list[Path],
    typer.Argument(
        help="Recorded events as JSON Lines, plain or gzipped; - reads standard input, sample is "
        "the packaged recording."
    ),
]

#: The same number as ``sla_schemas.topics.DEFAULT_PARTITIONS``, which is slow to import; a test
#: checks that they are equal.
DEFAULT_PARTITIONS = 12


def unfolded(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` as typer needs it: each field of its last parameter, a dataclass, becomes an
    option, so that commands can share a whole list of options.
    """
    *own, last = inspect.signature(command, eval_str=True).parameters.values()
    shared = inspect.signature(last.annotation, eval_str=True).parameters

    @wraps(command)
    def called(**values: Any) -> None:
        folded = last.annotation(**{name: values.pop(name) for name in shared})
        command(**values, **{last.name: folded})

    # Where typer looks for parameters.
    called.__signature__ = inspect.Signature([*own, *shared.values()])  # type: ignore[attr-defined]
    return called


def given(**options: Any) -> dict[str, Any]:
    """The options that were given, so that the environment sets the others."""
    return {name: value for name, value in options.items() if value is not None}


def settings_of(model: type[Settings], **options: Any) -> Settings:
    """Settings from the options given, else from the environment. Raises ``UsageError``."""
    from pydantic import ValidationError

    from sla_config.environment import variable_of
    from sla_lab.errors import UsageError

    try:
        return model(**given(**options))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        variable = "".join(variable_of(model, str(part)) for part in first["loc"][:1])
        raise UsageError(f"{variable}: {first['msg'].removeprefix('Value error, ')}") from None


def kafka_settings(bootstrap: str | None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """The connection settings; ``--bootstrap`` goes before the environment."""
    from sla_kafka.settings import KafkaSettings

    settings = settings_of(KafkaSettings, bootstrap=bootstrap or None)
    # Problems with certificates and passwords are reported before anything else is tried.
    settings.client_options()
    return settings


def instant_option(text: str | None, name: str) -> int | None:
    """An RFC 3339 option as an instant. Raises ``UsageError``."""
    from sla_domain.instant import parse_instant
    from sla_lab.errors import UsageError

    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        raise UsageError(
            f"{name} {text!r} is not a time with an offset; write it like 2026-11-23T18:00:00-03:00"
        ) from None


def since_option(text: str | None) -> int | None:
    """The instant that ``--since`` names, or that long ago. Raises ``UsageError``."""
    import time

    from sla_domain.instant import parse_duration, parse_instant
    from sla_lab.errors import UsageError

    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        pass
    try:
        return int(time.time() * 1000) - abs(parse_duration(text))
    except ValueError:
        raise UsageError(
            f"--since {text!r} is neither a time with an offset nor a duration; write it "
            "like 2026-11-23T18:00:00-03:00 or 2h"
        ) from None


def zone_option(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """A time zone by name. Raises ``UsageError``."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from sla_lab.errors import UsageError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"{name!r} is not a time zone; write one like Europe/Madrid") from None


def language_of(context: typer.Context) -> Language:
    """The language asked for by ``--lang``, else the locale's."""
    language: Language = context.obj
    return language
