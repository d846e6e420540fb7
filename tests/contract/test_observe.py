"""Rules, dashboards and Alertmanager's configuration, checked by the tools they are for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from support import ROOT, script
from support.monitoring import DEPLOY, amtool, promtool

from sla_runtime.registry import process_registry

RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yaml"))
#: Words of PromQL that look like names of ours.
_METRIC = re.compile(r"\b(?:sla|process|up)(?:_[a-z_]+)?\b(?!:)")


def known_metrics() -> set[str]:
    """Every series name the programs have."""
    programs = script(ROOT / "docs" / "reference.py").registries()
    names = {"up"}
    for registry in (process_registry(), *(registry for _, registry in programs)):
        for line in generate_latest(registry).decode().splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                names.add(name)
                if kind == "histogram":
                    names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")}
    return names


def rules() -> list[dict[str, Any]]:
    """Every rule, recording and alerting."""
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]


def test_prometheus_accepts_the_rules_and_they_fire_only_when_they_must() -> None:
    checked = promtool("check", "rules", *RULES)
    assert checked.returncode == 0, checked.stderr
    tested = promtool("test", "rules", *sorted((DEPLOY / "prometheus" / "tests").glob("*.yaml")))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_tested_to_fire_and_not_to_fire() -> None:
    fires, quiet = set(), set()
    for path in (DEPLOY / "prometheus" / "tests").glob("*.yaml"):
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for looked in case.get("alert_rule_test", []):
                (fires if looked["exp_alerts"] else quiet).add(looked["alertname"])
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert fires == alerts
    assert quiet == alerts


def anchor(heading: str) -> str:
    """How a heading is linked to, by the site and by code hosts alike."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("rule", [r for r in rules() if "alert" in r], ids=lambda r: r["alert"])
def test_an_alert_says_what_it_means_and_where_it_is_told_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["for"]
    told = rule["annotations"]
    assert told["summary"]
    assert told["description"]
    page, _, heading = told["runbook_url"].partition("#")
    assert page == "{{ $externalLabels.runbook }}"
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    sections = {
        anchor(name): body
        for name, body in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    }
    assert heading in sections
    assert "**Look**" in sections[heading]
    assert "**Do**" in sections[heading]


def test_rules_and_dashboards_ask_for_metrics_that_there_are() -> None:
    known = known_metrics()
    expressions = [rule["expr"] for rule in rules()]
    expressions += [target["expr"] for _, target in targets()]
    for expression in expressions:
        asked = set(_METRIC.findall(re.sub(r'"[^"]*"|\w+:[\w:]+', "", expression)))
        assert asked <= known, expression
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for expression in expressions:
        assert set(re.findall(r"\b[a-z_]+:\w+:\w+\b", expression)) <= recorded, expression


def targets() -> list[tuple[str, dict[str, Any]]]:
    """Every query of every dashboard, with the panel it is in."""
    return [
        (f"{path.stem}: {panel['title']}", target)
        for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
        for panel in json.loads(path.read_text("utf-8"))["panels"]
        for target in panel["targets"]
    ]


def test_the_dashboards_are_those_of_the_code() -> None:
    for path, text in script(DEPLOY / "grafana" / "dashboards.py").files().items():
        assert path.read_text("utf-8") == text, f"run 'make deploy': {path.name} is out of date"


@pytest.mark.parametrize("path", sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")))
def test_panels_have_units_the_chosen_source_and_do_not_overlap(path: Any) -> None:
    board = json.loads(path.read_text("utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["description"], panel["title"]
        assert panel["datasource"]["uid"] == "$datasource"
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert all(0 <= x < 24 for x, _ in cells), panel["title"]
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "$datasource"
            assert not re.search(r"rate\([^)]*\[\d", target["expr"]), "use $__rate_interval"
    assert {variable["name"] for variable in board["templating"]["list"]} >= {"datasource"}


def test_alertmanager_accepts_its_configuration() -> None:
    checked = amtool("check-config", DEPLOY / "alertmanager" / "alertmanager.yaml")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=SlaBreach severity=blocker", "on-call"),
        ("alertname=SlaBreach severity=high", "leads"),
        ("alertname=SlaWarning severity=blocker", "leads"),
        ("alertname=SlaEscalation severity=blocker", "leads"),
        ("alertname=SlaTrackerDown severity=critical", "on-call"),
        ("alertname=SlaErrorBudgetBurnsFast severity=critical", "on-call"),
        ("alertname=SlaErrorBudgetBurnsSlowly severity=warning", "leads"),
        ("alertname=SlaNoEvents severity=warning", "operators"),
    ],
)
def test_each_alert_reaches_whom_it_concerns(labels: str, receiver: str) -> None:
    config = DEPLOY / "alertmanager" / "alertmanager.yaml"
    found = amtool("config", "routes", "test", f"--config.file={config}", *labels.split())
    assert found.stdout.strip() == receiver
