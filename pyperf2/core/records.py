"""What iperf said, as frozen typed values; knows no process, no file and no clock.

A parser turns each line into at most a few of these. Figures are in base units beside the
figures as printed; nothing here is inferred from more than its own line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pyperf2.core.unread import Unread

if TYPE_CHECKING:
    from collections.abc import Mapping

Protocol = Literal["tcp", "udp"]
Direction = Literal["sent", "received"]
Level = Literal["info", "warning", "error"]

SUM_ID: Final = "SUM"
# iperf3 --bidir -P 2: one sum for each direction (its tags are [SUM][TX-C] and [SUM][RX-C])
SUM_IDS: Final[Mapping[Direction, str]] = MappingProxyType({"sent": "SUM-TX", "received": "SUM-RX"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Instant(NamedTuple):
    """When bytes arrived: a monotonic stamp to subtract, a wall-clock stamp to print (both ns)."""

    monotonic_ns: int
    wall_ns: int

    def at(self) -> datetime:
        """Return the wall-clock stamp as an aware datetime (UTC)."""
        return _EPOCH + timedelta(microseconds=self.wall_ns // 1000)

    def isoformat(self) -> str:
        """Return the wall-clock stamp as text, as ``at().isoformat()`` does."""
        seconds, microseconds = divmod(self.wall_ns // 1000, 1_000_000)
        fraction = f".{microseconds:06d}" if microseconds else ""
        return f"{_second(seconds)}{fraction}+00:00"


NO_INSTANT: Final = Instant(0, 0)


class Span(NamedTuple):
    """From when to when a run was on, on the monotonic clock; None: it still is."""

    began_ns: int
    ended_ns: int | None

    def meets(self, other: Span) -> bool:
        """Whether there was a time at which both were on."""
        first, second = sorted((self, other), key=lambda one: one.began_ns)
        return first.ended_ns is None or first.ended_ns >= second.began_ns


@lru_cache(maxsize=8)  # many lines come in one second
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[: -len("+00:00")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A server's banner: it *says* it listens (2.0.5 says so after a failed bind, too)."""

    protocol: Protocol
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A stream began: the ``local A port P connected with B port Q`` line."""

    stream_id: str
    local_ip: str
    local_port: int
    remote_ip: str
    remote_port: int
    interface: str | None = None
    peer_version: str | None = None
    first_sequence: int | None = None
    connect_time_ms: float | None = None
    flags: tuple[str, ...] = ()  # "trip-times", "reverse", "full-duplex", "isoch", …, as printed
    run_number: int = 1
    arrived: Instant = NO_INSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A test began: an iperf3 server serves one after another, a client has one.

    Until its ``RunEnded`` (or the next ``RunStarted``), whatever is said belongs to it. Streams
    are numbered anew in each: ``run_number`` and ``stream_id`` together name one.
    """

    number: int  # from 1 on, in the order of this process
    peer_ip: str | None = None
    peer_port: int | None = None
    # What iperf3's JSON tells of it beforehand: protocol, duration, cookie …, by its own names.
    details: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    arrived: Instant = NO_INSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A test is over: well, or broken off (then a ``Notice`` before it says why).

    ``details``: ``cpu_host_total_percent`` and the like (``host``: this side, ``remote``: the
    other; ``user``, ``system``), ``sender_tcp_congestion``, ``receiver_tcp_congestion``.
    """

    number: int
    details: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    arrived: Instant = NO_INSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Unread):
    """The figures of one report line. None where iperf printed none.

    ``transfer``, ``bandwidth`` and ``cwnd`` are the numbers as printed, with their units; beside
    them stand ``bytes`` and ``bits_per_second`` (2^10 for Bytes, 10^3 for bits) and
    ``snd_cwnd_bytes``. ``cwnd`` is in KBytes. ``packets`` is iperf's *Total*: the span of
    sequence numbers, not what arrived; of an iperf3 sender, what it sent (``writes``, too: one
    write is one datagram). ``packets_received`` is what arrived, where the build prints it.
    """

    stream_id: str
    start: float
    end: float
    protocol: Protocol
    direction: Direction
    bytes: int | None = None
    bits_per_second: float | None = None
    transfer: float | None = None
    transfer_unit: str | None = None
    bandwidth: float | None = None
    bandwidth_unit: str | None = None
    omitted: bool = False
    jitter_ms: float | None = None
    lost_packets: int | None = None
    packets: int | None = None
    packets_received: int | None = None
    out_of_order: int | None = None
    packets_per_second: float | None = None
    latency_mean_ms: float | None = None
    latency_min_ms: float | None = None
    latency_max_ms: float | None = None
    latency_stdev_ms: float | None = None
    netpower: float | None = None
    writes: int | None = None
    write_errors: int | None = None
    retransmits: int | None = None
    cwnd: int | None = None
    snd_cwnd_bytes: int | None = None
    rtt_us: int | None = None
    rttvar_us: int | None = None
    pmtu: int | None = None
    # Columns that only some reports have (reads, in-progress bytes, frames, bounceback …), by name.
    details: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    run_number: int = 1
    arrived: Instant = NO_INSTANT

    @property
    def seconds(self) -> float:
        """Length of the interval in seconds, as far as iperf printed its ends."""
        return self.end - self.start

    @property
    def received_at(self) -> datetime:
        """When the line arrived, as an aware datetime in UTC."""
        return self.arrived.at()

    @property
    def received_monotonic_ns(self) -> int:
        """When the line arrived, on this machine's monotonic clock."""
        return self.arrived.monotonic_ns

    def to_dict(self, *, stream_name: str | None = None) -> dict[str, Any]:
        """Give the message that callbacks get: old keys first, base units behind them."""
        from pyperf2.core.messages import message

        return message(self, stream_name=stream_name)


