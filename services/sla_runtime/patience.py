"""How long a client may take to say what it wants."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sla_runtime.exposure import HEADER_SECONDS


def patient_protocol(seconds: float = HEADER_SECONDS) -> type[HttpToolsProtocol]:
    """Uvicorn's protocol, that closes a connection whose request's head takes too long: uvicorn
    itself waits for ever.
    """

    class Patient(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._patience = self.loop.call_later(seconds, self._lose_patience)

        def _lose_patience(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

        def on_headers_complete(self) -> None:
            self._patience.cancel()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._patience.cancel()
            super().connection_lost(exc)

    return Patient
