"""Background tasks, which must not end unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger("sla_runtime")


class Background:
    """A task that runs until it is stopped or has done its work. If it fails or something else
    cancels it, ``on_end`` is called with a sentence, which ``ended`` keeps.
    """

    def __init__(
        self,
        name: str,
        work: Coroutine[Any, Any, None],
        on_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        #: Why it is not running although it should be; ``None`` otherwise.
        self.ended: str | None = None
        self._stopping = False
        self._on_end = on_end
        self._task = asyncio.create_task(work, name=name)
        self._task.add_done_callback(self._done)

    async def stop(self) -> None:
        """Cancel it, and wait until it has ended."""
        self.cancel()
        await asyncio.wait([self._task])

    def cancel(self) -> None:
        """Cancel it without waiting."""
        self._stopping = True
        self._task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._stopping or not (task.cancelled() or error):
            return
        self.ended = f"its task {task.get_name()!r} has ended" + (f" ({error!r})" if error else "")
        log.error("a task has ended unexpectedly", reason=self.ended, exc_info=error)
        self._on_end(self.ended)
