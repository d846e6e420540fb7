"""Who has to act on a ticket."""

from __future__ import annotations

import pytest

from sla_domain.status import Stage, Status


@pytest.mark.parametrize("status", Status)
def test_an_open_ticket_is_the_vendors_and_a_waiting_one_the_partys(status: Status) -> None:
    assert Stage(0, status, "client", "e").holder == "client"
    expected = "vendor" if status is Status.OPEN else None
    assert Stage(0, status, None, "e").holder == expected
