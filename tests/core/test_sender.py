"""What a sender's intervals say of its pace: which datagrams were due, and not sent yet."""

from __future__ import annotations

import pytest

from pyperf2.core.records import Interval
from pyperf2.core.sender import Sender, SenderAccount

PPS = 1000


def sender(*writes: int, nominal: float | None = PPS) -> Sender:
    """Return what is known of a sender after intervals of 0.1 s."""
    account = SenderAccount(nominal=nominal)
    for index, number in enumerate(writes):
        account.feed(
            Interval(
                stream_id="1",
                start=index / 10,
                end=(index + 1) / 10,
                protocol="udp",
                direction="sent",
                writes=number,
            )
        )
    return account.snapshot()


def late_with(told: Sender, most: int = 3000) -> list[int]:
    """Return the numbers of datagrams known to have been sent late."""
    return [number for number in range(1, most) if told.was_late_with(number)]


@pytest.mark.parametrize("nominal", [PPS, None])
@pytest.mark.parametrize("first", [100, 102])
def test_a_sender_that_keeps_its_pace_is_late_with_nothing(
    nominal: float | None, first: int
) -> None:
    """A border falls anywhere between two datagrams; 2.1 sends its first ones in a bunch."""
    assert [] == late_with(sender(first, *[100, 101, 99, 100] * 4, nominal=nominal))


@pytest.mark.parametrize(
    ("nominal", "missing"), [(PPS, 2), (PPS, 3), (PPS, 60), (None, 3), (None, 60)]
)
def test_what_is_due_at_a_border_and_not_sent_is_late(nominal: float | None, missing: int) -> None:
    """It is sent in the next interval, and those behind it are in time again."""
    told = sender(*[100] * 17, 100 - missing, 100 + missing, *[100] * 5, nominal=nominal)
    assert list(range(1801 - missing, 1801)) == late_with(told)


def test_a_stall_over_several_borders_is_one() -> None:
    """Dark for 0.25 s, then all of it at once."""
    told = sender(*[100] * 5, 50, 0, 0, 350, *[100] * 5)
    assert list(range(551, 801)) == late_with(told)


def test_a_stall_at_two_borders_in_a_row() -> None:
    """96, then 4 short again, then all of it: each border is held against the pace."""
    told = sender(*[100] * 5, 96, 100, 104, *[100] * 5)
    assert list(range(597, 601)) + list(range(697, 701)) == late_with(told)


def test_a_sender_that_pauses_is_late_until_its_new_pace_is_seen() -> None:
    """What it does not make up for is no lateness any more."""
    told = sender(*[100] * 5, 90, *[100] * 8)
    assert late_with(told)
    assert 900 > max(late_with(told))


@pytest.mark.parametrize("nominal", [PPS, None])
def test_a_sender_that_is_slower_than_announced_has_a_pace_too(nominal: float | None) -> None:
    """90 where 100 were announced, and then a stall of 8."""
    told = sender(*[90] * 10, 82, 98, *[90] * 5, nominal=nominal)
    assert list(range(983, 991)) == [number for number in late_with(told) if number > 400]


def test_a_sender_of_which_nothing_is_known_is_late_with_nothing() -> None:
    """No intervals, no word."""
    assert [] == late_with(Sender())
