"""Every scenario file passes, and a wrong one fails."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sla_lab.scenarios import Verdict, read_scenarios, try_file

HERE = Path(__file__).parent


@cache
def verdicts(path: Path) -> list[Verdict]:
    return list(try_file(path))


def scenarios() -> Iterator[Any]:
    for path in sorted(HERE.glob("*.toml")):
        for number, scenario in enumerate(read_scenarios(path).scenario):
            yield pytest.param(path, number, id=f"{path.stem}-{number}: {scenario.name}")


@pytest.mark.parametrize(("path", "number"), list(scenarios()))
def test_it_comes_out_as_it_says(path: Path, number: int) -> None:
    assert verdicts(path)[number].differences == []
