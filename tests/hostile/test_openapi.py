"""Requests that schemathesis makes from the board's own description of its interface, right and
wrong ones: each is answered as the description says, and none by a fault.
"""

from __future__ import annotations

import os
from hashlib import sha256

import schemathesis
from hypothesis import given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from support.board import World, record

from sla_board.access import Access, Token
from sla_domain.policy import PolicyBook

EXAMPLES = int(os.environ.get("SLA_FUZZ_EXAMPLES", "30"))
SECRET = "lead's secret"
PROOF = {"Authorization": f"Bearer {SECRET}"}
#: A cursor is a word of ours, which no schema can describe, so 422 is an answer to one that it
#: allows; and a parameter that nobody knows is passed over, as elsewhere on the web.
NOT_ASKED = [positive_data_acceptance, negative_data_rejection]


def test_each_operation_answers_as_it_is_described(book: PolicyBook) -> None:
    world = World(book)
    world.put(*(record(f"T-{number:04}") for number in range(50)))
    lead = Token(name="lead", sha256=sha256(SECRET.encode()).hexdigest(), role="lead")
    server = world.server(Access([lead]), requests_per_second=1e6)
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", server, headers=PROOF)
    tried = set()
    for found in described.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=EXAMPLES)
            def answered(case: Case) -> None:
                case.call_and_validate(headers=PROOF, excluded_checks=NOT_ASKED)

            answered()
        tried.add(operation.label)
    assert len(tried) >= 5, tried
