"""The dict view of a report: old keys in their old order, base units behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2.core.records import Instant, Interval, Summary

if TYPE_CHECKING:
    from pyperf2.core.records import Direction, Protocol

TCP = "stream_id interval_begin interval_end interval_unit"
KEYS: dict[tuple[Protocol, Direction], str] = {
    ("tcp", "sent"): f"{TCP} transferred transferred_unit bandwidth bandwidth_unit packets_written "
    "packets_error retry cwnd rtt var var_unit netpower",
    ("tcp", "received"): f"{TCP} received received_unit bandwidth bandwidth_unit",
    ("udp", "sent"): f"{TCP} transferred transferred_unit bandwidth bandwidth_unit packets_written "
    "packets_error packet_rate packet_rate_unit",
    ("udp", "received"): f"{TCP} received received_unit bandwidth bandwidth_unit jitter "
    "jitter_unit packets_lost packets_received latency_avg latency_min latency_max latency_stdev "
    "latency_unit packet_rate packet_rate_unit net_pwr",
}


@pytest.mark.parametrize(("protocol", "direction"), KEYS)
def test_old_keys_come_first_in_their_old_order(protocol: Protocol, direction: Direction) -> None:
    """Scripts print them in that order; None stands where iperf printed nothing."""
    told = Interval(
        stream_id="1", start=0.0, end=1.0, protocol=protocol, direction=direction
    ).to_dict(stream_name="x")
    old = KEYS[protocol, direction].split()
    assert old == list(told)[: len(old)]
    assert "x" == told["stream_name"]
    assert {None} == {told[key] for key in old[4:] if not key.startswith("interval")}


def test_figures_are_numbers_in_base_units_too() -> None:
    """What arrived is not iperf's Total; arrival times are ISO text and monotonic nanoseconds."""
    told = Summary(
        stream_id="3",
        start=0.0,
        end=2.0,
        protocol="udp",
        direction="received",
        bytes=1468006,
        transfer=1.4,
        transfer_unit="MBytes",
        lost_packets=3,
        packets=1000,
        jitter_ms=0.5,
        details={"reads": 7},
        arrived=Instant(5, 10**18),
    ).to_dict()
    assert (3, 997, 1000) == tuple(
        told[key] for key in ("packets_lost", "packets_received", "packets_total")
    )
    assert (1468006, 0.5, "ms", 2.0, 7) == tuple(
        told[key] for key in ("bytes", "jitter_ms", "jitter_unit", "seconds", "reads")
    )
    assert ("2001-09-09T01:46:40+00:00", 5) == (told["received_at"], told["received_monotonic_ns"])


def test_a_tcp_senders_columns() -> None:
    """The old names hold what iperf printed, iperf3's names the base units."""
    told = Interval(
        stream_id="1",
        start=0.0,
        end=1.0,
        protocol="tcp",
        direction="sent",
        writes=5,
        write_errors=0,
        retransmits=2,
        cwnd=410,
        snd_cwnd_bytes=419840,
        rtt_us=37,
        rttvar_us=17,
        netpower=1.5,
    ).to_dict()
    assert [5, 0, 2, 410, 37, 17, "us", 1.5, 419840, 37, 17] == [
        told[key]
        for key in (
            "packets_written", "packets_error", "retry", "cwnd", "rtt", "var", "var_unit",
            "netpower", "snd_cwnd", "rtt", "rttvar",
        )
    ]  # fmt: skip
