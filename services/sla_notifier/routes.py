"""The routes file: the destinations, and which alerts go to which."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import (
    BeforeValidator,
    Field,
    HttpUrl,
    model_validator,
)

from sla_config.configuration import StrictSection, read_toml
from sla_config.errors import UserFacingError
from sla_config.secrets import FILE_SUFFIX, secret_of
from sla_config.wording import listed, nearest
from sla_domain.alert import RETRACTED_BY, AlertKind
from sla_domain.instant import parse_duration
from sla_domain.policy import PolicyBook
from sla_notifier.chat import chat_text
from sla_schemas.types import Id, Word
from sla_text.language import Language

AlertWord = Literal[
    "warning",
    "warning_retracted",
    "breach",
    "breach_retracted",
    "escalation",
    "escalation_retracted",
    "notice",
    "approved",
]
#: How each kind of destination renders templates: a template's own text is kept as it is, the
#: values filled in are escaped.
_TEMPLATES: Final = {
    kind: SandboxedEnvironment(autoescape=False, finalize=finalize)
    for kind, finalize in (("slack", chat_text), ("alertmanager", None), ("webhook", None))
}

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  what a secret begins with
#: Bytes of a key (Standard Webhooks 1.0, "Signature scheme").
_SHORTEST_KEY: Final = 24
_LONGEST_KEY: Final = 64


class RoutesError(UserFacingError):
    """The routes file can't be used; the message names file and field."""


def _seconds(value: Any) -> Any:
    return parse_duration(value) / 1000 if isinstance(value, str) else value


#: A duration as in the policy file (``30s``, ``15m``), in seconds.
Seconds = Annotated[float, Field(ge=0), BeforeValidator(_seconds)]


class Destination(StrictSection):
    """A receiver, and how long and how often it is tried."""

    name: Annotated[Id, Field(description="Its name in routes and metrics.")]
    kind: Literal["alertmanager", "webhook", "slack"]
    url: Annotated[
        HttpUrl, Field(description="Its URL; for Alertmanager, without the path of the API.")
    ]
    language: Language = "en"
    template: Annotated[
        str | None, Field(description="Jinja template of a chat message or an annotation.")
    ] = None
    secret_env: Annotated[
        str | None,
        Field(description="Variable with the signing secret: whsec_ and base64 of 24-64 bytes."),
    ] = None
    token_env: Annotated[str | None, Field(description="Variable with a bearer token.")] = None
    timeout: Annotated[Seconds, Field(description="Timeout of a call.")] = 10.0
    retry_for: Annotated[
        Seconds, Field(description="How long an alert is retried before it is dead-lettered.")
    ] = 3600.0
    breaker_failures: Annotated[
        int, Field(ge=1, description="Failures in a row after which calls are paused.")
    ] = 5
    breaker_rest: Annotated[Seconds, Field(description="How long that pause lasts.")] = 30.0

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.kind == "webhook" and self.secret_env is None:
            raise ValueError("webhooks are signed: name the variable of the secret in secret_env")
        if self.template is not None:
            try:
                _TEMPLATES[self.kind].from_string(self.template)
            except TemplateSyntaxError as error:
                raise ValueError(f"template: {error}") from error
        return self

    @property
    def host(self) -> str:
        """``host:port`` of the address."""
        parts = urlsplit(str(self.url))
        return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    def secret(self, name: str | None) -> str | None:
        """The value of the variable ``name``. Raises ``RoutesError`` if it is not set, and
        ``SecretError``.
        """
        if name is None:
            return None
        found = secret_of(name)
        if found is None:
            raise RoutesError(
                f"destination {self.name!r} needs the variable {name} or {name}{FILE_SUFFIX}; "
                "set one of them"
            )
        return found

    def signing_key(self) -> bytes | None:
        """The key of Standard Webhooks 1.0, which requires 24 to 64 random bytes, written as
        ``whsec_`` and base64. Raises ``RoutesError`` for anything else, and ``SecretError``.
        """
        secret = self.secret(self.secret_env)
        if secret is None:
            return None
        encoded = secret.removeprefix(_SECRET_PREFIX)
        try:
            key = b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if encoded == secret or not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
            raise RoutesError(
                f"the secret of destination {self.name!r} in {self.secret_env} is not whsec_ and "
                f"the base64 of {_SHORTEST_KEY} to {_LONGEST_KEY} bytes; create one with "
                'echo "whsec_$(openssl rand -base64 32)"'
            )
        return key

    def text(self, **values: Any) -> str:
        """The template with ``values`` filled in, or the plain sentence if there is none; values
        are escaped if the destination reads markup.
        """
        template = "{{ sentence }}" if self.template is None else self.template
        return _TEMPLATES[self.kind].from_string(template).render(**values)


