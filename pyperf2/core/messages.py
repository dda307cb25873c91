"""The dict view of a report: the message callbacks get, old keys first, base units behind.

The typed record is the truth; everything here is derived from it.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyperf2.core.deferred import DeferredDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyperf2.core.records import Report
    from pyperf2.core.unread import Row


_Source: TypeAlias = "str | Callable[[Report], Any]"  # an attribute, or what works it out


def _unit(unit: str, *names: str) -> Callable[[Report], Any]:
    """Give ``unit`` where any of the figures it belongs to was printed, None elsewhere."""
    first, *more = names
    if not more:
        return lambda report: None if getattr(report, first) is None else unit
    return lambda report: unit if any(getattr(report, name) is not None for name in names) else None


def received(report: Report) -> int | None:
    """Datagrams that arrived: as printed, else what iperf's Total leaves after its Lost."""
    if report.packets_received is not None:
        return report.packets_received
    if report.packets is None or report.lost_packets is None:
        return None
    return report.packets - report.lost_packets


_HEAD: Final[Mapping[str, _Source]] = {
    "stream_id": "stream_id",
    "interval_begin": "start",
    "interval_end": "end",
    "interval_unit": lambda _: "sec",
}
_RATE: Final[Mapping[str, _Source]] = {
    "bandwidth": "bandwidth",
    "bandwidth_unit": "bandwidth_unit",
}
_PACKET_RATE: Final[Mapping[str, _Source]] = {
    "packet_rate": "packets_per_second",
    "packet_rate_unit": _unit("pps", "packets_per_second"),
}
_SENT: Final[Mapping[str, _Source]] = {
    **_HEAD,
    "transferred": "transfer",
    "transferred_unit": "transfer_unit",
    **_RATE,
    "packets_written": "writes",
    "packets_error": "write_errors",
}
_RECEIVED: Final[Mapping[str, _Source]] = {
    **_HEAD,
    "received": "transfer",
    "received_unit": "transfer_unit",
    **_RATE,
}

# Side → old key → where it comes from, in the order old scripts print them.
_OLD_KEYS: Final[Mapping[tuple[str, str], Mapping[str, _Source]]] = {
    ("tcp", "sent"): {
        **_SENT,
        "retry": "retransmits",
        "cwnd": "cwnd",
        "rtt": "rtt_us",
        "var": "rttvar_us",
        "var_unit": _unit("us", "rttvar_us", "rtt_us"),
        "netpower": "netpower",
    },
    ("tcp", "received"): _RECEIVED,
    ("udp", "sent"): {**_SENT, **_PACKET_RATE},
    ("udp", "received"): {
        **_RECEIVED,
        "jitter": "jitter_ms",
        "jitter_unit": _unit("ms", "jitter_ms"),
        "packets_lost": "lost_packets",
        "packets_received": received,
        "latency_avg": "latency_mean_ms",
        "latency_min": "latency_min_ms",
        "latency_max": "latency_max_ms",
        "latency_stdev": "latency_stdev_ms",
        "latency_unit": _unit("ms", "latency_mean_ms"),
        **_PACKET_RATE,
        "net_pwr": "netpower",
        "packets_total": "packets",
    },
}

# Behind them, what iperf3's JSON calls the figures in base units, and when they arrived.
_BASE_KEYS: Final[Mapping[str, _Source]] = {
    "start": "start",
    "end": "end",
    "seconds": "seconds",
    "bytes": "bytes",
    "bits_per_second": "bits_per_second",
    "omitted": "omitted",
    "run_number": "run_number",
    "received_at": lambda report: report.arrived.isoformat(),
    "received_monotonic_ns": "received_monotonic_ns",
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


class _Side:
    """The keys of one side's messages, ready to be read off a report in one go."""

    def __init__(self, old: Mapping[str, _Source]) -> None:
        sources: dict[str, _Source] = {**old, "stream_name": lambda _: None, **_BASE_KEYS}
        self.keys = tuple(sources)
        self.worked_out = [(key, get) for key, get in sources.items() if callable(get)]
        # What is worked out has its place from the start, with something else in it.
        names = ["stream_id" if callable(get) else get for get in sources.values()]
        self.read = attrgetter(*names)


_SIDES: Final = {side: _Side(old) for side, old in _OLD_KEYS.items()}
_read_optional: Final = attrgetter(*_OPTIONAL_KEYS.values())


def message(report: Report, *, stream_name: str | None = None) -> dict[str, Any]:
    """Give the message of one report; keys of other sides and columns are left out.

    That of a line of which most is still unread is filled when somebody looks into it.
    """
    try:
        row = report.row
    except AttributeError:  # it was read at once
        return _message(report, stream_name)
    told = DeferredDict({"stream_id": row[2][0]})
    told.source = (_message_of_line, row, stream_name)
    return told


def _message(report: Report, stream_name: str | None) -> dict[str, Any]:
    side = _SIDES[report.protocol, report.direction]
    made = dict(zip(side.keys, side.read(report), strict=True))
    for key, work_out in side.worked_out:
        made[key] = work_out(report)
    made["stream_name"] = stream_name
    optional = zip(_OPTIONAL_KEYS, _read_optional(report), strict=True)
    made.update((key, figure) for key, figure in optional if figure is not None)
    made.update(report.details)
    return made


def _message_of_line(row: Row, stream_name: str | None) -> dict[str, Any]:
    """Give the message of a line that was recognised at a glance: as ``_message``, but sooner."""
    line, layout, (stream_id, arrived) = row
    (
        start, end, transfer, bandwidth, jitter, mean, least, most, spread, pps, packets, size,
        bits_per_second, netpower, details,
    ) = layout.figures(line)  # fmt: skip
    return {
        "stream_id": stream_id,
        "interval_begin": start,
        "interval_end": end,
        "interval_unit": "sec",
        "received": transfer,
        "received_unit": layout.unit,
        "bandwidth": bandwidth,
        "bandwidth_unit": layout.bandwidth_unit,
        "jitter": jitter,
        "jitter_unit": "ms",
        "packets_lost": 0,
        "packets_received": packets,
        "latency_avg": mean,
        "latency_min": least,
        "latency_max": most,
        "latency_stdev": spread,
        "latency_unit": "ms",
        "packet_rate": pps,
        "packet_rate_unit": "pps",
        "net_pwr": netpower,
        "packets_total": packets,
        "stream_name": stream_name,
        "start": start,
        "end": end,
        "seconds": end - start,
        "bytes": size,
        "bits_per_second": bits_per_second,
        "omitted": False,
        "run_number": 1,
        "received_at": arrived.isoformat(),
        "received_monotonic_ns": arrived.monotonic_ns,
        "jitter_ms": jitter,
        "lost_packets": 0,
        "packets": packets,
        "packets_per_second": pps,
        **details,
    }
