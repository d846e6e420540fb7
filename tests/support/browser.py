"""A real Chromium: Debian's, driven by Playwright."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from support.debian import environment, program


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; skips the test if Chromium is missing."""
    binary = program("chromium", "usr/lib/chromium/chromium")
    with tempfile.TemporaryDirectory(prefix="sla-chromium-") as directory, sync_playwright() as kit:
        browser = kit.chromium.launch(
            executable_path=str(binary),
            env=environment(Path(directory)),
            # There is no sandbox for root; only our own pages are opened.
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()
