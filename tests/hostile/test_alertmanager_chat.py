"""Chat messages from a real Alertmanager with the deployed templates: no text from a ticket or a
client is interpreted as markup.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import monitoring
from support.alerts import example
from support.live import until
from support.receiver import Receiver

from sla_domain.policy import PolicyBook
from sla_notifier.alert import ReceivedAlert
from sla_notifier.requests import Composer
from sla_notifier.routes import Destination

HOSTILE = "<!channel> <https://evil.example|click> & @here\n• [so](https://evil.example) @Everyone"


def chats(directory: Path, receiver: Receiver) -> dict[str, Any]:
    """The deployed chats, each of whose address is ``receiver``'s."""
    address = directory / "address"
    address.write_text(receiver.url)
    deployed = yaml.safe_load((monitoring.DEPLOY / "alertmanager/alertmanager.yaml").read_text())
    return {
        each["name"]: {
            "slack_configs": [
                chat | {"api_url_file": str(address)} for chat in each["slack_configs"]
            ]
        }
        for each in deployed["receivers"]
    }


def alert(number: int, **data: Any) -> ReceivedAlert:
    record = example("sla.breach", f"{number} {HOSTILE}", client_id=HOSTILE, **data)
    return ReceivedAlert.read(json.dumps(record).encode())


def post(host: str, alerts: list[ReceivedAlert], book: PolicyBook) -> None:
    """Tell Alertmanager as the notifier does."""
    given = {"name": "a", "kind": "alertmanager", "url": f"http://{host}"}
    composer = Composer(Destination.model_validate(given), "https://board.example", book)
    told = composer.request(alerts, int(time.time() * 1000))
    request = urllib.request.Request(f"http://{host}{told.path}", told.body, dict(told.headers))
    urllib.request.urlopen(request, timeout=5).close()


@pytest.mark.parametrize("count", [1, 25])
async def test_what_a_ticket_says_is_no_markup_of_the_chat(
    tmp_path: Path, book: PolicyBook, count: int
) -> None:
    with Receiver() as receiver:
        config = monitoring.hurried_alertmanager(chats(tmp_path, receiver))
        with monitoring.alertmanager(tmp_path / "alertmanager", config) as host:
            post(host, [alert(number, severity="high") for number in range(count)], book)

            async def told() -> dict[str, Any] | None:
                found = [json.loads(each.body)["attachments"][0] for each in receiver.received]
                return next((each for each in found if each["title"].startswith(f"{count} ")), None)

            attachment = await until(told)
    for part in ("title", "text", "fallback"):
        said = attachment[part]
        assert "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; @\u200bhere" in said
        links = re.findall(r"<[^>]*>", said)
        assert all(link.startswith("<https://board.example/tickets/") for link in links), links
        assert not re.search(r"@(here|everyone)|\]\(", said, re.IGNORECASE)
    lines = attachment["text"].strip().splitlines()
    assert len(lines) == min(count, 21), "one a ticket, and how many more there are"
    assert all(line.startswith(("• ", "… and 5 more")) for line in lines)
