"""FRR on one router of a lab: its daemons run in the router's namespace, and end with the block.

They find their files where FRR has them by default, but that is a temporary folder: an FRR that the
machine runs for itself is neither asked nor disturbed, and nothing is left behind.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyperf2.lab import Router

DAEMONS = "/usr/lib/frr:/usr/libexec/frr:/usr/sbin"  # Debian, Fedora, Alpine
ACCOUNT = "frr"  # what the daemons run as; FRR's package makes it
START_S = 10.0
ANSWER_S = 10.0
STOP_S = 10.0

# A small init: it starts each line that it reads, and ends when there is no more to read. However
# this program ends, its end of the pipe is closed then; and when the init of a process namespace
# has ended, the kernel kills all in there. Daemons come before all that is not real-time: a router
# that a busy machine keeps from sending its hellos is taken for dead.
INIT = """
chrt --rr --pid 1 $$ || true
mount --bind "$1/run" /run
mount --bind "$1/tmp" /var/tmp
while read -r line; do $line & done
"""
APART = ("unshare", "--mount", "--mount-proc", "--pid", "--fork", "sh", "-ec", INIT, "init")


class FrrError(Exception):
    """FRR did not do what it was asked for; the message has its own words."""


def why_not(*daemons: str) -> str | None:
    """Say why these cannot run here; None if they can."""
    missing = [name for name in daemons if shutil.which(name, path=DAEMONS) is None]
    missing += [name for name in ("vtysh", "unshare") if shutil.which(name) is None]
    return f"there is no {', no '.join(missing)} here: apt-get install frr" if missing else None


class Frr:
    """The daemons of one router, while they run."""

    def __init__(self, router: Router, folder: Path, init: subprocess.Popen[str]) -> None:
        """Talk to daemons that are started by ``init`` and keep their files in a folder."""
        self.router = router
        self._folder = folder
        self._init = init

    def start(self, name: str, config: str) -> None:
        """Start a daemon, and wait until it answers; FrrError if it does not."""
        path = self._folder / "run/frr" / f"{name}.conf"
        path.write_text(config, encoding="utf-8")
        shutil.chown(path, ACCOUNT)
        assert self._init.stdin is not None  # noqa: S101 - it was made with a pipe
        daemon = shutil.which(name, path=DAEMONS)
        line = f"{daemon} -f /run/frr/{path.name} --log stdout -P 0"
        try:
            print(line, file=self._init.stdin, flush=True)
        except BrokenPipeError:
            raise FrrError(f"{self.router}: nothing can be started:\n{self.said()}") from None
        wait_until(
            path.with_suffix(".vty").is_socket, START_S, lambda: f"no {name}:\n{self.said()}"
        )

    def show(self, what: str) -> Any:
        """Return what ``show … json`` tells."""
        return json.loads(self._ask(f"show {what} json"))

    def configure(self, *lines: str) -> None:
        """Change the running configuration."""
        self._ask("configure terminal", *lines)

    def said(self) -> str:
        """Return what the daemons have logged."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace").strip()

    def _ask(self, *commands: str) -> str:
        words = [word for command in commands for word in ("-c", command)]
        done = subprocess.run(  # noqa: S603 - words are ours
            [
                shutil.which("vtysh") or "vtysh",
                "--vty_socket",
                str(self._folder / "run/frr"),
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )
        if done.returncode != 0 or done.stderr:
            raise FrrError(f"{self.router}: {commands}: {done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def running(router: Router, configs: Mapping[str, str]) -> Iterator[Frr]:
    """Run zebra, and the daemons that have a configuration here, on a router, for a block.

    Raises:
        FrrError: one of them does not start.
    """
    with tempfile.TemporaryDirectory(prefix="pyperf2-frr-") as name:
        folder = Path(name)
        for part in ("run", "tmp", "run/frr"):
            (folder / part).mkdir()
            (folder / part).chmod(0o755)  # the account has to get there, whatever the umask
        shutil.chown(folder / "run/frr", ACCOUNT, ACCOUNT)
        with (folder / "log").open("wb") as log, router.entered():
            init = subprocess.Popen(  # noqa: S603 - likewise
                [*APART, name],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for this program alone
            )
        try:
            frr = Frr(router, folder, init)
            for daemon, config in {"zebra": "", **configs}.items():
                frr.start(daemon, config)
            yield frr
        finally:
            init.communicate(timeout=STOP_S)  # closes the pipe, and waits for the end of all


def wait_until(done: Callable[[], bool], seconds: float, wrong: Callable[[], str]) -> None:
    """Look again and again; FrrError, with what is wrong then, when the time is up."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise FrrError(f"after {seconds:g} s, {wrong()}")
        time.sleep(0.02)
