"""The notifier's parts: routes, positions, the circuit breaker, grouping."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, default_book
from support.alerts import example
from support.contracts import WITH_STEPS, own_words

from sla_domain.instant import HOUR
from sla_domain.policy import PolicyBook
from sla_domain.steps import BREACH
from sla_notifier import samples
from sla_notifier.alert import ReceivedAlert, UnreadableError, chosen
from sla_notifier.breaker import Breaker
from sla_notifier.positions import Part, Positions
from sla_notifier.requests import Composer, StoppedClock
from sla_notifier.routes import Destination, Route, Routes, RoutesError, read_routes
from sla_notifier.samples import failing_templates
from sla_notifier.stopped import stopped_clocks

GOOD = """
allowed_hosts = ["127.0.0.1:9"]
[[destinations]]
name = "a"
kind = "slack"
url = "http://127.0.0.1:9/"
[[routes]]
to = ["a"]
"""


def alert(
    name: str = "sla.breach", /, time: str = "2026-11-25T15:00:00.000Z", **data: Any
) -> ReceivedAlert:
    """An alert at an instant; the default is a Wednesday noon in Buenos Aires."""
    return ReceivedAlert.read(json.dumps(example(name, **data) | {"time": time}).encode())


def test_positions_never_pass_what_is_under_way() -> None:
    done: dict[str, int] = {}
    positions: Positions[str] = Positions(done)

    def begun(offset: int, parts: int = 1) -> list[Part]:
        taken = positions.take("p", offset, parts)
        found = [positions.part("p", taken, lambda: None) for _ in range(parts)]
        assert all(part.begin() for part in found)
        return found

    (first,), (second,), (third,) = begun(5), begun(9), begun(10)
    second.done()
    third.done()
    assert done == {}
    assert (positions.left("p"), positions.next("p")) == (1, 11), "done behind it is done"
    first.done()
    assert done == {"p": 11}
    one, other = begun(12, 2)
    begun(13, 0)
    one.done()
    assert done == {"p": 11}
    other.done()
    assert done == {"p": 14}
    (stale,) = begun(20)
    assert (positions.left("p"), positions.next("p")) == (1, 21)
    positions.forget("p")
    stale.done()
    assert done == {}


def test_what_goes_to_another_notifier_is_not_begun() -> None:
    done: dict[str, int] = {}
    positions: Positions[str] = Positions(done)
    told: list[int] = []
    first, second, third = (
        positions.part(
            "p", positions.take("p", offset, 1), lambda offset=offset: told.append(offset)
        )  # type: ignore[misc]
        for offset in (5, 6, 7)
    )
    assert first.begin()
    assert second.begin()
    positions.leave("p")
    assert positions.busy("p")
    assert not third.begin()
    assert not third.wanted
    first.done()
    second.drop()
    assert not positions.busy("p")
    assert done == {"p": 6}, "one who takes over begins with what was left"
    assert told == [7, 5, 6]


def test_a_breaker_opens_rests_and_lets_one_try() -> None:
    breaker = Breaker(3, 30.0)
    for now in (0.0, 1.0):
        breaker.failed(now)
        assert breaker.wait(now) == 0
    breaker.failed(2.0)
    assert breaker.wait(2.0) == 30.0
    assert breaker.wait(32.0) == 0
    assert breaker.wait(32.0) > 0, "only one may try"
    breaker.failed(33.0)
    assert breaker.wait(34.0) == 29.0
    assert breaker.wait(63.0) == 0
    breaker.succeeded()
    assert breaker.wait(63.0) == 0
    assert not breaker.holds(63.0)


@pytest.mark.parametrize(
    ("route", "given", "taken"),
    [
        ({}, alert(), True),
        ({"kinds": ["warning"]}, alert(), False),
        ({"kinds": ["warning"]}, alert("sla.warning_retracted"), True),
        ({"severities": ["low"]}, alert(severity="high"), False),
        ({"severities": ["low"]}, alert("sla.breach_retracted", severity="high"), True),
        ({"clocks": ["resolution"]}, alert(clock="first_response"), False),
        ({"clients": ["globex"]}, alert(), False),
        ({"within": "business"}, alert(), True),
        ({"within": "business"}, alert(time="2026-11-25T02:00:00.000Z"), False),
        ({"outside": "business"}, alert(time="2026-11-25T02:00:00.000Z"), True),
        ({"outside": "business"}, alert("sla.breach_retracted"), True),
        ({"steps": ["0.5"]}, alert("sla.warning", fraction="0.5"), True),
        ({"steps": ["0.5"]}, alert("sla.warning", fraction="0.75"), False),
        ({"steps": ["0.5"]}, alert("sla.escalation", name="manager"), False),
        ({"steps": ["manager"]}, alert("sla.escalation", name="manager"), True),
        ({"steps": ["manager"]}, alert("sla.escalation_retracted", name="director"), False),
        ({"steps": ["manager"], "kinds": ["warning"]}, alert("sla.escalation"), False),
        ({"kinds": ["escalation"]}, alert("sla.escalation_retracted"), True),
        ({"steps": ["manager"]}, alert(), True),
        ({}, alert("sla.notice"), True),
        ({}, alert("feature.approved"), True),
    ],
)
def test_a_route_takes_what_matches_every_condition(
    route: dict[str, Any], given: ReceivedAlert, book: PolicyBook, *, taken: bool
) -> None:
    found = chosen([Route(to=["a"], **route)], given, book, 0).to
    assert bool(found) is taken


def test_the_first_route_wins_unless_it_goes_on(book: PolicyBook) -> None:
    routes = [Route(to=["a"], kinds=["breach"]), Route(to=["b"])]
    assert list(chosen(routes, alert(), book, 0).to) == ["a"]
    assert list(chosen(routes, alert("sla.breach_retracted"), book, 0).to) == ["a", "b"]
    assert list(
        chosen([routes[0].model_copy(update={"go_on": True}), routes[1]], alert(), book, 0).to
    ) == [
        "a",
        "b",
    ]


def test_what_is_too_late_goes_no_other_way_than_it_would_have_gone(book: PolicyBook) -> None:
    hour = 3_600_000
    pager = Route(to=["pager", "crm"], kinds=["breach"], max_late=3600)
    below = Route(to=["leads"], max_late=1e9)
    assert chosen([pager, below], alert(), book, hour).skipped == []
    too_late = chosen([pager, below], alert(), book, hour + 1)
    assert (too_late.to, too_late.skipped) == ({}, ["pager", "crm"])
    # A destination that another of its routes leads to all the same is told.
    history = Route(to=["crm"], max_late=1e9)
    goes_on = pager.model_copy(update={"go_on": True})
    both = chosen([goes_on, history], alert(), book, hour + 1)
    assert (both.to, both.skipped) == ({"crm": history}, ["pager"])
    # What takes it back is asked about by the lateness of what it takes back.
    back = alert("sla.breach_retracted", late_ms=10 * hour)
    assert list(chosen([pager], back, book, 0).to) == ["pager", "crm"]
    assert chosen([pager], back, book, hour + 1).to == {}


def test_by_default_a_route_leaves_alone_what_is_later_than_a_day(book: PolicyBook) -> None:
    day = 24 * 3_600_000
    assert chosen([Route(to=["a"])], alert(), book, day).to
    assert chosen([Route(to=["a"])], alert(), book, day + 1).skipped == ["a"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("127.0.0.1:9", "other:9"), "not in allowed_hosts"),
        (('to = ["a"]', 'to = ["b"]'), "not a destination"),
        (('kind = "slack"', 'kind = "webhook"'), "secret_env"),
        (('kind = "slack"', 'kind = "slack"\nsecret_env = "NOT_SET"'), "NOT_SET"),
        (('kind = "slack"', 'kind = "pigeon"'), "kind"),
        (('to = ["a"]', 'to = ["a"]\nwithin = "siesta"'), "no calendar 'siesta'"),
        (('to = ["a"]', 'to = ["a"]\nseverities = ["blocked"]'), "did you mean 'blocker'"),
        (('to = ["a"]', 'to = ["a"]\nclocks = ["update"]'), "no clock 'update'"),
        (('to = ["a"]', 'to = ["a"]\nsteps = ["0.8"]'), "no step '0.8'"),
        (('kind = "slack"', 'kind = "slack"\ntemplate = "{{ x"'), "template"),
        (("http://", "ftp://"), "url"),
    ],
)
def test_a_wrong_routes_file_is_told_in_a_sentence(
    change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(GOOD)
    assert read_routes(file, default_book()).routes
    file.write_text(GOOD.replace(*change, 1))
    with pytest.raises(RoutesError, match=told):
        read_routes(file, default_book())


@pytest.mark.parametrize(
    ("secret", "good"),
    [
        ("whsec_" + b64encode(b"k" * 24).decode(), True),
        ("whsec_" + b64encode(b"k" * 64).decode(), True),
        ("whsec_" + b64encode(b"k" * 23).decode(), False),
        ("whsec_" + b64encode(b"k" * 65).decode(), False),
        (b64encode(b"k" * 32).decode(), False),
        ("whsec_not base64 at all, though long enough", False),
        ("whsec_\u00e9" + "k" * 40, False),
        ("a plain word, however long it may be", False),
    ],
)
def test_a_signing_secret_is_24_to_64_bytes_and_is_never_told(
    secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, good: bool
) -> None:
    monkeypatch.setenv("HOOK_SECRET", secret)
    file = tmp_path / "routes.toml"
    file.write_text(GOOD.replace('kind = "slack"', 'kind = "webhook"\nsecret_env = "HOOK_SECRET"'))
    if good:
        assert read_routes(file, default_book()).destinations[0].signing_key()
        return
    told = "'a' in HOOK_SECRET is not whsec_ and the base64 of 24 to 64 bytes"
    with pytest.raises(RoutesError, match=told) as refused:
        read_routes(file, default_book())
    assert secret.removeprefix("whsec_") not in str(refused.value)


def test_a_breaker_holds_for_as_long_as_is_asked_for() -> None:
    breaker = Breaker(3, 30.0)
    breaker.failed(0.0, 60.0)
    assert breaker.wait(10.0) == 50.0
    assert breaker.holds(10.0)
    # One that was under way and came through says nothing of the others.
    breaker.succeeded()
    breaker.failed(20.0, 1.0)
    assert breaker.wait(30.0) == 30.0
    assert breaker.wait(60.0) == 0.0
    assert not breaker.holds(60.0)


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{}", b'{"data": 1}', b"\xff"])
def test_what_is_no_alert_is_told(value: bytes | None) -> None:
    with pytest.raises(UnreadableError):
        ReceivedAlert.read(value)


def test_lateness_is_a_number_or_nothing() -> None:
    assert alert().late == alert(late_ms=0).late == 0
    assert alert(late_ms=90_000_000).late == 90_000_000
    for odd in ("soon", -1, None, 1.5):
        with pytest.raises(UnreadableError):
            alert(late_ms=odd)


def test_clocks_that_stopped_end_what_they_may_have_sent(book: PolicyBook) -> None:
    row = (ROOT / "schemas/examples/ticket-record.json").read_bytes()
    first, resolution = stopped_clocks(row, book)
    assert isinstance(first, StoppedClock)
    assert (first.clock, first.steps) == ("first_response", ("0.5", "0.75"))
    assert BREACH in resolution.steps
    assert resolution.limits == ("severity", "integrations_24x7")
    told = json.loads(row)
    for clock in told["clocks"]:
        clock["stopped"] = None
    assert list(stopped_clocks(json.dumps(told).encode(), book)) == []


def test_the_end_of_a_clock_ends_every_step_that_it_may_have_reached() -> None:
    book = own_words(WITH_STEPS)
    row = {"ticket_id": "T-1", "client_id": "acme", "policy": "nube@1", "as_of": "", "limits": []}
    clock = {"clock": "resolution", "cycle": 1, "limit": "severity", "target_ms": HOUR}
    found = {}
    for outcome, used in (("met", HOUR // 2), ("breached", 4 * HOUR), ("void", None)):
        end = {"stopped": "2026-11-23T12:00:00.000Z", "outcome": outcome, "used_ms": used}
        told = row | {"clocks": [clock | end]}
        (stopped,) = stopped_clocks(json.dumps(told).encode(), book)
        found[outcome] = stopped.steps
    assert found["met"] == ("0.5",)
    assert found["breached"] == ("0.5", "-15m", "manager#1", "director#1", "breach")
    assert set(found["void"]) == {*found["breached"], "director#2"}
    place = {"name": "am", "kind": "alertmanager", "url": "http://a:1/"}
    composer = Composer(Destination.model_validate(place), None, book)
    sent = alert(
        "sla.escalation",
        policy="nube@1",
        ticket_id="T-1",
        client_id="acme",
        clock="resolution",
        limit="severity",
        name="director",
        number=2,
        severity="p1",
    )
    firing = json.loads(composer.request([sent], 1).body)[0]["labels"]
    ends = [each["labels"] for each in json.loads(composer.resolution(stopped, 1).body)]
    assert firing in ends


@pytest.mark.parametrize(
    ("template", "kinds", "failure"),
    [
        ("{{ sentence }}", None, None),
        ("{{ alert.data.no.such }}", None, "'x' fails on alerts of kind warning: Undefined"),
        ("{{ alert.data.due }} {{ 1 / alert.data.cycle }}", ["breach"], None),
        (
            "{{ 1 / alert.data.cycle }}",
            ["notice"],
            "'x' fails on alerts of kind notice: Undefin",
        ),
    ],
)
def test_a_template_is_tried_on_each_kind_of_alert_that_is_sent_there(
    book: PolicyBook, template: str, kinds: list[str] | None, failure: str | None
) -> None:
    destination = {"name": "x", "kind": "slack", "url": "http://a:1/", "template": template}
    route: dict[str, Any] = {"to": ["x"]} | ({} if kinds is None else {"kinds": kinds})
    told = {"allowed_hosts": ["a:1"], "destinations": [destination], "routes": [route]}
    found = list(failing_templates(Routes.model_validate(told), book))
    assert (failure is None) == (found == [])
    assert failure is None or failure in found[0]


def test_samples_say_what_alerts_say(book: PolicyBook) -> None:
    for sample in samples._samples(book):
        published = example(str(sample.record["type"]))
        assert sample.record["data"].keys() >= published["data"].keys() - {"occurrence"}
