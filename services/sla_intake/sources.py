"""The sources file: which systems may send, how they are verified, and what their words mean."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from sla_config.configuration import StrictSection, read_toml
from sla_config.errors import UserFacingError
from sla_config.secrets import secret_of
from sla_config.wording import listed, nearest
from sla_domain.selector import CLIENT
from sla_policy.clients import Clients, read_clients
from sla_schemas.types import MAX_WORD, Id, Word
from sla_schemas.words import Kind

Vendor = Literal["zendesk", "jira", "freshdesk", "github", "cloudevents"]
#: What a status of theirs means for the promise, beside a wait for a party that it names.
STATES: Final = (
    "open",
    "on_hold",
    "waiting_on_client",
    "waiting_on_third_party",
    "resolved",
    "cancelled",
)
#: What goes before the party in a state, as in the selectors of a policy.
WAITING: Final = "waiting:"
_PARTY: Final[TypeAdapter[str]] = TypeAdapter(Word)


def _state(value: str) -> str:
    """One of ``STATES``, or ``waiting:`` and a party, which may be any word that a policy could
    have. A wait for the client has one name.
    """
    if not value.startswith(WAITING):
        if value not in STATES:
            raise ValueError(
                f"is not one of {listed(STATES)}, nor {WAITING!r} and a party, like "
                f"'waiting:supplier'{nearest(value, STATES)}"
            )
        return value
    try:
        party = _PARTY.validate_python(value.removeprefix(WAITING))
    except ValidationError:
        raise ValueError(
            f"names no party after {WAITING!r}; write it as the policy does, in at most {MAX_WORD} "
            "lower-case letters, digits, dashes and underscores, like 'waiting:supplier'"
        ) from None
    return "waiting_on_client" if party == CLIENT else value


State = Annotated[str, AfterValidator(_state)]
#: Their words, read alike however they are written.
LowerCase = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True)]


class SourcesError(UserFacingError):
    """The sources file can't be used; the message names file and field."""


class Mapping(StrictSection):
    """What a vendor's words mean, regardless of case. The defaults are in ``mappings/``."""

    states: dict[LowerCase, State] = Field(
        {},
        description="For each status: `open`, `on_hold`, `waiting_on_client`, "
        "`waiting_on_third_party`, `waiting:` and a party of the policy, `resolved` or "
        "`cancelled`.",
    )
    severities: dict[LowerCase, Word] = Field(
        {}, description="The severity for each priority or label."
    )
    kinds: dict[LowerCase, Kind] = Field({}, description="The kind for each type or label.")
    channels: dict[LowerCase, str] = Field(
        {}, description="The policy's channel for each of the vendor's channels."
    )

    def over(self, other: Mapping) -> Mapping:
        """Its own words, and those of the other where it is silent."""
        return Mapping(
            states=other.states | self.states,
            severities=other.severities | self.severities,
            kinds=other.kinds | self.kinds,
            channels=other.channels | self.channels,
        )


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        like = nearest(value, available_timezones()) or "; write one like 'Europe/Madrid'"
        raise ValueError(f"is not a time zone{like}") from None
    return value


class Source(StrictSection):
    """A system that may send to ``/hooks/NAME``."""

    name: Annotated[
        str,
        StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,62}$"),
        Field(description="Lower-case letters, digits and dashes; it sends to `/hooks/NAME`."),
    ]
    kind: Vendor
    secret_envs: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=2,
            description="Environment variables of the secrets; two while a secret is being "
            "replaced.",
        ),
    ]
    client_id: Annotated[
        Id | None,
        Field(
            description="The client of its tickets, or of those for which `client_field` has no "
            "value."
        ),
    ] = None
    client_field: Annotated[
        str | None,
        Field(
            description="Path of the client in the ticket, such as `a.b.c`, or `a.0.b` in a list."
        ),
    ] = None
    bots: list[Id] = Field(
        [], description="Ids of accounts of machines: what they write is no reply to a client."
    )
    ticket_field: Annotated[
        Literal["id", "key"],
        Field(
            description="Jira: which field is the ticket id. The `id` stays the same when an issue "
            "moves to another project; with `key`, it becomes another ticket."
        ),
    ] = "id"
    zone: Annotated[
        Annotated[str, AfterValidator(_zone)] | None,
        Field(description="Time zone of times without an offset, such as `Europe/Madrid`."),
    ] = None
    ticket_prefix: Annotated[
        str,
        StringConstraints(max_length=40),
        Field(
            description="Prefix of each ticket id. If there are several sources, each needs one, "
            "and none may be the beginning of another."
        ),
    ] = ""
    tickets_of: Annotated[
        str | None,
        Field(
            description="Another source whose tickets this one also sends events for; its prefix "
            "is used."
        ),
    ] = None
    mapping: Annotated[Mapping, Field(description="What its own words mean; see below.")] = (
        Mapping()
    )
    _clients: Clients = PrivateAttr(default=Clients())

    @property
    def clients(self) -> Clients:
        """What is known of its tickets' clients."""
        return self._clients

    def know(self, clients: Clients) -> Self:
        """Itself, told what is known of clients."""
        self._clients = clients
        return self

    @property
    def path(self) -> str:
        """Where it sends to."""
        return f"/hooks/{self.name}"

    @property
    def uri(self) -> str:
        """The ``source`` of its events."""
        return f"/{self.kind}/{self.name}"

    @property
    def bound_to(self) -> str | None:
        """The one client whose tickets it may send; ``None`` where there may be several."""
        return None if self.client_field else self.client_id

    def secrets(self) -> list[bytes]:
        """The live secrets. Raises ``SourcesError`` where none is set, and ``SecretError``."""
        found = [value.encode() for name in self.secret_envs if (value := secret_of(name))]
        if not found:
            raise SourcesError(
                f"source {self.name!r} needs a secret: set {' or '.join(self.secret_envs)} in the "
                "environment"
            )
        return found

    def complete(self) -> Self:
        """With the vendor's default mapping where its own is silent."""
        return self.model_copy(update={"mapping": self.mapping.over(default_mapping(self.kind))})


