"""Puts what ``deploy/wheel/compile`` left beside the sources into the wheel, which is then one
machine's and one Python's. Without any of it the wheel is for every machine, and half as fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledModules(BuildHookInterface[Any]):
    """A build hook of hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the compiled modules. Raises ``ValueError`` where a source is newer than one."""
        services = Path(self.root) / "services"
        compiled = sorted(services.rglob("*.so"))
        if version == "editable" or not compiled:
            return
        for module in compiled:
            source = module.with_name(module.name.partition(".")[0] + ".py")
            if source.exists() and source.stat().st_mtime > module.stat().st_mtime:
                raise ValueError(f"{source} was changed after it was compiled; run 'make setup'")
        build_data["infer_tag"] = True
        build_data["pure_python"] = False
        build_data["force_include"] |= {
            str(module): str(module.relative_to(services)) for module in compiled
        }
