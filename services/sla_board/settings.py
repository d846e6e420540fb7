"""The settings of the board."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class BoardSettings(BaseSettings):
    """The board's settings, from the environment with the prefix ``SLA_BOARD_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_BOARD_")

    host: str = Field(
        "127.0.0.1", description="Address to serve on. Without tokens, only loopback."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to serve on; 0 picks a free one.")
    tokens: Path | None = Field(
        None,
        description="TOML file of bearer tokens. Without it, anyone who reaches the port may read.",
    )
    allowed_hosts: list[str] = Field(
        [], description="Host names to answer to. Default: loopback names; with tokens, any name."
    )
    policies: list[Path] = Field(
        [], description="The tracker's policy files. Default: the packaged policy."
    )
    replay: bool = Field(
        False, description="For recorded history: take the tracker's progress as the current time."
    )
    requests_per_second: float = Field(
        50.0, gt=0, description="Rate limit for one token or address; bursts of twice that."
    )
    live_pages: int = Field(500, ge=1, description="How many live pages may be open at once.")
    live_pages_of_one: int = Field(
        20, ge=1, description="The same for one token or, without tokens, for one address."
    )
    stale_seconds: float = Field(
        15.0,
        gt=0,
        description="How many seconds the tracker may be behind before the board reports it.",
    )
