"""An impairment takes what it says, when it says, and counts it exactly."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import pytest

from pyperf2.errors import OptionError, StateError, UnsupportedImpairment
from pyperf2.lab import Blackout, Count, Delay, Duplicate, LinkDown, Loss, RateLimit
from tests.lab.probe import PORT, Probe, passes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.lab import Fault, Host, Lab, Link

pytestmark = pytest.mark.netns

SENT = range(900)
ON = range(300, 600)


@pytest.fixture
def path(lab: Lab) -> tuple[Host, Host, Link]:
    """Return a sender, a receiver behind a router, and the link between those two."""
    a, b, router = lab.host("a"), lab.host("b"), lab.router("r")
    lab.link(a, router)
    return a, b, lab.link(router, b)


def until(expected: object, take: Callable[[], object]) -> None:
    """Wait for what is still on its way to the counter; fail if it does not come to that."""
    deadline = time.monotonic() + 5
    while expected != take() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert expected == take()


def run(probe: Probe, fault: Fault) -> None:
    """Send all, with the fault on for those of ``ON``."""
    probe.send(SENT[: ON.start])
    probe.pass_all()
    with fault:
        probe.send(ON)
        time.sleep(0.02)  # a busy machine forwards late; what comes after the stop is not hit
    probe.send(SENT[ON.stop :])


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    "impairment",
    [
        Blackout(),
        Blackout(ports=[PORT]),
        Blackout(thorough=True),
        Loss(every=1),
        LinkDown(),
    ],
    ids=str,
)
def test_all_that_is_sent_into_it_is_lost_and_counted(
    path: tuple[Host, Host, Link], version: int, impairment: Blackout | Loss | LinkDown
) -> None:
    """What is missing is exactly what was sent meanwhile; twice, the second time alike."""
    a, b, link = path
    fault = link.prepare(impairment)
    with Probe(a, [b], b.address if version == 4 else b.address6) as probe:
        for _ in range(2):
            run(probe, fault)
            assert len(ON) == probe.missing(SENT)
    assert [len(ON)] * 2 == [hit.dropped for hit in fault.hits]
    headers = 28 if version == 4 else 48
    assert len(ON) * (200 + headers) == fault.hits[1].total.bytes
    assert all(hit.exact for hit in fault.hits)


@pytest.mark.parametrize(
    "impairment",
    [
        Loss(percent=20),
        Loss(percent=50, ports=[PORT, 7777]),
        Loss(every=7),
        RateLimit(rate="1M"),
        RateLimit(rate="400k", queue_ms=5),
    ],
    ids=str,
)
def test_what_is_missing_is_what_was_counted(
    path: tuple[Host, Host, Link], impairment: Loss | RateLimit
) -> None:
    """Whatever chance or a queue decide: the count is what does not arrive."""
    a, b, link = path
    fault = link.prepare(impairment, toward=b)
    with Probe(a, [b], b.address) as probe:
        run(probe, fault)
        missing = probe.missing(SENT)
    assert 0 < missing < len(ON)
    assert missing == fault.hits[0].dropped


def test_every_nth_is_every_nth(path: tuple[Host, Host, Link]) -> None:
    """`every` leaves nothing to chance; what is not chosen does not count."""
    a, b, link = path
    with Probe(a, [b], b.address) as probe, link.impair(Loss(every=10, ports=[PORT])) as hit:
        probe.send(SENT)
        until(len(SENT) // 10, lambda: hit.dropped)  # also while it is on


def test_duplicates_come_twice(path: tuple[Host, Host, Link]) -> None:
    """Nothing is lost, and exactly as many come twice as were counted."""
    a, b, link = path
    with Probe(a, [b], b.address) as probe:
        with link.impair(Duplicate(every=3, ports=[PORT]), toward=b) as hit:
            probe.send(ON)
            until(len(ON) // 3, lambda: hit.duplicated)
        (came,) = probe.came()
    assert set(ON) == set(came)
    assert len(ON) // 3 == hit.duplicated == came.total() - len(came)
    assert hit.dropped == 0


@pytest.mark.parametrize("impairment", [Blackout(ports=[PORT + 1]), Blackout(to="10.9.9.9")])
def test_others_pass(path: tuple[Host, Host, Link], impairment: Blackout) -> None:
    """What an impairment is not about is neither lost nor counted."""
    a, b, link = path
    with link.impair(impairment) as hit:
        assert passes(a, b, b.address)
    assert Count() == hit.total


def test_one_group_of_several_is_lost(lab: Lab) -> None:
    """A destination address tells one group from another."""
    a, b = lab.hosts("a", "b")
    link = lab.link(a, b)
    with Probe(a, [b], "239.0.0.1") as dark, Probe(a, [b], "239.0.0.2", PORT + 1) as light:
        with link.impair(Blackout(to="239.0.0.1")) as hit:
            dark.send(ON)
            light.send(ON)
            until(len(ON), lambda: hit.dropped)
        assert len(ON) == dark.missing(ON) == hit.dropped
        assert light.missing(ON) == 0


def test_a_direction_for_itself(path: tuple[Host, Host, Link]) -> None:
    """An impairment toward one end does not touch the way back."""
    a, b, link = path
    with link.impair(Blackout(), toward=a_router(link, b)) as hit:
        assert passes(a, b, b.address)
        with Probe(b, [a], a.address) as back:
            back.send(ON)
            until(len(ON), lambda: hit.dropped)
    assert {"r": len(ON)} == {name: count.datagrams for name, count in hit.counts.items()}


def a_router(link: Link, host: Host) -> Host:
    """Return the other end."""
    other = next(end.node for end in link.ends if end.node is not host)
    assert other.is_router
    return other  # type: ignore[return-value]


def test_fins_of_iperf2_are_no_data(path: tuple[Host, Host, Link]) -> None:
    """Negative sequence numbers, with which iperf2 ends a stream, are counted apart."""
    a, b, link = path
    with Probe(a, [b], b.address) as probe, link.impair(Blackout(), toward=b) as hit:
        probe.send([1, 2, 3, -4, -4])
        until(Count(datagrams=3, bytes=3 * 228, fins=2, others=0), lambda: hit.total)


def test_a_large_datagram_counts_once(path: tuple[Host, Host, Link]) -> None:
    """Fragments are not datagrams."""
    a, b, link = path
    with Probe(a, [b], b.address) as probe, link.impair(Blackout(), toward=b) as hit:
        probe.send(range(10), size=4000)
        until((10, 20), lambda: (hit.dropped, hit.total.others))


def test_delay_needs_netem(path: tuple[Host, Host, Link]) -> None:
    """A kernel with netem delays; one without is named as the reason, and nothing is changed."""
    a, b, link = path
    try:
        fault = link.prepare(Delay(ms=20), toward=b)
    except UnsupportedImpairment as error:
        assert "netem" in str(error)  # noqa: PT017 - which of the two depends on the kernel
    else:
        with fault as hit:
            assert passes(a, b, b.address)
        assert hit.dropped == 0
        fault.remove()
    assert passes(a, b, b.address)


def test_two_at_once(path: tuple[Host, Host, Link]) -> None:
    """Each takes its own, and what the first takes the second never sees."""
    a, b, link = path
    with Probe(a, [b], b.address) as probe:
        with (
            link.impair(Loss(every=2, ports=[PORT])) as first,
            link.impair(Loss(every=3, ports=[PORT])) as second,
        ):
            probe.send(ON)
            until((150, 50), lambda: (first.dropped, second.dropped))
        missing = probe.missing(ON)
    assert missing == first.dropped + second.dropped


def test_instants_enclose_one_another(path: tuple[Host, Host, Link]) -> None:
    """Both clocks tell the same story, and the length is that between the middles."""
    link = path[2]
    with link.impair(Blackout()) as hit, pytest.raises(StateError, match="still on"):
        _ = hit.ended_ns
    assert hit.ended is not None
    assert hit.began.before_ns <= hit.began_ns <= hit.began.after_ns
    assert hit.began.after_ns <= hit.ended.before_ns <= hit.ended_ns
    assert hit.duration_s == (hit.ended.monotonic_ns - hit.began.monotonic_ns) / 1e9


@pytest.mark.quiet
@pytest.mark.parametrize("impairment", [Blackout(), Loss(percent=1), RateLimit(rate="1M")], ids=str)
def test_switching_takes_well_under_a_millisecond(
    path: tuple[Host, Host, Link], impairment: Blackout | Loss | RateLimit
) -> None:
    """A prepared impairment is on, and off, within a small fraction of a datagram's time."""
    fault = path[2].prepare(impairment)
    for _ in range(100):
        with fault:
            pass
    for what in ("began", "ended"):
        widths_us = [getattr(hit, what).width_ns / 1000 for hit in fault.hits]
        median, p95 = statistics.median(widths_us), statistics.quantiles(widths_us, n=20)[-1]
        print(f"{impairment} {what}: median {median:.0f} us, p95 {p95:.0f} us")  # noqa: T201
        assert median < 800


