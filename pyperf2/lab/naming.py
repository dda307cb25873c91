"""Names that say whose they are: a lab's namespaces can be told from all others, even later."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from pyperf2.core.labels import LAB_NAME
from pyperf2.errors import OptionError

_FOLDER: Final = Path("/var/run/netns")  # where ip-netns(8) and pyroute2 keep the names
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_labs: Final = count(1)


class Owner(NamedTuple):
    """A process, for good: a pid alone is given to another one some day."""

    pid: int
    started: int  # in clock ticks since boot
    space: int  # inode of its pid namespace: in another, the pid means another process

    def is_dead(self) -> bool:
        """Tell whether it has certainly ended; of another pid namespace nothing is certain."""
        return self.space == _pid_space() and _started(self.pid) != self.started


def next_lab() -> str:
    """Return the end of all names of a new lab: its creator, and its number there."""
    pid = os.getpid()
    return f"{pid}-{_started(pid)}-{_pid_space()}-{next(_labs)}"


def namespace_name(label: str, lab: str) -> str:
    """Return the namespace's name of a node of a lab.

    Raises:
        OptionError: the label is no plain word.
    """
    if not _LABEL.fullmatch(label):
        message = f"a node's name is 1-32 letters, digits, '.', '_' or '-', not {label!r}"
        raise OptionError(message)
    return f"pyperf2-lab-{label}-{lab}"


def orphans() -> list[str]:
    """Return the namespaces whose lab died with its process and could not remove them."""
    try:
        names = sorted(entry.name for entry in _FOLDER.iterdir())
    except FileNotFoundError:  # no namespace was made since boot
        return []
    return [name for name in names if (owner := _owner(name)) is not None and owner.is_dead()]


def _owner(name: str) -> Owner | None:
    found = LAB_NAME.fullmatch(name)
    return None if found is None else Owner(*map(int, found.group("pid", "started", "space")))


def _started(pid: int) -> int | None:
    """Return when a process was started; None if it is no more, or only waits to be reaped."""
    with suppress(FileNotFoundError, ProcessLookupError):
        # proc(5): "pid (name) state …", and the 22nd field is the start time
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if state not in "ZX":
            return int(fields[18])
    return None


@lru_cache(maxsize=1)
def _pid_space() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino
