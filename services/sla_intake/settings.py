"""What can be set about the intake as a process; who may send what is in its sources file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sla_schemas.topics import MAX_INPUT_BYTES

#: The largest bodies for which there is room, however little is set.
LEAST_BODIES: Final = 4


class IntakeSettings(BaseSettings):
    """The intake's settings, from the environment with the prefix ``SLA_INTAKE_``."""

    model_config = SettingsConfigDict(env_prefix="SLA_INTAKE_")

    host: str = Field("127.0.0.1", description="Address to serve on.")
    port: int = Field(8090, ge=0, le=65535, description="Port to serve on; 0 picks a free one.")
    sources: Path | None = Field(None, description="TOML file of the systems that may send.")
    max_body_bytes: int = Field(
        1024 * 1024,
        ge=1,
        le=MAX_INPUT_BYTES,
        description="The largest body that is read; 2 MiB at most, which a dead letter can hold.",
    )
    header_seconds: float = Field(
        10.0, gt=0, description="Seconds a client has to send the head of a request."
    )
    body_seconds: float = Field(10.0, gt=0, description="Seconds it has to send the body.")
    kafka_seconds: float = Field(
        10.0, gt=0, description="Seconds Kafka has to acknowledge before the answer is 503."
    )
    in_flight: int = Field(
        2000,
        ge=1,
        description="Proven deliveries that wait for Kafka at most, a source's no more than are "
        "free; beyond that the answer is 503.",
    )
    proven_bytes: int = Field(
        16 * 1024 * 1024, ge=1, description="The same in bytes; four bodies at least."
    )
    unproven_bytes: int = Field(
        32 * 1024 * 1024,
        ge=1,
        description="What all requests without a proof may hold together, each 16 KiB more than "
        "it sent; four bodies at least. Beyond that the first of the address and source that hold "
        "most is given up.",
    )
    requests_per_second: float = Field(
        5000.0, gt=0, description="What one source may send, with bursts of twice that; else 429."
    )
    linger_ms: int = Field(
        2, ge=0, description="Milliseconds a batch for Kafka waits for more to go with it."
    )
