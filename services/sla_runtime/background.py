"""What runs beside a program's main work, and must not end unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger("sla_runtime")


class Background:
    """A task that runs until it is stopped or has done its work. ``on_end`` is told in a sentence
    where it fails or is cancelled by anybody else; ``ended`` keeps the sentence.
    """

    def __init__(
        self,
        name: str,
        work: Coroutine[Any, Any, None],
        on_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        #: Why it is not at work though it should be; ``None`` otherwise.
        self.ended: str | None = None
        self._stopping = False
        self._on_end = on_end
        self._task = asyncio.create_task(work, name=name)
        self._task.add_done_callback(self._done)

    async def stop(self) -> None:
        """End it, and wait until it has."""
        self.cancel()
        await asyncio.wait([self._task])

    def cancel(self) -> None:
        """End it soon."""
        self._stopping = True
        self._task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._stopping or not (task.cancelled() or error):
            return
        self.ended = f"its task {task.get_name()!r} has ended" + (f" ({error!r})" if error else "")
        log.error("a task has ended that should not", reason=self.ended, exc_info=error)
        self._on_end(self.ended)
