"""Intervals give loss events: literal cases, one stream at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2.core.counting import Counter, profile_for
from pyperf2.core.loss import EventNumbers, LossDetector, LossPolicy
from pyperf2.core.records import Instant, Interval

if TYPE_CHECKING:
    from pyperf2.core.loss import LossEvent


def intervals(*figures: tuple[int, int], received: bool = True) -> list[Interval]:
    """Return one-second UDP intervals with these (lost, total)."""
    return [
        Interval(
            stream_id="1",
            start=float(second),
            end=second + 1.0,
            protocol="udp",
            direction="received",
            bytes=(total - lost) * 1470,
            lost_packets=lost,
            packets=total,
            packets_received=total - lost if received else None,
            arrived=Instant(second * 10**9, second * 10**9),
        )
        for second, (lost, total) in enumerate(figures)
    ]


def events(policy: LossPolicy, *figures: tuple[int, int]) -> list[LossEvent]:
    """Run a detector over the intervals and its end."""
    detector = LossDetector(policy, numbers=EventNumbers())
    counter = Counter(profile_for(None))
    told = [detector.feed(one, counter.count(one)) for one in intervals(*figures)]
    told.append(detector.close(Instant(0, 0), float(len(figures))))
    return [event for event in told if event is not None]


def brief(policy: LossPolicy, *figures: tuple[int, int]) -> list[tuple[str, int, int]]:
    """Give (status, lost in the interval, lost since the start) of each event."""
    return [
        (event.status, event.packets_lost, event.packets_lost_since_start)
        for event in events(policy, *figures)
    ]


COUNTER = LossPolicy(use_iperf_loss_counter=True)
HEURISTIC = LossPolicy(use_iperf_loss_counter=False, expected_pps=1000)
AUTO = LossPolicy(expected_pps=1000)

CASES: list[tuple[str, LossPolicy, list[tuple[int, int]], list[tuple[str, int, int]]]] = [
    ("clean", AUTO, [(0, 1000), (0, 1001), (0, 999)], []),
    ("an outage inside one interval", COUNTER, [(0, 1000), (499, 1000), (0, 1000)],
     [("losing packets", 499, 499), ("stable", 0, 499)]),
    ("two lossy intervals are one event", COUNTER, [(3, 1000), (4, 1000), (0, 1000)],
     [("losing packets", 3, 3), ("losing packets (cont.)", 4, 7), ("stable", 0, 7)]),
    ("a dark interval is told at once, and its estimate replaced by the gap", COUNTER,
     [(0, 1000), (0, 300), (0, 0), (1499, 1800), (0, 1000)],
     [("losing all packets", 1000, 1000), ("losing packets (cont.)", 1499, 1499),
      ("stable", 0, 1499)]),
    ("over a border, by counter: the short interval says nothing", COUNTER,
     [(0, 1000), (0, 700), (499, 1299), (0, 1000)],
     [("losing packets", 499, 499), ("stable", 0, 499)]),
    ("over a border, auto: the estimate is not added to the count", AUTO,
     [(0, 1000), (0, 700), (499, 1299), (0, 1000)],
     [("losing packets", 300, 300), ("losing packets (cont.)", 499, 499), ("stable", 0, 499)]),
    ("over a border, heuristic: judged by the shortfall, counted by the gap", HEURISTIC,
     [(0, 1000), (0, 700), (499, 1299), (0, 1000)],
     [("losing packets", 300, 300), ("losing packets (cont.)", 200, 499), ("stable", 0, 499)]),
    ("until the end: closed, with what was expected", AUTO, [(0, 1000), (0, 250), (0, 0)],
     [("losing packets", 750, 750), ("losing all packets (cont.)", 1000, 1750),
      ("stable", 0, 1750)]),
    ("a threshold", LossPolicy(loss_threshold=5), [(5, 1000), (6, 1000), (0, 1000)],
     [("losing packets", 6, 6), ("stable", 0, 6)]),
    ("a warm-up", LossPolicy(warmup_intervals=2), [(301, 1302), (9, 1000), (1, 1000), (0, 1000)],
     [("losing packets", 1, 1), ("stable", 0, 1)]),
    ("one late by a border is a border, not a loss", AUTO, [(0, 999), (0, 1001)], []),
    ("a sender too slow, by counter", COUNTER, [(0, 900), (0, 900)], []),
    ("a sender too slow, auto", AUTO, [(0, 900)], [("losing packets", 100, 100),
                                                   ("stable", 0, 100)]),
    ("absurd figures are no loss", COUNTER,
     [(2147479646, 2147481647), (-60, 100), (0, -49), (2000, 1000)], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "figures", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_events(
    policy: LossPolicy, figures: list[tuple[int, int]], expected: list[tuple[str, int, int]]
) -> None:
    """The intervals in the table give the events in the table."""
    assert expected == brief(policy, *figures)


def test_an_event_has_a_number_a_beginning_and_an_end() -> None:
    """Two outages are two events; each ends where its first clean interval begins."""
    told = events(COUNTER, (0, 1000), (5, 1000), (0, 1000), (7, 1000), (0, 1000))
    assert [0, 0, 1, 1] == [event.event_number for event in told]
    assert [(1.0, None), (1.0, 2.0), (3.0, None), (3.0, 4.0)] == [(e.begin, e.end) for e in told]
    assert told[1].to_dict()["timestamp_end"] == "1970-01-01T00:00:02+00:00"


def test_the_steady_rate_is_learnt_and_never_lowered_by_loss() -> None:
    """Without a pps rate, the heuristic expects what it has seen in a clean interval."""
    policy = LossPolicy(use_iperf_loss_counter=False)
    assert [("losing packets", 400, 400), ("losing packets (cont.)", 500, 900),
            ("stable", 0, 900)] == brief(policy, (0, 1000), (0, 600), (0, 500))  # fmt: skip


def test_a_silent_tcp_stream_stalls() -> None:
    """TCP has no datagrams to count: an interval without a byte is a stall."""
    detector = LossDetector(LossPolicy(), numbers=EventNumbers())
    told = [
        detector.feed(
            Interval(
                stream_id="1",
                start=float(second),
                end=second + 1.0,
                protocol="tcp",
                direction="received",
                bytes=size,
            ),
            None,
        )
        for second, size in enumerate([10**6, 0, 0, 10**6])
    ]
    assert [None, ("stall", "losing all packets"), ("stall", "losing all packets (cont.)"),
            ("stall", "stable")] == [e and (e.kind, e.status) for e in told]  # fmt: skip
