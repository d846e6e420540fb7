"""Taking an address before anything else is started, so that a taken one is told in a sentence."""

from __future__ import annotations

import socket

from sla_domain.errors import UserFacingError


class AddressError(UserFacingError):
    """The address can't be had; the message says why and what to set."""


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A socket that listens on ``host`` and ``port``, 0 for a free one; ``setting`` is the name of
    the variable that sets the port. Raises ``AddressError``.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(where)
            found.listen(1024)
        except OSError:
            found.close()
            raise
    except OSError as error:
        raise AddressError(
            f"cannot serve on {host}:{port} ({error.strerror or error}); "
            f"set {setting} to a free port"
        ) from error
    found.setblocking(False)
    return found
