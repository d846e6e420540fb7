"""What can be set about the board."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class BoardSettings(BaseSettings):
    """The board's settings, from the environment with the prefix ``SLA_BOARD_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_BOARD_")

    host: str = Field(
        "127.0.0.1", description="Address to serve on. Without tokens only a loopback one."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to serve on; 0 picks a free one.")
    tokens: Path | None = Field(
        None,
        description="TOML file of bearer tokens; without it whoever reaches the port may read.",
    )
    allowed_hosts: list[str] = Field(
        [], description="Names the board is reached by. Default: loopback names, any with tokens."
    )
    policies: list[Path] = Field(
        [], description="The tracker's policy files. Default: the packaged one."
    )
    replay: bool = Field(
        False, description="Now is how far the tracker has come, for recorded history."
    )
    requests_per_second: float = Field(
        50.0, gt=0, description="What one token or address may ask for, with bursts of twice that."
    )
    live_pages: int = Field(500, ge=1, description="Pages that may be followed live at once.")
    live_pages_of_one: int = Field(
        20, ge=1, description="The same for one token, or one address where there are no tokens."
    )
    stale_seconds: float = Field(
        15.0, gt=0, description="Seconds that the tracker may be behind before the board says so."
    )
