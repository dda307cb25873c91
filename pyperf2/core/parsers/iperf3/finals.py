"""What iperf3's JSON says at the end of a test, as each side's figures; knows no test.

TCP: ``end.streams[].sender`` and ``.receiver`` are what they say. UDP: ``end.streams[].udp`` is a
mixture (3.9 to 3.22): bytes, end and packets are the sender's where this side knows them, jitter
and loss the receiver's; on a server that receives, bytes are 0 and packets its own. So a
receiver's bytes and total are taken from ``sum_received`` (from 3.10 on) where it sums up a
single stream, and are None elsewhere.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyperf2.core.parsers.iperf3.figures import (
    read_bounds,
    read_loss,
    read_report,
    read_transfer,
)
from pyperf2.core.records import SUM_ID, SUM_IDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.core.parsers.iperf3.figures import Fields
    from pyperf2.core.records import Direction

    Figures = dict[str, Any]

_REVERSE: Final = "_bidir_reverse"
_CPU: Final = tuple(
    f"{side}_{part}" for side in ("host", "remote") for part in ("total", "user", "system")
)
_CONGESTION: Final = ("sender_tcp_congestion", "receiver_tcp_congestion")


class FinalLine(NamedTuple):
    """The final figures of a stream or a sum, and whose count they are."""

    label: str
    own: bool
    figures: Figures


class Ending:
    """The ``end`` of a test.

    Args:
        end: the object.
        client: whether a client printed it; a server does not know the other side's figures.
        default: direction of a stream that does not tell it.
    """

    def __init__(self, end: Fields, *, client: bool, default: Direction) -> None:
        """Find the streams and their directions."""
        self._end = end
        self._client = client
        self._default: Direction = default
        self._streams = end.members("streams")
        self._directions = [self._direction(stream) for stream in self._streams]
        self._counts = Counter(self._directions)

    def lines(self) -> Iterator[FinalLine]:
        """Give the final figures of every stream, then of the sums."""
        udp = False
        for stream, direction in zip(self._streams, self._directions, strict=True):
            is_udp = "udp" in stream
            udp = udp or is_udp
            yield from (self._udp if is_udp else self._tcp)(stream, direction)
        for direction, count in self._counts.items():
            if count > 1:
                yield from self._sums(direction, udp=udp)

    def details(self) -> Figures:
        """Give what is said of the test as a whole."""
        details: Figures = {}
        cpu = self._end.member("cpu_utilization_percent")
        for name in _CPU:
            percent = cpu.number(name)
            if percent is not None:
                details[f"cpu_{name}_percent"] = percent
        for name in _CONGESTION:
            congestion = self._end.text(name)
            if congestion is not None:
                details[name] = congestion
        return details

    def _direction(self, stream: Fields) -> Direction:
        """Return whether this side sent or received; each object of a stream says so."""
        told = (stream.member(key).flag("sender") for key in _views(stream))
        sender = next((flag for flag in told if flag is not None), None)
        return self._default if sender is None else "sent" if sender else "received"

    def _tcp(self, stream: Fields, direction: Direction) -> Iterator[FinalLine]:
        """Give both sides' figures of a TCP stream."""
        views: Sequence[tuple[Direction, str]] = (("sent", "sender"), ("received", "receiver"))
        for view, key in views:
            own = view == direction
            if key in stream and (own or self._client):
                fields = stream.member(key)
                yield from _line(fields, own, read_report(fields, "tcp", view))

    def _udp(self, stream: Fields, direction: Direction) -> Iterator[FinalLine]:
        """Give both sides' figures of a UDP stream."""
        fields = stream.member("udp")
        if direction == "sent" or self._client:
            figures = read_report(fields, "udp", "sent")
            yield from _line(fields, direction == "sent", figures)
        if direction == "received" or self._client:
            figures = self._received(fields, direction)
            yield from _line(fields, direction == "received", figures)

    def _received(self, fields: Fields, direction: Direction) -> Figures | None:
        """Return a receiver's figures."""
        suffix = self._suffix(direction)
        known = f"sum_received{suffix}" in self._end
        total = self._end.member(("sum_received" if known else "sum") + suffix)
        bounds = read_bounds(total) or read_bounds(fields)
        if bounds is None:
            return None
        figures: Figures = {**bounds, "protocol": "udp", "direction": "received"}
        figures.update(read_loss(fields))
        if direction == "received":
            figures["out_of_order"] = fields.whole("out_of_order")
        if self._counts[direction] == 1 and known:
            figures.update(read_transfer(total))
            figures["packets"] = total.whole("packets")
        elif not self._client:
            figures["packets"] = fields.whole("packets")
        return figures

    def _sums(self, direction: Direction, *, udp: bool) -> Iterator[FinalLine]:
        """Give the sums of several streams."""
        label = SUM_IDS[direction] if len(self._counts) > 1 else SUM_ID
        suffix = self._suffix(direction)
        views: Sequence[tuple[Direction, str]] = (
            ("sent", "sum_sent"),
            ("received", "sum_received"),
        )
        for view, key in views:
            own = view == direction
            name = key + suffix
            if name not in self._end or not (own or self._client):
                continue
            fields = self._end.member(name)
            figures = read_report(fields, "udp" if udp else "tcp", view)
            if figures is not None:
                yield FinalLine(label, own, figures)

    def _suffix(self, direction: Direction) -> str:
        """Return what the names of a direction's sums end in; the first stream's have none."""
        return "" if direction == self._directions[0] else _REVERSE


def _views(stream: Fields) -> list[str]:
    return [key for key in ("udp", "sender", "receiver") if key in stream]


def _line(fields: Fields, own: bool, figures: Figures | None) -> Iterator[FinalLine]:  # noqa: FBT001
    socket = fields.whole("socket")
    if figures is not None and socket is not None:
        yield FinalLine(str(socket), own, figures)