class Route(StrictSection):
    """Which alerts go to which destinations: those that match all given conditions.

    ``within`` and ``outside`` name calendars of the policy and apply to the instant that the alert
    refers to. A retraction goes wherever its alert may have gone, at any hour.
    """

    to: Annotated[list[Id], Field(min_length=1, description="Names of destinations.")]
    kinds: list[AlertWord] = Field(["breach", "warning", "escalation", "notice", "approved"])
    steps: Annotated[
        list[str] | None,
        Field(
            description="Of warnings and escalations only these, by the label of the warning "
            "(`0.75`, `-30m`) or the name of the escalation; other kinds are not held back."
        ),
    ] = None
    severities: list[Word] | None = None
    clocks: Annotated[list[str] | None, Field(description="Names of clocks of the policy.")] = None
    clients: Annotated[list[Id] | None, Field(description="Client ids.")] = None
    within: Annotated[
        str | None, Field(description="Only while this calendar of the policy is open.")
    ] = None
    outside: Annotated[
        str | None, Field(description="Only while this calendar of the policy is closed.")
    ] = None
    group_by: list[Literal["client", "severity", "clock", "kind"]] = Field(
        [], description="Send alerts that share these as one message. Default: one by one."
    )
    group_wait: Annotated[Seconds, Field(description="How long a group waits for more alerts.")] = (
        10.0
    )
    max_late: Annotated[
        Seconds,
        Field(
            description="An alert whose cause arrived later than this after the instant it refers "
            "to is not sent: nobody is paged about history."
        ),
    ] = 24 * 3600.0
    go_on: Annotated[bool, Field(description="Also try the routes below.")] = False


class Routes(StrictSection):
    """The routes file."""

    board: Annotated[HttpUrl | None, Field(description="The URL of the board, for links.")] = None
    allowed_hosts: Annotated[
        list[str], Field(description="host:port of every destination; nothing else is called.")
    ]
    destinations: Annotated[
        list[Destination], Field(min_length=1, description="The receivers; see below.")
    ]
    routes: Annotated[
        list[Route], Field(min_length=1, description="Which alerts go where; see below.")
    ]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [each.name for each in self.destinations]
        if len(set(names)) < len(names):
            raise ValueError("two destinations have the same name")
        for destination in self.destinations:
            if destination.host not in self.allowed_hosts:
                raise ValueError(
                    f"destination {destination.name!r} is at {destination.host}, which is not "
                    "in allowed_hosts"
                )
        for route in self.routes:
            for name in route.to:
                if name not in names:
                    raise ValueError(f"a route goes to {name!r}, which is not a destination")
        return self


def word_of(kind: AlertKind | str) -> str:
    """A record's type without its prefix: ``sla.breach`` is ``breach``."""
    return str(kind).partition(".")[2]


#: The retraction of each kind, so that routes for the one also take the other.
_TAKES_BACK: Final = {word_of(kind): word_of(back) for kind, back in RETRACTED_BY.items()}


def kinds_of(route: Route) -> frozenset[str]:
    """The kinds a route takes, with their retractions."""
    return frozenset([*route.kinds, *(_TAKES_BACK[w] for w in route.kinds if w in _TAKES_BACK)])


def read_routes(path: Path | None, book: PolicyBook, *, secrets: bool = True) -> Routes:
    """The routes file, checked against the policies; with ``secrets``, checks that they exist.
    Raises ``RoutesError``.
    """
    if path is None:
        raise RoutesError(
            "no routes file is given; write one (docs/notifier.md) and name it with --routes"
        )
    routes = read_toml(path, Routes, "routes file", RoutesError)
    calendars = {name for policy in book.versions for name in policy.calendars}
    clocks = {rule.name for policy in book.versions for rule in policy.clocks}
    steps = sorted({rule.label for policy in book.versions for rule in policy.every_step})
    for route in routes.routes:
        named = [name for name in (route.within, route.outside) if name is not None]
        for what, words, known in (
            ("calendar", named, sorted(calendars)),
            ("severity", route.severities or (), book.severities),
            ("clock", route.clocks or (), sorted(clocks)),
            ("step", route.steps or (), steps),
        ):
            for word in words:
                if word not in known:
                    like = nearest(word, known) or f"; it has {listed(known)}"
                    raise RoutesError(
                        f"routes file {path}: the policy has no {what} {word!r}{like}"
                    )
    for destination in routes.destinations if secrets else ():
        destination.signing_key()
        destination.secret(destination.token_env)
    return routes