class Interval(Report):
    """One interval report as iperf printed it; nothing inferred."""

    __slots__ = ()


class Summary(Report):
    """The final line of a stream: start of the test to its end."""

    __slots__ = ()


class ServerReport(Report):
    """What the other side told at the end of a test: the server told the client.

    iperf2: under ``Server Report:``. iperf3: the ``receiver`` line of a client that sends, the
    ``sender`` line of one that receives (``-R``); then it is ``direction="sent"``.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfOrder:
    """``N datagrams received out-of-order``: it belongs to the report line of the same bounds."""

    stream_id: str
    start: float
    end: float
    count: int
    wrong_quintuple: bool = False  # 2.2.5: "received on wrong quintuple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """``Sent N datagrams``: the sender's own count, FIN included from iperf 2.0.14a on.

    iperf3: the ``0/N`` of its ``sender`` line, on whichever side it is printed; exact.
    """

    stream_id: str
    datagrams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A latency or jitter histogram: ``T8-PDF``, ``F8-PDF``, …

    ``bins`` are (bin number, count); a bin is ``bin_width_us`` microseconds wide.
    """

    stream_id: str
    start: float
    end: float
    name: str
    bin_width_us: float
    bins: tuple[tuple[int, int], ...]
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOutput:
    """What an iperf3 server printed, as its client got it (``--get-server-output``).

    ``text`` is text, or a JSON document where the server was told to print one.
    """

    text: str
    arrived: Instant = NO_INSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Anything else iperf said; ``kind`` names what is known about it.

    ``kind`` is one of ``unknown-line``, ``warning``, ``refused``, ``unreachable``, ``reset``,
    ``busy``, ``bad-host``, ``bind-failed``, ``bad-option``, ``bad-value``, ``no-ack``,
    ``write-failed``, ``crashed``, ``torn-line``, ``runaway``, ``doubtful``, ``iperf`` (an error in
    iperf's own
    words).
    """

    text: str
    kind: str = "unknown-line"
    level: Level = "info"
    stream_id: str | None = None
    source: Literal["stdout", "stderr", "pyperf2"] = "stdout"


Record = (
    Listening
    | RunStarted
    | RunEnded
    | Connected
    | Interval
    | Summary
    | ServerReport
    | ServerOutput
    | OutOfOrder
    | Sent
    | Histogram
    | Notice
)
