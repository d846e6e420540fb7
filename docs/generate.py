"""Fill what these pages take from the code: ``python docs/generate.py``.

A table of settings stands between ``<!-- settings: MODEL -->`` and ``<!-- end -->``, any other part
between ``<!-- generated: NAME -->`` and the same. A test runs it and fails where anything changes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import deliveries
import measured
import reference
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from sla_board.access import Token
from sla_board.settings import BoardSettings
from sla_config.environment import variable_of
from sla_import.columns import Cell, Columns, Moment
from sla_intake.settings import IntakeSettings
from sla_intake.sources import Mapping, Source
from sla_kafka.settings import KafkaSettings
from sla_notifier.routes import Destination, Route, Routes
from sla_notifier.settings import NotifierSettings
from sla_runtime.metrics_access import HttpSettings
from sla_runtime.tracing import TracingSettings
from sla_tracker.settings import TrackerSettings

HERE: Final = Path(__file__).parent

#: By the name that a page calls it.
PARTS: Final = reference.PARTS | {
    part.__name__: part for part in (*measured.PARTS, *deliveries.PARTS)
}

MODELS: Final[dict[str, type[BaseModel]]] = {
    model.__name__: model
    for model in (
        KafkaSettings,
        HttpSettings,
        TracingSettings,
        TrackerSettings,
        BoardSettings,
        Token,
        NotifierSettings,
        Routes,
        Destination,
        Route,
        IntakeSettings,
        Source,
        Mapping,
        Columns,
        Cell,
        Moment,
    )
}
_TABLE: Final = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_PART: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(model: type[BaseModel]) -> str:
    """A line for each field: what it is called, its default, what it means."""
    lines = ["| | default | |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        shown = variable_of(model, name)
        lines.append(
            f"| `{shown}` | {_default(field.get_default(call_default_factory=True))} | "
            f"{field.description or _kind(field.annotation)} |"
        )
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "needed"
    if value in (None, "") or value == []:
        return ""
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _kind(annotation: Any) -> str:
    """Where a name says it all: the values it may take."""
    text = str(annotation)
    values = re.findall(r"'([\w.]+)'", text)
    return ", ".join(f"`{each}`" for each in values)


def filled(text: str) -> str:
    """A page with its parts as the code has them."""
    text = _TABLE.sub(lambda found: found[1] + table(MODELS[found[2]]) + found[3], text)
    return _PART.sub(lambda found: found[1] + PARTS[found[2]]() + found[3], text)


def main() -> None:
    """Rewrite the pages."""
    for page in sorted(HERE.glob("*.md")):
        page.write_text(filled(page.read_text("utf-8")), "utf-8")
    for name, chart in measured.CHARTS.items():
        (HERE / name).write_text(chart(), "utf-8")


if __name__ == "__main__":
    main()
