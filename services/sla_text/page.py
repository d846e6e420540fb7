"""An explanation as one HTML page that needs nothing else: it can be mailed and printed."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from sla_text.drawing import LANE, WIDTH, draw
from sla_text.telling import Document, Teller


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(document: Document, teller: Teller) -> str:
    """The page of an explained ticket in the teller's language."""
    return (
        _environment()
        .get_template("explanation.html.j2")
        .render(
            told=teller.tell(document),
            drawing=draw(document, teller),
            texts=teller.texts,
            width=WIDTH,
            lane_height=LANE,
        )
    )
