"""The templates, and the one environment that renders them."""

from __future__ import annotations

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


@cache
def environment(*packages: str) -> Environment:
    """Our templates, those of ``packages`` taking precedence. Everything is escaped: ids come
    from other systems.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in (*packages, "sla_text")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
