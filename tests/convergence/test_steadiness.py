"""Whether a flow runs as it should: by made-up progress, interval after interval."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyperf2.core.book import Progress
from pyperf2.core.steadiness import Watch


class Fed:
    """A watch and what it is fed: 1000 datagrams a second, an interval of 0.1 s at a time."""

    def __init__(self, *, expected: float | None = 1000.0, udp: bool = True) -> None:
        self.watch = Watch(expected_pps=expected, counts_packets=udp, keep_s=1.0)
        self._told = Progress()

    def interval(self, packets: int = 100, *, lost: int = 0, size: int | None = None) -> None:
        """Tell one more interval."""
        before = self._told
        self._told = Progress(
            end_s=before.end_s + 0.1,
            intervals=before.intervals + 1,
            packets=before.packets + packets,
            lost=before.lost + lost,
            bytes=before.bytes + (packets * 1470 if size is None else size),
        )
        self.watch.feed(self._told)

    def intervals(self, *counts: int) -> None:
        """Tell some."""
        for count in counts:
            self.interval(count)


def test_nothing_yet_is_not_steady() -> None:
    """Neither before the first datagram nor before the time is over."""
    fed = Fed()
    assert "nothing has arrived" == fed.watch.unsteady(1.0)
    fed.intervals(*[100] * 5)
    assert "only 0.5 s so far" == fed.watch.unsteady(1.0)
    fed.intervals(*[100] * 6)
    assert fed.watch.unsteady(1.0) is None


def test_loss_is_not_steady_until_it_is_long_enough_ago() -> None:
    """A second after the last loss it is."""
    fed = Fed()
    fed.intervals(*[100] * 20)
    fed.interval(90, lost=10)
    assert "10 lost" in (fed.watch.unsteady(1.0) or "")
    fed.intervals(*[100] * 9)
    assert fed.watch.unsteady(1.0) is not None
    fed.intervals(100, 100)
    assert fed.watch.unsteady(1.0) is None


def test_a_rate_off_by_more_than_a_hundredth_is_not_steady() -> None:
    """990 are within it, 980 are not, and the reason has both figures."""
    near, far = Fed(), Fed()
    near.intervals(*[99] * 12)
    far.intervals(*[98] * 12)
    assert near.watch.unsteady(1.0) is None
    assert "980.0 datagrams/s arrive, 1000.0 are expected" == far.watch.unsteady(1.0)


def test_a_sender_that_makes_up_for_a_pause_is_steady() -> None:
    """Nothing was lost, and over the second its rate is right."""
    fed = Fed()
    fed.intervals(*[100] * 10, 70, 130, *[100] * 3)
    assert fed.watch.unsteady(1.0) is None
    assert fed.watch.clean_s >= 1.4


def test_without_an_announced_rate_a_flow_is_compared_with_itself() -> None:
    """One that still speeds up is not steady."""
    even, rising = Fed(expected=None), Fed(expected=None)
    even.intervals(*[37] * 12)
    rising.intervals(*[50 + 10 * number for number in range(12)])
    assert even.watch.unsteady(1.0) is None
    assert "are expected" in (rising.watch.unsteady(1.0) or "")


def test_tcp_is_steady_while_every_interval_has_bytes() -> None:
    """A silent interval begins the wait anew."""
    fed = Fed(expected=None, udp=False)
    for _ in range(12):
        fed.interval(0, size=100_000)
    assert fed.watch.unsteady(1.0) is None
    fed.interval(0, size=0)
    assert "nothing arrives" == fed.watch.unsteady(1.0)
    assert 0.0 == fed.watch.clean_s


def test_a_dark_interval_is_a_disturbance_before_its_loss_is_counted() -> None:
    """Iperf prints 0/0 then."""
    fed = Fed()
    fed.intervals(*[100] * 10, 40, 0)
    assert 0.0 == fed.watch.clean_s
    assert "0 datagrams arrived where 100 are expected" == fed.watch.disturbance


def test_what_is_looked_at_twice_counts_once() -> None:
    """Polling faster than the intervals changes nothing."""
    fed = Fed()
    fed.intervals(*[100] * 12)
    before = fed.watch.clean_s
    fed.watch.feed(Progress(end_s=fed.watch.end_s, intervals=12, packets=1200, lost=99, bytes=1))
    assert before == fed.watch.clean_s
    assert fed.watch.unsteady(1.0) is None


@given(
    st.lists(st.integers(min_value=0, max_value=5), min_size=1, max_size=60),
    st.lists(st.integers(min_value=1, max_value=4), min_size=60, max_size=60),
)
def test_it_is_clean_since_the_last_look_that_showed_loss(
    losses: list[int], looks: list[int]
) -> None:
    """However many intervals come between two looks."""
    fed = Fed()
    told, lost, packets, disturbed = 0, 0, 0, 0.0
    for loss, step in zip(losses, looks, strict=False):
        told, lost, packets = told + step, lost + loss, packets + 100 * step
        end_s = told / 10
        fed.watch.feed(
            Progress(end_s=end_s, intervals=told, packets=packets, lost=lost, bytes=packets)
        )
        disturbed = end_s if loss else disturbed
    assert abs(fed.watch.clean_s - (told / 10 - disturbed)) < 1e-9
    if sum(losses[-60:]) == 0 and told >= 10:
        assert fed.watch.unsteady(1.0) is None
