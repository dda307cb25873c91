"""What stress traffic is drawn from: bounds, choices, the seed; no process."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2 import BinaryNotFound, NameSpaceNotFoundError, OptionError, UnsupportedOption
from pyperf2.traffic import Endpoint, StressTrafficManager
from pyperf2.traffic.draws import Choice, Kind


def first(choice: Choice, seed: int | str, slot: int = 0, count: int = 300) -> list[Any]:
    """Return the first draws of a slot."""
    return list(islice(choice.draws(seed, slot), count))


@given(st.integers(1, 50), st.integers(0, 3), st.integers(16, 65_000), st.integers(0, 3), st.text())
def test_bounds_are_inclusive(least: int, more: int, small: int, larger: int, seed: str) -> None:
    """Both ends of each range are drawn, and nothing outside of it."""
    choice = Choice(
        num_streams=1, min_dur=least, max_dur=least + more, min_size=small, max_size=small + larger
    )
    drawn = first(choice, seed)
    assert set(range(least, least + more + 1)) == {one.seconds for one in drawn}
    assert set(range(small, small + larger + 1)) == {one.size for one in drawn}
    assert list(range(300)) == [one.number for one in drawn]


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same sequence, on each version of Python; each slot has its own."""
    choice = Choice(num_streams=2, tools=("iperf2", "iperf3"))
    assert first(choice, 42) == first(choice, 42)
    assert first(choice, 42) != first(choice, 43)
    kinds = [[one.kind for one in first(choice, 42, slot)] for slot in (0, 1)]
    assert kinds[0] != kinds[1]
    drawn = [(one.tool, one.protocol, one.seconds, one.size) for one in first(choice, 42, count=3)]
    assert [
        ("iperf3", "tcp", 13_208, 53_692),
        ("iperf2", "tcp", 12_466, 28_620),
        ("iperf2", "tcp", 19_057, 44_897),
    ] == drawn


def test_only_what_can_be_is_drawn() -> None:
    """Multicast is iperf2's, over UDP; the rest of the choice is drawn without it."""
    choice = Choice(num_streams=1, tools=("iperf2", "iperf3"), comm_types=("unicast", "multicast"))
    expected = {
        Kind("iperf2", "tcp", "unicast"),
        Kind("iperf2", "udp", "unicast"),
        Kind("iperf2", "udp", "multicast"),
        Kind("iperf3", "tcp", "unicast"),
        Kind("iperf3", "udp", "unicast"),
    }
    assert expected == {one.kind for one in first(choice, 1)} == set(choice.kinds)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"num_streams": 0}, "num_streams=0: a whole number from 1"),
    ({"num_streams": True}, "num_streams=True"),
    ({"min_dur": 0}, "min_dur=0: a whole number from 1"),
    ({"max_dur": 1.5}, "max_dur=1.5.*whole seconds"),
    ({"min_dur": 20, "max_dur": 10}, "min_dur=20 is above max_dur=10"),
    ({"min_size": 15}, "min_size=15: a whole number from 16 to 65507 is wanted, bytes"),
    ({"max_size": 65_508}, "max_size=65508"),
    ({"min_size": 100, "max_size": 99}, "min_size=100 is above max_size=99"),
    ({"tools": ("netperf",)}, "tools: there is no 'netperf'; there is 'iperf2', 'iperf3'"),
    ({"tools": ()}, "tools=()"),
    ({"protocols": "udp"}, "protocols='udp': a tuple or list"),
    ({"protocols": ("sctp",)}, "there is no 'sctp'"),
    ({"comm_types": ("anycast",)}, "there is no 'anycast'"),
    ({"comm_types": ("broadcast",)}, "'broadcast' can never be drawn.*SO_BROADCAST"),
    ({"tools": ("iperf3",), "comm_types": ("multicast",)}, "'multicast' can never.*iperf3 has no"),
    ({"protocols": ("tcp",), "comm_types": ("unicast", "multicast")}, "'multicast' can never"),
    ({"tools": ("iperf2", "iperf3"), "comm_types": ("multicast",)}, "'iperf3' can never"),
    ({"ports": range(5000, 5001), "num_streams": 2}, "2 streams need one each"),
    ({"ports": (5000, 5001)}, "range"),
    ({"server": "127.0.0.1"}, "server='127.0.0.1': Endpoint"),
    ({"ports": range(65_000, 70_000)}, "range"),
    ({"multicast_group": "10.0.0.1"}, "is no multicast address"),
    ({"seed": 1.5}, "seed=1.5: a whole number or a text"),
    ({"bandwith": "1M"}, "did you mean 'bandwidth'"),
    ({"test_duration": 5}, "test_duration is set for each stream anew"),
    ({"tools": ("iperf2", "iperf3"), "iperf_binary_path": "/bin/true"}, "of one tool"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=[words[:30] for _, words in REFUSED])
def test_what_cannot_be_is_refused_by_the_constructor(options: dict[str, Any], words: str) -> None:
    """Not at random, hours later."""
    with pytest.raises(OptionError, match=words):
        StressTrafficManager(**{"num_streams": 1, **options})


def test_what_is_not_here_is_refused_by_the_constructor() -> None:
    """A binary, a namespace, an option that one of the tools has not."""
    with pytest.raises(BinaryNotFound):
        StressTrafficManager(1, iperf_binary_path="/nowhere/iperf")
    with pytest.raises(NameSpaceNotFoundError):
        StressTrafficManager(1, server=Endpoint("192.0.2.1", "no-such-namespace"))
    with pytest.raises(UnsupportedOption):
        StressTrafficManager(1, tools=("iperf2", "iperf3"), omit=1)


def test_the_sequence_can_be_read_before_it_is_played() -> None:
    """``draws`` gives what each slot will play; there is no slot beyond."""
    stress = StressTrafficManager(2, seed="voice")
    assert first(Choice(num_streams=2), "voice", 1, 5) == list(islice(stress.draws(1), 5))
    with pytest.raises(OptionError, match="slots 0 to 1"):
        stress.draws(2)
    assert isinstance(StressTrafficManager(1).seed, int)
