"""Recorded runs with known truth: totals are equal, outages where the bars say."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

from pyperf2 import replay
from tests.parsers.corpus import VERSIONS, loss_runs, outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyperf2.core.gaps import Outage
    from pyperf2.core.results import StreamResult
    from tests.parsers.corpus import Output

_FOLDER = Path(__file__).parent.parent / "recordings"
_WALL_S = 0.005  # a machine under load


@dataclass(frozen=True, eq=False)
class Flow:
    """One flow of a recorded run, and its truth from captures on both sides of the path."""

    name: str
    printed: Mapping[str, Any]
    truth: Mapping[str, Any]

    @property
    def outages(self) -> list[Mapping[str, Any]]:
        """What was lost for good between two datagrams that arrived, or behind the last."""
        return [
            run
            for run in self.truth["outages"]
            if run["packets"] > run["delivered_late"] and run["t_last_received_ns"] is not None
        ]


@cache
def flows() -> tuple[Flow, ...]:
    """Return every flow of the recorded convergence runs."""
    with gzip.open(_FOLDER / "convergence.jsonl.gz", "rt") as file:
        runs = [json.loads(line) for line in file]
    return tuple(
        Flow(f"{run['name']}:{flow['port']}", flow, truth[str(flow["port"])])
        for run in runs
        for truth in [run["ground_truth"]["per_flow"]]
        for flow in run["flows"]
    )


@cache
def read(flow: Flow, *, paired: bool, rate_known: bool, version_known: bool) -> StreamResult:
    """Replay a flow's server, with what is known."""
    printed = flow.printed
    lines = {
        side: tuple((at / 1e9, text) for at, text in printed[f"{side}_lines"])
        for side in ("server", "client")
    }
    options: dict[str, Any] = {"bandwidth": f"{printed['pps']}pps"} if rate_known else {}
    result = replay(
        lines["server"],
        tool=cast("Literal['iperf2', 'iperf3']", printed["tool"]),
        version=printed["version"] if version_known else None,
        peer=lines["client"] if paired else None,
        report_interval=printed["interval"],
        **options,
    )
    (stream,) = result.streams.values()
    return stream


FLOWS = pytest.mark.parametrize("flow", flows(), ids=[flow.name for flow in flows()])
RATE = pytest.mark.parametrize("rate_known", [True, False], ids=["rate known", "rate unknown"])
BUILD = pytest.mark.parametrize(
    "version_known", [True, False], ids=["build known", "build unknown"]
)


@FLOWS
@RATE
@BUILD
def test_the_total_is_what_was_lost(flow: Flow, *, rate_known: bool, version_known: bool) -> None:
    """With the client's word, lost, sent and arrived are exact where nothing was late or twice."""
    stream = read(flow, paired=True, rate_known=rate_known, version_known=version_known)
    truth = flow.truth
    assert stream.packets_lost is not None
    assert stream.packets_lost_error is not None
    assert abs(stream.packets_lost - truth["distinct_lost"]) <= stream.packets_lost_error
    if not truth["delivered_late"] and not truth["duplicates_delivered"]:
        assert 0 == stream.packets_lost_error
        arrived = truth["data_packets_sent"] - truth["distinct_lost"]
        # The captures leave out number 0, which only 2.0.13a sends.
        arrived += flow.printed["version"] == "2.0.13a"
        assert arrived == stream.packets_received
    assert truth["duplicates_delivered"] == stream.packets_duplicate
    parts = [outage.packets_lost for outage in stream.outages if outage.complete]
    parts += [stream.packets_lost_leading or 0, stream.packets_lost_trailing or 0]
    assert stream.packets_lost == sum(parts)


@FLOWS
@RATE
@BUILD
def test_alone_the_total_is_within_its_error(
    flow: Flow, *, rate_known: bool, version_known: bool
) -> None:
    """What a server prints bounds the loss, though it cannot see what came after its last."""
    stream = read(flow, paired=False, rate_known=rate_known, version_known=version_known)
    assert stream.packets_lost is not None
    assert stream.packets_lost_error is not None
    assert abs(stream.packets_lost - flow.truth["distinct_lost"]) <= stream.packets_lost_error


