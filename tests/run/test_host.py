"""Where a process runs, and what is refused before it does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.errors import (
    BinaryNotFound,
    NameSpaceNotFoundError,
    OptionError,
    StateError,
)
from pyperf2.run import host as host_module
from pyperf2.run.host import Local, Netns
from tests.run.conftest import ROOT, python

if TYPE_CHECKING:
    from types import FrameType

    from pyperf2.run.host import Host

NETNS = Path("/var/run/netns")


def namespace_of(thread: str = "thread-self") -> int:
    """Return the inode of the network namespace that a thread is in."""
    return Path(f"/proc/{thread}/ns/net").stat().st_ino


def output_of(host: Host, argv: list[str]) -> str:
    """Return what the command prints there."""
    with host.spawn(argv) as child:
        out, err = child.communicate(timeout=10)
    assert b"" == err
    return out.decode()


def test_a_local_child_has_its_own_session_an_empty_stdin_and_the_c_locale() -> None:
    """A Ctrl-C at the terminal goes to us, not to iperf; iperf's messages are in English."""
    code = (
        "print(os.getsid(0) == os.getpid() == os.getpgrp(), sys.stdin.read(), os.environ['LC_ALL'])"
    )
    assert "True  C\n" == output_of(Local(), python(code))


def test_a_child_inherits_no_descriptor() -> None:
    """Only the three standard streams reach the child."""
    with Path("/dev/null").open() as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - no keyword there
        told = output_of(Local(), python("print(sorted(os.listdir('/proc/self/fd')))"))
    assert "['0', '1', '2', '3']\n" == told  # 3 is the folder being listed


def test_the_pid_is_that_of_the_program_itself() -> None:
    """The launcher becomes the program; its name and its arguments are as asked."""
    code = "print(os.getpid(), open('/proc/self/cmdline').read().split(chr(0))[-2])"
    argv = [*python(code), "last"]
    with Local().spawn(argv) as child:
        out, _ = child.communicate(timeout=10)
    assert f"{child.pid} last\n" == out.decode()


@pytest.mark.netns
def test_a_child_runs_in_the_namespace_and_we_do_not(namespace: str) -> None:
    """Only the spawning thread enters, and only for the moment."""
    home = namespace_of()
    told = output_of(Netns(namespace), python("print(os.stat('/proc/self/ns/net').st_ino)"))
    assert (NETNS / namespace).stat().st_ino == int(told)
    assert home == namespace_of() == namespace_of("self")


@pytest.mark.netns
def test_the_block_is_inside_and_other_threads_are_not(namespace: str) -> None:
    """``entered`` concerns the calling thread alone, and ends however the block ends."""
    home = namespace_of()
    seen: list[int] = []

    entered = threading.Event()
    looked = threading.Event()

    def look() -> None:
        entered.wait(10)
        seen.append(namespace_of())
        looked.set()

    def raise_inside() -> None:
        with Netns(namespace).entered():
            entered.set()
            looked.wait(10)
            seen.append(namespace_of())
            raise ZeroDivisionError

    other = threading.Thread(target=look)
    other.start()
    with pytest.raises(ZeroDivisionError):
        raise_inside()
    other.join()
    assert [home, (NETNS / namespace).stat().st_ino] == seen
    assert home == namespace_of()


@pytest.mark.netns
def test_a_missing_namespace_is_named_and_not_created() -> None:
    """The error says what there is; nothing is made by asking."""
    ghost = Netns("no-such-namespace")
    before = sorted(NETNS.iterdir()) if NETNS.exists() else []
    for attempt in (ghost.check, lambda: ghost.spawn(["/bin/true"])):
        with pytest.raises(NameSpaceNotFoundError, match="'no-such-namespace' \\(there is: "):
            attempt()
    assert before == (sorted(NETNS.iterdir()) if NETNS.exists() else [])


@pytest.mark.netns
def test_a_stale_file_is_no_namespace(namespace: str) -> None:
    """What a crash may leave in the folder is told apart from a namespace."""
    stale = NETNS / f"{namespace}-stale"
    stale.touch()
    try:
        with pytest.raises(NameSpaceNotFoundError, match="stale file"):
            Netns(stale.name).check()
    finally:
        stale.unlink()


@pytest.mark.parametrize("name", ["", ".", "..", "../net", "a/b", "/etc/passwd", "nul\0"])
def test_a_name_cannot_leave_the_folder(name: str) -> None:
    """Path traversal dies when the name is set."""
    with pytest.raises(OptionError, match="one word"):
        Netns(name)


