"""Verifies the sender of a delivery, by proofs over the raw bytes, before they are read."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final

from sla_domain.instant import MINUTE, NaiveTimeError, parse_instant
from sla_intake.sources import Vendor

#: How far a signed time may be from ours.
TOLERANCE: Final = 5 * MINUTE

ZENDESK_SIGNATURE: Final = "x-zendesk-webhook-signature"
ZENDESK_TIMESTAMP: Final = "x-zendesk-webhook-signature-timestamp"
HUB_SIGNATURE_256: Final = "x-hub-signature-256"
HUB_SIGNATURE: Final = "x-hub-signature"
#: Systems whose proof is in the head of a request, whatever its body.
PROVEN_BY_HEAD: Final = frozenset({"freshdesk", "cloudevents"})
SHARED_SECRET: Final = "x-webhook-secret"  # noqa: S105  a header's name


class ForgedError(Exception):
    """The delivery can't be verified; the message says why, and reveals nothing of the secret."""


def verify(
    vendor: Vendor, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: int
) -> None:
    """Raise ``ForgedError`` unless one of ``secrets`` proves ``body``; names of headers are lower
    case, ``now`` is in milliseconds. An empty secret proves nothing: everybody has it.
    """
    secrets = [secret for secret in secrets if secret]
    match vendor:
        case "zendesk":
            _verify_zendesk(secrets, headers, body, now)
        case "jira" | "github":
            _verify_hub(secrets, headers, body)
        case "freshdesk":
            _verify_shared(secrets, headers.get(SHARED_SECRET, ""), SHARED_SECRET)
        case "cloudevents":
            kind, _, token = headers.get("authorization", "").partition(" ")
            token = token if kind.lower() == "bearer" else ""
            _verify_shared(secrets, token, "authorization: Bearer")


def _verify_zendesk(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: int
) -> None:
    """Base64 of the HMAC-SHA256 of timestamp and body (Zendesk, Verifying webhook authenticity)."""
    told, signature = headers.get(ZENDESK_TIMESTAMP, ""), headers.get(ZENDESK_SIGNATURE, "")
    try:
        at = parse_instant(told)
    except (ValueError, NaiveTimeError):
        raise ForgedError(f"{ZENDESK_TIMESTAMP} is not a time with an offset") from None
    if abs(now - at) > TOLERANCE:
        raise ForgedError(f"{ZENDESK_TIMESTAMP} differs from the current time by over five minutes")
    signed = told.encode() + body
    expected = [b64encode(hmac.digest(secret, signed, "sha256")) for secret in secrets]
    _compare(expected, signature, ZENDESK_SIGNATURE)


def _verify_hub(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes) -> None:
    """``METHOD=`` and the HMAC of the body in hex (GitHub, Validating webhook deliveries; WebSub
    §8). The older header may name SHA-256 too, as Jira's does; SHA-1 is not taken.
    """
    for name in (HUB_SIGNATURE_256, HUB_SIGNATURE):
        method, _, signature = headers.get(name, "").partition("=")
        if method == "sha256":
            expected = [hmac.digest(secret, body, "sha256").hex().encode() for secret in secrets]
            _compare(expected, signature, name)
            return
    raise ForgedError(f"neither {HUB_SIGNATURE_256} nor {HUB_SIGNATURE} contains sha256=...")


def _verify_shared(secrets: Sequence[bytes], given: str, name: str) -> None:
    _compare(list(secrets), given, name)


def _compare(expected: Sequence[bytes], given: str, name: str) -> None:
    """Against all, so that the time taken does not tell which."""
    found = False
    for each in expected:
        found |= hmac.compare_digest(each, given.encode("utf-8", "surrogateescape"))
    if not found:
        raise ForgedError(f"{name} does not match")
