"""Every scenario with the iperf under test: what it reports is complete, plausible, understood.

All run at once, some at a time, on the asyncio face; then each is judged by a test of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import AsyncClient, AsyncServer, UnsupportedOption
from pyperf2.core.binary import V2_1, V2_2
from tests.live.scenarios import BY_NAME, SCENARIOS
from tests.live.support import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyperf2 import Result, StreamResult
    from pyperf2.core.binary import Build
    from tests.live.scenarios import Scenario
    from tests.live.support import Lab

pytestmark = [pytest.mark.netns, pytest.mark.slow]

AT_ONCE = 5
PPS = 200
TCP_LOAD = "4M"
FEW = 5  # datagrams that have no jitter yet
LAST_WORDS_S = 0.3  # for a server to print what it has of a client that just ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one scenario left behind."""

    client: Result
    server: Result
    ended_by_itself: bool


def faces(scenario: Scenario, lab: Lab, iperf: Path) -> tuple[AsyncServer, AsyncClient]:
    """Return the two instances of a scenario, not started."""
    port = free_port(scenario.protocol)
    common: dict[str, Any] = {
        "protocol": scenario.protocol, "port": port, "iperf_binary_path": str(iperf),
        # Several busy senders at real-time priority would starve one another's receivers.
        "realtime": False,
    }  # fmt: skip
    here, there, target = dict(common), dict(common), LOOPBACK
    if scenario.place != "loopback":
        here["use_linux_namespace"], there["use_linux_namespace"] = lab.left, lab.right
        target = lab.RIGHT_IP
    if scenario.place == "ipv6":
        target, there["ipv6"] = lab.RIGHT_IP6, True
    here["bandwidth"] = f"{PPS}pps" if scenario.protocol == "udp" else TCP_LOAD
    if "num" not in scenario.client:
        here["test_duration"] = 1
    here |= scenario.client
    if here.get("client_source_port") == 0:
        here["client_source_port"] = free_port(scenario.protocol)
    if "isochronous" in here:
        del here["bandwidth"]
    return AsyncServer(**{**there, **scenario.server}), AsyncClient(target, **here)


async def played(scenario: Scenario, lab: Lab, iperf: Path) -> Outcome:
    """Run a scenario to its end."""
    server, client = faces(scenario, lab, iperf)
    async with server:
        async with client:
            ended = await client.wait(timeout=scenario.seconds + 6)
        await asyncio.sleep(LAST_WORDS_S)
    return Outcome(client=client.result(), server=server.result(), ended_by_itself=ended)


@pytest.fixture(scope="module")
def outcomes(lab: Lab, iperf: Path, build: Build) -> Mapping[str, Outcome | BaseException]:
    """Return the outcome, or what was raised, of every scenario the build can do."""
    possible = [one for one in SCENARIOS if one.possible(build.version)]

    async def play() -> list[Outcome | BaseException]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(scenario: Scenario) -> Outcome:
            async with turns:
                return await played(scenario, lab, iperf)

        return await asyncio.gather(*map(in_turn, possible), return_exceptions=True)

    return {one.name: told for one, told in zip(possible, asyncio.run(play()), strict=True)}


def flows(result: Result) -> dict[str, StreamResult]:
    """Return the streams that carried something: no sums, no half that had no traffic."""
    return {
        key: stream
        for key, stream in result.streams.items()
        if key.lstrip("*").isdigit() and (stream.intervals or stream.summary)
    }


def late_accept(scenario: Scenario, build: Build) -> bool:
    """Whether the server may miss streams: 2.2 accepts parallel UDP ones up to a second late."""
    return scenario.protocol == "udp" and scenario.streams > 1 and build.version >= V2_2


