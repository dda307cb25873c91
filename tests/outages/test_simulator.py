"""The simulated receivers print what the real ones printed of the same datagrams."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pyperf2 import replay
from tests.outages.receivers import BUILDS, DATAGRAM_BYTES, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FILE = Path(__file__).parent.parent / "recordings" / "iperf2-relay.jsonl.gz"
# When the server stamped its first datagram, after the relay had sent it on.
_ZEROES_S = [step * 0.0001 for step in range(12)]
_SLACKS_S = (0.0, 0.002)

_REPORT = re.compile(r"sec .*? (?P<lost>-?\d+)/ *(?P<total>-?\d+) \(.*")
_RECEIVED = re.compile(r" pps +(\d+)/\d+(\(\d+\) pkts|/\d+)")
_LATE = re.compile(r"sec +(\d+) datagrams received out-of-order")


class Figures(NamedTuple):
    """What a report line and its late line say; None where that build does not say it."""

    lost: int
    total: int
    received: int | None
    late: int


@cache
def runs() -> tuple[Mapping[str, Any], ...]:
    """Return runs through a relay that decided, and wrote down, the fate of each datagram."""
    with gzip.open(_FILE, "rt") as file:
        return tuple(map(json.loads, file))


RUNS = pytest.mark.parametrize("run", runs(), ids=lambda run: run["name"])


def printed(lines: Iterable[tuple[float, str]]) -> list[Figures]:
    """Read figures with nothing of the library's own."""
    found: list[Figures] = []
    for _, text in lines:
        report, late = _REPORT.search(text), _LATE.search(text)
        if report:
            received = _RECEIVED.search(text)
            arrived = int(received[1]) if received else None
            found.append(Figures(int(report["lost"]), int(report["total"]), arrived, 0))
        elif late:
            found[-1] = found[-1]._replace(late=int(late[1]))
    return found


def simulated(run: Mapping[str, Any], zero_s: float, slack_s: float) -> list[Figures]:
    """Let the model receive the same datagrams."""
    build = BUILDS[run["version"]]
    receiver = Receiver(build, run["interval"], timeout_slack_s=slack_s, length=DATAGRAM_BYTES)
    at = 0.0
    for microseconds, number in run["arrivals"]:
        at += microseconds / 1e6
        if number < 0:
            receiver.fin(at, -number)
            break
        receiver.datagram(max(at, zero_s), number)
    assert receiver.final is not None
    tells = build.prints_received or build.prints_reads
    return [
        Figures(line.lost, line.total, line.received if tells else None, line.late)
        for line in [*receiver.lines, receiver.final]
    ]


@RUNS
def test_the_model_prints_what_iperf_printed(run: Mapping[str, Any]) -> None:
    """Every Lost, Total, arrival and late line of a run, for one of the possible zeroes."""
    real = printed(run["server_lines"])
    assert len(real) > 3
    empty = [figures._replace(received=figures.received or 0) for figures in real]
    found = [
        [figures._replace(received=figures.received or 0) for figures in simulated(run, *guess)]
        for guess in ((zero, slack) for zero in _ZEROES_S for slack in _SLACKS_S)
    ]
    assert empty in found


@RUNS
def test_the_account_of_a_run_is_the_relays(run: Mapping[str, Any]) -> None:
    """Lost, late and twice, as the relay had them."""
    result = replay(
        map(tuple, run["server_lines"]),
        peer=map(tuple, run["client_lines"]),
        version=run["version"],
        bandwidth=f"{run['pps']}pps",
        report_interval=run["interval"],
    )
    (stream,) = result.streams.values()
    arrived = [number for _, number in run["arrivals"] if number > 0]
    lost = run["sent"] - len(set(arrived))
    assert stream.packets_lost is not None
    assert stream.packets_lost_error is not None
    assert abs(stream.packets_lost - lost) <= stream.packets_lost_error
    assert run["sent"] == stream.packets_sent
    if (
        len(arrived)
        == len(set(arrived))
        == sum(number > before for before, number in zip([0, *arrived], arrived, strict=False))
    ):
        assert 0 == stream.packets_lost_error


def test_every_build_is_held_against_the_real_one() -> None:
    """All but 2.0.13a, which no relay recorded: its runs are in ``test_recordings.py``."""
    assert set(BUILDS) - {"2.0.13a"} == {run["version"] for run in runs()}
