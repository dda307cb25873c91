"""200 streams for ten minutes: memory, descriptors and threads stay as they are; ``make soak``.

Not found by itself, because of its name. ``SOAK_S`` sets how long it takes, in seconds.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from pyperf2 import Client, Server, start_all, stop_all
from tests.conftest import iperf_children
from tests.faces.pairs import LIGHT
from tests.live.support import LOOPBACK, free_port, nothing_leaks

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["nothing_leaks"]

SECONDS: Final = int(os.environ.get("SOAK_S", "600"))
STREAMS: Final = 200
HISTORY: Final = 20
REPORT_S: Final = 0.5
OPTIONS: Final[dict[str, Any]] = {
    "protocol": "udp", "bandwidth": "20pps", "history": HISTORY, **LIGHT,
}  # fmt: skip
MOST_THREADS: Final = 8  # main, engine, callbacks: on a starved machine more seem held up
# In a minute. One object kept of each interval would be 5 % of the blocks; the stalls of a busy
# machine are kept on purpose, and the samples.
MOST_GROWTH: Final = 0.005
WARM_UP_S: Final = min(60.0, SECONDS / 2)
_PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024


class Sample(NamedTuple):
    """What this process holds at a moment."""

    seconds: float
    rss_kib: int
    blocks: int  # of memory that Python objects hold
    descriptors: int
    threads: int
    cpu_s: float

    @classmethod
    def take(cls, began: float) -> Sample:
        """Look now."""
        return cls(
            seconds=time.monotonic() - began,
            rss_kib=int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KIB,
            blocks=sys.getallocatedblocks(),
            descriptors=len(list(Path("/proc/self/fd").iterdir())),
            threads=threading.active_count(),
            cpu_s=time.process_time(),
        )


def slope(samples: Sequence[Sample], name: str) -> float:
    """Return by how much a figure grows in a minute: Theil-Sen, so that no single one matters."""
    step = max(1, len(samples) // 120)
    points = [(one.seconds / 60, float(getattr(one, name))) for one in samples[::step]]
    return median((b - a) / (t - s) for (s, a), (t, b) in itertools.combinations(points, 2))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
def test_two_hundred_streams(capsys: pytest.CaptureFixture[str]) -> None:
    """Flat after the first minute; every interval told, every datagram accounted for."""
    calls = itertools.count()
    servers, clients = [], []
    for number in range(STREAMS):
        port = free_port()
        server = Server(name=f"rx{number}", port=port, report_interval=REPORT_S, **OPTIONS)
        server.register_on_data_callback(lambda _: next(calls))
        servers.append(server)
        clients.append(Client(LOOPBACK, name=f"tx{number}", port=port, **OPTIONS))
    samples: list[Sample] = []
    try:
        start_all([*servers, *clients], timeout=60)
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            samples.append(Sample.take(began))
            time.sleep(1)
        assert 2 * STREAMS == len(iperf_children())
        stop_all(clients)
    finally:
        stop_all([*servers, *clients])
    settled = [one for one in samples if one.seconds >= WARM_UP_S]
    with capsys.disabled():
        show(samples, settled)
    told = 0
    for server in servers:
        (stream,) = server.result().streams.values()
        told += stream.interval_count
        assert None is server.error
        assert stream.interval_count > 0.9 * SECONDS / REPORT_S
        assert HISTORY == len(stream.intervals)
        # Also over loopback one overtakes another, when the sender changes its CPU.
        assert (stream.packets_lost_error or 0) <= (stream.packets_out_of_order or 0)
        assert stream.packets_sent == (stream.packets_received or 0) + (stream.packets_lost or 0)
    assert told == next(calls)
    assert len(settled) > 10
    assert 1 == len({one.descriptors for one in settled})
    assert slope(settled, "threads") <= 0
    assert median(one.threads for one in settled) <= MOST_THREADS
    for name in ("rss_kib", "blocks"):
        assert slope(settled, name) < MOST_GROWTH * getattr(settled[0], name), name


def show(samples: Sequence[Sample], settled: Sequence[Sample]) -> None:
    """Print a line for each tenth of the time, and the slopes behind the warm-up."""
    lines = [
        f"{'s':>5} {'RSS KiB':>9} {'blocks':>8} {'descriptors':>11} {'threads':>7} {'CPU s':>7}"
    ]
    lines += [
        f"{one.seconds:5.0f} {one.rss_kib:9} {one.blocks:8} {one.descriptors:11} {one.threads:7} "
        f"{one.cpu_s:7.1f}"
        for one in samples[:: max(1, len(samples) // 10)]
    ]
    lines += [
        f"{name}: {slope(settled, name):+.2f} a minute, after {WARM_UP_S:.0f} s"
        for name in ("rss_kib", "blocks", "descriptors", "threads")
    ]
    sys.stdout.write("\n".join(["", *lines, ""]))