@pytest.mark.quiet
def test_a_fault_can_be_held(path: tuple[Host, Host, Link]) -> None:
    """On for so long, and off again though what it held up raises; any number of times."""
    fault = path[2].prepare(Blackout())
    for seconds in (0.02, 0.05):
        hit = fault.hold(seconds)
        assert hit is fault.hits[-1]
        assert hit.duration_s == pytest.approx(seconds, abs=0.02)
        assert hit.duration_s >= seconds
    for wrong in (0, -1, float("nan"), "long"):
        with pytest.raises(OptionError, match="seconds="):
            fault.hold(wrong)  # type: ignore[arg-type]
    assert 2 == len(fault.hits)


def test_states_are_kept(path: tuple[Host, Host, Link]) -> None:
    """On is not on again, off not off again, removed is for good; removing it stops it."""
    a, b, link = path
    fault = link.prepare(Blackout())
    with pytest.raises(StateError, match="is off"):
        fault.stop()
    fault.start()
    with pytest.raises(StateError, match="on already"):
        fault.start()
    fault.remove()
    fault.remove()
    assert fault.hits[0].ended is not None
    with pytest.raises(StateError, match="removed"):
        fault.start()
    assert passes(a, b, b.address)


def test_what_a_link_cannot_have_is_refused(path: tuple[Host, Host, Link]) -> None:
    """Two queues on one link, or a cable pulled at one end only."""
    b, link = path[1], path[2]
    fault = link.prepare(RateLimit(rate="1M"))
    with pytest.raises(UnsupportedImpairment, match="takes one"):
        link.prepare(RateLimit(rate="2M"))
    fault.remove()
    with pytest.raises(UnsupportedImpairment, match="both directions"):
        link.prepare(LinkDown(), toward=b)
