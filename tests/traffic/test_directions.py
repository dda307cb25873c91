"""Directions between two hosts, over links whose two ways are not alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import BinaryNotFound, NameSpaceNotFoundError, OptionError, UnsupportedOption
from pyperf2.traffic import Endpoint, Gap, max_asymmetry, max_loss, measure, min_bitrate
from pyperf2.traffic.directions import Direction, Directions, Repetition
from tests.conftest import iperf_children
from tests.live.support import run
from tests.traffic.pairs import PORT

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.live.support import Lab

QUICK: dict[str, Any] = {"duration": 1, "realtime": False, "port": PORT}
UP_MBIT, DOWN_MBIT = 12, 6


def hosts(lab: Lab) -> tuple[Endpoint, Endpoint]:
    """Make the way there wider than the way back; return both ends."""
    for space, rate in ((lab.left, UP_MBIT), (lab.right, DOWN_MBIT)):
        run("tc", "-n", space, "qdisc", "add", "dev", "up0", "root", "tbf",
            "rate", f"{rate}mbit", "burst", "20kb", "latency", "50ms")  # fmt: skip
    return Endpoint(lab.LEFT_IP, lab.left), Endpoint(lab.RIGHT_IP, lab.right)


def mean(direction: Direction | None) -> float:
    """Return the mean bitrate in Mbit/s."""
    assert direction is not None
    found = direction.bitrate.statistics
    assert found is not None, direction.bitrate
    return found.mean.value / 1e6


def span(direction: Direction) -> tuple[datetime, datetime]:
    """Return when the client of its first repetition ran."""
    results = direction.repetitions[0].results
    assert results is not None
    began, ended = results.clients[0].started_at, results.clients[0].ended_at
    assert began is not None
    assert ended is not None
    return began, ended


@pytest.mark.netns
@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("tool", ["iperf2", "iperf3"])
def test_each_direction_has_its_own_rate(lab: Lab, tool: Any, protocol: Any) -> None:
    """What arrives is what the link lets pass, and no more, whatever a sender has in its buffers.

    Less arrives of TCP when a second ends behind a hole: what is not in order is not counted.
    """
    left, right = hosts(lab)
    load = "15M" if protocol == "udp" else ""
    found = measure(left, right, tool=tool, protocol=protocol, bandwidth=load, **QUICK)
    for direction, limit in ((found.upstream, UP_MBIT), (found.downstream, DOWN_MBIT)):
        assert direction is not None
        assert () == direction.bitrate.gaps
        assert 1 == len(direction.bitrate.figures)
        assert 0.5 * limit < mean(direction) < 1.05 * limit
        for one in direction.repetitions:
            assert one.results is not None
            authority = one.results.clients[0] if protocol == "tcp" else one.results.server
            assert authority == one.authority
            assert protocol == authority.protocol
            assert tool == authority.tool
    report = found.validate([max_asymmetry("10%"), min_bitrate("1M")])
    (failed,) = report.failures
    assert ("max_asymmetry", "both directions") == (failed.criterion, failed.end)
    assert 15 < (failed.value or 0) < 80
    assert found.validate(max_asymmetry("80%"))
    if protocol == "udp":
        assert found.downstream is not None
        assert found.downstream.loss.statistics is not None
        assert found.downstream.loss.statistics.mean.value > 20
        assert not found.validate([max_loss("1%")])


@pytest.mark.netns
@pytest.mark.slow
def test_at_once_is_at_once(lab: Lab) -> None:
    """Both directions overlap, and neither takes from the other: the link is full duplex."""
    left, right = hosts(lab)
    found = measure(left, right, direction="simultaneous", protocol="udp", bandwidth="4M", **QUICK)
    (began, ended), (began_too, ended_too) = map(span, found.each)
    assert max(began, began_too) < min(ended, ended_too)
    assert 3.5 < mean(found.upstream) < 4.5
    assert 3.5 < mean(found.downstream) < 4.5
    assert found.validate([max_asymmetry("15%")])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["upstream", "downstream"])
def test_one_direction_alone(way: Any) -> None:
    """The other is None, and there is no asymmetry without it."""
    found = measure(direction=way, protocol="udp", bandwidth="1M", **QUICK)
    (one,) = found.each
    assert way == one.way
    assert 0.8 < mean(one) < 1.2
    assert f"{way} bitrate: " in str(found)
    assert found.asymmetry.figure is None
    assert not found.validate(max_asymmetry("99%"))


@pytest.mark.slow
def test_a_repetition_that_fails_is_a_gap(tmp_path: Path, iperf: Path) -> None:
    """It is named, and not averaged away; the next one is tried; the report is not passed."""
    counter, binary = tmp_path / "count", tmp_path / "iperf"
    # The fourth start is that of the second repetition's client.
    binary.write_text(
        f'#!/bin/sh\n[ "$1" = -v ] || echo x >> "{counter}"\n'
        f'[ "$(wc -l < "{counter}")" = 4 ] && exit 3\nexec "{iperf}" "$@"\n'
    )
    binary.chmod(0o755)
    counter.touch()
    found = measure(
        direction="upstream",
        protocol="udp",
        bandwidth="1M",
        repetitions=3,
        iperf_binary_path=str(binary),
        **QUICK,
    )
    assert found.upstream is not None
    rates = found.upstream.bitrate
    assert 2 == len(rates.figures)
    ((number, reason),) = rates.gaps
    assert 2 == number
    assert "'upstream', client" in reason
    assert "repetition 2 is missing" in str(found)
    report = found.validate([min_bitrate("100k")])
    (failed,) = report.failures
    assert ("upstream", "repetition 2", reason) == (failed.stream, failed.end, failed.reason)
    assert {} == iperf_children()


def test_a_gap_in_all_is_no_figure() -> None:
    """No mean, no asymmetry; nothing has passed."""
    lost = Repetition(results=None, reason="refused")
    found = Directions(upstream=Direction(way="upstream", repetitions=(lost, lost)))
    assert found.upstream is not None
    assert (Gap(1, "refused"), Gap(2, "refused")) == found.upstream.bitrate.gaps
    assert found.upstream.bitrate.statistics is None
    assert lost.authority is None
    assert not found.validate()
    assert found.asymmetry.figure is None


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"direction": "sideways"}, OptionError, "direction='sideways': one of 'upstream'"),
        ({"client": "127.0.0.1"}, OptionError, "client='127.0.0.1': Endpoint"),
        ({"duration": 0}, OptionError, "duration=0"),
        ({"repetitions": 0}, OptionError, "repetitions=0"),
        ({"port": 70_000}, OptionError, "port=70000"),
        ({"bandwith": "1M"}, OptionError, "did you mean 'bandwidth'"),
        ({"server_ip": "192.0.2.1"}, OptionError, "the two hosts say where the ends are"),
        ({"use_linux_namespace": "x"}, OptionError, "the two hosts say where the ends are"),
        ({"test_duration": 5}, OptionError, "duration=… says how long"),
        ({"protocol": "sctp"}, OptionError, "sctp"),
        ({"tool": "iperf3", "full_duplex": True}, UnsupportedOption, "full_duplex"),
        ({"iperf_binary_path": "/nowhere/iperf"}, BinaryNotFound, "nowhere"),
        ({"server": Endpoint("192.0.2.1", "no-such")}, NameSpaceNotFoundError, "no-such"),
        ({"tool": "iperf3", "duration": 1.5}, OptionError, "whole seconds"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    """Not as a gap in each repetition; nothing is started."""
    with pytest.raises(error, match=words):
        measure(**{**QUICK, **options})
    assert {} == iperf_children()