@pytest.mark.parametrize("name", BY_NAME)
def test_scenario(
    name: str, lab: Lab, iperf: Path, build: Build, outcomes: Mapping[str, Outcome | BaseException]
) -> None:
    """Both sides end well, know every line, and report each stream from its first second on."""
    scenario = BY_NAME[name]
    if not scenario.possible(build.version):
        server, client = faces(scenario, lab, iperf)
        with pytest.raises(UnsupportedOption, match=str(build.version)):
            asyncio.run(start_both(server, client))
        return
    outcome = outcomes[name]
    if isinstance(outcome, BaseException):
        raise outcome
    assert outcome.ended_by_itself
    for result, does in (
        (outcome.client, scenario.client_does),
        (outcome.server, scenario.server_does),
    ):
        check_words(result, build, scenario)
        carried = flows(result)
        ways = {way for stream in carried.values() for way in directions(stream)}
        assert does == ways, result.role
        streams = len(carried) / len(does)
        if late_accept(scenario, build) and result.role == "server":
            assert 1 <= streams <= scenario.streams
        else:
            assert scenario.streams == streams, result.role
        for stream in carried.values():
            check_stream(stream, result, scenario)


async def start_both(server: AsyncServer, client: AsyncClient) -> None:
    """Start what can be started of the two, and stop it again."""
    async with server, client:
        pass


def directions(stream: StreamResult) -> set[str]:
    """Return which ways the reports of a stream went."""
    told = [*stream.intervals, *([stream.summary] if stream.summary else [])]
    return {report.direction for report in told}


def check_words(result: Result, build: Build, scenario: Scenario) -> None:
    """No error, no line that nobody knows, a clean exit."""
    unknown = [notice.text for notice in result.notices if notice.kind == "unknown-line"]
    assert [] == unknown
    bursts_lost = "isochronous" in scenario.client and build.version < V2_1
    if bursts_lost and scenario.protocol == "tcp" and result.role == "server":
        # A bug of 2.0.14a's own: it tells of it, and so do we.
        assert "invalid burst read" in str(result.error)
        return
    several = scenario.protocol == "udp" and scenario.streams > 1 and build.version >= V2_2
    if several and result.role == "client" and "fin failed" in str(result.error):
        # 2.2 may take a datagram of one stream for one of another, and miss that one's FIN.
        return
    assert result.error is None, result.role
    assert 0 == result.returncode


def check_stream(stream: StreamResult, result: Result, scenario: Scenario) -> None:
    """Intervals in order without holes, a summary that covers them, figures that fit the load."""
    where = f"{result.role} stream {stream.stream_id}"
    summary = stream.summary
    assert summary is not None, where
    assert 0 == summary.start, where
    assert stream.info is not None, where
    last = 0.0
    for interval in stream.intervals:
        assert pytest.approx(last, abs=1e-3) == interval.start, where
        assert interval.start <= interval.end, where
        last = interval.end
    assert summary.end >= last - 0.01, where
    assert summary.bytes is not None, where
    told = sum(interval.bytes or 0 for interval in stream.intervals)
    # Three printed digits, and what came after the last full interval.
    assert told <= summary.bytes * 1.02 + 10_000, where
    if "num" in scenario.client:
        # 2.0.14a sends a buffer of 128 KByte too many.
        assert 100 * 1024 * 0.99 <= summary.bytes <= 230 * 1024, where
    elif "bounceback" not in scenario.client:
        assert summary.bytes > 0, where
    if scenario.protocol == "udp" and summary.direction == "received":
        check_datagrams(stream, scenario, where)


