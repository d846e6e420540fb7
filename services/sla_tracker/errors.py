"""Why a tracker ends instead of trying again."""

from __future__ import annotations


class FatalError(Exception):
    """Going on would be wrong, and trying again would not help; a person must look.

    The message says what was found and what to do.
    """
