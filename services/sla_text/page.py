"""An explanation as one HTML page that needs nothing else: it can be mailed and printed."""

from __future__ import annotations

from sla_text.drawing import LANE, WIDTH, draw
from sla_text.presentation import Document, Presenter
from sla_text.templates import environment


def page(document: Document, presenter: Presenter) -> str:
    """The page of an explained ticket in the presenter's language."""
    return (
        environment()
        .get_template("explanation.html.j2")
        .render(
            told=presenter.tell(document),
            drawing=draw(document, presenter),
            texts=presenter.texts,
            width=WIDTH,
            lane_height=LANE,
        )
    )