def check_datagrams(stream: StreamResult, scenario: Scenario, where: str) -> None:
    """Lost and Total are there, small where little was sent, and no event without a loss."""
    summary = stream.summary
    assert summary is not None
    assert summary.packets is not None, where
    assert summary.lost_packets is not None, where
    # Of a stream that 2.2 accepts when it is all but over, there is none.
    few = scenario.streams > 1 and (summary.packets_received or 0) < FEW
    assert few or summary.jitter_ms is not None, where
    if {"num", "isochronous", "bandwidth"}.isdisjoint(scenario.client):
        sent = PPS * scenario.client.get("test_duration", 1)
        assert summary.packets <= sent + 25, where
        if scenario.streams == 1:  # of several, a late one misses what came before it (2.2)
            assert sent - 25 <= summary.packets, where
    if scenario.streams == 1 and "tradeoff" not in scenario.client:
        # Several streams into one server: iperf2 itself puts datagrams on the wrong one.
        # 2.2 may take the way back of a tradeoff late, and what it missed for lost.
        assert 0 == summary.lost_packets, where
        if stream.intervals:
            assert 0 == stream.packets_lost, where
        # A first interval that the sender began late may look short, but nothing is *counted*.
        assert 0 == sum(event.packets_lost_confirmed for event in stream.loss_events), where


def test_one_interval_is_one_interval(outcomes: Mapping[str, Outcome | BaseException]) -> None:
    """A run of one second at one report a second: an interval and a summary, not two intervals."""
    for name in ("tcp enhanced", "udp enhanced", "tcp plain", "udp plain", "tcp CSV", "udp CSV"):
        outcome = outcomes[name]
        assert isinstance(outcome, Outcome)
        for result in (outcome.client, outcome.server):
            (stream,) = flows(result).values()
            assert stream.summary is not None
            # A blocked writer is late, and 2.0.14a always prints what is behind the last full
            # second: a part of one, not a copy. On a busy machine the run itself lasts longer.
            whole = [one for one in stream.intervals if one.seconds > 0.5]
            seconds = max(1, round(stream.summary.end))
            assert seconds == len(whole), (name, result.role, stream.intervals)
            assert list(range(seconds)) == [round(one.start) for one in whole]


def test_tenths_of_a_second_are_ten_intervals(
    outcomes: Mapping[str, Outcome | BaseException],
) -> None:
    """``report_interval=0.1`` gives ten intervals a second, each with its own figures."""
    for name in ("tcp tenths", "udp tenths"):
        outcome = outcomes[name]
        assert isinstance(outcome, Outcome)
        for result in (outcome.client, outcome.server):
            (stream,) = flows(result).values()
            whole = [one for one in stream.intervals if one.seconds > 0.05]
            assert 9 <= len(whole) <= 11, (name, result.role)


def test_the_columns_of_each_side(
    outcomes: Mapping[str, Outcome | BaseException], build: Build
) -> None:
    """Enhanced reports fill the fields of their protocol and direction, and no others."""
    tcp, udp = outcomes["tcp enhanced"], outcomes["udp enhanced"]
    assert isinstance(tcp, Outcome)
    assert isinstance(udp, Outcome)
    (sent,), (received,) = flows(tcp.client).values(), flows(tcp.server).values()
    first = sent.intervals[0]
    assert None not in (first.writes, first.retransmits, first.snd_cwnd_bytes, first.rtt_us)
    assert (first.rttvar_us is not None) == (build.version >= V2_1)
    assert received.intervals[0].details["reads"] > 0
    (sent,), (received,) = flows(udp.client).values(), flows(udp.server).values()
    assert pytest.approx(PPS, abs=3) == sent.intervals[0].writes
    first = received.intervals[0]
    assert pytest.approx(PPS, abs=25) == first.packets
    assert None not in (first.latency_mean_ms, first.latency_max_ms, first.packets_per_second)
    assert first.retransmits is first.writes is None


def test_histograms_are_read(outcomes: Mapping[str, Outcome | BaseException]) -> None:
    """As many datagrams stand in the bins as arrived."""
    outcome = outcomes["udp histograms"]
    assert isinstance(outcome, Outcome)
    (stream,) = flows(outcome.server).values()
    final = [one for one in stream.histograms if one.final]
    assert final
    counted = sum(count for _, count in final[-1].bins)
    assert stream.summary is not None
    assert stream.summary.packets is not None
    assert pytest.approx(stream.summary.packets, abs=3) == counted
