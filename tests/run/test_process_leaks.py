"""A process leaves nothing behind: no descriptor, no task, no warning."""

from __future__ import annotations

import asyncio
import gc
import subprocess
from signal import SIGINT, SIGKILL, SIGTERM
from typing import TYPE_CHECKING

import pytest

from pyperf2.run import lifetime
from pyperf2.run.host import Local, Netns
from pyperf2.run.process import stop_ladder
from tests.run.conftest import ROOT, Watched, descriptors, python

if TYPE_CHECKING:
    from pyperf2.run.host import Host

PATIENT = "print('ready'); time.sleep(60)"


def test_no_descriptor_left_is_an_error_that_leaks_nothing(watched: Watched) -> None:
    """At the descriptor limit start fails; no child and no descriptor stays behind."""
    code = r"""
import asyncio, os, resource
from pyperf2.run import lifetime
from pyperf2.run.host import Local
from pyperf2.run.process import Process

async def start():
    none = lambda *_: None
    await Process.start(["/bin/sleep", "60"], host=Local(), on_output=none, on_exit=none)

async def main():
    for room in range(0, 12):
        kept = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + room, 4096))
        try:
            await start()
        except OSError as error:
            assert error.errno == 24, error
        else:
            print("started with", room)
            break
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
        assert kept == len(os.listdir("/proc/self/fd")), room
        assert not lifetime.living()
        assert not open(f"/proc/self/task/{os.getpid()}/children").read(), room
    else:
        raise SystemExit("never started")
    for process in lifetime.living():
        process.kill()

from pyperf2.run import guard
guard.guarded(["/bin/true"])
async def first():
    global highest
    highest = max(int(fd) for fd in os.listdir("/proc/self/fd"))
    await main()
asyncio.run(first())
"""
    done = subprocess.run(
        python(f"sys.path.insert(0, {str(ROOT)!r})\n{code}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert "started with" in done.stdout
    assert [] == watched.exits


@pytest.mark.parametrize("host", ["local", pytest.param("namespace", marks=pytest.mark.netns)])
@pytest.mark.slow
def test_fifty_lives_leak_no_descriptor(host: str, request: pytest.FixtureRequest) -> None:
    """Started and stopped 50 times, the process holds the same descriptors as before."""
    place: Host = Local() if host == "local" else Netns(request.getfixturevalue("namespace"))

    async def run() -> None:
        for turn in range(50):
            watched = Watched()
            process = await watched.start(["/bin/sleep", "60"], place)
            if turn % 2:
                assert -SIGTERM == await process.stop([(SIGTERM, None)])
            else:
                process.send_signal(SIGKILL)
                assert -SIGKILL == await process.wait()
            assert 1 == len(watched.exits)

    asyncio.run(run())
    gc.collect()
    before = descriptors()
    asyncio.run(run())
    gc.collect()
    assert before == descriptors()
    assert not lifetime.living()


def test_asyncio_debug_mode_has_nothing_to_say(watched: Watched) -> None:
    """Wrong threads and forgotten tasks would be reported there; warnings are errors."""

    async def run() -> int:
        process = await watched.start(python(PATIENT))
        await watched.hear(b"ready")
        return await process.stop(stop_ladder(1.0))

    assert -SIGINT == asyncio.run(run(), debug=True)
    gc.collect()


def test_another_system_is_told_what_is_missing() -> None:
    """Where there is no pidfd the import says so; a kernel too old for it is such a system."""
    code = f"""
sys.path.insert(0, {str(ROOT)!r})
del os.pidfd_open
try:
    import pyperf2.run.process
except ImportError as error:
    print(error)
"""
    done = subprocess.run(python(code), capture_output=True, text=True, check=True)
    assert "Linux 5.3 and newer only (pidfd)" in done.stdout
