"""What a lab decides without touching anything: addresses, names, impairments."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from pyperf2.errors import OptionError
from pyperf2.lab import Blackout, Bracket, Count, Delay, Loss, RateLimit, naming, rules
from pyperf2.lab.addresses import Addresses, read_network
from pyperf2.lab.exits import keep, release, undisturbed


def test_addresses_are_given_in_order_until_there_are_none() -> None:
    """Neither a network's own address nor its broadcast address is given away."""
    addresses = Addresses()
    network = read_network("10.0.0.0/30")
    addresses.claim(network)
    assert ["10.0.0.1/30", "10.0.0.2/30"] == [str(addresses.next_address(network)) for _ in "ab"]
    with pytest.raises(OptionError, match="no address left"):
        addresses.next_address(network)


@pytest.mark.parametrize(("text", "both"), [
    ("10.0.0.0/31", ["10.0.0.0/31", "10.0.0.1/31"]),
    ("fd00::/127", ["fd00::/127", "fd00::1/127"]),
    ("fd00::/64", ["fd00::1/64", "fd00::2/64"]),
])  # fmt: skip
def test_networks_for_two_are_used_whole(text: str, both: list[str]) -> None:
    """RFC 3021, RFC 6164."""
    addresses = Addresses()
    network = read_network(text)
    addresses.claim(network)
    assert both == [str(addresses.next_address(network)) for _ in "ab"]


@pytest.mark.parametrize("text", ["10.0.0.1/24", "10.0.0.0/32", "lan", "", "fd00::1/64"])
def test_what_is_no_network_is_refused(text: str) -> None:
    """The error shows how one is written, or what is missing."""
    with pytest.raises(OptionError, match=r"network is written|no room"):
        read_network(text)


def test_chosen_networks_avoid_those_in_use() -> None:
    """The lab goes on with the next number."""
    addresses = Addresses()
    addresses.claim(read_network("10.77.1.128/25"))
    assert ["10.77.2.0/24", "fd77:2::/64"] == list(map(str, addresses.next_networks(ipv6=True)))
    assert ["10.77.3.0/24"] == list(map(str, addresses.next_networks(ipv6=False)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Blackout(ports=[0]), "ports are numbers"),
        (lambda: Blackout(to="somewhere"), "one IP address"),
        (lambda: Loss(percent=0), "more than 0"),
        (lambda: Loss(percent=101), "at most 100"),
        (lambda: Loss(percent=1, every=2), "not both"),
        (lambda: Loss(every=0), "from 1 on"),
        (lambda: RateLimit(rate="10pps"), "bits per second"),
        (lambda: RateLimit(rate="fast"), "bits per second"),
        (lambda: RateLimit(rate="1M", queue_ms=0), "queue_ms"),
        (lambda: Delay(ms=0), "more than 0"),
        (lambda: Delay(ms=1, jitter_ms=2), "between 0 and ms"),
        (lambda: Delay(ms=1, reorder_percent=200), "0 to 100"),
    ],
)
def test_impossible_impairments_are_refused(make: Any, words: str) -> None:
    """When they are described, not when they are switched on."""
    with pytest.raises(OptionError, match=words):
        make()


def test_a_rate_is_bits() -> None:
    """However it is written, as iperf3 reads it."""
    assert [1_250_000] * 3 == [
        RateLimit(rate=rate).bytes_per_second for rate in ("10M", "10m", 10_000_000)
    ]


def test_names_tell_whose_they_are() -> None:
    """The living own theirs; a pid that belongs to another process by now owns nothing."""
    name = naming.namespace_name("tx-1", naming.next_lab())
    owner = naming._owner(name)
    assert owner is not None
    assert os.getpid() == owner.pid
    assert not owner.is_dead()
    assert owner._replace(started=owner.started + 1).is_dead()
    assert not owner._replace(space=1, pid=2**22 + 1).is_dead()  # who knows
    assert naming._owner("pyperf2-demo-tx-4711") is None
    assert name != naming.namespace_name("tx-1", naming.next_lab())


@pytest.mark.parametrize("label", ["", "../x", "a b", "-a", "x" * 33, "a\n"])
def test_names_are_plain_words(label: str) -> None:
    """Nothing that is more than a word becomes a file's name."""
    with pytest.raises(OptionError, match="letters"):
        naming.namespace_name(label, "1-1-1-1")


def test_counts_add_up() -> None:
    """What is not known stays unknown."""
    one = Count(datagrams=3, bytes=300, fins=1, others=2)
    assert Count(datagrams=6, bytes=600, fins=2, others=4) == one + one
    assert Count() == one - one
    assert (one + Count(bytes=None)).bytes is None


def test_the_middle_of_a_bracket() -> None:
    """Both clocks give the middle; the width is the monotonic clock's."""
    bracket = Bracket(
        before_ns=1000, after_ns=900, monotonic_before_ns=50, monotonic_after_ns=70
    )  # somebody set the wall clock back meanwhile
    assert (1010, 60, 20) == (bracket.ns, bracket.monotonic_ns, bracket.width_ns)


def test_a_filter_is_a_list_of_statements() -> None:
    """What is about one group and port says so before it drops."""
    script = rules.prepare(3, 1, 0, Blackout(ports=[5001, 5002], to="ff15::1"))
    assert (
        "add rule netdev lab filter3t0 ip6 daddr ff15::1 meta l4proto { tcp, udp } "
        "th dport { 5001, 5002 } jump verdict3t0" in script.splitlines()
    )


class Thing:
    """Something to be closed."""

    def close(self) -> None:
        """Close it."""


@pytest.mark.parametrize(("number", "end"), [(2, KeyboardInterrupt), (15, SystemExit)])
def test_a_signal_waits_for_the_end_of_a_removal(number: int, end: type[BaseException]) -> None:
    """Ctrl-C is delivered, after it; and what handled it before does so again."""
    before = signal.getsignal(number)
    done = []
    thing = Thing()

    def remove() -> None:
        with undisturbed():
            os.kill(os.getpid(), number)
            done.append("half")
            release(thing)
            done.append("all")

    keep(thing)
    with pytest.raises(end):
        remove()
    assert ["half", "all"] == done
    assert before == signal.getsignal(number)
