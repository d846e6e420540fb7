"""The packaged sample: real incidents as ticket events (see ATTRIBUTION.md beside this file)."""

from __future__ import annotations

from importlib import resources
from typing import Final

#: What commands take in the place of a file for the packaged sample.
NAME: Final = "sample"
FILE: Final = "incidents.jsonl.gz"


def sample_bytes() -> bytes:
    """The sample as it is packaged: gzipped JSON Lines."""
    return (resources.files(__name__) / FILE).read_bytes()
