"""Each build's figures, as printed, give the one exact count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyperf2.core.binary import Version
from pyperf2.core.counting import Count, Counter, profile_for
from pyperf2.core.records import Interval


def interval(lost: int, total: int, received: int | None = None, **more: Any) -> Interval:
    """Return a UDP receiver's interval with these figures."""
    return Interval(
        stream_id="1",
        start=0.0,
        end=0.1,
        protocol="udp",
        direction="received",
        lost_packets=lost,
        packets=total,
        packets_received=received,
        **more,
    )


CASES: list[tuple[str, str, Interval, Count]] = [
    ("2.1.8", "clean", interval(0, 100, 100), Count(100, 100, 0, 0)),
    ("2.1.8", "a gap", interval(54, 107, 53), Count(107, 53, 54, 0)),
    ("2.1.8", "a time-out taken off Lost", interval(59, 100, 40, out_of_order=1),
     Count(100, 40, 60, 0)),
    ("2.1.8", "a time-out without loss", interval(0, 31, 31, out_of_order=1),
     Count(31, 31, 0, 0)),
    ("2.1.8", "80 came late", interval(0, 100, 180, out_of_order=80), Count(100, 180, 0, 80)),
    ("2.1.8", "80 came late, their line still to come", interval(0, 100, 180),
     Count(100, 180, 0, 80)),
    ("2.2.1", "5 late, 7 missing", interval(2, 100, 98, out_of_order=5), Count(100, 98, 7, 5)),
    ("2.2.1", "dark", interval(0, 0, 0), Count(0, 0, 0, 0)),
    ("2.0.13a", "no arrivals printed", interval(200, 201), Count(201, 1, 200, 0)),
    ("3.12", "a gap", interval(82, 1001), Count(1001, 919, 82, 0)),
    ("3.12", "late", interval(-60, 100), Count(100, 160, 0, 60)),
    ("3.18", "bytes and count one apart", interval(0, 100, 101), Count(100, 100, 0, 0)),
    ("2.0.13a", "a wrapped counter", interval(2147479646, 2147481647),
     Count(0, 0, 0, 0, doubtful=True)),
    ("2.1.8", "more arrivals than late ones explain", interval(0, 100, 180, out_of_order=3),
     Count(100, 180, 0, 3, doubtful=True)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "printed", "expected"),
    [(version, printed, expected) for version, _, printed, expected in CASES],
    ids=[f"{version}: {name}" for version, name, _, _ in CASES],
)
def test_one_interval(version: str, printed: Interval, expected: Count) -> None:
    """The printed figures in the table give the count in the table."""
    assert expected == Counter(profile_for(Version.parse(version))).count(printed)


def test_2_0_14_keeps_every_earlier_loss_in_total() -> None:
    """1000 packets sent: 97/1105, 0/1700 - the Totals hold the losses before, too."""
    counter = Counter(profile_for(Version.parse("2.0.14a")))
    printed = [interval(100, 1000), interval(0, 1100), interval(97, 1100), interval(0, 1197)]
    assert [(1000, 100), (1000, 0), (1000, 97), (1000, 0)] == [
        (count.span, count.gap) for count in map(counter.count, printed)
    ]


def test_2_0_14_arrivals_are_read_off_the_bytes_where_three_digits_show_them() -> None:
    """At 0.1 s 58.9 KBytes are 41 datagrams of 1470 bytes, whatever the counters say."""
    counter = Counter(profile_for(Version.parse("2.0.14a")), datagram_length=1470)
    size = round(58.9 * 1024)
    printed = replace(interval(58, 100, bytes=size, transfer=58.9, out_of_order=1), start=2.0)
    assert Count(100, 41, 59, 0) == counter.count(printed)


def test_2_0_14_begins_with_a_datagram_of_76_bytes() -> None:
    """-y C, -i 1: 1471546 bytes are 1002 datagrams, the first of them short."""
    counter = Counter(profile_for(Version.parse("2.0.14a")), datagram_length=1470)
    printed = interval(0, 1002, bytes=1471546, transfer=1471546.0, out_of_order=1)
    assert Count(1002, 1002, 0, 0) == counter.count(printed)


@pytest.mark.parametrize(
    ("version", "printed", "expected"),
    [
        ("2.2.1", interval(0, 1000, out_of_order=20), Count(1000, 1000, 20, 20, unsure=20)),
        ("2.2.1", interval(1, 1001, out_of_order=19), Count(1001, 1000, 20, 19)),
        ("2.1.8", interval(0, 1000, out_of_order=1), Count(1000, 1000, 0, 0, unsure=1)),
        ("2.1.8", interval(58, 100, out_of_order=1), Count(100, 41, 59, 0, unsure=1)),
    ],
)
def test_where_no_arrivals_are_printed_the_doubt_is_counted(
    version: str, printed: Interval, expected: Count
) -> None:
    """Lost is the gap less the late ones, but never below 0: then more may have arrived."""
    assert expected == Counter(profile_for(Version.parse(version))).count(printed)


def test_2_2_reads_the_fin_twice_where_it_ends_an_interval() -> None:
    """2.2.1 prints 0/302 and 303 reads: 301 datagrams and the FIN."""
    counter = Counter(profile_for(Version.parse("2.2.1")))
    assert Count(302, 302, 0, 0) == counter.count(interval(0, 302, 303))


def test_a_wrong_datagram_length_cannot_contradict_the_counters() -> None:
    """64-byte datagrams read as 1470-byte ones give no loss that iperf has not printed."""
    counter = Counter(profile_for(Version.parse("2.1.8")), datagram_length=1470)
    printed = interval(0, 500, bytes=31949, transfer=31.2, out_of_order=1)
    assert Count(500, 499, 1, 0) == counter.count(printed)


def test_a_late_line_changes_the_count_of_its_interval() -> None:
    """Counting again with the late line gives what counting once with it gives."""
    counter = Counter(profile_for(Version.parse("2.0.14a")))
    first = counter.count(interval(10, 100))
    again = counter.recount(interval(10, 100, out_of_order=2))
    assert (10, 12) == (first.gap, again.gap)
    assert 5 == counter.count(interval(5, 110)).gap
