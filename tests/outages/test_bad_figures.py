"""Figures that cannot be: no exception, a notice, and a result that says it is not exact."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2 import replay
from tests.outages.test_events import CLEAN, DARK, VERSIONS, final, lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.core.results import Result

_RUN = [CLEAN, (0, 700, 700), (499, 1299, 800), CLEAN, CLEAN]
_TRUTH = 499


def whole(version: str) -> list[str]:
    """Return a good run: 499 lost over a border, nothing else."""
    extra = 2 if version == "2.2.1" else 1
    return [*lines(version, _RUN), final(version, 5.001, (499, 5000, 4500 + extra))]


def read(printed: list[str], version: str) -> Result:
    """Replay it."""
    return replay(printed, version=version, bandwidth="1000pps", report_interval=1.0)


def _swapped(printed: list[str]) -> list[str]:
    return [*printed[:2], printed[3], printed[2], *printed[4:]]


def _one_missing(printed: list[str]) -> list[str]:
    return [*printed[:3], *printed[4:]]


def _said_twice(printed: list[str]) -> list[str]:
    return [*printed[:4], printed[3], *printed[4:]]


def _clock_back(printed: list[str]) -> list[str]:
    return [*printed[:4], printed[4].replace("3.0000-4.0000", "0.5000-1.5000"), *printed[5:]]


def _counter_back(printed: list[str]) -> list[str]:
    return [*printed[:4], printed[4].replace("0/1000", "0/-49"), *printed[5:]]


def _wrapped(printed: list[str]) -> list[str]:
    return [*printed[:4], printed[4].replace("0/1000", "2147479646/2147481647"), *printed[5:]]


def _more_than_all(printed: list[str]) -> list[str]:
    return [*printed[:4], printed[4].replace("0/1000", "2000/1000"), *printed[5:]]


def _final_too_small(printed: list[str]) -> list[str]:
    return [*printed[:-1], printed[-1].replace("499/5000", "499/3000")]


SPOILT: dict[str, Callable[[list[str]], list[str]]] = {
    "two lines swapped": _swapped,
    "a line missing": _one_missing,
    "a line said twice": _said_twice,
    "the clock jumps back": _clock_back,
    "a counter jumps back": _counter_back,
    "a counter has wrapped": _wrapped,
    "more lost than sent": _more_than_all,
    "the final line has fewer than its intervals": _final_too_small,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_good_run_is_exact(version: str) -> None:
    """What is spoilt below is right before."""
    result = read(whole(version), version)
    (stream,) = result.streams.values()
    assert (_TRUTH, 0) == (stream.packets_lost, stream.packets_lost_error)
    assert [] == [notice for notice in result.notices if notice.kind == "doubtful"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_it_is_said_not_to_be_exact(version: str, spoil: Callable[[list[str]], list[str]]) -> None:
    """A notice names the line; the truth stays within the error."""
    result = read(spoil(whole(version)), version)
    (stream,) = result.streams.values()
    assert "doubtful" in {notice.kind for notice in result.notices}
    assert stream.packets_lost is not None
    assert stream.packets_lost_error
    assert abs(stream.packets_lost - _TRUTH) <= stream.packets_lost_error


@pytest.mark.parametrize("version", VERSIONS)
def test_not_a_number_is_none(version: str) -> None:
    """A NaN in jitter, percentage or rate touches no loss."""
    printed = [
        line.replace("(0%)", "(-nan%)").replace("0.001 ms", "-nan ms") for line in whole(version)
    ]
    printed = [line.replace("1000 pps", "inf pps") for line in printed]
    (stream,) = read(printed, version).streams.values()
    assert (_TRUTH, 0) == (stream.packets_lost, stream.packets_lost_error)
    assert {None} == {interval.jitter_ms for interval in stream.intervals}


_WORDS = st.one_of(
    st.integers(-(2**33), 2**33).map(str),
    st.floats().map(str),
    st.sampled_from(("nan", "-nan", "inf", "1e+02", "-", "", "0", "99999999999999999999")),
)


def test_intervals_behind_a_final_line_are_doubted() -> None:
    """An iperf that has no business to print intervals does: its first one was no final line."""
    printed = whole("2.1.8")[:-1]
    result = replay(printed, version="2.1.8", report_interval=0)
    stream = next(iter(result.streams.values()))
    assert None is stream.packets_sent
    assert stream.packets_lost is not None
    assert stream.packets_lost_error
    assert abs(stream.packets_lost - _TRUTH) <= stream.packets_lost_error
    assert "doubtful" in {notice.kind for notice in result.notices}


@given(st.data())
def test_any_figures_are_survived(data: st.DataObject) -> None:
    """Numbers in any place, lines in any order: a result, with whole numbers or None in it."""
    version = data.draw(st.sampled_from(VERSIONS))
    printed = whole(version)
    dice = random.Random(data.draw(st.integers(0, 2**16)))  # noqa: S311 - no secret
    for _ in range(data.draw(st.integers(1, 6))):
        index = data.draw(st.integers(1, len(printed) - 1))
        words = printed[index].split(" ")
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(_WORDS)
        printed[index] = " ".join(words)
    if data.draw(st.booleans()):
        dice.shuffle(printed)
    result = read(printed, version)
    result.report()
    for stream in result.streams.values():
        if stream.packets_lost_error is not None:
            assert stream.packets_lost is not None
            assert stream.packets_lost >= 0
            assert stream.packets_lost_error >= 0
        for outage in stream.outages:
            assert outage.packets_lost >= 0
            assert outage.begin_s >= 0


@pytest.mark.parametrize("version", VERSIONS)
def test_dark_for_ever_has_no_exact_end(version: str) -> None:
    """A server that nobody told of the end: what it cannot see is in its error."""
    (stream,) = read(lines(version, [CLEAN, (0, 500, 500), *[DARK] * 5]), version).streams.values()
    assert stream.packets_lost_trailing is None
    assert stream.packets_lost_error is not None
    assert stream.packets_lost_error > 5000
    (outage,) = stream.outages
    assert ("open", False) == (outage.method, outage.complete)


def test_no_outage_ends_before_it_began() -> None:
    """Dark from half of the fourth second on, but then the clock is back in the second one."""
    row = "[  5]   {}.00-{}.00   sec  1.19 MBytes  10.0 Mbits/sec  0.01 ms  0/{} (0%)  "
    intervals = ((0, 1000), (1, 1000), (2, 1000), (3, 500), (1, 0))
    printed = [row.format(start, start + 1, packets) for start, packets in intervals]
    (stream,) = replay(printed, tool="iperf3", version="3.12").streams.values()
    (outage,) = stream.outages
    assert pytest.approx(3.5, abs=0.01) == outage.begin_s == outage.end_s
    assert (False, 0.0) == (outage.complete, outage.duration_s)


def test_more_arrived_than_were_sent() -> None:
    """A sender's line that belongs to another test contradicts what arrived: nothing is exact."""
    printed = [
        "[  5]   0.00-1.00   sec   385 KBytes  3.15 Mbits/sec  0.012 ms  0/315 (0%)  ",
        "[  5]   1.00-2.00   sec   366 KBytes  3.00 Mbits/sec  0.007 ms  0/300 (0%)  ",
        "[  5]   0.00-2.00   sec   244 KBytes  1.00 Mbits/sec  0.000 ms  0/401 (0%)  sender",
        "[  5]   0.00-2.00   sec   751 KBytes  3.05 Mbits/sec  0.010 ms  0/615 (0%)  receiver",
    ]
    (stream,) = replay(printed, tool="iperf3", version="3.22").streams.values()
    assert (401, 615) == (stream.packets_sent, stream.packets_received)
    assert 214 == stream.packets_lost_error
