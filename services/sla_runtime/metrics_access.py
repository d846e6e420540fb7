"""Which parts of a program's HTTP interface other machines may reach, and their limits."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_config.network import is_loopback
from sla_config.secrets import secret_file
from sla_runtime.address import AddressError

#: Headers of every answer that is not an HTML page.
PLAIN_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
#: Seconds a client has to send the head of a request.
HEADER_SECONDS: Final = 10.0
#: Paths of health and metrics.
PROBE_PATHS: Final = ("/healthz", "/readyz", "/metrics")
#: Requests for these in progress at once, in addition to all others.
PROBES_AT_ONCE: Final = 32


class HttpSettings(BaseSettings):
    """HTTP settings that all programs share, from the environment with ``SLA_HTTP_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_HTTP_", hide_input_in_errors=True)

    metrics_token_file: Path | None = Field(
        None,
        description="File with the bearer token that `/metrics` requires. Must be set when serving "
        "beyond loopback.",
    )


class MetricsAccess:
    """Who may read ``/metrics``: whoever has the token, or without one, everybody."""

    def __init__(self, token: str | None = None) -> None:
        self._expected = None if token is None else f"Bearer {token}".encode()

    def allows(self, authorization: str | None) -> bool:
        """Whether the header contains the token."""
        if self._expected is None:
            return True
        return hmac.compare_digest(self._expected, (authorization or "").encode())


def metrics_access(host: str) -> MetricsAccess:
    """The access set by the environment, for a program that serves on ``host``.

    Raises ``AddressError`` if everybody could read the metrics, and ``SecretError``.
    """
    path = HttpSettings().metrics_token_file
    if path is not None:
        return MetricsAccess(secret_file(path, "SLA_HTTP_METRICS_TOKEN_FILE"))
    if not is_loopback(host):
        raise AddressError(
            f"other machines can reach {host}, and /metrics would be open to all; name a file with "
            "its token in SLA_HTTP_METRICS_TOKEN_FILE, or serve on 127.0.0.1"
        )
    return MetricsAccess()
