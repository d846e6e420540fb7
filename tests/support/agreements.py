"""A contract with agreements, built upon the one that shares no word with the packaged one."""

from __future__ import annotations

from typing import Final

from support.contracts import OWN_WORDS

AGREEMENTS: Final = (
    OWN_WORDS
    + """
[[agreements]]
name = "gold"
when = { plan = "gold" }
extends = "standard"
objective = "98%"
[agreements.targets.p1]
resolution = { within = "15m", boundary = "inclusive", calendar = "always" }

[[agreements]]
name = "europe"
when = { region = ["emea", "eu"], kind = "incident" }
[agreements.targets.p1]
resolution = { within = "30m", boundary = "inclusive", calendar = "always" }
[agreements.targets]
p2 = "none"
p3 = "none"
"""
)