class _File(StrictSection):
    clients: Annotated[
        Path | None,
        Field(
            description="TOML file of plans and attributes of clients, by which new tickets are "
            "filled; beside this file unless it begins with `/`."
        ),
    ] = None
    sources: Annotated[list[Source], Field(min_length=1)]


def default_mapping(vendor: Vendor) -> Mapping:
    """What a vendor's words mean unless told otherwise."""
    file = resources.files(__package__) / "mappings" / f"{vendor}.toml"
    if not file.is_file():
        return Mapping()
    return Mapping.model_validate(tomllib.loads(file.read_text("utf-8")))


def read_sources(path: Path | None, *, secrets: bool = True) -> list[Source]:
    """The sources of a file, their secrets looked for too. Raises ``SourcesError`` and
    ``ClientsError``.
    """
    if path is None:
        raise SourcesError(
            "no sources file is named; write one (see docs/intake.md) and name it with --sources"
        )
    file = read_toml(path, _File, "sources file", SourcesError)
    found = file.sources
    clients = Clients() if file.clients is None else read_clients(path.parent / file.clients)
    origin = f"sources file {path}"
    named = {source.name: source for source in found}
    if len(named) < len(found):
        raise SourcesError(f"{origin}: two sources have the same name; rename one")
    for source in found:
        _check(source, f"{origin}: source {source.name!r}")
        if secrets:
            source.secrets()
    _check_prefixes([source for source in found if source.tickets_of is None], origin)
    return [_beside(source, named, origin).complete().know(clients) for source in found]


def check_severities(sources: list[Source], severities: Sequence[str]) -> None:
    """Raise ``SourcesError`` where a mapping names a severity that no policy has."""
    wrong = [
        f"source {source.name!r}: {theirs!r} is mapped to {ours!r}, which no policy has"
        + (nearest(ours, severities) or f"; severities are {listed(severities)}")
        for source in sources
        for theirs, ours in source.mapping.severities.items()
        if ours not in severities
    ]
    if wrong:
        raise SourcesError("\n".join(wrong))


def check_parties(sources: list[Source], parties: Sequence[str]) -> None:
    """Raise ``SourcesError`` where a mapping has a ticket wait for a party that no policy has: it
    would pause nothing.
    """
    wrong = [
        f"source {source.name!r}: {theirs!r} is mapped to {ours!r}, a party that no policy has"
        + (nearest(party, parties) or f"; parties are {listed(parties)}")
        for source in sources
        for theirs, ours in source.mapping.states.items()
        if ours.startswith(WAITING) and (party := ours.removeprefix(WAITING)) not in parties
    ]
    if wrong:
        raise SourcesError("\n".join(wrong))


def _check_prefixes(sources: list[Source], origin: str) -> None:
    """Whose a ticket is, its id must tell: by the prefix of one source and no other."""
    if len(sources) < 2:
        return
    without = [repr(source.name) for source in sources if not source.ticket_prefix]
    if without:
        raise SourcesError(
            f"{origin}: if there are several sources, each needs a ticket_prefix, so that none can "
            f"send events for another's tickets; add one to {', '.join(without)}"
        )
    for one in sources:
        for other in sources:
            if one is not other and other.ticket_prefix.startswith(one.ticket_prefix):
                raise SourcesError(
                    f"{origin}: the ticket_prefix {other.ticket_prefix!r} of {other.name!r} begins "
                    f"with that of {one.name!r}, so one could send events for the other's "
                    "tickets; change one, or to share tickets, name the other source in tickets_of"
                )


def _beside(source: Source, named: dict[str, Source], origin: str) -> Source:
    """The source, with the prefix of the one about whose tickets it speaks."""
    if source.tickets_of is None:
        return source
    name = f"{origin}: source {source.name!r}"
    owner = named.get(source.tickets_of)
    if owner is None or owner.tickets_of is not None:
        raise SourcesError(
            f"{name} has tickets_of {source.tickets_of!r}, which is not a source with its own "
            "tickets; name one that is"
        )
    if source.ticket_prefix:
        raise SourcesError(
            f"{name} uses the prefix of {owner.name!r}, so ticket_prefix has no effect; remove it"
        )
    if source.bound_to is not None and source.bound_to != owner.bound_to:
        raise SourcesError(
            f"{name} is bound to client {source.bound_to!r}, but {owner.name!r} also has tickets "
            "of other clients, which it could cancel; bind both to the same client"
        )
    return source.model_copy(update={"ticket_prefix": owner.ticket_prefix})


def _check(source: Source, name: str) -> None:
    if source.kind != "cloudevents" and not (source.client_id or source.client_field):
        raise SourcesError(f"{name} has no client; add client_id or client_field")
    if source.kind != "jira" and "ticket_field" in source.model_fields_set:
        raise SourcesError(
            f"{name} has kind {source.kind!r}, but ticket_field is only for jira; remove it"
        )
    if source.kind == "cloudevents" and source.client_field is not None:
        raise SourcesError(
            f"{name}: a CloudEvent's client is in its data.client_id, so client_field has no "
            "effect; remove it"
        )
    if source.kind == "cloudevents" and source.zone is not None:
        raise SourcesError(
            f"{name}: a CloudEvent's time has an offset, so zone has no effect; remove it"
        )
