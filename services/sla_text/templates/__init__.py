"""The templates, and the one environment that renders them."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def environment() -> Environment:
    """Everything is escaped: ids come from other systems."""
    return Environment(
        loader=PackageLoader("sla_text"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
