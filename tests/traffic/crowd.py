"""A stress test that is watched: how many streams and processes there are, what it leaves."""

from __future__ import annotations

import time
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from pyperf2.traffic import StressTrafficManager
from tests.conftest import iperf_children

if TYPE_CHECKING:
    from pyperf2.traffic import StressReport


class Crowd(NamedTuple):
    """What was seen of it."""

    streams: int
    started_s: float  # how long the start of all took
    live: list[int]
    processes: list[int]
    stopped_s: float
    report: StressReport

    def __str__(self) -> str:
        """Say it for a person."""
        return (
            f"{self.streams} streams, started in {self.started_s:.1f} s, stopped in "
            f"{self.stopped_s:.1f} s; live on the mean {fmean(self.live):.1f}, at least "
            f"{min(self.live)}, at most {self.report.most_live}; processes at most "
            f"{max(self.processes)}\n{self.report}"
        )


def watch(streams: int, seconds: float, look_s: float, seed: int = 1) -> Crowd:
    """Run streams of 1 to 3 s, of both tools and protocols, for so long."""
    stress = StressTrafficManager(
        streams,
        min_dur=1,
        max_dur=3,
        max_size=16_000,
        tools=("iperf2", "iperf3"),
        seed=seed,
        bandwidth="200k",
    )
    live, processes = [], []
    began = time.monotonic()
    with stress:
        started_s = time.monotonic() - began
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            live.append(stress.live)
            processes.append(len(iperf_children()))
            time.sleep(look_s)
        stopping = time.monotonic()
    stopped_s = time.monotonic() - stopping
    return Crowd(streams, started_s, live, processes, stopped_s, stress.report())
