"""What is known of a ticket, by the names that policies use."""

from __future__ import annotations

from sla_domain.event import Facts
from sla_domain.profile import Profile

CREATED: Facts = {
    "client_id": "acme",
    "plan": "gold",
    "kind": "question",
    "channel": "phone",
    "affects": ["mail", "chat"],
    "integration": {"built_by": "us"},
    "attributes": {"region": "emea"},
}


def test_every_fact_goes_by_its_name_and_any_other_is_an_attribute() -> None:
    known = Profile(CREATED)
    known.severity = "p1"
    names = ("client", "plan", "kind", "channel", "affects", "built_by", "severity", "region")
    assert [known.fact(name) for name in names] == [
        ("acme",),
        ("gold",),
        ("question",),
        ("phone",),
        ("mail", "chat"),
        ("us",),
        ("p1",),
        ("emea",),
    ]
    assert known.fact("product") == Profile({}).fact("plan") == ()


def test_a_change_replaces_only_what_it_names() -> None:
    known = Profile(CREATED)
    known.change({"attributes": {"product": "mail"}})
    assert (known.client_id, known.plan) == ("acme", "gold")
    assert known.attributes == {"region": "emea", "product": "mail"}
    assert CREATED["attributes"] == {"region": "emea"}, "what created said stays as it was"
