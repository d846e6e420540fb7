"""Topics on a broker: created from their definition, and compared with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from sla_config.errors import UserFacingError
from sla_domain.counting import counted
from sla_kafka.settings import KafkaSettings
from sla_schemas.topics import EVENTS, TOPICS, Topic

#: How long to retry while a broker that has just started does not accept topics yet.
SETTLE_SECONDS: Final = 20.0
#: Settings that determine what a topic keeps and what its timestamps mean.
ESSENTIAL: Final = ("cleanup.policy", "message.timestamp.type")


#: To a user without permission, a broker does not reveal whether a topic exists.
NOT_SEEN: Final = (
    "is missing, or this user may not see it: create it with 'sla topics create', or grant the "
    "permissions in docs/security.md"
)


class BrokerError(UserFacingError):
    """The broker can't be reached or refuses a request; the message says what to do."""


class NoBrokerError(BrokerError):
    """No broker answers at ``bootstrap``; ``why`` is the client's error."""

    def __init__(self, bootstrap: str, why: str = "") -> None:
        super().__init__(
            f"no broker answers at {bootstrap}{why and f' ({why})'}; "
            "start one with 'sla kafka', or set SLA_KAFKA_BOOTSTRAP"
        )


class TopicMissingError(BrokerError):
    """A topic is missing, or this user may not see it."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """The state of a topic on the broker. ``harmful`` is what makes it unusable, ``unusual`` what
    merely differs from how we would create it.
    """

    topic: Topic
    partitions: int | None
    harmful: Sequence[str]
    unusual: Sequence[str] = ()

    @property
    def wrong(self) -> Sequence[str]:
        """Everything that is wrong with it."""
        return [*self.harmful, *self.unusual]


@asynccontextmanager
async def admin_client(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client. Raises ``NoBrokerError`` when the broker can't be reached."""
    client = AIOKafkaAdminClient(**settings.client_options(), request_timeout_ms=10_000)
    try:
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            raise NoBrokerError(settings.bootstrap, type(error).__name__) from error
        yield client
    finally:
        await client.close()


async def create_topics(settings: KafkaSettings, partitions: int, replicas: int = 1) -> list[str]:
    """Create the topics that are missing; returns their names. Raises ``BrokerError``."""
    async with admin_client(settings) as client:
        async with asyncio.timeout(SETTLE_SECONDS):
            while True:
                existing = set(await client.list_topics())
                missing = [topic for topic in TOPICS if topic.name not in existing]
                if not missing:
                    return []
                try:
                    await _create(client, missing, partitions, replicas)
                except TopicAlreadyExistsError:
                    continue
                except KafkaError as error:
                    if not error.retriable:
                        raise BrokerError(
                            f"the broker at {settings.bootstrap} refuses to create the topics: "
                            f"{error}"
                        ) from error
                    await asyncio.sleep(0.1)
                    continue
                await _wait_for_leaders(client, missing)
                return [topic.name for topic in missing]


async def _create(
    client: AIOKafkaAdminClient, topics: Sequence[Topic], partitions: int, replicas: int
) -> None:
    answer = await client.create_topics(
        [
            NewTopic(topic.name, partitions, replicas, topic_configs=dict(topic.config))
            for topic in topics
        ],
        timeout_ms=10_000,
    )
    for _, code, message in answer.topic_errors:
        error = for_code(code)
        if code != 0:
            raise error(message)


async def _wait_for_leaders(client: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """A topic exists before its partitions have leaders; writing earlier only costs retries."""
    names = [topic.name for topic in topics]
    while True:
        described = await client.describe_topics(names)
        if all(
            entry["error_code"] == 0
            and entry["partitions"]
            and all(partition["leader"] >= 0 for partition in entry["partitions"])
            for entry in described
        ):
            return
        await asyncio.sleep(0.05)


async def check_group(settings: KafkaSettings, group: str, topics: Sequence[Topic]) -> None:
    """Raise ``TopicMissingError`` if ``topics`` can't be seen, and ``BrokerError`` if they can't be
    read in ``group``. A consumer would retry for ever without an error.
    """
    async with admin_client(settings) as client:
        for entry in await client.describe_topics([topic.name for topic in topics]):
            if entry["error_code"] != 0:
                name = for_code(entry["error_code"]).__name__
                raise TopicMissingError(
                    f"topic {entry['topic']} at {settings.bootstrap} {NOT_SEEN} ({name})"
                )
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                await client.list_consumer_group_offsets(group)
            except KafkaError as error:
                if error.retriable and time.monotonic() < deadline:
                    await asyncio.sleep(0.1)
                    continue
                raise BrokerError(
                    f"group {group} at {settings.bootstrap} can't be used "
                    f"({type(error).__name__}); grant the permissions in docs/security.md"
                ) from error
            return


@dataclass(frozen=True, slots=True)
class GroupState:
    """The state of a consumer group, in the broker's own words."""

    state: str
    members: int


async def group_state(settings: KafkaSettings, group: str) -> GroupState:
    """The members of ``group``. Raises ``BrokerError`` if they may not be seen."""
    async with admin_client(settings) as client:
        try:
            [answer] = await client.describe_consumer_groups([group])
            code, _, state, _, _, members = answer.groups[0][:6]
            if code:
                raise for_code(code)
        except KafkaError as error:
            raise BrokerError(
                f"group {group} can't be seen ({type(error).__name__}); grant the permissions in "
                "docs/security.md"
            ) from error
    return GroupState(state, len(members))


async def topic_states(settings: KafkaSettings) -> list[TopicState]:
    """The state of every topic on the broker. Raises ``BrokerError``."""
    async with admin_client(settings) as client:
        existing = set(await client.list_topics())
        present = [topic.name for topic in TOPICS if topic.name in existing]
        described = await client.describe_topics(present) if present else []
        counts = {entry["topic"]: len(entry["partitions"]) for entry in described}
        # The other topics must have as many as the input.
        usual = counts.get(EVENTS.name, max(counts.values(), default=0))
        return [
            _state(topic, counts[topic.name], usual, await _config(client, topic))
            if topic.name in counts
            else TopicState(topic, None, [NOT_SEEN])
            for topic in TOPICS
        ]


def _state(topic: Topic, partitions: int, usual: int, config: dict[str, str]) -> TopicState:
    harmful: list[str] = []
    unusual: list[str] = []
    for name, value in topic.config.items():
        if config.get(name) != value:
            (harmful if name in ESSENTIAL else unusual).append(
                f"{name} is {config.get(name)}, must be {value}; set it with "
                "'kafka-configs.sh --alter'"
            )
    if partitions != usual:
        harmful.append(
            f"has {counted(partitions, 'partition')}, but {EVENTS.name} has {usual}; the number is "
            "fixed for life, so delete it and create it with 'sla topics create', or copy its "
            "records"
        )
    return TopicState(topic, partitions, harmful, unusual)


async def _config(client: AIOKafkaAdminClient, topic: Topic) -> dict[str, str]:
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    found: dict[str, str] = {}
    for answer in answers:
        for resource in answer.resources:
            for entry in resource[4]:
                found[entry[0]] = entry[1]
    return found
