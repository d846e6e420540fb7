"""The tracker's settings."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_config.secrets import erase_key
from sla_engine.frontier import DEFAULT_GRACE, REPLAY, TimeRule


class TrackerSettings(BaseSettings):
    """The tracker's settings, from the environment with the prefix ``SLA_TRACKER_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_TRACKER_", populate_by_name=True)

    app: str = Field(
        "sla-tracker",
        description="Name of the consumer group, the transactional ids and the progress. All "
        "trackers on the same topics must have the same one.",
    )
    instance_id: str | None = Field(
        None,
        description="Unique name of this process that stays the same after a restart, so that a "
        "restart moves no other partitions (KIP-345).",
    )
    policies: list[Path] = Field(
        [], description="JSON list of policy files; also `--policy`. Default: the packaged one."
    )
    replay: bool = Field(
        False, description="Take the time from the events, for recorded history; also `--replay`."
    )
    grace_ms: int = Field(
        DEFAULT_GRACE, ge=0, description="Milliseconds an alert waits for a late record."
    )
    host: str = Field(
        "127.0.0.1",
        validation_alias="SLA_TRACKER_HTTP_HOST",
        description="Address to serve /metrics, /healthz and /readyz on.",
    )
    port: int = Field(
        9108,
        ge=0,
        le=65535,
        validation_alias="SLA_TRACKER_HTTP_PORT",
        description="Port to serve them on; 0 picks a free one.",
    )
    batch_records: int = Field(
        5000, ge=1, description="Maximum number of records in a transaction."
    )
    call_seconds: float = Field(
        15.0, gt=0, description="Seconds that a single call to the broker may take."
    )
    restore_seconds: float = Field(600.0, gt=0, description="Seconds that a restore may take.")
    max_failures: int = Field(
        10,
        ge=1,
        description="Number of failures without a commit in between after which the process ends.",
    )
    stalled_seconds: float = Field(
        30.0, gt=0, description="Seconds without progress after which a partition is not ready."
    )
    give_up_seconds: float = Field(
        300.0,
        gt=0,
        description="Seconds without progress after which the process ends; while no broker "
        "answers, it waits.",
    )
    max_dead_letter_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A source is reported (`sla_refused_sources`) if more than this share of its "
        "last thousand records can't be used.",
    )
    skip_deleted: bool = Field(
        False, description="Continue although records were deleted before they were read."
    )
    erase_key_file: Path | None = Field(
        None,
        description="File with the key that `sla erase` signs its orders with; without it, they "
        "are refused.",
    )
    session_timeout_ms: int = Field(
        6_000, description="Milliseconds until the group notices that a tracker has died."
    )

    @cached_property
    def erase_key(self) -> bytes | None:
        """The erase key. Raises ``SecretError``."""
        path = self.erase_key_file
        return None if path is None else erase_key(path, "SLA_TRACKER_ERASE_KEY_FILE")

    @property
    def time(self) -> TimeRule:
        """What moves the frontiers."""
        return REPLAY if self.replay else TimeRule(self.grace_ms)
