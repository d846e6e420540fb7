"""Readers of a ticket's row use only the fields in its model."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from pydantic import BaseModel

from sla_board.row import Row
from sla_cli.erasing import TicketOwner
from sla_engine.memory import Held, StoredRow
from sla_notifier.stopped import StoppedTicket
from sla_schemas.tables import TicketRecord

#: All readers of the record: board, notifier, `sla erase`; and the tracker's own restore, which the
#: board and `sla explain` use too.
READERS = (Row, StoppedTicket, TicketOwner, StoredRow)


def check(reader: type[msgspec.Struct], model: type[BaseModel]) -> None:
    """Every field of ``reader`` is one of ``model``, and a list of parts a list of its parts."""
    hints = get_type_hints(reader)
    for field in msgspec.structs.fields(reader):
        assert field.encode_name in model.model_fields, f"{reader.__name__}.{field.name}"
        declared = model.model_fields[field.encode_name]
        if field.required:
            assert declared.is_required() or declared.default is not None, field.name
        for part in get_args(hints[field.name]):
            if isinstance(part, type) and issubclass(part, msgspec.Struct) and part is not Held:
                check(part, _part(declared.annotation))


def _part(annotation: Any) -> type[BaseModel]:
    [model] = [each for each in get_args(annotation) if issubclass(each, BaseModel)]
    return model  # type: ignore[no-any-return]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_reader_of_the_ticket_record_reads_what_the_model_has(
    reader: type[msgspec.Struct],
) -> None:
    check(reader, TicketRecord)
