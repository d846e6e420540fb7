"""Gzipped files, as far as they may be unpacked: a small one can be made to fill the memory."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO, Any, Final, cast

from sla_lab.errors import CommandError

#: How many times its packed size a file may unpack to, once it is larger than ``_ANYWAY``. Logs of
#: tickets pack to a twentieth; what packs to a thousandth, the most that gzip can, is made so.
_MOST_TIMES: Final = 50
_ANYWAY: Final = 16 * 1024 * 1024
_BUFFER: Final = 64 * 1024


class UnpackingError(CommandError):
    """The file is damaged, or unpacks to too much."""


def unpacked(packed: IO[bytes], name: str) -> IO[bytes]:
    """What is in the gzipped ``packed``, which errors call ``name``; closes it too. Reading raises
    ``UnpackingError`` where it comes to more than fifty times what was packed, and where it is
    damaged.
    """
    return cast("IO[bytes]", io.BufferedReader(_Unpacking(packed, name), _BUFFER))


class _Counting:
    """Counts what is read of a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(place, whence)


class _Unpacking(io.RawIOBase):
    def __init__(self, packed: IO[bytes], name: str) -> None:
        self._packed = packed
        self._name = name
        self._begin()

    def _begin(self) -> None:
        self._counting = _Counting(self._packed)
        self._file = gzip.GzipFile(fileobj=cast("IO[bytes]", self._counting))
        self._come = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._packed.seekable()

    def tell(self) -> int:
        return self._come

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Back to the beginning; nobody goes elsewhere."""
        if (place, whence) == (self._come, io.SEEK_SET) or (place, whence) == (0, io.SEEK_CUR):
            return self._come
        if (place, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("what is packed is read from its beginning")
        self._packed.seek(0)
        self._begin()
        return 0

    def readinto(self, into: Any, /) -> int:
        try:
            size = self._file.readinto(into)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnpackingError(f"{self._name} can't be read: {error}") from error
        self._come += size
        if self._come > max(_ANYWAY, _MOST_TIMES * self._counting.count):
            raise UnpackingError(
                f"{self._name} unpacks to more than {_MOST_TIMES} times its size; if that is as "
                "it should be, unpack it with gunzip and name what comes out"
            )
        return size

    def close(self) -> None:
        self._packed.close()
        super().close()
