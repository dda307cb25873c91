"""The whole FRR example, all its failures: what ``make frr`` runs, and how its output is judged."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise

import pytest

from tests.examples.scripts import EXAMPLES, run

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(180)]


def needs_frr() -> None:
    """Skip where FRR is not installed."""
    if shutil.which("zebra", path="/usr/lib/frr:/usr/libexec/frr:/usr/sbin") is None:
        pytest.skip("FRR is not installed: apt-get install frr")


def check_frr(failures: int) -> None:
    """Run the example with the first so many of its failures, and judge all that it prints."""
    needs_frr()
    told = run(EXAMPLES / "convergence_frr.py", "30", str(failures), timeout=160)
    start, *parts, summary = told.strip().split("\n\n")
    assert 6 == start.count("Full") == start.count(" up")
    flows = r"(\w+): recovered, lost \d+, down for (\d+)\.\d ±1\.0 ms"
    down = [{name: int(ms) for name, ms in re.findall(flows, part)} for part in parts]
    assert [{"voice", "video", "back"}] * failures == [set(each) for each in down], told
    for sooner, later in pairwise(down):
        assert all(sooner[name] < later[name] for name in sooner), told
    assert all(200 <= ms < 1000 for ms in down[1].values()), told  # BFD
    for after in parts:  # r1 and r2 have lost one another, and nobody has lost r3
        lines = dict(re.findall(r"(?m)^  (r\d): (.*)$", after))
        assert "OSPF r2" not in lines["r1"], told
        assert "BFD r2" not in lines["r1"], told
        assert "OSPF r1 Full, OSPF r2 Full" in lines["r3"], told
    counts = [
        tuple(map(int, pair))
        for pair in re.findall(r"link took (\d+) datagrams, the flows lost (\d+)", told)
    ]
    assert failures == len(counts)
    # BFD's packets are datagrams, too; and routers drop some themselves while they change routes.
    assert all(abs(dropped - lost) <= 40 for dropped, lost in counts[1:]), told
    assert failures == len(re.findall(r"(?m) passed$", summary)), told


def test_all_failures_are_noticed_in_their_order() -> None:
    """Carrier, BFD, hellos: each flow recovers, in the order of what notices; counts agree."""
    check_frr(failures=3)
