"""The settings of the notifier process; where alerts go is in its routes file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class NotifierSettings(BaseSettings):
    """The notifier's settings, from the environment with the prefix ``SLA_NOTIFIER_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_NOTIFIER_")

    app: str = Field(
        "sla-notifier",
        description="Name of the consumer group; notifiers with one name share work.",
    )
    routes: Path | None = Field(None, description="TOML file of destinations and routes.")
    policies: list[Path] = Field(
        [], description="The tracker's policy files, for calendars. Default: the packaged policy."
    )
    host: str = Field("127.0.0.1", description="Address for /metrics, /healthz and /readyz.")
    port: int = Field(9109, ge=0, le=65535, description="Port for them; 0 picks a free one.")
    session_seconds: float = Field(
        10.0, ge=6, description="Seconds after which a dead notifier is replaced."
    )
    in_flight: int = Field(
        1000,
        ge=1,
        description="Alerts kept in memory for one destination, at most; of those behind them only "
        "the offset is kept, and they are read again in their turn.",
    )
    waiting: int = Field(
        100_000,
        ge=1,
        description="Alerts waiting for one destination, at most; beyond that no alert is read.",
    )
    lanes: int = Field(
        8, ge=1, description="Parallel deliveries to one destination; one at a time per ticket."
    )
    drain_seconds: float = Field(
        10.0, ge=0, description="Seconds that deliveries in progress get to finish at shutdown."
    )
