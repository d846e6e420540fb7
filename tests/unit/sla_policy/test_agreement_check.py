"""Agreements of a policy file that can't be meant, each told with its place and its remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support import event
from support.agreements import AGREEMENTS

from sla_intake.sources import read_sources
from sla_policy.clients import ClientsError, read_clients
from sla_policy.loading import PolicyError, check_policy

GOLD = 'name = "gold"'
EUROPE = 'when = { region = ["emea", "eu"], kind = "incident" }'
MISTAKES = {
    "standard": (GOLD, 'name = "standard"', "agreements.0.name", "name it otherwise"),
    "twice": ('name = "europe"', GOLD, "agreements.1.name", "an agreement 'gold' already"),
    "kind": ('"incident"', '"incidnt"', "agreements.1.when.kind", "did you mean 'incident'?"),
    "severity": (
        'kind = "incident" }',
        'severity = "p9" }',
        "agreements.1.when.severity",
        "no ticket has the severity 'p9'; write one of p1, p2, p3",
    ),
    "everybody": (EUROPE, "when = {}", "agreements.1.when", "it takes every ticket"),
    "hidden": (
        EUROPE,
        'when = { plan = ["gold"], region = "eu" }',
        "agreements.1.when",
        "'gold' comes before and takes each of these tickets; put 'europe' first",
    ),
    "extends": (
        'extends = "standard"',
        'extends = "standart"',
        "agreements.0.extends",
        "no agreement 'standart' to extend; did you mean 'standard'?",
    ),
    "circle": (
        'extends = "standard"',
        'extends = "europe"',
        "agreements.0.extends",
        "agreements that extend each other",
    ),
    "objective": ('"98%"', '"98"', "agreements.0.objective", 'write it like "98%"'),
    "objective as a number": ("98%", "101%", "agreements.0.objective", 'write it like "98%"'),
    "value": ('plan = "gold" }', "plan = 3 }", "agreements.0.when.plan", 'write it like "gold"'),
    "clock": (
        'resolution = { within = "15m"',
        'resolutoin = { within = "15m"',
        "agreements.0.targets.p1.resolutoin",
        "did you mean 'resolution'?",
    ),
    "calendar": (
        '"30m", boundary = "inclusive", calendar = "always"',
        '"30m", boundary = "inclusive", calendar = "allways"',
        "agreements.1.targets.p1.resolution.calendar",
        "did you mean 'always'?",
    ),
    "severity of a target": (
        "[agreements.targets]\np2",
        "[agreements.targets]\npp2",
        "agreements.1.targets.pp2",
        "'pp2' does not stand in [severities]; did you mean 'p2'?",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_an_agreement_is_told_with_field_and_remedy(name: str) -> None:
    old, new, field, says = MISTAKES[name]
    text = AGREEMENTS
    if name == "circle":
        text = text.replace(EUROPE, EUROPE + '\nextends = "gold"')
    assert old in text
    with pytest.raises(PolicyError) as raised:
        check_policy(text.replace(old, new, 1), "x.toml")
    told = [re.fullmatch(r"x\.toml:(\d+): (\S+): (.+)", each) for each in raised.value.mistakes]
    found = {each[2]: each[3] for each in told if each}
    assert says in found[field]


def test_an_agreement_without_a_target_says_so() -> None:
    bare = AGREEMENTS + '\n[[agreements]]\nname = "bare"\nwhen = { client = "x" }\n'
    with pytest.raises(PolicyError, match="'bare' promises nothing"):
        check_policy(bare, "x.toml")


def test_what_an_agreement_leaves_out_is_a_warning() -> None:
    text = AGREEMENTS.replace('p3 = "none"\n', "")
    (warning,) = check_policy(text, "x.toml").warnings
    assert "nothing is promised at 'p3' under 'europe'; write p3 = \"none\" to mean it" in warning


def test_what_is_taken_for_an_attribute_is_told() -> None:
    by_team = AGREEMENTS + (
        '\n[[agreements]]\nname = "line"\nwhen = { team = "level1" }\nextends = "standard"\n'
    )
    assert any("an attribute called team" in each for each in warnings(by_team))
    stay = '\n[clocks.stay]\nscope = "team"\n'
    target = (
        '\n[targets.p1.stay]\nwithin = { by = "teem", level1 = "30m", else = "1h" }\n'
        'boundary = "inclusive"\ncalendar = "always"\n'
    )
    (told,) = [each for each in warnings(AGREEMENTS + stay + target) if "attribute" in each]
    assert "'teem' is taken for an attribute of tickets; did you mean 'team'?" in told


def test_exceptions_that_nobody_may_grant_are_told() -> None:
    (told,) = [each for each in warnings(AGREEMENTS + "\n[exceptions]\n") if "grant" in each]
    assert "names no source, so nobody may grant an exception" in told


def warnings(text: str) -> list[str]:
    return list(check_policy(text, "x.toml").warnings)


CLIENTS = """\
[clients.acme]
plan = "gold"
region = "emea"
[clients."c-7"]
product = "mail"
"""


def created(**data: Any) -> dict[str, Any]:
    return event("created", "2026-11-23T12:00:00Z", severity="p1", **data)


def filled(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    read_clients(path).fill(raw)
    data: dict[str, Any] = raw["data"]
    return {name: data[name] for name in ("plan", "attributes") if name in data}


def test_a_new_ticket_gets_what_is_known_of_its_client(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS)
    assert filled(file, created()) == {"plan": "gold", "attributes": {"region": "emea"}}
    assert filled(file, created(client_id="c-7")) == {"attributes": {"product": "mail"}}
    assert filled(file, created(client_id="nobody")) == {}
    said = created(plan="silver", attributes={"region": "us", "tier": "1"})
    assert filled(file, said) == {"plan": "silver", "attributes": {"region": "us", "tier": "1"}}
    other = event("assigned", "2026-11-23T12:00:00Z", client_id="acme")
    assert filled(file, other) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[clients.acme]\nregion = 7\n", 'like region = "emea"'),
        ('[clients.acme]\nplan = "Gold plan"\n', "clients.acme.plan"),
        ('[clients.acme]\n"the region" = "emea"\n', 'like region = "emea"'),
        ("[clients.acme]\n" + "".join(f'a{n} = "x"\n' for n in range(17)), "at most 16"),
        ('[client.acme]\nplan = "gold"\n', "did you mean 'clients'"),
    ],
)
def test_a_wrong_clients_file_is_told_in_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(text)
    with pytest.raises(ClientsError, match=re.escape(says)):
        read_clients(file)


def test_the_sources_of_an_intake_know_the_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "a secret that is long enough")
    (tmp_path / "clients.toml").write_text(CLIENTS)
    sources = tmp_path / "sources.toml"
    sources.write_text(
        'clients = "clients.toml"\n[[sources]]\nname = "z"\nkind = "zendesk"\n'
        'secret_envs = ["S"]\nclient_id = "acme"\n'
    )
    (source,) = read_sources(sources)
    raw = created()
    source.clients.fill(raw)
    assert raw["data"]["plan"] == "gold"


def test_what_is_taken_over_as_none_is_meant() -> None:
    taken = '[[agreements]]\nname = "silver"\nwhen = { plan = "silver" }\nextends = "europe"\n'
    checked = check_policy(AGREEMENTS + taken, "x.toml")
    assert [each for each in checked.warnings if "silver" in each] == []
