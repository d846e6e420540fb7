"""A contract that has no words in common with the packaged one."""

from __future__ import annotations

from typing import Final

from sla_domain.policy import PolicyBook
from sla_policy.loading import default_policy_text, parse_policy

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Open around the clock, as written in a policy.
ALL_DAY: Final = "{ " + ", ".join(f'{day} = [["00:00", "24:00"]]' for day in _DAYS) + " }"
#: Three severities; the middle one applies while none is known.
OWN_WORDS: Final = """\
name = "nube"
version = "1"
effective_from = "2020-01-01T00:00:00Z"
retention = "30d"
default_severity = "p2"

[severities]
p1 = { name = "Outage", es = "Caída" }
p2 = "Degraded"
p3 = "Question"

[calendars.always]
zone = "UTC"
hours = {ALL_DAY}

[clocks.resolution]
starts = "communicated"
stops = ["resolved"]
pauses = ["waiting_on_client"]
resumes = ["client_responded"]

[targets.p1]
resolution = { within = "1h", boundary = "inclusive", calendar = "always" }
[targets.p2]
resolution = { within = "8h", boundary = "inclusive", calendar = "always" }
[targets.p3]
resolution = { within = "24h", boundary = "inclusive", calendar = "always" }

[warnings]
fractions = [0.5]

[words]
affects = ["mail"]
party = ["supplier"]

[classification]
outage = { region = "p1", tenant = "p2" }
""".replace("{ALL_DAY}", ALL_DAY)


#: Steps of a target in the place of its warnings: one before the end, three past it.
STEPS: Final = """\
[[steps]]
at = "50%"
[[steps]]
at = "-15m"
[[steps]]
at = "+1h"
name = "manager"
[[steps]]
every = "2h"
times = 2
name = "director"
"""
WITH_STEPS: Final = OWN_WORDS.replace("[warnings]\nfractions = [0.5]\n", STEPS)


#: The packaged policy's warnings, and escalations past each breach.
_ESCALATIONS: Final = """\
[[steps]]
at = "50%"
[[steps]]
at = "75%"
[[steps]]
at = "90%"
[[steps]]
at = "+30m"
name = "lead"
[[steps]]
every = "2h"
times = 3
name = "manager"
"""


_UPDATES: Final = """\
[exceptions]
sources = ["/helpdesk"]

[clocks.stay]
scope = "team"
on_reopen = "new_cycle"
pauses = ["waiting:client"]
resumes = ["client_responded", "assigned"]
on_severity = "from_change"

[clocks.update]
starts = ["replied"]
stops = ["replied", "resolved"]
repeat = true
pauses = ["waiting"]
resumes = ["client_responded", "assigned"]

"""
_UPDATE: Final = (
    'update = { within = "45m", boundary = "inclusive", calendar = "around_the_clock" }\n'
    'stay = { within = { by = "team", level1 = "30m", else = "2h" }, boundary = "inclusive", '
    'calendar = "around_the_clock" }\n'
)


def escalating_book() -> PolicyBook:
    """The packaged policy with escalations, and with updates that are owed again and again."""
    warnings = "[warnings]\nfractions = [0.5, 0.75, 0.9]\n"
    text = default_policy_text().replace(warnings, _ESCALATIONS)
    text = 'merge = "earliest"\n' + text.replace(
        "[clocks.resolution]\n", '[clocks.resolution]\non_severity = "from_change"\n'
    )
    text = text.replace("[targets.blocker]\n", f"{_UPDATES}[targets.blocker]\n{_UPDATE}")
    text = text.replace("[targets.high]\n", f"[targets.high]\n{_UPDATE}")
    return PolicyBook([parse_policy(text, "escalating.toml")])


def own_words(text: str = OWN_WORDS) -> PolicyBook:
    """A policy book of this contract only."""
    return PolicyBook([parse_policy(text, "nube.toml")])


#: Every rule of clocks at once, each in its simplest form: what a wait pauses goes on with the same
#: events, and only ``handling`` is promised nothing at some severity, so that records tell of every
#: cycle of the others.
_EVERY_RULE: Final = """\
name = "every"
version = "1"
effective_from = "2020-01-01T00:00:00Z"
retention = "60d"
merge = "earliest"

[severities]
blocker = "Blocker"
high = "High"
medium = "Medium"
low = "Low"

[calendars.office]
zone = "UTC"
hours = { mon-fri = [["09:00", "18:00"]] }

[calendars.always]
zone = "UTC"
hours = "always"

[exceptions]
sources = ["/helpdesk"]

[clocks.first_response]
starts = "communicated"
stops = ["assigned", "resolved"]

[clocks.resolution]
starts = "communicated"
stops = ["resolved"]
pauses = ["waiting"]
resumes = ["client_responded", "assigned"]
on_reopen = "new_cycle"
on_severity = "from_change"

[clocks.workaround]
starts = "communicated"
stops = ["milestone:workaround", "resolved"]
pauses = ["waiting"]
resumes = ["client_responded", "assigned"]
on_reopen = "continue"

[clocks.update]
starts = ["replied"]
stops = ["replied", "resolved"]
repeat = true
pauses = ["waiting"]
resumes = ["client_responded", "assigned"]
on_severity = "from_change"

[clocks.stay]
scope = "team"
on_reopen = "{on_reopen}"
pauses = ["waiting"]
resumes = ["client_responded", "assigned"]

[clocks.handling]
scope = "team"
on_reopen = "new_cycle"
on_severity = "from_change"

[plans.integrations_24x7]
built_by = ["aivo"]
severities = ["blocker", "high"]
outside = "office"
[plans.integrations_24x7.targets.high]
resolution = { within = "4h", boundary = "inclusive", calendar = "always", \
from = "guard_contacted" }
"""
_EVERY_TARGET: Final = """
[targets.{severity}]
first_response = { within = "1h", boundary = "exclusive", calendar = "always" }
resolution = { within = "{hours}h", boundary = "inclusive", calendar = "office" }
workaround = { within = "5h", boundary = "inclusive", calendar = "office" }
update = { within = "{hours}h", boundary = "exclusive", calendar = "always" }
stay = { within = { by = "team", level1 = "30m", else = "2h" }, boundary = "inclusive", \
calendar = "always" }
handling = {handling}
"""
_HANDLING: Final = '{ within = "1h", boundary = "inclusive", calendar = "always" }'


def every_rule_book(on_reopen: str = "new_cycle") -> PolicyBook:
    """A contract with every rule of clocks; ``on_reopen`` is that of the team's clock ``stay``."""
    text = _EVERY_RULE.replace("{on_reopen}", on_reopen)
    for hours, severity in enumerate(("blocker", "high", "medium", "low"), 1):
        target = _EVERY_TARGET.replace("{severity}", severity).replace("{hours}", str(hours))
        handling = '"none"' if severity in ("medium", "low") else _HANDLING
        text += target.replace("{handling}", handling)
    return PolicyBook([parse_policy(text, "every.toml")])
