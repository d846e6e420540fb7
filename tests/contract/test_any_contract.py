"""A contract with its own words works wherever severities are listed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from support import lines_of
from support.board import World, record
from support.contracts import OWN_WORDS, own_words
from support.imports import imported

from sla_domain.steps import BREACH
from sla_import.bpic2013 import Vinst
from sla_import.servicenow import ServiceNow
from sla_intake.sources import SourcesError, check_parties, check_severities, read_sources
from sla_lab.comparison import Comparison, Result
from sla_lab.policy_diff import changes
from sla_lab.simulation import simulate
from sla_notifier.requests import Composer, StoppedClock
from sla_notifier.routes import Destination
from sla_policy.loading import parse_policy
from sla_text.gravity import tone
from sla_text.language import Texts
from sla_tracker.metrics import TrackerMetrics

OWN = ("p1", "p2", "p3")


def test_the_series_of_the_metrics_are_those_of_the_contract() -> None:
    registry = CollectorRegistry()
    tracker = SimpleNamespace(tasks={}, input_partitions=lambda: 1)
    TrackerMetrics(own_words(), registry).watch(tracker)  # type: ignore[arg-type]  # a stand-in
    text = generate_latest(registry).decode()
    for series in ("sla_breaches_total{clock=", "sla_tickets{"):
        found = {
            part.removeprefix('severity="').rstrip('"')
            for line in text.splitlines()
            if line.startswith(series)
            for part in line.partition("{")[2].partition("}")[0].split(",")
            if part.startswith("severity")
        }
        assert found - {"none"} == {*OWN}
    assert 'sla_client_wait_seconds_count{party="supplier"} 0.0' in text
    assert 'sla_client_wait_seconds_count{party="other"} 0.0' in text
    assert 'sla_severity_rank{severity="p3"} 3.0' in text
    assert 'sla_unknown_words_total{field="affects"} 0.0' in text


def test_the_board_filters_and_ranks_by_the_contracts_severities() -> None:
    world = World(own_words())
    world.put(record("T-1", severity="p1"), record("T-2", severity="p3"))
    client = world.client()
    assert client.get("/api/v1/summary").json()["severities"] == [*OWN]
    (found,) = client.get("/api/v1/tickets", params={"severity": "p3"}).json()["tickets"]
    assert found["ticket_id"] == "T-2"
    wrong = client.get("/api/v1/tickets", params={"severity": "p11"})
    assert wrong.status_code == 422
    assert "the policy has no severity 'p11'; did you mean 'p1'?" in wrong.json()["detail"]
    english, spanish = (client.get("/", params={"lang": each}).text for each in ("en", "es"))
    assert all(f'<option value="{each}"' in english for each in (*OWN, "supplier"))
    assert "Outage" in english
    assert "Caída" in spanish
    assert 'class="severity gravest"' in english


def test_an_alert_is_ended_under_every_severity_of_the_contract() -> None:
    place = {"name": "am", "kind": "alertmanager", "url": "http://a:1/"}
    composer = Composer(Destination.model_validate(place), None, own_words())
    stopped = StoppedClock("T-1", "acme", "resolution", 1, ("severity",), (BREACH,), 0)
    told: list[dict[str, Any]] = json.loads(composer.resolution(stopped, 1).body)
    assert [each["labels"]["severity"] for each in told] == [*OWN, "none"]


def test_a_log_gets_the_severities_of_the_contract_by_rank(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "number,incident_state,opened_at,sys_updated_at,priority,assigned_to,assignment_group,"
        "location\n"
        "1,New,2026-01-05 10:00,2026-01-05 10:00,1 - Critical,?,?,?\n"
        "2,New,2026-01-05 10:00,2026-01-05 10:00,3,?,?,?\n"
        "3,New,2026-01-05 10:00,2026-01-05 10:00,4,?,?,?\n"
    )
    found = imported(log, ServiceNow(ZoneInfo("UTC"), ranked=OWN))
    assert [each["data"]["severity"] for each in found.events] == ["p1", "p3"]
    assert [finding[:3] for finding in found.refused] == [(4, "priority", "4")]
    assert Vinst(ranked=OWN)._severities == {"major": "p1", "high": "p2", "medium": "p3"}


def test_a_mapping_of_an_intake_is_held_against_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "a secret that is long enough")
    file = tmp_path / "sources.toml"
    whole = 'low = "p3"\nnormal = "p2"\nhigh = "p2"\nurgent = "p1"\n'
    text = (
        '[[sources]]\nname = "z"\nkind = "zendesk"\nsecret_envs = ["S"]\nclient_id = "acme"\n'
        f"[sources.mapping.severities]\n{whole}"
    )
    file.write_text(text)
    check_severities(read_sources(file), OWN)
    file.write_text(text.replace('urgent = "p1"', 'urgent = "p11"'))
    with pytest.raises(SourcesError, match=r"'urgent' is mapped to 'p11', .*did you mean 'p1'"):
        check_severities(read_sources(file), OWN)


def test_a_party_of_an_intake_is_held_against_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "a secret that is long enough")
    file = tmp_path / "sources.toml"
    file.write_text(
        '[[sources]]\nname = "f"\nkind = "freshdesk"\nsecret_envs = ["S"]\nclient_id = "acme"\n'
        '[sources.mapping.states]\npending = "waiting:client"\n"on vendor" = "waiting:suplier"\n'
    )
    (found,) = read_sources(file)
    with pytest.raises(SourcesError) as wrong:
        check_parties([found], ["client", "supplier"])
    assert str(wrong.value) == (
        "source 'f': 'on vendor' is mapped to 'waiting:suplier', a party that no policy has; did "
        "you mean 'supplier'?"
    )
    check_parties([found], ["client", "suplier"])


def test_a_comparison_and_a_diff_rank_by_the_contract() -> None:
    book = own_words()
    events = [
        {
            "specversion": "1.0", "id": f"{word}", "source": "/s", "type": "ticket.created",
            "subject": f"T-{word}", "time": "2026-11-23T12:00:00Z",
            "data": {"client_id": "acme", "severity": word},
        }
        for word in reversed(OWN)
    ]  # fmt: skip
    outputs = simulate(lines_of(events), book, partitions=1)
    ranked = Comparison([Result("nube", outputs)], book.severities).severities
    assert [severity for severity, _ in ranked] == [*OWN, None]
    stricter = OWN_WORDS.replace('tenant = "p2"', 'tenant = "p1"').replace(
        'within = "24h"', 'within = "20h"'
    )
    found = changes(book.latest, parse_policy(stricter, "nube.toml"), Texts("en"))
    assert [change.effect for change in found] == ["stricter", "stricter"]


@pytest.mark.parametrize(
    ("count", "tones"),
    [
        (1, "gravest"),
        (2, "gravest slight"),
        (3, "gravest middling slight"),
        (4, "gravest grave middling slight"),
        (5, "gravest grave middling middling slight"),
    ],
)
def test_a_severity_looks_as_grave_as_its_rank(count: int, tones: str) -> None:
    ranked = [f"s{number}" for number in range(count)]
    assert [tone(each, ranked) for each in ranked] == tones.split()
    assert tone(None, ranked) == tone("unheard", ranked) == "slight"
