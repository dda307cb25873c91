"""What every test may ask for: the iperf under test, the right to make namespaces, a clean end."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

HERE: Final = Path(__file__).parent
COMPUTING: Final = {"core", "fuzz", "outages", "parsers", "report", "security"}

# One verdict for one commit: the same examples on every machine, however busy it is.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among thousands of tests, not now nor later: a tenth of all time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@cache
def why_no_namespaces() -> str | None:
    """Say why this process cannot make network namespaces; None when it can."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return "there is no `unshare` to try it with"
    # `ip netns add` binds a mount too, hence both.
    tried = subprocess.run(
        [unshare, "--net", "--mount", "true"], capture_output=True, text=True, check=False
    )
    return None if tried.returncode == 0 else tried.stderr.strip()


def in_turn(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put files that compute and files that wait in turn, of each kind those with most tests first.

    Processes that take one after another then do both at the same time.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    kinds: dict[bool, list[list[pytest.Item]]] = {True: [], False: []}
    for path in sorted(files, key=lambda path: len(files[path]), reverse=True):
        kinds[path.relative_to(HERE).parts[0] in COMPUTING].append(files[path])
    pairs = zip_longest(kinds[True], kinds[False], fillvalue=())
    return [item for pair in pairs for file in pair for item in file]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked ``netns`` where the kernel refuses namespaces, and say so."""
    if hasattr(config, "workerinput"):  # of xdist
        items[:] = in_turn(items)
    marked = [item for item in items if item.get_closest_marker("netns")]
    if not marked:
        return
    reason = why_no_namespaces()
    if reason is None:
        return
    for item in marked:
        item.add_marker(pytest.mark.skip(reason=f"cannot make network namespaces: {reason}"))


def tool_under_test(variable: str, name: str) -> Path:
    """Return the binary that ``variable`` names, else the one called ``name`` on PATH."""
    asked = os.environ.get(variable)
    found = shutil.which(asked or name)
    if found is None:
        place = f"{variable}={asked}" if asked else f"no {name} on PATH"
        pytest.fail(f"no executable to test with: {place} (run .ci/setup)")
    return Path(found).absolute()


@pytest.fixture(scope="session")
def iperf() -> Path:
    """Return the iperf2 under test: ``PYPERF2_IPERF``, else ``iperf`` on PATH."""
    return tool_under_test("PYPERF2_IPERF", "iperf")


@pytest.fixture(scope="session")
def iperf3() -> Path:
    """Return the iperf3 under test: ``PYPERF2_IPERF3``, else ``iperf3`` on PATH."""
    return tool_under_test("PYPERF2_IPERF3", "iperf3")


def iperf_children() -> dict[int, str]:
    """Return the command line of each iperf that this process started and that still runs."""
    running = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            ours = f"PPid:\t{os.getpid()}\n" in status.read_text()
            argv = status.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
        if ours and "iperf" in argv:
            running[int(status.parent.name)] = argv.strip()
    return running


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    """Fail at the end of the session if a test left an iperf behind."""
    yield
    assert {} == iperf_children()
