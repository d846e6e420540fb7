"""Which promise a ticket gets, and what becomes of it when that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support import clocks, decoded, event, run
from support.agreements import AGREEMENTS
from support.contracts import OWN_WORDS, own_words

from sla_domain.instant import parse_instant
from sla_lab.simulation import Outputs

NOON = "2026-11-23T12:00:00Z"
BOOK = own_words(AGREEMENTS)


def simulated(*events: Mapping[str, Any]) -> Outputs:
    until = parse_instant("2026-11-23T14:00:00Z")
    return run([dict(each) for each in events], until, book=BOOK)


def alerts(outputs: Outputs) -> list[tuple[str, str, str]]:
    """Warnings and breaches as (instant, type, fraction), in order."""
    return sorted(
        (each["time"], each["type"].removeprefix("sla."), each["data"].get("fraction", ""))
        for each in decoded([*outputs.warnings, *outputs.breaches])
    )


def resolution(outputs: Outputs) -> tuple[str | None, int]:
    clock = clocks(outputs)["resolution", 1]
    return clock.get("agreement"), clock["target_ms"] // 60_000


@pytest.mark.parametrize(
    ("facts", "agreement", "minutes"),
    [
        ({}, "standard", 60),
        ({"plan": "gold"}, "gold", 15),
        ({"plan": "gold", "attributes": {"region": "emea"}}, "gold", 15),
        ({"attributes": {"region": "emea"}, "kind": "incident"}, "europe", 30),
        ({"attributes": {"region": "eu"}}, "europe", 30),
        ({"attributes": {"region": "us"}}, "standard", 60),
        ({"attributes": {"region": "eu"}, "kind": "question"}, "standard", 60),
    ],
)
def test_the_first_agreement_that_matches_is_the_one(
    facts: dict[str, Any], agreement: str, minutes: int
) -> None:
    outputs = simulated(event("created", NOON, severity="p1", **facts))
    assert resolution(outputs) == (agreement, minutes)
    (ticket,) = decoded(outputs.tickets)
    assert ticket["agreement"] == agreement
    assert {record["data"]["agreement"] for record in decoded(outputs.warnings)} == {agreement}


def test_an_agreement_has_what_it_extends_and_only_its_own_without() -> None:
    def promised(**facts: Any) -> list[str]:
        outputs = simulated(event("created", NOON, severity="p2", **facts))
        return [clock["clock"] for clock in decoded(outputs.tickets)[0]["clocks"]]

    assert promised(plan="gold") == ["resolution"]
    assert promised(attributes={"region": "eu"}) == []


def test_another_agreement_takes_back_what_it_disproves() -> None:
    outputs = simulated(
        event("created", NOON, severity="p1", plan="gold"),
        event("attributes_changed", "2026-11-23T12:20:00Z", plan="silver"),
    )
    assert resolution(outputs) == ("standard", 60)
    assert alerts(outputs) == [
        ("2026-11-23T12:07:30.000Z", "warning", "0.5"),
        ("2026-11-23T12:15:00.001Z", "breach", ""),
        ("2026-11-23T12:20:00.000Z", "breach_retracted", ""),
        ("2026-11-23T12:20:00.000Z", "warning_retracted", "0.5"),
        ("2026-11-23T12:30:00.000Z", "warning", "0.5"),
        ("2026-11-23T13:00:00.001Z", "breach", ""),
    ]
    reasons = {
        record["data"]["reason"]
        for record in decoded([*outputs.warnings, *outputs.breaches])
        if record["type"].endswith("_retracted")
    }
    assert reasons == {"agreement_changed"}


def test_a_clock_that_has_stopped_keeps_its_agreement() -> None:
    outputs = simulated(
        event("created", NOON, severity="p1", plan="gold"),
        event("resolved", "2026-11-23T12:10:00Z"),
        event("attributes_changed", "2026-11-23T12:20:00Z", plan="silver"),
    )
    assert resolution(outputs) == ("gold", 15)
    assert decoded(outputs.tickets)[0]["agreement"] == "standard"


def test_what_is_not_told_stays_as_it_was() -> None:
    outputs = simulated(
        event("created", NOON, severity="p1", attributes={"region": "eu", "product": "mail"}),
        event("attributes_changed", "2026-11-23T12:10:00Z", attributes={"product": "chat"}),
        event("attributes_changed", "2026-11-23T12:11:00Z", client_id="umbrella"),
    )
    assert resolution(outputs) == ("europe", 30)
    assert decoded(outputs.tickets)[0]["client_id"] == "umbrella"


def test_a_severity_or_a_kind_may_lead_to_another_agreement() -> None:
    outputs = simulated(
        event("created", NOON, severity="p1", attributes={"region": "eu"}),
        event("reclassified", "2026-11-23T12:10:00Z", kind="question"),
    )
    assert resolution(outputs) == ("standard", 60)


def test_a_ticket_that_no_agreement_takes_is_told_by_a_notice() -> None:
    alone = AGREEMENTS[: AGREEMENTS.index("[targets.p1]")] + AGREEMENTS[
        AGREEMENTS.index("[warnings]") :
    ].replace('extends = "standard"\n', "")
    book = own_words(alone)
    outputs = run([event("created", NOON, severity="p1")], book=book)
    (ticket,) = decoded(outputs.tickets)
    assert (ticket["clocks"], ticket["agreement"]) == ([], None)
    (notice,) = decoded(outputs.warnings)
    assert notice["data"]["kind"] == "no_agreement"


def test_attributes_come_before_other_events_of_their_instant() -> None:
    late = simulated(
        event("created", NOON, severity="p1"),
        event("resolved", "2026-11-23T12:20:00Z"),
        event("attributes_changed", "2026-11-23T12:20:00Z", plan="gold"),
    )
    assert resolution(late) == ("gold", 15)
    assert clocks(late)["resolution", 1]["outcome"] == "breached"


def test_an_agreement_that_takes_nobody_changes_nothing_but_its_name() -> None:
    def told(book: Any) -> list[dict[str, Any]]:
        outputs = run(events, book=book)
        return [
            {**record, "data": {**record["data"], "agreement": None}}
            for record in decoded([*outputs.warnings, *outputs.breaches])
        ]

    events = [event("created", NOON, severity="p1"), event("resolved", "2026-11-24T12:00:00Z")]
    plain = own_words(OWN_WORDS)
    assert told(plain) == told(BOOK)
    written = run(events, book=plain)
    assert not any(b"agreement" in line for line in [*written.warnings, *written.tickets])
