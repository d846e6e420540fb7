"""Shared by all benchmarks: the machine, a process's resource usage, medians with spread."""

from __future__ import annotations

import os
import platform
import re
import statistics
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """The machine and the versions of the measured software."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    compiled = (Path(__file__).parents[1] / "services").glob("sla__mypyc*.so")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "aiokafka": version("aiokafka"),
        "rules": "compiled" if any(compiled) else "interpreted",
    }


@dataclass(frozen=True)
class Used:
    """A process's resource usage: CPU seconds since its start, resident megabytes now (Linux)."""

    cpu_seconds: float
    resident_mb: float

    @classmethod
    def by(cls, pid: int) -> Used:
        """Read the usage of ``pid`` from ``/proc``."""
        process = Path("/proc") / str(pid)
        fields = (process / "stat").read_text().rpartition(") ")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        pages = int((process / "statm").read_text().split()[1])
        return cls(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def spread(values: list[float]) -> dict[str, float]:
    """Median, minimum and maximum."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def told(values: dict[str, float], unit: str = "") -> str:
    """A spread as text."""
    digits = 0 if values["median"] >= 100 else 1 if values["median"] >= 10 else 2
    median, low, high = (f"{values[name]:,.{digits}f}" for name in ("median", "low", "high"))
    return f"{median}{unit} ({low}-{high})"


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """p50, p99 and maximum."""
    cuts = statistics.quantiles(milliseconds, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": max(milliseconds), "count": len(milliseconds)}
