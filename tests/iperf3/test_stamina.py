"""Many streams and short intervals: it neither hangs nor loses track."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.iperf3.pairs import only_stream, pair, words

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

STREAMS = 60


@pytest.mark.alone
def test_sixty_streams(iperf3: Path) -> None:
    """3 s of 60 streams: every interval of each stream and of the sum, on both sides, in time."""
    server, client = pair(iperf3, parallel=STREAMS, test_duration=3, bandwidth="200K")
    began = time.monotonic()
    with server, client:
        assert client.wait(timeout=15)
        took = time.monotonic() - began
        result = next(server.runs())
    assert took < 3 + 3
    assert (None, None) == (client.error, result.error)
    for one in (client.result(), result):
        assert [] == words(one)
        flows = {key: stream for key, stream in one.streams.items() if key.isdigit()}
        assert STREAMS == len(flows)
        assert {"SUM"} == one.streams.keys() - flows.keys()
        for stream in flows.values():
            assert stream.summary is not None
            whole = [each for each in stream.intervals if each.seconds > 0.05]
            assert 29 <= len(whole) <= 31
        total = one.streams["SUM"].bytes
        assert total is not None
        assert pytest.approx(total, rel=0.02) == sum(each.bytes or 0 for each in flows.values())


@pytest.mark.quiet
def test_the_shortest_interval(iperf3: Path) -> None:
    """``report_interval=0.1`` is the least that iperf3 takes, and it keeps it."""
    server, client = pair(iperf3, protocol="udp", bandwidth="1000pps", test_duration=2)
    with server, client:
        assert client.wait(timeout=10)
        result = next(server.runs())
    for one in (client.result(), result):
        whole = [each for each in only_stream(one).intervals if each.seconds > 0.05]
        assert 19 <= len(whole) <= 21
        counts = sorted(each.packets or 0 for each in whole)
        assert pytest.approx(100, abs=5) == counts[len(counts) // 2]  # one or other may be starved
