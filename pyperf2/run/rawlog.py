"""A file that keeps what iperf printed, word for word; never overwrites another."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from pyperf2.errors import RawLogError

if TYPE_CHECKING:
    from datetime import datetime

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_TRIES: Final = 10_000


def check_folder(path: str) -> str:
    """Give the folder's path; RawLogError if no file can be made in it."""
    try:
        folder = Path(path).absolute()
        is_folder, exists = folder.is_dir(), folder.exists()
    except (OSError, ValueError) as error:  # too long, too many links; a NUL in it
        raise RawLogError(f"the raw log's folder {path[:100]!r} cannot be: {error}") from error
    if not is_folder:
        wrong = "is no folder" if exists else "does not exist; make it first"
        raise RawLogError(f"the raw log's folder {str(folder)!r} {wrong}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RawLogError(f"the raw log's folder {str(folder)!r} cannot be written by this user")
    return str(folder)


class RawLog:
    """One run's raw log: ``CREATION_NAME_ROLE_raw.log``, with a number where that exists."""

    def __init__(self, folder: str, *, created: datetime, name: str | None, role: str) -> None:
        """Make the file.

        Raises:
            RawLogError: it cannot be made.
        """
        stamp = created.strftime("%Y-%m-%dT%H-%M-%S")
        self._file, self.path = _create(folder, f"{stamp}_{_safe(name)}_{role}_raw")
        self.error: OSError | None = None

    def write(self, data: bytes) -> None:
        """Append bytes; the first failure (a full disk) ends the log, not the run."""
        if self.error is not None:
            return
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            self.error = OSError(error.errno, error.strerror, self.path)

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or OSError(error.errno, error.strerror, self.path)


def _safe(name: str | None) -> str:
    """Make a name fit for a file: no path, no control characters, not too long."""
    return _UNSAFE.sub("_", name or "unnamed").strip(".")[:80] or "unnamed"


def _create(folder: str, stem: str) -> tuple[BinaryIO, str]:
    for attempt in range(_MAX_TRIES):
        number = f"_{attempt + 1}" if attempt else ""
        path = Path(folder) / f"{stem}{number}.log"
        try:
            return path.open("xb"), str(path)
        except FileExistsError:
            continue
        except OSError as error:
            raise RawLogError(
                f"the raw log {str(path)!r} cannot be made: {error.strerror}"
            ) from error
    raise RawLogError(f"{folder!r} holds {_MAX_TRIES} logs named {stem!r} already")
