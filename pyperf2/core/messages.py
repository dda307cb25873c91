"""The dict view of a report: the message callbacks get, old keys first, base units behind.

The typed record is the truth; everything here is derived from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyperf2.core.records import Report


def _of(name: str) -> Callable[[Report], Any]:
    return lambda report: getattr(report, name)


def _unit(unit: str, *names: str) -> Callable[[Report], Any]:
    """Give ``unit`` where any of the figures it belongs to was printed, None elsewhere."""
    return lambda report: unit if any(getattr(report, name) is not None for name in names) else None


def received(report: Report) -> int | None:
    """Datagrams that arrived: as printed, else what iperf's Total leaves after its Lost."""
    if report.packets_received is not None:
        return report.packets_received
    if report.packets is None or report.lost_packets is None:
        return None
    return report.packets - report.lost_packets


_HEAD: Final[Mapping[str, Callable[[Report], Any]]] = {
    "stream_id": _of("stream_id"),
    "interval_begin": _of("start"),
    "interval_end": _of("end"),
    "interval_unit": lambda _: "sec",
}
_RATE: Final[Mapping[str, Callable[[Report], Any]]] = {
    "bandwidth": _of("bandwidth"),
    "bandwidth_unit": _of("bandwidth_unit"),
}
_PACKET_RATE: Final[Mapping[str, Callable[[Report], Any]]] = {
    "packet_rate": _of("packets_per_second"),
    "packet_rate_unit": _unit("pps", "packets_per_second"),
}
_SENT: Final[Mapping[str, Callable[[Report], Any]]] = {
    **_HEAD,
    "transferred": _of("transfer"),
    "transferred_unit": _of("transfer_unit"),
    **_RATE,
    "packets_written": _of("writes"),
    "packets_error": _of("write_errors"),
}
_RECEIVED: Final[Mapping[str, Callable[[Report], Any]]] = {
    **_HEAD,
    "received": _of("transfer"),
    "received_unit": _of("transfer_unit"),
    **_RATE,
}

# Side → old key → where it comes from, in the order old scripts print them.
_OLD_KEYS: Final[Mapping[tuple[str, str], Mapping[str, Callable[[Report], Any]]]] = {
    ("tcp", "sent"): {
        **_SENT,
        "retry": _of("retransmits"),
        "cwnd": _of("cwnd"),
        "rtt": _of("rtt_us"),
        "var": _of("rttvar_us"),
        "var_unit": _unit("us", "rttvar_us", "rtt_us"),
        "netpower": _of("netpower"),
    },
    ("tcp", "received"): _RECEIVED,
    ("udp", "sent"): {**_SENT, **_PACKET_RATE},
    ("udp", "received"): {
        **_RECEIVED,
        "jitter": _of("jitter_ms"),
        "jitter_unit": _unit("ms", "jitter_ms"),
        "packets_lost": _of("lost_packets"),
        "packets_received": received,
        "latency_avg": _of("latency_mean_ms"),
        "latency_min": _of("latency_min_ms"),
        "latency_max": _of("latency_max_ms"),
        "latency_stdev": _of("latency_stdev_ms"),
        "latency_unit": _unit("ms", "latency_mean_ms"),
        **_PACKET_RATE,
        "net_pwr": _of("netpower"),
        "packets_total": _of("packets"),
    },
}

# Behind them, what iperf3's JSON calls the figures in base units, and when they arrived.
_BASE_KEYS: Final[Mapping[str, Callable[[Report], Any]]] = {
    "start": _of("start"),
    "end": _of("end"),
    "seconds": _of("seconds"),
    "bytes": _of("bytes"),
    "bits_per_second": _of("bits_per_second"),
    "omitted": _of("omitted"),
    "run_number": _of("run_number"),
    "received_at": lambda report: report.received_at.isoformat(),
    "received_monotonic_ns": _of("received_monotonic_ns"),
}
_OPTIONAL_KEYS: Final[Mapping[str, str]] = {
    "jitter_ms": "jitter_ms",
    "lost_packets": "lost_packets",
    "packets": "packets",
    "out_of_order": "out_of_order",
    "packets_per_second": "packets_per_second",
    "retransmits": "retransmits",
    "snd_cwnd": "snd_cwnd_bytes",
    "rtt": "rtt_us",
    "rttvar": "rttvar_us",
    "pmtu": "pmtu",
}


def message(report: Report, *, stream_name: str | None = None) -> dict[str, Any]:
    """Make the message of one report; keys of other sides and columns are left out."""
    old = _OLD_KEYS[report.protocol, report.direction]
    made = {key: get(report) for key, get in old.items()}
    made["stream_name"] = stream_name
    made.update((key, get(report)) for key, get in _BASE_KEYS.items())
    for key, name in _OPTIONAL_KEYS.items():
        figure = getattr(report, name)
        if figure is not None:
            made[key] = figure
    made.update(report.details)
    return made
