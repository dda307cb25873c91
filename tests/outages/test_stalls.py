"""A stall at the border of an interval, and an outage within the next: not one that began there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyperf2 import replay
from tests.outages.judge import contradictions, read
from tests.outages.receivers import BUILDS
from tests.outages.simulator import DELIVERED, LOST, Pause, Scenario, simulate

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from pyperf2.core.gaps import Outage
    from tests.outages.simulator import Fate

_PPS = 1000
_T = 1 / _PPS
_CLOSED_BY_ARRIVAL = {"2.0.13a"}  # it has no border that a deficit could stand at for certain


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled:
    """Some intervals, a stall over the last one's border, and an outage behind it."""

    interval: float
    border: int  # number of the interval it ends
    depth: int  # datagrams that are not there at the border
    over: int  # how long the stall lasts behind it, likewise
    behind: int  # datagrams from there to the outage
    lost: int

    @property
    def course(self) -> tuple[tuple[Fate, int], ...]:
        """What becomes of each datagram."""
        first = round(self.border * self.interval * _PPS) + self.over + self.behind
        return ((DELIVERED, first), (LOST, self.lost), (DELIVERED, 1000))

    @property
    def pause(self) -> Pause:
        """Between two datagrams, so that which are late is no matter of rounding."""
        lasts = (self.depth + self.over) * _T
        return Pause(self.border * self.interval - (self.depth + 0.1) * _T, lasts)


