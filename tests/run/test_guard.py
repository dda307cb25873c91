"""A child that was launched dies with its parent, whichever launcher there is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pyperf2.run import guard
from tests.run.conftest import ROOT, is_gone, python, wait_for

LAUNCHERS = sorted(guard._LAUNCHERS)
PROVEN = [name for name in LAUNCHERS if name != "none"]


@pytest.mark.parametrize("launcher", PROVEN)
def test_the_child_dies_with_a_killed_parent(launcher: str) -> None:
    """SIGKILL gives the parent no chance to do anything; the kernel does it."""
    code = f"""
sys.path.insert(0, {str(ROOT)!r})
import subprocess
from pyperf2.run import guard
child = subprocess.Popen([*guard._LAUNCHERS[{launcher!r}](), "/bin/sleep", "60"])
while "sleep" != open(f"/proc/{{child.pid}}/comm").read().strip():
    time.sleep(0.001)
print(child.pid)
time.sleep(60)
"""
    with subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not is_gone(child)
        parent.kill()
    wait_for(lambda: is_gone(child), f"the end of the child of {launcher!r}")


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["setpriv and prlimit", "setpriv twice", "python"])
def test_a_parent_killed_in_the_middle_of_a_start_leaves_nothing(
    launcher: str, tmp_path: Path
) -> None:
    """There is no moment between the fork and the request at which a child could slip through."""
    copy = tmp_path / f"sleeper-{os.getpid()}"  # a name of its own, to find its processes by
    copy.write_bytes(Path("/bin/sleep").read_bytes())
    copy.chmod(0o755)
    code = f"""
sys.path.insert(0, {str(ROOT)!r})
import subprocess
from pyperf2.run import guard
print("go")
while True:
    prefix = guard._LAUNCHERS[{launcher!r}]()
    subprocess.Popen([*prefix, {str(copy)!r}, "60"], start_new_session=True)
"""
    for turn in range(8):
        with subprocess.Popen(
            python(code), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as parent:
            assert parent.stdout is not None
            parent.stdout.readline()
            wait_for(lambda: bool(running(copy)), "the first child")
            parent.kill()
        wait_for(lambda: not running(copy), f"the end of all children, turn {turn}")


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_arguments_pass_through_untouched(launcher: str) -> None:
    """Nothing in a launcher reads the command line of what it launches."""
    odd = ["--pdeathsig", "", "-c", "$(id)", "a b", "--", "ünïcode"]
    command = [*guard._LAUNCHERS[launcher](), "/usr/bin/printf", "%s\n", "-", *odd]
    done = subprocess.run(command, capture_output=True, check=True)
    assert ["-", *odd] == done.stdout.decode().splitlines()


def test_the_python_launcher_refuses_to_run_for_a_dead_parent() -> None:
    """Its parent is not the one that asked: exit, and run nothing."""
    shim = guard._LAUNCHERS["python"]()
    done = subprocess.run([*shim[:-1], "1", "/bin/echo", "ran"], capture_output=True, check=False)
    assert (125, b"") == (done.returncode, done.stdout)


def test_without_setpriv_python_does_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A setpriv that is missing, or one that does not know the option (busybox), is not used."""
    fake = tmp_path / "setpriv"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    for folder in (tmp_path, tmp_path / "missing"):
        monkeypatch.setenv("PATH", str(folder))
        for cached in (guard._found, guard._launcher):
            cached.cache_clear()
        try:
            assert "python" == guard._launcher()
        finally:
            monkeypatch.undo()
            for cached in (guard._found, guard._launcher):
                cached.cache_clear()


def test_a_frozen_program_is_not_run_as_an_interpreter(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its ``sys.executable`` is itself: starting that would start the program again."""
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr(guard, "_setpriv", lambda: "")
    guard._launcher.cache_clear()
    try:
        assert ["/bin/true"] == guard.guarded(["/bin/true"])
    finally:
        guard._launcher.cache_clear()
    assert "may outlive" in caplog.text


def running(program: Path) -> list[int]:
    """Return the processes that run ``program``, or are about to."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(cmdline.parent.name)
        try:
            words = cmdline.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(program).encode() in words and words[-2:-1] == [b"60"] and not is_gone(pid):
            found.append(pid)
    return found