@FLOWS
@RATE
@BUILD
def test_every_outage_is_where_its_bars_say(
    flow: Flow, *, rate_known: bool, version_known: bool
) -> None:
    """One outage published for each that was, none else; located ones within T + 0.5 ms."""
    stream = read(flow, paired=True, rate_known=rate_known, version_known=version_known)
    packet_s = 1.0 / flow.printed["pps"]
    jitter_s = 0.002 if flow.printed["version"] == "2.0.13a" else 0.0005
    outages = list(stream.outages)
    for held in _shared_out(flow, outages):
        outage, runs = held
        begin, end = _times(flow, runs, packet_s)
        assert sum(run["packets"] for run in runs) == outage.packets_lost
        assert abs(outage.packets_lost * packet_s - outage.duration_s) <= packet_s + 0.0001
        if len(runs) > 1:  # several in one interval: their figures are added up
            assert outage.begin_s - outage.begin_error_s <= begin
            assert end is not None
            assert end <= outage.end_s + outage.end_error_s
            continue
        assert abs(begin - outage.begin_s) <= outage.begin_error_s
        if end is not None:
            assert abs(end - outage.end_s) <= outage.end_error_s
        if outage.method == "located":
            assert abs(begin - outage.begin_s) <= packet_s + jitter_s
            assert end is not None
            assert abs(end - outage.end_s) <= packet_s + jitter_s
            assert abs((end - begin) - outage.duration_s) <= packet_s + 0.0001


@FLOWS
def test_the_wall_clock_tells_when(flow: Flow) -> None:
    """Begin and end in absolute time, as the capture's clock has them."""
    stream = read(flow, paired=True, rate_known=True, version_known=True)
    packet_s = 1.0 / flow.printed["pps"]
    for outage, runs in _shared_out(flow, list(stream.outages)):
        if len(runs) > 1:
            continue
        assert outage.begin_at is not None
        wrong_s = outage.begin_at.timestamp() - runs[0]["t_last_received_ns"] / 1e9
        assert abs(wrong_s) <= outage.begin_error_s + _WALL_S
        if outage.end_at is not None:
            first = runs[0]["t_first_received_ns"] / 1e9 - packet_s
            assert abs(outage.end_at.timestamp() - first) <= outage.end_error_s + _WALL_S


def _shared_out(
    flow: Flow, outages: list[Outage]
) -> Iterator[tuple[Outage, list[Mapping[str, Any]]]]:
    """Yield each outage published with the true ones it holds: neighbours, in order."""
    rest = flow.outages
    for outage in outages:
        runs: list[Mapping[str, Any]] = []
        while rest and sum(run["packets"] for run in runs) < outage.packets_lost:
            runs.append(rest.pop(0))
        assert runs, f"no outage was where {outage} is"
        yield outage, runs
    assert [] == rest, "these were not seen"


def _times(
    flow: Flow, runs: list[Mapping[str, Any]], packet_s: float
) -> tuple[float, float | None]:
    zero = flow.truth["first_packet_received_ns"]
    end = runs[-1]["t_first_received_ns"]
    return (
        (runs[0]["t_last_received_ns"] - zero) / 1e9,
        None if end is None else (end - zero) / 1e9 - packet_s,
    )


@cache
def recordings_of_iperf3(version: str) -> tuple[Mapping[str, Any], ...]:
    """Return the recorded scenarios of a version."""
    with gzip.open(_FOLDER / f"iperf3-{version}.jsonl.gz", "rt") as file:
        return tuple(map(json.loads, file))


# --- runs with known totals ---------------------------------------------------------------------


@pytest.mark.parametrize("run", loss_runs(), ids=lambda run: run["name"])
@RATE
def test_runs_of_old(run: Mapping[str, Any], *, rate_known: bool) -> None:
    """27 server outputs without their clients: what was dropped is what is lost."""
    options: dict[str, Any] = {"bandwidth": "1000pps"} if rate_known else {}
    result = replay(
        run["text"].encode(),
        version=run["version"],
        report_interval=float(run["report_interval"]),
        **options,
    )
    (stream,) = result.streams.values()
    assert (run["dropped"], 0) == (stream.packets_lost, stream.packets_lost_error)
    if run["scenario"] == "clean":
        assert () == stream.outages


# Not the network's doing, or more than one stream to a server, which iperf2 cannot tell apart.
_OTHER = ("fast", "_P2", "_P3", "sum_only", "sync_id", "concurrent", "seq", "compat")
_NEVER_SEEN = ("udp_loss100", "err_", "udp_R", "udp_fd", "udp_d", "udp_r")


def _lone_streams() -> list[tuple[str, str]]:
    return sorted(
        {
            (one.version, one.scenario)
            for one in outputs()
            if one.side == "server"
            and one.protocol == "udp"
            and "dropped_data_datagrams" in one.truth
            and not any(name in one.scenario for name in (*_OTHER, *_NEVER_SEEN))
            and one.scenario not in ("udp_mcast_e", "udp_single_thread")  # 2.0.13a: garbage
        }
    )


