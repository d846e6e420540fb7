"""An explanation as one HTML page that needs nothing else: it can be mailed and printed."""

from __future__ import annotations

from sla_text.drawing import LANE, WIDTH, draw
from sla_text.telling import Document, Teller
from sla_text.templates import environment


def page(document: Document, teller: Teller) -> str:
    """The page of an explained ticket in the teller's language."""
    return (
        environment()
        .get_template("explanation.html.j2")
        .render(
            told=teller.tell(document),
            drawing=draw(document, teller),
            texts=teller.texts,
            width=WIDTH,
            lane_height=LANE,
        )
    )
