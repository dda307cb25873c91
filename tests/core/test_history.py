"""Kept intervals come back as they were, in little memory, and a view of them never changes."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2.core.history import History
from pyperf2.core.parsers.iperf2.glance import interval_of
from pyperf2.core.records import Instant, Interval
from tests.parsers.corpus import outputs, read

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers())
DETAILS = st.dictionaries(
    st.sampled_from(["reads", "bins", "tag", "nested"]),
    st.one_of(
        st.none(), st.booleans(), INTS, FLOATS, st.text(max_size=3), st.tuples(INTS, INTS),
        st.tuples(INTS), st.lists(INTS, max_size=2),
    ),
    max_size=3,
)  # fmt: skip
INTERVALS = st.builds(
    Interval,
    stream_id=st.just("3"),
    start=FLOATS,
    end=FLOATS,
    protocol=st.sampled_from(["tcp", "udp"]),
    direction=st.sampled_from(["sent", "received"]),
    bytes=st.one_of(st.none(), INTS),
    bits_per_second=st.one_of(st.none(), FLOATS),
    transfer_unit=st.one_of(st.none(), st.sampled_from(["KBytes", "MBytes"])),
    omitted=st.booleans(),
    packets=st.one_of(st.none(), INTS),
    run_number=st.integers(1, 3),
    details=DETAILS,
    arrived=st.builds(Instant, st.integers(0, 2**62), st.integers(0, 2**62)),
)
LINE = (
    b"[  1] %d.1000-%d.2000 sec   144 KBytes  11.8 Mbits/sec   0.002 ms 0/100 (0%%)"
    b" 0.015/0.008/0.037/0.006 ms 1000 pps 100/0(0) pkts 100753"
)


def unread(number: int) -> Interval:
    """Give one that was recognised at a glance."""
    at = Instant(number, 10**18 + number)
    return interval_of(LINE % (number, number), "3", at)


@given(st.lists(INTERVALS, max_size=40), st.one_of(st.none(), st.integers(0, 30)))
def test_what_is_kept_comes_back(intervals: list[Interval], most: int | None) -> None:
    """Any figures, of any size, and the last of them where the number is bounded."""
    history = History("3", most)
    for one in intervals:
        history.append(one)
    last = intervals if most is None else intervals[len(intervals) - min(most, len(intervals)) :]
    assert tuple(last) == tuple(history.kept())
    assert history.kept() == tuple(last)
    assert len(last) == len(history)


def test_recorded_intervals_come_back() -> None:
    """All that four versions have ever printed."""
    for output in outputs():
        histories: dict[str, History] = {}
        kept: dict[str, list[Interval]] = {}
        for record in read(output):
            if isinstance(record, Interval):
                histories.setdefault(record.stream_id, History(record.stream_id, None)).append(
                    record
                )
                kept.setdefault(record.stream_id, []).append(record)
        for key, history in histories.items():
            assert repr(tuple(kept[key])) == repr(tuple(history.kept()))


@pytest.mark.parametrize("most", [None, 1, 7, 16, 17, 700])
def test_it_is_a_sequence(most: int | None) -> None:
    """Indices from both ends, slices, and bounds, over many blocks."""
    history = History("3", most)
    for number in range(1500):
        history.append(unread(number))
    kept = history.kept()
    everything = [unread(number) for number in range(1500)][-(most or 1500) :]
    assert everything[-1] == kept[-1]
    assert everything[0] == kept[0]
    assert tuple(everything[2:5]) == kept[2:5]
    assert tuple(everything[::-1]) == tuple(reversed(kept))
    assert len(everything) == len(kept)
    with pytest.raises(IndexError):
        kept[len(everything)]


def test_a_view_never_changes() -> None:
    """Neither by what is added, nor by what is forgotten or replaced later."""
    history = History("3", None)
    for number in range(600):
        history.append(unread(number))
    kept = history.kept()
    before = tuple(kept)
    history.replace_last(replace(before[-1], out_of_order=4))
    for number in range(600):
        history.append(unread(number + 600))
    history.forget_all_but(3)
    assert before == tuple(kept)
    assert 3 == len(history.kept())
    assert 1199.1 == history.kept()[-1].start


def test_the_last_can_be_replaced() -> None:
    """A late line tells more of the interval before it."""
    history = History("3", 5)
    for number in range(3):
        history.append(unread(number))
    history.replace_last(replace(history.kept()[-1], out_of_order=4))
    assert [None, None, 4] == [one.out_of_order for one in history.kept()]
    history.forget_all_but(0)
    assert () == tuple(history.kept())
    history.append(unread(9))
    assert [9.1] == [one.start for one in history.kept()]


def test_a_view_can_be_copied_and_pickled() -> None:
    """Results travel between processes."""
    history = History("3", None)
    history.append(unread(1))
    kept = history.kept()
    assert kept == copy.deepcopy(kept)
    assert kept == pickle.loads(pickle.dumps(kept))  # noqa: S301 - our own


def test_an_interval_takes_less_than_200_bytes() -> None:
    """A line as it was; and figures that were packed."""
    read_at_once = [replace(unread(number), out_of_order=1) for number in range(2)]
    for make in (unread, lambda number: replace(read_at_once[0], end=float(number))):
        history = History("3", None)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(20_000):
            history.append(make(number))
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown / 20_000 < 200
