"""Every scenario with the iperf3 under test: what it reports is complete, exact, understood.

All run at once, some at a time, on the asyncio face; then each is judged by a test of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import AsyncClient, AsyncServer, UnsupportedOption
from tests.iperf3.pairs import own_port, words
from tests.iperf3.scenarios import BY_NAME, SCENARIOS
from tests.live.support import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyperf2 import Result, StreamResult
    from pyperf2.core.binary import Build
    from tests.live.scenarios import Scenario
    from tests.live.support import Lab

pytestmark = [pytest.mark.netns, pytest.mark.slow]

AT_ONCE = 6
PPS = 200
TCP_LOAD = "4M"
IN_FLIGHT = 2  # datagrams on their way when the client says that the test is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one scenario left behind; ``told`` are the server's tests, each by itself."""

    client: Result
    server: Result
    told: list[Result]
    ended_by_itself: bool


def faces(scenario: Scenario, lab: Lab, iperf3: Path) -> tuple[AsyncServer, AsyncClient]:
    """Return the two instances of a scenario, not started."""
    common: dict[str, Any] = {
        "protocol": scenario.protocol, "port": own_port(), "iperf_binary_path": str(iperf3),
    }  # fmt: skip
    here, there, target = dict(common), dict(common), LOOPBACK
    if scenario.place != "loopback":
        here["use_linux_namespace"], there["use_linux_namespace"] = lab.left, lab.right
        target = lab.RIGHT_IP6 if scenario.place == "ipv6" else lab.RIGHT_IP
    if scenario.place == "ipv6":
        there["ipv6"] = True
    here["bandwidth"] = f"{PPS}pps" if scenario.protocol == "udp" else TCP_LOAD
    if not {"num", "blockcount"} & set(scenario.client):
        here["test_duration"] = 1
    here |= scenario.client
    if here.get("client_source_port") == 0:
        here["client_source_port"] = own_port()
    return AsyncServer(**{**there, **scenario.server}), AsyncClient(target, **here)


async def played(scenario: Scenario, lab: Lab, iperf3: Path) -> Outcome:
    """Run a scenario until both sides have told its end."""
    server, client = faces(scenario, lab, iperf3)
    async with server:
        async with client:
            ended = await client.wait(timeout=scenario.seconds + 6)
        tests = server.runs()
        told = [await asyncio.wait_for(anext(tests), timeout=5)]
    told += [test async for test in server.runs()][1:]
    return Outcome(client=client.result(), server=server.result(), told=told, ended_by_itself=ended)


@pytest.fixture(scope="module")
def outcomes(lab: Lab, iperf3: Path, build: Build) -> Mapping[str, Outcome | BaseException]:
    """Return the outcome, or what was raised, of every scenario the build can do."""
    possible = [one for one in SCENARIOS if one.possible(build.version)]

    async def play() -> list[Outcome | BaseException]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(scenario: Scenario) -> Outcome:
            async with turns:
                return await played(scenario, lab, iperf3)

        return await asyncio.gather(*map(in_turn, possible), return_exceptions=True)

    return {one.name: told for one, told in zip(possible, asyncio.run(play()), strict=True)}


def flows(result: Result) -> dict[str, StreamResult]:
    """Return the streams without their sums."""
    return {key: stream for key, stream in result.streams.items() if key.isdigit()}


@pytest.mark.parametrize("name", BY_NAME)
def test_scenario(
    name: str,
    lab: Lab,
    iperf3: Path,
    build: Build,
    outcomes: Mapping[str, Outcome | BaseException],
) -> None:
    """Both sides end well, know every line, and report each stream from its first second on."""
    scenario = BY_NAME[name]
    if not scenario.possible(build.version):
        server, client = faces(scenario, lab, iperf3)
        with pytest.raises(UnsupportedOption, match=str(build)) as refused:
            asyncio.run(start_both(server, client))
        assert any(option in str(refused.value) for option in {*scenario.client, *scenario.server})
        return
    outcome = outcomes[name]
    if isinstance(outcome, BaseException):
        raise outcome
    assert outcome.ended_by_itself
    assert 0 == outcome.client.returncode
    assert [1] == [test.run_number for test in outcome.told]
    assert outcome.told[0].streams == outcome.server.streams
    for result, does in (
        (outcome.client, scenario.client_does),
        (outcome.server, scenario.server_does),
    ):
        assert result.error is None, result.role
        assert [] == words(result), result.role
        carried = flows(result)
        assert does == {way for stream in carried.values() for way in ways(stream)}, result.role
        assert scenario.streams == len(carried) / len(does), result.role
        for stream in carried.values():
            check_stream(stream, result, scenario)
        check_sums(result, scenario)
    check_each_tells_of_the_other(outcome, scenario)


async def start_both(server: AsyncServer, client: AsyncClient) -> None:
    """Start what can be started of the two, and stop it again."""
    async with server, client:
        pass


def ways(stream: StreamResult) -> set[str]:
    """Return which ways the reports of a stream went."""
    told = [*stream.intervals, *([stream.summary] if stream.summary else [])]
    return {report.direction for report in told}


