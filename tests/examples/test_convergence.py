"""The examples of convergence tests: each failure is measured, counted right, and cleared away."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.lab import cleanup
from tests.examples.frr import check_frr, needs_frr
from tests.examples.scripts import EXAMPLES, NETNS, children, command_of, run
from tests.live.support import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.slow]


def rows(told: str) -> dict[tuple[str, str], tuple[str, int, int]]:
    """Return status, datagrams lost and outages of each flow and receiver in a printed report."""
    found = re.findall(
        r"(?m)^(\S+) +(\S+) +(untouched|recovered|not sustained|never recovered) +(\d+)\S* +(\d+)",
        told,
    )
    return {
        (flow, receiver): (status, int(lost), int(outages))
        for flow, receiver, status, lost, outages in found
    }


def test_convergence_link_failure__is_over_when_the_routes_are_switched() -> None:
    """Both directions are down for as long as the script waits, and lost what the link dropped."""
    told = run(EXAMPLES / "convergence_link_failure.py", "100")
    found = rows(told)
    assert {("voice", "b"), ("video", "b"), ("back", "a")} == set(found)
    assert all(("recovered", 1) == (status, outages) for status, _, outages in found.values()), told
    (switched,) = re.findall(r"\+(\d+)\.\d ms: switch_over", told)
    assert all(95 <= lost <= int(switched) + 20 for _, lost, _ in found.values()), told
    ((dropped, lost),) = re.findall(r"took (\d+) datagrams, the flows lost (\d+)", told)
    assert dropped == lost
    assert "no outage longer than 500 ms: passed" in told


def test_convergence_link_failure__that_takes_too_long_fails() -> None:
    """A script that waits longer than the limit allows exits with 1, and says which flows."""
    told = run(EXAMPLES / "convergence_link_failure.py", "600", status=1)
    assert "no outage longer than 500 ms: failed" in told
    assert {"recovered"} == {status for status, _, _ in rows(told).values()}


def test_convergence_multicast__tells_each_receiver_apart() -> None:
    """One is untouched, one cut off for a while, one led another way: each by its own count."""
    told = run(EXAMPLES / "convergence_multicast.py", "100")
    found = rows(told)
    assert ("untouched", 0, 0) == found["tv", "rx1"]
    assert all(
        ("recovered", 1) == (found["tv", name][0], found["tv", name][2]) for name in ("rx2", "rx3")
    ), told
    counts = re.findall(r"(?m)^(rx\d) lost (\d+), its path dropped (\d+)", told)
    assert ["rx1", "rx2", "rx3"] == [name for name, _, _ in counts]
    assert all(lost == dropped for _, lost, dropped in counts), told
    assert 95 <= found["tv", "rx2"][1] <= found["tv", "rx3"][1]
    assert "at most two receivers hit: passed" in told


@pytest.mark.alone
def test_convergence_frr__leads_around_a_dead_link_as_fast_as_it_is_noticed() -> None:
    """Carrier, BFD: each flow recovers, sooner where it is noticed sooner; counts agree.

    ``make frr`` has the third way, in which OSPF waits for hellos.
    """
    check_frr(failures=2)


def test_convergence_frr__says_where_ospf_got_when_it_does_not_converge() -> None:
    """It gives up when the time is over, and tells what the routers see then."""
    needs_frr()
    told = run(EXAMPLES / "convergence_frr.py", "0", status=1)
    assert "after 0 s, OSPF has not converged: next hops" in told
    assert ["r1", "r2", "r3"] == re.findall(r"(?m)^  (r\d): \S", told)


def test_convergence_frr__without_frr_says_so() -> None:
    """It exits with a status of its own, and the name of the package."""
    hide = 'if [ -d "$0" ]; then mount -t tmpfs none "$0"; fi; exec "$@"'
    told = run(
        EXAMPLES / "convergence_frr.py",
        before=("unshare", "--mount", "sh", "-ec", hide, "/usr/lib/frr"),
        status=3,
    )
    assert "no zebra, no ospfd, no bfdd here: apt-get install frr" in told


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder whose path leaves room for those of FRR's sockets, 107 characters long."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("number", "flows"),
    [
        (signal.SIGINT, False),
        (signal.SIGTERM, False),
        (signal.SIGKILL, False),
        (signal.SIGKILL, True),
    ],
)
def test_convergence_frr__leaves_nothing_behind(
    number: signal.Signals,
    flows: bool,  # noqa: FBT001 - a row of the table
    folder: Path,
) -> None:
    """Ended while routers start, or while flows run: daemons and files are gone with it.

    KILL leaves namespaces, for the next lab to remove, and files; but nothing that runs.
    """
    needs_frr()
    with subprocess.Popen(
        [sys.executable, EXAMPLES / "convergence_frr.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as example:
        wanted = ["iperf"] * 6 if flows else ["zebra", "bfdd", "ospfd", "zebra"]
        started = await_family(example, wanted)
        assert left(example.pid)
        example.send_signal(number)
        expected = 128 + number if number == signal.SIGTERM else -number
        assert expected == example.wait(timeout=15)
    if number == signal.SIGKILL:
        cleanup()
    else:
        assert [] == list(folder.iterdir())
    # Another test that opens a lab meanwhile may be removing them, too.
    wait_for(lambda: not left(example.pid), "the end of its namespaces")
    wait_for(lambda: not still(started), "the end of all that it started")


@pytest.mark.parametrize("name", ["convergence_link_failure", "convergence_multicast"])
def test_ctrl_c_leaves_nothing_behind(name: str) -> None:
    """Interrupted while all flows run, an example takes iperfs and namespaces with it."""
    with subprocess.Popen(
        [sys.executable, EXAMPLES / f"{name}.py"], stderr=subprocess.PIPE, text=True
    ) as example:
        started = await_family(example, ["iperf"] * 4)
        assert left(example.pid)
        example.send_signal(signal.SIGINT)
        _, said = example.communicate(timeout=15)
        assert -signal.SIGINT == example.returncode, said
    assert "KeyboardInterrupt" in said
    assert set() == left(example.pid)
    assert {} == still(started)


def family(pid: int) -> dict[int, str | None]:
    """Return the command lines of all that a process has started, and of what that has."""
    found = children(pid)
    for child in list(found):
        found |= family(child)
    return found


def await_family(example: subprocess.Popen[Any], names: list[str]) -> dict[int, str | None]:
    """Wait until a program has started processes of these names; return its family."""
    seen: dict[int, str | None] = {}

    def there() -> bool:
        assert example.poll() is None, example.communicate()
        seen.clear()
        seen.update(family(example.pid))
        programs = Counter(Path((told or "-").split()[0]).name for told in seen.values())
        return not Counter(names) - programs

    wait_for(there, f"{names} of {example.args!r}", deadline_s=60)
    return seen


def still(started: dict[int, str | None]) -> dict[int, str | None]:
    """Return what of a family still runs."""
    return {pid: told for pid, told in started.items() if told and command_of(pid) == told}


def left(pid: int) -> set[Path]:
    """Return the namespaces that are there of the lab of a process."""
    return set(NETNS.glob(f"pyperf2-lab-*-{pid}-*"))
