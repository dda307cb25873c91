"""Stress with real iperf: always so many, paused and resumed, failures, replays, nothing left."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import OptionError, RawLogError, StateError, TrafficError
from pyperf2.run import ports
from pyperf2.traffic import AsyncStressTrafficManager, Endpoint, StressTrafficManager
from tests.conftest import iperf_children
from tests.live.support import wait_for
from tests.traffic.crowd import watch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.support import Lab

LIGHT: dict[str, Any] = {"bandwidth": "1M", "max_size": 8000, "seed": 7}
BOTH = ("iperf2", "iperf3")


def stress(streams: int = 3, **more: Any) -> StressTrafficManager:
    """Return one of short, light streams."""
    return StressTrafficManager(streams, **{**LIGHT, "min_dur": 1, "max_dur": 2, **more})


def played(one: StressTrafficManager) -> dict[int, list[Any]]:
    """Return the draws that are over, by slot, in the order in which they were played."""
    found: dict[int, list[Any]] = {}
    for each in one.report().history:
        found.setdefault(each.draw.slot, []).append(each.draw)
    return found


@pytest.fixture
def moody_iperf(tmp_path: Path, iperf: Path) -> tuple[Path, Path]:
    """Return an iperf that fails as long as there is a file, and that file."""
    bad, binary = tmp_path / "bad", tmp_path / "iperf"
    binary.write_text(f'#!/bin/sh\n[ -e "{bad}" ] && exit 3\nexec "{iperf}" "$@"\n')
    binary.chmod(0o755)
    return binary, bad


@pytest.mark.alone
@pytest.mark.slow
def test_never_more_than_asked_for_and_all_are_replaced() -> None:
    """20 streams of 1 to 3 s for 4 s, of both tools and protocols; the long one: make stress."""
    seen = watch(20, seconds=4, look_s=0.1)
    assert 20 == seen.report.most_live
    assert max(seen.processes) <= 40
    assert 20 < seen.report.totals.completed
    assert 4 == len(seen.report.by_kind)
    assert 0 == seen.report.totals.failed, seen.report
    assert 0 == seen.report.live == len(iperf_children())
    assert seen.report.totals.streams == len(seen.report.history)


@pytest.mark.slow
def test_paused_and_resumed_three_times() -> None:
    """None live, then all again, each time; the ports stay the same, and no list grows."""
    with stress(4, tools=BOTH, min_dur=60, max_dur=60) as one:
        assert 4 == one.live
        for _ in range(3):
            one.pause_all()
            assert (0, {}) == (one.live, iperf_children())
            assert one.paused
            assert 8 == len(ports._lenders)  # TCP and UDP of four ports
            one.resume_all()
            assert 4 == one.live == len(iperf_children()) / 2
        one.resume_all()  # it runs: no harm
        assert 4 == one.live
    assert not one.started
    totals = one.report().totals
    assert (0, 16, 0) == (totals.completed, totals.broken_off, totals.failed)


@pytest.mark.slow
def test_a_pause_with_an_end_resumes_by_itself() -> None:
    """It does not block; an end that was set is forgotten by another pause, and by a stop."""
    with stress(2, min_dur=60, max_dur=60) as one:
        began = time.monotonic()
        one.pause_all(0.5)
        assert 0 == one.live
        wait_for(lambda: one.live == 2, "the end of the pause")
        assert time.monotonic() - began >= 0.5
        one.pause_all(0.2)
        one.pause_all()
        time.sleep(0.4)
        assert 0 == one.live
        one.pause_all(0.2)
    time.sleep(0.4)
    assert (0, {}) == (one.live, iperf_children())


@pytest.mark.slow
def test_a_pause_that_is_interrupted_is_a_pause() -> None:
    """None live, as was asked for, and all are again when it is resumed; so with a stop."""

    async def cancelled(call: Any) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call, 0.001)

    async def main() -> None:
        one = AsyncStressTrafficManager(3, min_dur=60, max_dur=60, **LIGHT)
        await one.start_all()
        await cancelled(one.pause_all(60))
        assert (0, True) == (one.live, one.paused)
        await one.resume_all()
        assert 3 == one.live
        await cancelled(one.stop_all())
        assert (0, {}, {}) == (one.live, iperf_children(), ports._lenders)
        await one.stop_all()
        assert not one.started

    asyncio.run(main())


@pytest.mark.slow
def test_what_is_played_is_what_was_drawn() -> None:
    """Each slot plays its sequence in order, whatever ends first, and through pauses."""
    one = stress(3, tools=BOTH, max_dur=1)
    with one:
        wait_for(lambda: one.report().totals.completed >= 3, "six streams")
        one.pause_all()
        one.resume_all()
    for slot, draws in played(one).items():
        assert draws == list(islice(one.draws(slot), len(draws)))
        assert draws
    assert 7 == one.report().seed


@pytest.mark.slow
def test_a_replacement_that_fails_is_recorded_and_tried_again(
    moody_iperf: tuple[Path, Path],
) -> None:
    """With back-off; as soon as it can be, all are live again. A stop meanwhile is a stop."""
    binary, bad = moody_iperf
    with stress(2, iperf_binary_path=str(binary), max_dur=1) as one:
        bad.touch()
        wait_for(lambda: one.report().totals.failed >= 4, "failures")
        assert 0 == one.live
        failures = one.report().failures
        assert all("server" in each.error for each in failures), failures
        assert len(failures) < 12  # 0.1, 0.2, 0.4, … s apart
        bad.unlink()
        wait_for(lambda: one.live == 2, "the streams to be back")
        bad.touch()
        wait_for(lambda: one.live == 0, "failures")
        began = time.monotonic()
        one.stop_all()
        assert time.monotonic() - began < 3
        bad.unlink()


@pytest.mark.slow
def test_a_start_that_fails_stops_everything(moody_iperf: tuple[Path, Path]) -> None:
    """It names each slot; the same one can be started when the cause is gone."""
    binary, bad = moody_iperf
    one = stress(2, iperf_binary_path=str(binary))
    bad.touch()
    with pytest.raises(TrafficError, match=r"slot 0: .*slot 1: ") as caught:
        one.start_all()
    assert {"slot 0", "slot 1"} == set(caught.value.failures)
    assert not one.started
    assert {} == iperf_children()
    bad.unlink()
    with one:
        assert 2 == one.live


def test_nothing_is_asked_at_the_wrong_time() -> None:
    """A stop before a start does nothing; a pause, a second start are refused."""
    one = stress(1)
    one.stop_all()
    for call in (one.pause_all, one.resume_all):
        with pytest.raises(StateError, match="not started"):
            call()
    with one:
        with pytest.raises(StateError, match="started already"):
            one.start_all()
        assert 1 == one.live
        with pytest.raises(OptionError, match="duration=-1"):
            one.pause_all(-1)
    one.stop_all()
    with pytest.raises(OptionError, match="duration=0"):
        one.run_all(0)


@pytest.mark.slow
def test_a_log_is_replayed(tmp_path: Path) -> None:
    """The same streams in each slot, in the same order, and then it is over."""
    log = tmp_path / "stress.jsonl"
    one = stress(2, tools=BOTH, max_dur=1, log=log)
    first = one.run_all(1.5)
    again = StressTrafficManager.replay(log)
    second = again.run_all(30)
    assert first.totals.streams == second.totals.streams == second.totals.completed
    before, after = played(one), played(again)
    assert set(before) == set(after) == {0, 1}
    for slot, draws in before.items():
        assert draws == after[slot] == list(again.draws(slot))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ends = [line["end"] for line in lines if "end" in line]
    assert first.totals.bytes == sum(end["bytes"] for end in ends)
    assert {"completed", "broken off"} >= {end["outcome"] for end in ends}


def test_a_log_that_is_none_is_refused(tmp_path: Path) -> None:
    """And one that is damaged, with the line; a last line that was cut off is left out."""
    log = tmp_path / "log"
    with pytest.raises(OptionError, match="cannot be read"):
        StressTrafficManager.replay(log)
    log.write_text('{"a": 1}\n')
    with pytest.raises(OptionError, match="is no log of a stress test"):
        StressTrafficManager.replay(log)
    for setup in ("", ', "setup": {"client": 1, "server": 2, "ports": 3}'):
        log.write_text(f'{{"format": "pyperf2 stress 1"{setup}}}\n')
        with pytest.raises(OptionError, match="line 1, is damaged"):
            StressTrafficManager.replay(log)
    with stress(1, log=log):
        pass
    whole = log.read_text()
    log.write_text(whole + '{"begin": {"slot": 0, "num')
    assert 1 == len(list(StressTrafficManager.replay(log).draws(0)))
    log.write_text(whole + '{"begin": {"slot": 0}}\n')
    with pytest.raises(OptionError, match="line 4, is damaged"):
        StressTrafficManager.replay(log)
    log.write_text(whole + "iperf\n")
    with pytest.raises(OptionError, match="line 4, is no JSON"):
        StressTrafficManager.replay(log)
    with pytest.raises(RawLogError, match="cannot be written"):
        stress(1, log=tmp_path / "nowhere" / "log").start_all()


def test_ports_are_those_that_were_given() -> None:
    """And no others; they are free again afterwards."""
    span = range(27_400, 27_440)
    with stress(2, ports=span):
        held = {port for _, _, port in ports._lenders}
    assert 2 == len(held)
    assert held <= set(span)
    assert {} == ports._lenders


@pytest.mark.netns
@pytest.mark.slow
def test_between_two_hosts_to_one_and_to_a_group(lab: Lab) -> None:
    """Clients are in one namespace, servers in the other; multicast arrives."""
    report = stress(
        3,
        client=Endpoint(lab.LEFT_IP, lab.left),
        server=Endpoint(lab.RIGHT_IP, lab.right),
        protocols=("udp",),
        comm_types=("unicast", "multicast"),
        max_dur=1,
    ).run_all(3)
    assert {"unicast", "multicast"} == {kind.comm_type for kind in report.by_kind}
    assert 0 == report.totals.failed, report
    for kind, totals in report.by_kind.items():
        assert totals.packets_sent > 0, kind
        assert totals.bytes > 0, kind


@pytest.mark.slow
def test_as_coroutines() -> None:
    """The same on the caller's own loop; cancelling ends all."""

    async def main() -> AsyncStressTrafficManager:
        one = AsyncStressTrafficManager(2, min_dur=60, max_dur=60, **LIGHT)
        async with one:
            assert 2 == one.live
            await one.pause_all(0.1)
            assert 0 == one.live
            await one.resume_all()
            assert 2 == one.live
        await one.stop_all()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(one.run_all(60), 0.5)
        assert not one.started
        return one

    assert 0 == asyncio.run(main()).live
    assert {} == iperf_children()
