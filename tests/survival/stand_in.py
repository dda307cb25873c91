"""Programs that print what an iperf prints, and then do what no iperf should."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from pyperf2 import Server
from tests.faces.pairs import LIGHT
from tests.live.support import free_port

if TYPE_CHECKING:
    from pathlib import Path

# A server of iperf 2.1.8: 900 of 1000 datagrams arrive in the second second.
PRINTED: Final = """\
------------------------------------------------------------
Server listening on UDP port 5001
------------------------------------------------------------
[  1] local 127.0.0.1 port 5001 connected with 127.0.0.1 port 44097
[ ID] Interval       Transfer     Bandwidth        Jitter   Lost/Total Datagrams
[  1] 0.0000-1.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.004 ms 0/1000 (0%)
[  1] 1.0000-2.0000 sec  1.26 MBytes  10.6 Mbits/sec   0.004 ms 100/1000 (10%)
[  1] 2.0000-3.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.004 ms 0/1000 (0%)
"""
FOURTH: Final = (
    "[  1] 3.0000-4.0000 sec  1.40 MBytes  11.8 Mbits/sec   0.004 ms 0/1000 (0%)\n"
)  # fmt: skip

_PROGRAM = """#!{python} -ISu
import os, signal, socket, sys, time
if "-v" in sys.argv:
    sys.exit("iperf version 2.1.8 (12 August 2022) pthreads")
port = int(sys.argv[sys.argv.index("-p") + 1])
bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
bound.bind(("127.0.0.1", port))
def say(what):
    what = what if isinstance(what, bytes) else what.encode()
    while what:
        what = what[os.write(1, what):]
PRINTED = {printed!r}
FOURTH = {fourth!r}
{code}
"""


def stand_in(folder: Path, code: str) -> Server:
    """Return a server whose iperf runs ``code``: Python that may ``say`` things to its output."""
    program = folder / "iperf"
    program.write_text(
        _PROGRAM.format(python=sys.executable, code=code, printed=PRINTED, fourth=FOURTH)
    )
    program.chmod(0o755)
    options: dict[str, Any] = {"iperf_binary_path": str(program), "port": free_port(), **LIGHT}
    return Server(protocol="udp", name="stand-in", **options)
