"""What can be set about the notifier as a process; where alerts go is in its routes file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class NotifierSettings(BaseSettings):
    """The notifier's settings, from the environment with the prefix ``SLA_NOTIFIER_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_NOTIFIER_")

    app: str = Field(
        "sla-notifier", description="Name of the consumer group; notifiers of one name share work."
    )
    routes: Path | None = Field(None, description="TOML file of destinations and routes.")
    policies: list[Path] = Field(
        [], description="The tracker's policy files, for calendars. Default: the packaged one."
    )
    host: str = Field("127.0.0.1", description="Address of /metrics, /healthz and /readyz.")
    port: int = Field(9109, ge=0, le=65535, description="Their port; 0 picks a free one.")
    session_seconds: float = Field(
        10.0, ge=6, description="Seconds after which a notifier that died is replaced."
    )
    in_flight: int = Field(
        1000,
        ge=1,
        description="Alerts that wait in memory for one destination, at most; of those behind them "
        "it is kept where they are, and they are read again.",
    )
    waiting: int = Field(
        100_000,
        ge=1,
        description="Alerts that wait for one destination, at most; beyond that no alert is taken.",
    )
    lanes: int = Field(
        8, ge=1, description="Deliveries to one destination at once; those of a ticket one by one."
    )
    drain_seconds: float = Field(
        10.0, ge=0, description="Seconds that deliveries under way get when it is stopped."
    )
