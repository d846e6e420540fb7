"""What a client's contact with the guard changes: the limit of a plan beside the severity's own."""

from __future__ import annotations

from sla_domain.clock import Clock, Contact
from sla_domain.policy import Plan, Policy
from sla_domain.profile import Profile
from sla_domain.target import Target


def covering_plan(policy: Policy, profile: Profile) -> Plan | None:
    """The plan bought for a ticket, if it covers the integration (clauses C17, C21)."""
    plan = policy.plans.get(profile.plan)
    if plan is None or plan.built_by.isdisjoint(profile.fact("built_by")):
        return None
    return plan


def plan_target(
    policy: Policy, profile: Profile, clock: Clock, severity: str, contact: Contact | None
) -> Target | None:
    """What the plan promises for ``clock`` at ``severity`` from the contact on; ``None`` without a
    contact, or where it promises nothing.
    """
    if contact is None:
        return None
    target = policy.plans[contact.plan].targets.get((severity, clock.rule.name))
    return None if target is None else target.chosen(profile.fact, contact.at)
