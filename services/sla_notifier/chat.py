"""Texts for Slack-compatible chats, where ticket data must not be read as markup."""

from __future__ import annotations

import re
from typing import Any, Final

#: Slack's three (docs of ``text``: "Escaping text"); ``&`` first.
_ENTITIES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
#: In Mattermost and Rocket.Chat, which are Slack-compatible, plain words mention everyone.
_CALLS_EVERYBODY: Final = re.compile(r"@(?=(?:channel|here|all|everyone)\b)", re.IGNORECASE)
#: They also read Markdown links.
_MARKDOWN_LINK: Final = re.compile(r"\](?=\()")
_UNSEEN: Final = "\u200b"
#: A separate line would look like another alert.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def chat_text(value: Any) -> str:
    """``value`` as plain text for such a chat: no link, no mention, a single line."""
    text = _CONTROL.sub(" ", str(value))
    for character, entity in _ENTITIES:
        text = text.replace(character, entity)
    text = _MARKDOWN_LINK.sub(f"]{_UNSEEN}", text)
    return _CALLS_EVERYBODY.sub(f"@{_UNSEEN}", text)
