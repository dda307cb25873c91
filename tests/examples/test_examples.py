"""Each example runs as it stands, ends in time, and prints figures that can be right."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import why_no_namespaces
from tests.examples.scripts import (
    EXAMPLES,
    children,
    command_of,
    left_namespaces,
    own_loopback,
    run,
)

pytestmark = pytest.mark.slow

HELPERS = {"frr", "netlab"}  # what examples import from beside them


def figures(pattern: str, text: str) -> list[tuple[int, ...]]:
    """Return the whole numbers in each match of ``pattern``."""
    return [tuple(map(int, match.groups())) for match in re.finditer(pattern, text)]


def test_every_example_is_run_by_a_test() -> None:
    """An example that no test names would rot unseen."""
    examples = {path.stem for path in EXAMPLES.glob("*.py")} - HELPERS
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert set() == examples - set(re.findall(r"(?m)^def test_(\w+?)__", tests))


def test_quickstart__counts_every_datagram_and_ends_by_itself() -> None:
    """1000 datagrams a second arrive, none is lost; it is over 2 s after the test at the latest."""
    began = time.monotonic()
    told = run(EXAMPLES / "quickstart.py", "2")
    took = time.monotonic() - began
    intervals = figures(r"s +(\d+) received +(\d+) lost", told)
    ((received, lost),) = figures(r"in all: (\d+) received, (\d+) lost", told)
    assert 2 == len(intervals)
    assert all(900 <= each <= 1100 and missing == 0 for each, missing in intervals)
    assert 1950 <= received <= 2050
    assert 0 == lost
    assert took < 2 + 2


def test_tcp__shows_both_streams_and_both_ends() -> None:
    """What two streams sent is what was received, to the byte."""
    told = run(EXAMPLES / "tcp.py", "1")
    assert {"1", "2", "SUM"} == set(re.findall(r"stream +(\w+) ", told))
    totals = {
        role: sum(map(int, re.findall(rf"^{role} +\d+: (\d+) bytes", told, re.MULTILINE)))
        for role in ("sent", "received")
    }
    assert totals["sent"] == totals["received"] > 10_000_000


def test_iperf3__tells_of_each_test_of_one_server() -> None:
    """Three tests, both directions and UDP; the server counts each, and loses nothing."""
    told = run(EXAMPLES / "iperf3.py", "1")
    assert {"tcp sent", "tcp received", "udp sent"} == {
        " ".join(pair) for pair in re.findall(r"^(tcp|udp) +(sent|received) ", told, re.MULTILINE)
    }
    tests = figures(r"server, test (\d): (\d+) bytes", told)
    assert [1, 2, 3] == [number for number, _ in tests]
    assert all(size > 1_000_000 for _, size in tests)
    ((lost,),) = figures(r"(\d+) lost", told)
    assert lost <= 2  # what was on its way when the test ended


@pytest.mark.netns
def test_namespaces__are_crossed_and_removed() -> None:
    """The datagrams arrive in the other namespace; afterwards both are gone."""
    told = run(EXAMPLES / "namespaces.py", "2")
    ((received, lost),) = figures(r"in all: (\d+) received, (\d+) lost", told)
    assert 2 == len(re.findall(r"^pyperf2-receiver-\d+: ", told, re.MULTILINE))
    assert 1950 <= received <= 2050
    assert 0 == lost
    assert set() == left_namespaces(told)


@pytest.mark.netns
def test_multicast__reaches_every_receiver() -> None:
    """Each of three receivers gets the whole stream of the one sender."""
    told = run(EXAMPLES / "multicast.py", "1")
    got = figures(r"pyperf2-rx(\d)-\d+: (\d+) received, (\d+) lost", told)
    assert [1, 2, 3] == [receiver for receiver, _, _ in got]
    assert all(900 <= received <= 1050 and lost == 0 for _, received, lost in got)
    assert set() == left_namespaces(told)


@pytest.mark.netns
def test_convergence__measures_each_flow_and_judges_it() -> None:
    """Two of three flows are down for as long as the link; what they lost is what it dropped."""
    told = run(EXAMPLES / "convergence.py", "150")
    rows = figures(r"(?m)^(?:voice|video) .* recovered +(\d+) +(\d+) ", told)
    assert [1, 1] == [outages for _, outages in rows]
    assert all(140 <= lost <= 400 for lost, _ in rows)
    ((dropped, lost),) = figures(r"the lab dropped (\d+), the flows lost (\d+)", told)
    assert dropped == lost == sum(each for each, _ in rows)
    assert "flows hit: 2 of 3" in told
    assert "no outage longer than 500 ms: passed" in told


def test_traffic_manager__judges_each_of_three_streams(tmp_path: Path) -> None:
    """All run at once, each is held against criteria of its own; a case for each in JUnit."""
    junit = tmp_path / "verdict.xml"
    told = run(EXAMPLES / "traffic_manager.py", "2", str(junit))
    for name, least in (("voice", 0.05), ("video", 3.0), ("bulk", 10.0)):
        # Streams print at once: the end of a line may come behind the next line.
        rates = re.findall(rf"\b{name}: until \d\.\d s +(\S+) Mbit/s", told)
        assert 3 <= len(rates) <= 5, told  # the last one of TCP may be no whole one
        assert all(least <= float(rate) for rate in rates[:3]), told
    assert 17 == len(re.findall(r"(?m)^passed: stream '(?:voice|video|bulk)', ", told)), told
    assert 17 == junit.read_text().count("<testcase ")


def test_stress__runs_pauses_and_replays() -> None:
    """Eight at once, none in the pause, no failure; the replay has as many streams."""
    told = run(EXAMPLES / "stress.py", "3")
    live = figures(r"(?m)^(\d) of 8 live", told)
    assert 6 <= len(live)
    assert 8 == max(each for (each,) in live)
    assert "pause: 0 live" in told
    ((completed, broken_off, failed),) = figures(
        r" all: (\d+) completed, (\d+) broken off, (\d+) failed", told
    )
    assert 0 == failed
    ((replayed,),) = figures(r"replayed: (\d+) streams", told)
    assert replayed == completed + broken_off >= 16


def test_asyncio_many__serves_twenty_pairs_on_one_loop() -> None:
    """Twenty streams of 200 datagrams a second all arrive."""
    told = run(EXAMPLES / "asyncio_many.py", "1")
    ((received, least),) = figures(r"20 pairs: (\d+) datagrams received, (\d+) by", told)
    assert 3000 <= received <= 4200
    assert 100 <= least


@pytest.mark.netns
def test_demo__counts_what_nft_dropped() -> None:
    """The loss is told while it happens, and at the end equals the counter in the kernel."""
    told = run(EXAMPLES / "demo.py", "3")
    ((lost,),) = figures(r"pyperf2 counted (\d+) lost", told)
    ((dropped,),) = figures(r"nft dropped +(\d+): the same", told)
    assert lost == dropped >= 400
    live = told[: told.index("# nft lets everything pass")]
    assert "event 0: losing" in live
    assert f"event 0: stable; lost so far: exactly {lost}" in told
    assert set() == left_namespaces(told)


def test_demo__without_the_right_to_make_namespaces_says_so_and_uses_loopback() -> None:
    """A plain user sees a stream all the same, and why there is no outage in it."""
    drop = () if why_no_namespaces() else ("setpriv", "--bounding-set", "-sys_admin")
    told = run(EXAMPLES / "demo.py", "1.5", before=drop)
    assert "Network namespaces cannot be made here" in told
    assert "without an outage" in told
    ((received, lost),) = figures(r"iperf \S+: (\d+) datagrams received, (\d+) lost", told)
    assert 1450 <= received <= 1550
    assert 0 == lost


@pytest.mark.netns
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo__interrupted_leaves_nothing_behind(number: signal.Signals) -> None:
    """Whichever signal ends it, its namespaces and its iperfs are gone."""
    with subprocess.Popen(
        [*own_loopback(), sys.executable, EXAMPLES / "demo.py"], stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        while not re.search(r"^ +0\.\d+ - ", demo.stdout.readline()):
            assert demo.poll() is None
        names = {f"pyperf2-demo-{end}-{demo.pid}" for end in ("tx", "rx")}
        assert names == left_namespaces(" ".join(names))
        started = children(demo.pid)
        assert 2 == sum("iperf" in (command or "") for command in started.values())
        os.kill(demo.pid, number)
        assert 128 + number == demo.wait(timeout=10)
    assert set() == left_namespaces(" ".join(names))
    assert {} == {pid: command for pid, command in started.items() if command_of(pid) == command}


@pytest.mark.netns
def test_loss_detection_modes__differ_in_what_they_tell_and_agree_on_what_was_lost() -> None:
    """Two events or, past threshold or warm-up, one; the totals are nft's in every mode."""
    told = run(EXAMPLES / "loss_detection_modes.py")
    ((dropped,),) = figures(r"nft \| (\d+) dropped", told)
    assert dropped >= 400
    modes = re.findall(r"^ *(\S+) \| \d events; (\d+) lost", told, re.MULTILINE)
    expected = {"counter": 2, "heuristic": 1, "auto": 2, "warm-up": 1}
    assert dict.fromkeys(expected, dropped) == {mode: int(lost) for mode, lost in modes}
    # A sender that a busy machine held up is an event of no loss for those that estimate.
    assert expected == Counter(
        re.findall(r"(\S+) \| event \d from \S+ s: stable, exactly [1-9]\d* lost, ended at", told)
    )
    estimates = re.findall(r"(\S+) \| event [^|]*, about ", told)
    assert set(expected) == set(estimates)
    assert set() == left_namespaces(told)
