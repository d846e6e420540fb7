"""Which events are accepted, and with which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support import decoded, event, run
from support.contracts import OWN_WORDS, own_words

from sla_domain.policy import PolicyBook
from sla_lab.simulation import Outputs
from sla_policy.loading import parse_policy

AT = "2026-11-23T12:00:00Z"


def simulated(*events: Mapping[str, Any], book: PolicyBook | None = None) -> Outputs:
    return run([dict(each) for each in events], book=book or own_words())


def refusal(outputs: Outputs) -> tuple[str, str]:
    (letter,) = decoded(outputs.dead_letters)
    return letter["reason"], letter["detail"]


@pytest.mark.parametrize("said", ["p1", "Outage", "Caída"])
def test_a_severity_goes_by_its_word_and_by_each_of_its_names(said: str) -> None:
    (ticket,) = decoded(simulated(event("created", AT, severity=said)).tickets)
    assert ticket["severity"] == "p1"
    assert ticket["clocks"][0]["due"] == "2026-11-23T13:00:00.000Z"


def test_a_severity_that_the_policy_does_not_have_is_a_dead_letter() -> None:
    outputs = simulated(event("created", AT, severity="urgent"))
    assert refusal(outputs) == (
        "unknown_word",
        "severity: nube@1 knows no 'urgent'; it knows p1, p2, p3",
    )
    outputs = simulated(
        event("created", AT, severity="p3"), event("severity_changed", AT, severity="P1")
    )
    assert refusal(outputs)[0] == "unknown_word"
    (ticket,) = decoded(outputs.tickets)
    assert ticket["severity"] == "p3"


@pytest.mark.parametrize(
    ("said", "field"),
    [({"impact": "leak"}, "impact"), ({"impact": "outage", "scope": "planet"}, "scope")],
)
def test_an_impact_or_scope_that_classifies_nothing_is_a_dead_letter(
    said: dict[str, str], field: str
) -> None:
    reason, detail = refusal(simulated(event("created", AT, **said)))
    assert reason == "unknown_word"
    assert detail.startswith(f"{field}: nube@1 knows no '{said[field]}'; it knows ")


def test_where_nothing_is_classified_every_impact_is_taken() -> None:
    book = own_words(OWN_WORDS[: OWN_WORDS.index("[classification]")])
    outputs = simulated(event("created", AT, severity="p1", impact="leak"), book=book)
    assert [record["severity"] for record in decoded(outputs.tickets)] == ["p1"]


def test_the_default_severity_counts_until_one_is_told() -> None:
    created = event("created", AT, impact="outage")
    (ticket,) = decoded(simulated(created).tickets)
    assert (ticket["severity"], ticket["clocks"][0]["target_ms"]) == ("p2", 8 * 3_600_000)
    told = simulated(created, event("severity_changed", "2026-11-23T12:30:00Z", severity="p1"))
    (ticket,) = decoded(told.tickets)
    assert ticket["clocks"][0]["due"] == "2026-11-23T13:00:00.000Z"
    assert decoded(told.warnings)[0]["data"]["severity"] == "p1"


def test_a_severity_of_a_later_version_only_raises_a_notice() -> None:
    later = OWN_WORDS.replace('version = "1"', 'version = "2"').replace("2020-01-01", "2026-11-24")
    later = later.replace('p3 = "Question"', 'p3 = "Question"\np4 = "Wish"')
    later = later.replace("[targets.p1]", '[targets]\np4 = "none"\n[targets.p1]')
    book = PolicyBook([*own_words().versions, parse_policy(later, "nube-2.toml")])
    outputs = simulated(
        event("created", AT, severity="p3"),
        event("severity_changed", "2026-11-25T00:00:00Z", severity="p4"),
        book=book,
    )
    assert not outputs.dead_letters
    notices = [record for record in decoded(outputs.warnings) if record["type"] == "sla.notice"]
    assert [notice["data"]["kind"] for notice in notices] == ["unclassified"]


def test_words_that_nobody_knows_match_nothing_and_are_counted() -> None:
    outputs = simulated(
        event("created", AT, severity="p1", affects=["mail", "fax", "telex"], plan="gold"),
        event("waiting_on_client", "2026-11-23T12:10:00Z", party="moon"),
        event("client_responded", "2026-11-23T12:20:00Z"),
        event("waiting_on_client", "2026-11-23T12:30:00Z", party="supplier"),
    )
    assert outputs.unknown_words == {"affects": 2, "plan": 1, "party": 1}
    (ticket,) = decoded(outputs.tickets)
    assert (ticket["holder"], ticket["clocks"][0]["paused_by"]) == (
        "supplier",
        {"moon": 600_000, "supplier": 0},
    )