@pytest.mark.parametrize(("version", "scenario"), _lone_streams())
def test_every_scenario_of_a_lone_stream(version: str, scenario: str) -> None:
    """Whatever the flags, the interval, the format: lost is what the hook dropped, ± its error."""
    printed = {
        one.side: one for one in outputs() if (one.version, one.scenario) == (version, scenario)
    }
    server = printed["server"]
    options: dict[str, Any] = {"reportstyle": "C"} if "-y" in server.argv else {}
    if server.report_interval:
        options["report_interval"] = server.report_interval
    if "client" in printed:
        options["peer"] = _lines(printed["client"])
    result = replay(_lines(server), version=version, **options)
    streams = [s for key, s in result.streams.items() if not key.startswith(("SUM", "FD"))]
    lost = sum(stream.packets_lost or 0 for stream in streams)
    error = sum(stream.packets_lost_error or 0 for stream in streams)
    assert abs(lost - server.truth["dropped_data_datagrams"]) <= error
    # Late or polled; stopped halfway; without the client's word; an interval of one datagram.
    inexact = ("reorder", "dup", "server_t4", "killed", "server_sig", "csv", "i0.001")
    if not any(name in scenario for name in inexact):
        assert 0 == error


def _lines(output: Output) -> list[tuple[float, bytes]]:
    return [(at, text.encode("utf-8", "surrogateescape")) for at, _, text in output.lines]


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("version", ["3.9", "3.12", "3.18"])
def test_what_is_on_its_way_when_a_reverse_test_ends_is_in_doubt(
    version: str, *, paired: bool
) -> None:
    """iperf3's client stops reading by itself: what its server sent last may be on its way."""
    in_doubt = 0
    for run in recordings_of_iperf3(version):
        if not run["scenario"].startswith("udp_R"):
            continue
        told = {
            side: [(at, text) for at, _, text in run[side]["lines"]]
            for side in ("client", "server")
        }
        result = replay(
            told["client"],
            tool="iperf3",
            role="client",
            version=version,
            peer=told["server"] if paired else None,
        )
        streams = [stream for key, stream in result.streams.items() if key != "SUM"]
        lost = sum(stream.packets_lost or 0 for stream in streams)
        error = sum(stream.packets_lost_error or 0 for stream in streams)
        assert abs(lost - run["ground_truth"]["dropped_data_datagrams"]) <= error
        assert error == sum(stream.packets_lost_trailing or 0 for stream in streams) <= 2
        assert all(outage.complete for stream in streams for outage in stream.outages)
        in_doubt += error
    assert in_doubt or version == "3.9"


def test_a_reverse_test_that_ends_in_the_dark_has_lost_what_is_missing() -> None:
    """An outage at the end is one, in this direction too, and its count is exact."""
    printed = [
        "[  5] local 10.0.0.2 port 47143 connected to 10.0.0.1 port 5201",
        *(f"[  5] {at}.00-{at + 1}.00 sec  1.19 MBytes  10.0 Mbits/sec  0.005 ms  0/1000 (0%)"
          for at in range(3)),
        "[  5] 3.00-4.00 sec  244 KBytes  2.00 Mbits/sec  0.005 ms  0/200 (0%)",
        "[  5] 0.00-4.00 sec  4.77 MBytes  10.0 Mbits/sec  0.000 ms  0/4000 (0%)  sender",
        "[  5] 0.00-4.00 sec  3.81 MBytes  8.00 Mbits/sec  0.005 ms  0/3200 (0%)  receiver",
    ]  # fmt: skip
    result = replay(printed, tool="iperf3", role="client", version="3.12")
    stream = result.streams["5"]
    assert (800, 0, 800) == (
        stream.packets_lost, stream.packets_lost_error, stream.packets_lost_trailing,
    )  # fmt: skip
    (outage,) = stream.outages
    assert ("open", 800) == (outage.method, outage.packets_lost)
    assert abs(outage.begin_s - 3.2) <= outage.begin_error_s


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("version", ["2.0.13a", "2.1.8", "2.2.1"])
def test_what_only_came_in_another_order_is_not_lost(version: str, *, paired: bool) -> None:
    """50 of 3000 swapped with their neighbours, some over the border of two intervals."""
    printed = {
        one.side: one
        for one in outputs()
        if (one.version, one.scenario) == (version, "udp_reorder_e")
    }
    assert 50 == printed["server"].truth["relay"]["displaced"]
    peer = _lines(printed["client"]) if paired else None
    result = replay(_lines(printed["server"]), version=version, report_interval=1.0, peer=peer)
    (stream,) = result.streams.values()
    assert (0, 50, ()) == (stream.packets_lost, stream.packets_out_of_order, stream.outages)


def test_the_corpus_is_there() -> None:
    """None of the above passes for want of recordings."""
    assert len(flows()) > 14
    assert 27 == len(loss_runs())
    assert set(VERSIONS) == {version for version, _ in _lone_streams()}
    assert len(_lone_streams()) > 150
