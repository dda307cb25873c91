"""The examples of convergence tests: each failure is measured, counted right, and cleared away."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.examples.scripts import EXAMPLES, NETNS, children, command_of, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.alone]


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
    told = run(EXAMPLES / "convergence_link_failure.py", "150")
    found = rows(told)
    assert {("voice", "b"), ("video", "b"), ("back", "a")} == set(found)
    assert all(("recovered", 1) == (status, outages) for status, _, outages in found.values()), told
    assert all(145 <= lost <= 400 for _, lost, _ in found.values()), told
    ((dropped, lost),) = re.findall(r"took (\d+) datagrams, the flows lost (\d+)", told)
    assert dropped == lost
    assert re.search(r"\+1[5-9]\d\.\d ms: switch_over", told), told
    assert "no outage longer than 500 ms: passed" in told


def test_convergence_link_failure__that_takes_too_long_fails() -> None:
    """A script that waits longer than the limit allows exits with 1, and says which flows."""
    told = run(EXAMPLES / "convergence_link_failure.py", "600", status=1)
    assert "no outage longer than 500 ms: failed" in told
    assert {"recovered"} == {status for status, _, _ in rows(told).values()}


def test_convergence_multicast__tells_each_receiver_apart() -> None:
    """One is untouched, one cut off for a while, one led another way: each by its own count."""
    told = run(EXAMPLES / "convergence_multicast.py", "150")
    found = rows(told)
    assert ("untouched", 0, 0) == found["tv", "rx1"]
    assert all(
        ("recovered", 1) == (found["tv", name][0], found["tv", name][2]) for name in ("rx2", "rx3")
    ), told
    counts = re.findall(r"(?m)^(rx\d) lost (\d+), its path dropped (\d+)", told)
    assert ["rx1", "rx2", "rx3"] == [name for name, _, _ in counts]
    assert all(lost == dropped for _, lost, dropped in counts), told
    assert 145 <= found["tv", "rx2"][1] <= found["tv", "rx3"][1] <= 400
    assert "at most two receivers hit: passed" in told


@pytest.mark.parametrize("name", ["convergence_link_failure", "convergence_multicast"])
def test_ctrl_c_leaves_nothing_behind(name: str) -> None:
    """Interrupted while all flows run, an example takes iperfs and namespaces with it."""
    with subprocess.Popen(
        [sys.executable, EXAMPLES / f"{name}.py"], stderr=subprocess.PIPE, text=True
    ) as example:
        started = wait_for_iperfs(example, 4)
        assert left(example.pid)
        example.send_signal(signal.SIGINT)
        _, said = example.communicate(timeout=15)
        assert -signal.SIGINT == example.returncode, said
    assert "KeyboardInterrupt" in said
    assert set() == left(example.pid)
    assert {} == {pid: told for pid, told in started.items() if command_of(pid) == told}


def wait_for_iperfs(example: subprocess.Popen[str], count: int) -> dict[int, str | None]:
    """Wait until a program has started so many iperfs; return its children."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        started = children(example.pid)
        if count <= sum("iperf" in (command or "") for command in started.values()):
            return started
        assert example.poll() is None, example.communicate()
        time.sleep(0.01)
    pytest.fail(f"no {count} iperfs in 20 s, but {children(example.pid)}")


def left(pid: int) -> set[Path]:
    """Return the namespaces that are there of the lab of a process."""
    return set(NETNS.glob(f"pyperf2-lab-*-{pid}-*"))
