"""What can be set about the tracker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_tracker.partition import DEFAULT_GRACE, REPLAY, TimeRule


class TrackerSettings(BaseSettings):
    """The tracker's settings, from the environment with the prefix ``SLA_TRACKER_``.

    ``app`` names consumer group, transactional ids and progress; two trackers with one name share
    the work, two with different names would both own the table and must not run.
    """

    model_config = SettingsConfigDict(env_prefix="SLA_TRACKER_")

    app: str = "sla-tracker"
    #: Unique and stable for each process of an app, if its place in the group shall be (KIP-345).
    instance_id: str | None = None
    policies: list[Path] = []
    #: Time follows the events' own times instead of the wall clock.
    replay: bool = False
    grace_ms: int = Field(DEFAULT_GRACE, ge=0)

    #: Where metrics and health are served; port 0 picks a free one.
    http_host: str = "127.0.0.1"
    http_port: int = 9108

    #: Records stepped through in one transaction, at most.
    batch_records: int = Field(2000, ge=1)
    #: Seconds any single call to the broker may take.
    call_seconds: float = Field(15.0, gt=0)
    #: Seconds a restore may take.
    restore_seconds: float = Field(600.0, gt=0)
    #: Failures of a partition without a commit between them that end the process.
    max_failures: int = Field(10, ge=1)
    #: Seconds without any progress after which a partition is said to stand still, and after which
    #: the process ends for a supervisor to start it anew.
    stalled_seconds: float = Field(30.0, gt=0)
    give_up_seconds: float = Field(300.0, gt=0)
    #: More dead letters than this share of the last thousand records end the process.
    max_dead_letter_share: float = Field(0.5, gt=0, le=1)
    #: Go on where records were deleted by retention before they were read.
    skip_deleted: bool = False
    session_timeout_ms: int = 6_000

    @property
    def time(self) -> TimeRule:
        """What moves the frontiers."""
        return REPLAY if self.replay else TimeRule(self.grace_ms)