@pytest.mark.netns
def test_without_the_right_to_enter_nothing_is_spawned(namespace: str) -> None:
    """An unprivileged user gets a PrivilegeError, from the check and from the spawn."""
    code = f"""
sys.path[:0] = {[path for path in sys.path if path]!r}
from pyperf2.errors import PrivilegeError
from pyperf2.run.host import Local, Netns

import pyroute2.netns
os.setgroups([]); os.setgid(65534); os.setuid(65534)
place = Netns({namespace!r})
for attempt in (place.check, lambda: place.spawn(["/bin/true"])):
    try:
        attempt()
    except PrivilegeError as error:
        print(error)
assert not open("/proc/thread-self/children").read()
with Local().spawn(["/bin/echo", "here"]) as child:
    print(child.communicate()[0])
"""
    done = subprocess.run(
        python(code), capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert 2 == done.stdout.count(f"entering network namespace '{namespace}' takes root"), done
    assert "b'here\\n'" in done.stdout


@pytest.mark.netns
def test_a_thread_that_cannot_come_home_is_fatal_and_loud(
    namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the child is killed, the log says so, and the caller is told."""
    real = host_module._setns
    calls: list[int] = []

    def only_in(fd: int) -> None:
        calls.append(fd)
        if len(calls) == 2:
            raise OSError(1, "no way back")
        real(fd)

    children: list[int] = []
    launch = host_module._launch

    def note(*args: object) -> subprocess.Popen[bytes]:
        child = launch(*args)  # type: ignore[arg-type]
        children.append(child.pid)
        return child

    monkeypatch.setattr(host_module, "_setns", only_in)
    monkeypatch.setattr(host_module, "_launch", note)
    failed: list[StateError] = []

    def lose_a_thread() -> None:
        with pytest.raises(StateError, match="stuck in network namespace") as caught:
            Netns(namespace).spawn(["/bin/sleep", "60"])
        failed.append(caught.value)

    thread = threading.Thread(target=lose_a_thread)
    thread.start()
    thread.join()
    assert 1 == len(failed)
    assert not Path(f"/proc/{children[0]}").exists()
    assert ["CRITICAL"] == [record.levelname for record in caplog.records]


ON_THE_WAY = {"pyperf2", "pathlib", "pyroute2"}


def _interrupted_visit(place: Netns, at: int) -> None:
    """Visit a namespace, with a KeyboardInterrupt at one line, if there are so many.

    The entry of a function is no place for one: there, Python itself is not safe.
    """
    lines = 0

    def on_line(frame: FrameType, what: str, _: object) -> Any:
        nonlocal lines
        own = frame.f_code.co_filename == host_module.__file__
        if what == "line" and (not own or frame.f_lineno > begins[frame]):
            lines += 1
            if lines == at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return on_line

    begins: dict[FrameType, int] = {}

    def on_call(frame: FrameType, _: str, __: object) -> Any:
        if frame.f_globals["__name__"].partition(".")[0] not in ON_THE_WAY:
            return None  # a finalizer, or a callback of gc: nobody hears what that raises
        begins[frame] = frame.f_code.co_firstlineno + 1
        return on_line

    visit = place.entered()
    sys.settrace(on_call)
    try:
        with visit:
            pass
    finally:
        sys.settrace(None)


@pytest.mark.netns
def test_ctrl_c_at_any_line_of_the_way_leads_home(namespace: str) -> None:
    """There or back: the thread is where it was, and no descriptor is left open."""
    place, traced = Netns(namespace), sys.gettrace()
    place.check()
    home, files = namespace_of(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - with its own
    try:
        for at in range(1, 1000):
            try:
                _interrupted_visit(place, at)
            except KeyboardInterrupt:
                assert home == namespace_of(), at
                assert files == len(os.listdir("/proc/self/fd")), at  # noqa: PTH208 - as above
            else:
                break
        assert 20 < at < 999
    finally:
        sys.settrace(traced)


@pytest.mark.netns
def test_the_main_thread_never_goes_there_and_what_it_cannot_take_is_discarded(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work in a namespace is done elsewhere; a Ctrl-C meanwhile waits for its end."""
    place, home = Netns(namespace), namespace_of()
    where = place.inside(lambda: (threading.current_thread(), namespace_of()))
    assert where[0] is not threading.main_thread()
    assert where[1] != home
    entered = threading.Event()
    discarded: list[bool] = []

    def interrupted(_: threading.Thread) -> None:
        assert entered.wait(10)
        raise KeyboardInterrupt

    def work() -> bool:
        entered.set()
        return namespace_of() != home

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place.inside(work, discarded.append)
    assert [True] == discarded


def test_a_missing_binary_is_refused_in_words() -> None:
    """What is asked for is repeated, and where it was looked for."""
    with pytest.raises(BinaryNotFound, match="no such program on PATH: 'no-such-iperf'"):
        Local().spawn(["no-such-iperf"])
    with pytest.raises(BinaryNotFound, match="not an executable file: '/etc/passwd'"):
        Local().spawn(["/etc/passwd"])


def test_the_import_takes_no_pyroute2() -> None:
    """pyroute2 takes 0.1 s to import and is for those who use namespaces."""
    code = f"sys.path.insert(0, {str(ROOT)!r}); import pyperf2.run.process, pyperf2.run.engine\n"
    code += "assert not [name for name in sys.modules if name.startswith('pyroute2')]"
    subprocess.run(python(code), check=True)
