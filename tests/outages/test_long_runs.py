"""A million intervals: the account stays small, the totals and the outages exact."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from pyperf2.core.account import ReceiverAccount
from pyperf2.core.binary import Version
from pyperf2.core.records import Interval, Summary
from pyperf2.core.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERVALS = 1_000_000
_EVERY = 20  # intervals from one outage to the next
_KEPT = 10_000  # outages
_PPS = 1000


def intervals() -> Iterator[tuple[int, int, int]]:
    """Yield (lost, total, arrived) at 0.1 s: 215 lost over three borders, every two seconds."""
    outage = [(0, 60, 60), (0, 0, 0), (215, 240, 25)]
    for index in range(_INTERVALS):
        place = index % _EVERY - 10
        yield outage[place] if 0 <= place < len(outage) else (0, 100, 100)


def interval(index: int, lost: int, total: int, arrived: int) -> Interval:
    """Return an interval of a UDP receiver."""
    return Interval(
        stream_id="1",
        start=index / 10,
        end=(index + 1) / 10,
        protocol="udp",
        direction="received",
        lost_packets=lost,
        packets=total,
        packets_received=arrived,
    )


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_million_intervals() -> None:
    """28 hours at -i 0.1: 50 000 outages, 10 750 000 lost, and the memory of a short run."""
    account = ReceiverAccount(Version.parse("2.2.1"), nominal=_PPS)
    peak = 0
    for index, figures in enumerate(intervals()):
        account.feed(interval(index, *figures))
        if index == 2 * _EVERY * _KEPT:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert grown_kib < 4096

    outages = _INTERVALS // _EVERY
    sent = _INTERVALS * 100
    final = Summary(
        stream_id="1",
        start=0.0,
        end=_INTERVALS / 10 + 0.001,
        protocol="udp",
        direction="received",
        lost_packets=215 * outages,
        packets=sent + 1,
        packets_received=sent - 215 * outages + 2,
        details={"reads": sent - 215 * outages + 2},
    )
    account.finish(final)
    totals = account.totals(final, Sender(datagrams=sent))
    assert (sent, 215 * outages, 0) == (totals.sent, totals.lost, totals.lost_error)
    assert sent - 215 * outages == totals.received

    found = account.outages(final, Sender(datagrams=sent), stream_ended=True)
    assert _KEPT == len(found)
    for place, outage in enumerate(found):
        number = outages - _KEPT + place
        begin = number * _EVERY / 10 + 1.06 - 0.0005  # datagram 1060 of its 2000 was the last
        assert ("located", 215, True) == (outage.method, outage.packets_lost, outage.complete)
        assert abs(begin - outage.begin_s) <= outage.begin_error_s <= 0.0015 + 1e-9
        assert abs(outage.duration_s - 0.215) <= outage.duration_error_s
