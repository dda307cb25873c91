"""Finds an iperf binary and asks it once what it is."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyperf2.core.binary import parse_banner
from pyperf2.errors import BinaryNotFound, NotIPerf

if TYPE_CHECKING:
    from pyperf2.core.binary import Build, Tool

PROBE_TIMEOUT_S: Final = 5.0
_COMMAND: Final[dict[Tool, str]] = {"iperf2": "iperf", "iperf3": "iperf3"}
_SETTING: Final = "iperf_binary_path"
_MAX_BANNER: Final = 4096
_SHORTAGES: Final = frozenset({errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM})

_known: dict[tuple[str, int, int], Build] = {}


def find(path: str | None, tool: Tool, *, setting: str = _SETTING) -> str:
    """Give the path of the executable; BinaryNotFound says where it was looked for.

    ``setting`` is what the user would set to name another one.
    """
    wanted = path or _COMMAND[tool]
    found = shutil.which(wanted)
    if found is None:
        where = "on PATH" if os.sep not in wanted else "there, or not executable"
        raise BinaryNotFound(f"no executable {wanted!r} {where}; install {tool} or set {setting}")
    return str(Path(found).absolute())


def probe(path: str, *, setting: str = _SETTING) -> Build:
    """Tell what the binary is; runs ``-v`` once per binary, modification time and size.

    ``setting`` is what the user would set to name another one.

    Raises:
        NotIPerf: it answered with something else, or not within 5 seconds.
        BinaryNotFound: it cannot be executed.
        OSError: no process or descriptor is left; nothing is known of the binary then.
    """
    stat = Path(path).stat()
    key = (path, stat.st_mtime_ns, stat.st_size)
    build = _known.get(key)
    if build is None:
        build = _known[key] = _ask(path, setting)
    return build


def _ask(path: str, setting: str) -> Build:
    try:
        # Up to 2.1.8 the banner goes to stderr, with exit status 1; from 2.2 to stdout, with 0.
        done = subprocess.run(  # noqa: S603 - the user names what is run
            [path, "-v"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotIPerf(
            f"{path!r} did not answer -v within {PROBE_TIMEOUT_S:g} s; is it an iperf?"
        ) from None
    except OSError as error:
        if error.errno in _SHORTAGES:
            raise
        raise BinaryNotFound(f"{path!r} cannot be executed: {error.strerror}") from error
    said = done.stdout[:_MAX_BANNER].decode("utf-8", "replace")
    build = parse_banner(said)
    if build is None:
        first = said.strip().splitlines()[0][:100] if said.strip() else "nothing"
        raise NotIPerf(
            f"{path!r} is no iperf: asked for its version, it said {first!r}; "
            f"set {setting} to an iperf2 or iperf3"
        )
    return build
