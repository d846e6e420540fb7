"""Binding the address before anything else starts, so that a taken one is reported clearly."""

from __future__ import annotations

import resource
import socket
from typing import Final

from sla_config.errors import UserFacingError

#: The most files, including connections, that a program ever needs open.
_FILES: Final = 65536


class AddressError(UserFacingError):
    """The address can't be used; the message says why and what to set."""


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A socket that listens on ``host`` and ``port``, 0 for a free one; ``setting`` is the name of
    the variable that sets the port. Also raises the limit of open files as far as the machine
    allows. Raises ``AddressError``.
    """
    _allow_files()
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
            f"cannot listen on {host}:{port} ({error.strerror or error}); "
            f"set {setting} to a free port"
        ) from error
    found.setblocking(False)
    return found


def files_allowed() -> int:
    """How many files, including connections, may be open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _FILES if soft == resource.RLIM_INFINITY else min(soft, _FILES)


def _allow_files() -> None:
    """The soft limit is often 1,024, which anyone can exhaust by opening connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