@st.composite
def _stalled(draw: DrawFn) -> Stalled:
    """Draw depth, size and place; the outage is over when its interval is."""
    interval = draw(st.sampled_from((0.1, 0.5, 1.0)))
    inside = round(interval * _PPS)
    depth = draw(st.integers(3, inside // 4))
    over = draw(st.integers(1, 10))
    lost = draw(st.integers(max(depth - 1, 3), inside - over - 20))
    return Stalled(
        interval=interval,
        border=draw(st.integers(3, 12)),
        depth=depth,
        over=over,
        behind=draw(st.integers(2, inside - over - lost - 15)),
        lost=lost,
    )


def _faults(scenario: Scenario, *, paired: bool) -> list[str]:
    outcome = simulate(scenario)
    stream = read(scenario, outcome, paired=paired)
    return contradictions(scenario, outcome, stream, paired=paired)


@pytest.mark.parametrize("version", sorted(set(BUILDS) - _CLOSED_BY_ARRIVAL))
@pytest.mark.parametrize("enhanced", [True, False])
@pytest.mark.parametrize("depth", [3, 4, 8, 20])
def test_a_sender_that_stalls_at_a_border_is_no_outage_begun_there(
    version: str, depth: int, *, enhanced: bool
) -> None:
    """20 ms lost 60 ms behind it: its own report shows that what was missing was not sent yet."""
    case = Stalled(interval=0.1, border=9, depth=depth, over=2, behind=60, lost=20)
    scenario = Scenario(
        version=version, course=case.course, stalls=(case.pause,), enhanced=enhanced
    )
    assert [] == _faults(scenario, paired=True)


@pytest.mark.parametrize("version", sorted(set(BUILDS) - _CLOSED_BY_ARRIVAL))
@pytest.mark.parametrize("paired", [True, False])
def test_datagrams_that_are_late_at_a_border_are_not_those_lost(
    version: str, *, paired: bool
) -> None:
    """The delays of the next interval show that what was missing was on its way."""
    case = Stalled(interval=0.1, border=9, depth=5, over=2, behind=60, lost=20)
    scenario = Scenario(version=version, course=case.course, holds=(case.pause,))
    assert [] == _faults(scenario, paired=paired)


@pytest.mark.parametrize("version", sorted(set(BUILDS) - _CLOSED_BY_ARRIVAL))
@pytest.mark.parametrize("first", [True, False])
def test_who_was_late_at_another_border_may_have_been_at_this(version: str, *, first: bool) -> None:
    """No sender, no delays: then a stall of that depth, before it or behind, leaves it in doubt."""
    case = Stalled(interval=0.1, border=9, depth=5, over=2, behind=60, lost=20)
    other = Pause((0.4 if first else 1.6) - 5.1 * _T, 6 * _T)
    scenario = Scenario(version=version, course=case.course, enhanced=False)
    pauses = (case.pause, other)
    assert [] == _faults(replace(scenario, stalls=pauses), paired=False)
    assert [] == _faults(replace(scenario, holds=pauses), paired=True)


@pytest.mark.parametrize("version", sorted(set(BUILDS) - _CLOSED_BY_ARRIVAL))
@pytest.mark.parametrize("paired", [True, False])
def test_a_deficit_that_nothing_else_explains_is_the_outages(version: str, *, paired: bool) -> None:
    """Deeper than any stall, or of a sender that kept its pace there: located as ever."""
    course = ((DELIVERED, 880), (LOST, 60), (DELIVERED, 1000))
    stall = Pause(0.4 - 4.1 * _T, 6 * _T)
    scenario = Scenario(version=version, course=course, stalls=(stall,))
    outcome = simulate(scenario)
    (outage,) = read(scenario, outcome, paired=paired).outages
    assert "located" == outage.method


@pytest.mark.parametrize("version", sorted(set(BUILDS) - _CLOSED_BY_ARRIVAL))
def test_a_sender_that_kept_its_pace_at_the_border_speaks_for_the_outage(version: str) -> None:
    """It had stalled as deep before: what was missing then had not been sent; this had."""
    course = ((DELIVERED, 897), (LOST, 60), (DELIVERED, 1000))
    stall = Pause(0.4 - 8.1 * _T, 10 * _T)
    scenario = Scenario(version=version, course=course, stalls=(stall,))
    outcome = simulate(scenario)
    methods = {
        paired: [outage.method for outage in read(scenario, outcome, paired=paired).outages]
        for paired in (True, False)
    }
    assert {True: ["located"], False: ["contained"]} == methods
    assert [] == _faults(scenario, paired=False)


def test_the_borders_of_both_ends_are_two_datagrams_apart() -> None:
    """As 2.1.8 printed it: the sender is 2 short at 3098, its receiver 3 at 3099; 22 lost later."""
    server = ["[  1] local 10.0.0.2 port 5001 connected with 10.0.0.1 port 40000"]
    client = ["[  1] local 10.0.0.1 port 40000 connected with 10.0.0.2 port 5001"]
    totals = [(0, 102), *[(0, 100)] * 29, (0, 97), (22, 103), (0, 100), (0, 100)]
    writes = [*[100] * 30, 98, 102, 100, 100]
    for index, ((lost, total), written) in enumerate(zip(totals, writes, strict=True)):
        times = f"[  1] {index / 10:.4f}-{index / 10 + 0.1:.4f} sec  144 KBytes  11.8 Mbits/sec"
        server.append(
            f"{times}   0.001 ms {lost}/{total} (0%) 0.004/0.003/0.043/0.002 ms 1000 pps "
            f"{total - lost}/0(0) pkts 100000"
        )
        client.append(f"{times}  {written}/0     1000 pps")
    result = replay(
        "\n".join(server).encode(),
        peer="\n".join(client).encode(),
        version="2.1.8",
        bandwidth="1000pps",
        report_interval=0.1,
    )
    (stream,) = result.streams.values()
    (outage,) = stream.outages
    assert ("contained", 22) == (outage.method, outage.packets_lost)
    assert abs(outage.begin_s - 3.1281) <= outage.begin_error_s


@pytest.mark.parametrize("version", sorted(set(BUILDS) - _CLOSED_BY_ARRIVAL))
@pytest.mark.parametrize("paired", [True, False])
def test_a_stall_and_then_an_outage_as_short_are_no_slip(version: str, *, paired: bool) -> None:
    """6 short at one border, 7 at the next: the first had been made up for in between."""
    course = ((DELIVERED, 893), (LOST, 22), (DELIVERED, 1000))
    stall = Pause(0.8 - 6.1 * _T, 8 * _T)
    scenario = Scenario(version=version, course=course, stalls=(stall,))
    assert [] == _faults(scenario, paired=paired)


def _iperf3(*intervals: tuple[float, int, int]) -> str:
    """Return what iperf3's server prints: when each interval ended, Lost, Total."""
    lines = ["[  5] local 10.0.0.2 port 5201 connected to 10.0.0.1 port 40000"]
    start = 0.0
    for end, lost, total in intervals:
        lines.append(
            f"[  5]   {start:.2f}-{end:.2f}   sec   142 KBytes  11.6 Mbits/sec  0.010 ms  "
            f"{lost}/{total} (0%)"
        )
        start = end
    return "\n".join(lines)


def _told_by_iperf3(*more: tuple[float, int, int]) -> Outage:
    calm = [(number / 10, 0, 100) for number in range(1, 10)]
    text = _iperf3(*calm, *more)
    (stream,) = replay(
        text.encode(), tool="iperf3", role="server", version="3.12", bandwidth="1000pps"
    ).streams.values()
    return stream.outages[-1]


def test_an_interval_of_iperf3_that_ended_late_had_a_receiver_without_a_processor() -> None:
    """13.40-13.51, then 22 lost 50 ms later, as recorded: what was short waited to be read."""
    outage = _told_by_iperf3((1.01, 0, 101), (1.1, 22, 99), (1.2, 0, 100), (1.3, 0, 100))
    assert ("contained", 22) == (outage.method, outage.packets_lost)
    assert abs(outage.begin_s - 1.06) <= outage.begin_error_s
    assert outage.begin_s - outage.begin_error_s <= 1.0
    in_time = _told_by_iperf3((1.0, 0, 94), (1.1, 22, 106), (1.2, 0, 100), (1.3, 0, 100))
    assert "located" == in_time.method


def test_iperf3_reads_late_what_was_sent_in_time() -> None:
    """It was short once, and nothing lost: its sender's word for the next time is none."""
    outage = _told_by_iperf3(
        (1.0, 0, 96), (1.1, 0, 104), (1.2, 0, 95), (1.3, 23, 105), (1.4, 0, 100)
    )
    assert ("contained", 23) == (outage.method, outage.packets_lost)
    assert abs(outage.begin_s - 1.2596) <= outage.begin_error_s


@pytest.mark.slow
@pytest.mark.timeout(0)  # the explore profile takes its time
@pytest.mark.parametrize("who", ["sender", "path"])
@pytest.mark.parametrize("version", sorted(set(BUILDS) - _CLOSED_BY_ARRIVAL))
def test_wherever_one_stalls_the_truth_is_within_the_bars(version: str, who: str) -> None:
    """Any depth, size and place: by the sender's word, or by the delays."""

    @settings(max_examples=settings().max_examples)
    @given(_stalled(), st.integers(0, 2**16), st.booleans())
    def holds(case: Stalled, seed: int, paired: bool) -> None:  # noqa: FBT001
        scenario = Scenario(
            version=version,
            course=case.course,
            interval=case.interval,
            seed=seed,
            stalls=(case.pause,) if who == "sender" else (),
            holds=(case.pause,) if who == "path" else (),
        )
        assert [] == _faults(scenario, paired=paired or who == "sender")

    holds()