def check_stream(stream: StreamResult, result: Result, scenario: Scenario) -> None:
    """Intervals in order without holes, a summary that covers them, figures that fit the load."""
    where = f"{result.role} stream {stream.stream_id}"
    summary = stream.summary
    assert summary is not None, where
    assert stream.info is not None, where
    assert pytest.approx(0, abs=0.1) == summary.start, where
    last, omitted = 0.0, False
    for interval in stream.intervals:
        if omitted and not interval.omitted:
            last = 0.0  # iperf3's clock begins anew behind the omitted ones
        omitted = interval.omitted
        assert pytest.approx(last, abs=0.01) == interval.start, where
        assert interval.start <= interval.end, where
        last = interval.end
    assert summary.end >= last - 0.05, where
    assert ("omit" in scenario.client) == any(i.omitted for i in stream.intervals), where
    counted = [interval for interval in stream.intervals if not interval.omitted]
    if scenario.client.get("report_interval") == 0:
        assert len(counted) <= 1, where  # iperf3 may tell the whole test as one
    elif scenario.client.get("report_interval") == 0.1:
        assert 9 <= sum(one.seconds > 0.05 for one in counted) <= 11, where
    if stream.bytes is not None and counted:
        told = sum(interval.bytes or 0 for interval in counted)
        # Three printed digits of each; and 3.9's first second is 43 ms of another.
        assert pytest.approx(stream.bytes, rel=0.02, abs=3_000) == told, where
    if summary.protocol == "udp" and summary.direction == "received":
        check_datagrams(stream, scenario, where)


def check_datagrams(stream: StreamResult, scenario: Scenario, where: str) -> None:
    """Lost and Total are there, nothing but what was in flight at the end is lost, no event."""
    summary = stream.summary
    assert summary is not None
    assert None not in (summary.lost_packets, summary.jitter_ms), where
    total = summary.packets
    if total is None:  # JSON tells a client no total of one stream among several
        assert scenario.streams > 1, where
        total = sum(one.packets or 0 for one in stream.intervals if not one.omitted)
    if {"num", "bandwidth"}.isdisjoint(scenario.client):
        # 3.9's server is told the end 43 ms late.
        assert pytest.approx(PPS, rel=0.3) == total, where
    if "num" not in scenario.client:  # an amount may be sent in one burst, more than a buffer holds
        assert 0 == summary.lost_packets, where
        assert 0 <= (stream.packets_lost or 0) <= IN_FLIGHT, where
        assert [] == [one for one in stream.loss_events if one.packets_lost_confirmed], where
    if stream.intervals:
        assert stream.packets_received is not None, where


def check_sums(result: Result, scenario: Scenario) -> None:
    """Several streams of a direction have a sum, and it is that of their bytes."""
    sums = {key: stream for key, stream in result.streams.items() if not key.isdigit()}
    if scenario.streams == 1:
        assert {} == sums
        return
    assert len({way for one in flows(result).values() for way in ways(one)}) == len(sums)
    for total in sums.values():
        assert total.summary is not None
        (way,) = ways(total)
        parts = [one.bytes for one in flows(result).values() if ways(one) == {way}]
        known = [part for part in parts if part is not None]
        assert scenario.streams == len(known)
        assert total.summary.bytes is not None
        assert pytest.approx(total.summary.bytes, rel=0.02) == sum(known)


def check_each_tells_of_the_other(outcome: Outcome, scenario: Scenario) -> None:
    """A client's report of its server is what the server says of the same connection."""
    for stream in flows(outcome.client).values():
        told, own = stream.server_report, stream.summary
        assert told is not None
        assert own is not None
        assert {"sent", "received"} == {told.direction, own.direction}
        if told.bytes is None or own.bytes is None:
            # JSON tells no receiver's bytes of one UDP stream among several.
            assert scenario.streams > 1
            assert "udp" == scenario.protocol
            continue
        if "omit" in scenario.client:
            continue  # each side begins to count at its own moment
        theirs = peer_of(stream, outcome.server)
        assert theirs.bytes is not None
        assert pytest.approx(theirs.bytes, rel=0.02, abs=3_000) == told.bytes
        sent, received = (own, told) if own.direction == "sent" else (told, own)
        assert sent.bytes is not None
        assert received.bytes is not None
        assert received.bytes <= sent.bytes * 1.01


def peer_of(stream: StreamResult, server: Result) -> StreamResult:
    """Return the other end of a stream."""
    assert stream.info is not None
    ends = [
        one
        for one in flows(server).values()
        if one.info is not None and one.info.remote_port == stream.info.local_port
    ]
    (end,) = ends
    return end


def test_what_the_server_printed_comes_to_the_client(
    outcomes: Mapping[str, Outcome | BaseException], *, has_json: bool
) -> None:
    """Its own words come to the client, in the form that it prints them in."""
    for protocol in ("tcp", "udp"):
        fetched = outcomes[f"{protocol} server output"]
        assert isinstance(fetched, Outcome)
        output = fetched.client.server_output
        assert output is not None
        assert ("accepted_connection" if has_json else "Accepted connection from") in output
        assert fetched.server.server_output is None


def test_what_only_some_columns_tell(
    outcomes: Mapping[str, Outcome | BaseException], *, has_json: bool
) -> None:
    """A TCP sender has retransmits and window, in JSON also RTT and MTU; a receiver none."""
    plain = outcomes["tcp plain"]
    assert isinstance(plain, Outcome)
    (sent,), (received,) = flows(plain.client).values(), flows(plain.server).values()
    first = sent.intervals[0]
    assert 0 == first.retransmits
    assert first.snd_cwnd_bytes is not None
    assert first.snd_cwnd_bytes > 1000
    for figure in (first.rtt_us, first.rttvar_us, first.pmtu):
        assert (figure is not None) is has_json
    assert received.intervals[0].retransmits is received.intervals[0].rtt_us is None
    assert "cpu_host_total_percent" in plain.client.details
    assert "cpu_remote_total_percent" in plain.client.details
    reno = outcomes["tcp socket options"]
    assert isinstance(reno, Outcome)
    assert "reno" == reno.client.details["sender_tcp_congestion"]
