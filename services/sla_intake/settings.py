"""The settings of the intake process; its sources file says who may send what."""

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
        description="Maximum size of a body; at most 2 MiB, which a dead letter can hold.",
    )
    header_seconds: float = Field(
        10.0, gt=0, description="Seconds that a client has to send the head of a request."
    )
    body_seconds: float = Field(10.0, gt=0, description="Seconds that it has to send the body.")
    kafka_seconds: float = Field(
        10.0, gt=0, description="Seconds that Kafka has to acknowledge before the answer is 503."
    )
    in_flight: int = Field(
        2000,
        ge=1,
        description="Maximum number of verified deliveries that wait for Kafka. One source may "
        "have no more than are still free. Beyond that, the answer is 503.",
    )
    proven_bytes: int = Field(
        16 * 1024 * 1024, ge=1, description="The same in bytes; at least four bodies."
    )
    unproven_bytes: int = Field(
        32 * 1024 * 1024,
        ge=1,
        description="Bytes that all requests not verified yet may hold together, each counted with "
        "16 KiB in addition to what it has sent; at least four bodies. Beyond that, the oldest "
        "request of the address and source that hold the most is dropped.",
    )
    requests_per_second: float = Field(
        5000.0,
        gt=0,
        description="Requests per second from one source, with bursts of twice as many; beyond "
        "that, the answer is 429.",
    )
    linger_ms: int = Field(
        2, ge=0, description="Milliseconds that a batch for Kafka waits for more records."
    )
