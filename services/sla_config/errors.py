"""The base of all errors meant for people."""

from __future__ import annotations


class UserFacingError(Exception):
    """An error that a person can fix. The message is written for them: it names the input and the
    remedy, and is shown as it is, without a stack trace.

    Every error of the project that may reach a user derives from it; any other is a bug.
    """
