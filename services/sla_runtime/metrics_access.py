"""What of a program's HTTP side others than this machine may reach, and how much of it."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_config.network import is_loopback
from sla_config.secrets import secret_file
from sla_runtime.address import AddressError

#: On every answer that no page is made of.
PLAIN_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
#: Seconds a client has to send the head of a request.
HEADER_SECONDS: Final = 10.0
#: Where programs tell of themselves.
PROBE_PATHS: Final = ("/healthz", "/readyz", "/metrics")
#: Requests for these under way at once, beside all others.
PROBES_AT_ONCE: Final = 32


class HttpSettings(BaseSettings):
    """What the HTTP sides of all programs share, from the environment with ``SLA_HTTP_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_HTTP_", hide_input_in_errors=True)

    metrics_token_file: Path | None = Field(
        None,
        description="File of the bearer token that `/metrics` asks for. Needed beyond loopback.",
    )


class MetricsAccess:
    """Who may read ``/metrics``: with a token whoever has it, without whoever reaches the port."""

    def __init__(self, token: str | None = None) -> None:
        self._expected = None if token is None else f"Bearer {token}".encode()

    def allows(self, authorization: str | None) -> bool:
        """Whether the header says the token."""
        if self._expected is None:
            return True
        return hmac.compare_digest(self._expected, (authorization or "").encode())


def metrics_access(host: str) -> MetricsAccess:
    """As the environment says, for a program that serves on ``host``.

    Raises ``AddressError`` where everybody would read the metrics, and ``SecretError``.
    """
    path = HttpSettings().metrics_token_file
    if path is not None:
        return MetricsAccess(secret_file(path, "SLA_HTTP_METRICS_TOKEN_FILE"))
    if not is_loopback(host):
        raise AddressError(
            f"{host} is reached from elsewhere and /metrics would be open to all; name a file with "
            "its token in SLA_HTTP_METRICS_TOKEN_FILE, or serve on 127.0.0.1"
        )
    return MetricsAccess()
