"""Errors that users may see have messages for users."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
from support import ROOT

from sla_cli.exit_status import exit_status_of
from sla_config.errors import UserFacingError
from sla_lab.errors import UsageError

PACKAGES = sorted(
    path.parent.name
    for folder in ("services", "schemas")
    for path in (ROOT / folder).glob("sla_*/__init__.py")
)

#: Errors that are caught by ours, and what becomes of each.
INTERNAL = {
    "sla_board.board.CursorError": "a problem document",
    "sla_board.board.UnavailableError": "a problem document",
    "sla_board.reader._NothingToReadError": "tried again",
    "sla_cli.batch.QuestionError": "a sentence about the question",
    "sla_cli.bringing_back._CannotGoError": "told beside its letter",
    "sla_import.mapping.RefusedError": "rows refused, each named",
    "sla_import.text._TooLongError": "a row refused",
    "sla_domain.instant.NaiveTimeError": "a dead letter, or a sentence about the option",
    "sla_intake.delivery.UnusableError": "a dead letter",
    "sla_intake.publisher.NotAcknowledgedError": "a problem document",
    "sla_intake.signature.ForgedError": "a problem document",
    "sla_notifier.alert.UnreadableError": "dead-lettered",
    "sla_notifier.delivery.ComposingError": "dead-lettered",
    "sla_notifier.delivery.FailedError": "tried again",
    "sla_notifier.delivery.HeldError": "dead-lettered",
    "sla_notifier.delivery.RefusedError": "dead-lettered",
    "sla_notifier.recall.GoneError": "logged and counted: there is nothing left to dead-letter",
    "sla_runtime.problem.ProblemError": "a problem document",
    "sla_policy.beside.NotReadError": "a mistake of the policy file",
    "sla_policy.ics._UnfitError": "a mistake of the policy file",
    "sla_policy.values.UnfitError": "a mistake of the policy file",
    "sla_config.toml_file.TomlFileError": "the mistake of the file's own error",
    "sla_tracker.errors.OpenTransactionError": "tried again",
    "sla_engine.wire.events.NotFast": "read by the models",
}


def modules() -> Iterator[ModuleType]:
    """Every module of the programs."""
    for package in PACKAGES:
        found = importlib.import_module(package)
        yield found
        for each in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not each.name.endswith("__main__"):
                yield importlib.import_module(each.name)


def errors() -> dict[str, type[Exception]]:
    """Every error that the programs define, by its full name."""
    return {
        f"{value.__module__}.{value.__qualname__}": value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__ == module.__name__
    }


def test_every_error_is_made_for_people_or_known_to_be_caught() -> None:
    found = errors()
    told = {name for name, error in found.items() if issubclass(error, UserFacingError)}
    assert "sla_kafka.admin.BrokerError" in told
    assert found.keys() - told == INTERNAL.keys()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), 2),
        (UserFacingError("x"), 1),
        (FileNotFoundError("x"), 1),
        (ValueError("x"), None),
    ],
)
def test_the_exit_status_follows_from_the_class(error: Exception, status: int | None) -> None:
    assert exit_status_of(error) == status
