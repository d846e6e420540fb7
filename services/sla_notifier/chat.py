"""Texts for chats of Slack's form, where what comes from a ticket must not be read as markup."""

from __future__ import annotations

import re
from typing import Any, Final

#: Slack's three (docs of ``text``: "Escaping text"); ``&`` first.
_ENTITIES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
#: Mattermost and Rocket.Chat, which take Slack's form, call everybody by plain words.
_CALLS_EVERYBODY: Final = re.compile(r"@(?=(?:channel|here|all|everyone)\b)", re.IGNORECASE)
#: They read Markdown's links, too.
_MARKDOWN_LINK: Final = re.compile(r"\](?=\()")
_UNSEEN: Final = "\u200b"
#: A line of its own would look like another alert.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def chat_text(value: Any) -> str:
    """``value`` as plain text of such a chat: no link, no mention, one line."""
    text = _CONTROL.sub(" ", str(value))
    for character, entity in _ENTITIES:
        text = text.replace(character, entity)
    text = _MARKDOWN_LINK.sub(f"]{_UNSEEN}", text)
    return _CALLS_EVERYBODY.sub(f"@{_UNSEEN}", text)
