"""What a run leaves: frozen values, consistent at the moment they are taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pyperf2.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pyperf2.core.binary import Tool
    from pyperf2.core.gaps import Outage, Stall
    from pyperf2.core.loss import LossEvent
    from pyperf2.core.records import Connected, Histogram, Interval, Notice, ServerReport, Summary
    from pyperf2.core.spelling import Role
    from pyperf2.errors import PyPerf2Error


_HEADER: Final = (
    f"{'stream':>8} {'seconds':>9} {'sent':>10} {'received':>10} {'lost':>12} "
    f"{'late':>6} {'twice':>6}  outages"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """One stream of a run.

    ``intervals`` are those kept (``history``); totals, events and outages are over all there ever
    were. A figure is None where it cannot be known: a receiver knows what was sent only from the
    sender, a sender knows what arrived only from the receiver.

    Attributes:
        packets_sent: data datagrams sent, iperf's FIN not counted.
        packets_received: distinct datagrams that arrived.
        packets_lost: sent and never arrived; within ±``packets_lost_error`` (0 = exact).
        packets_out_of_order: arrived after a later one.
        packets_duplicate: arrived more than once.
        packets_lost_leading: lost before the first that arrived; no outage.
        packets_lost_trailing: lost behind the last that arrived; None if the sender is unknown.
        outages: complete ones, and last, if the stream ended in one, the open one.
        stalls: deficits that were made up for without loss.
        datagrams_sent: ``Sent N datagrams``, as a client printed it.
    """

    stream_id: str
    info: Connected | None = None
    intervals: Sequence[Interval] = ()
    interval_count: int = 0
    summary: Summary | None = None
    server_report: ServerReport | None = None
    loss_events: tuple[LossEvent, ...] = ()
    outages: tuple[Outage, ...] = ()
    stalls: tuple[Stall, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    datagrams_sent: int | None = None
    packets_sent: int | None = None
    packets_received: int | None = None
    packets_lost: int | None = None
    packets_lost_error: int | None = None
    packets_out_of_order: int | None = None
    packets_duplicate: int | None = None
    packets_lost_leading: int | None = None
    packets_lost_trailing: int | None = None
    bytes: int | None = None
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An immutable snapshot of one run.

    Attributes:
        run_number: which of the tests of an iperf3 server, from 1.
        details: what iperf3 tells of the test as a whole (CPU use, congestion control, …).
        server_output: what the server printed, fetched by ``get_server_output``.
    """

    tool: Tool
    version: str | None
    role: Role
    protocol: str
    name: str | None = None
    run_number: int = 1
    details: Mapping[str, Any] = field(default_factory=dict)
    server_output: str | None = None
    argv: tuple[str, ...] = ()
    returncode: int | None = None
    error: PyPerf2Error | None = None
    notices: tuple[Notice, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    streams: Mapping[str, StreamResult] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, ready for JSON; ``from_dict`` reads it back."""
        from pyperf2.core import plain

        return plain.of_result(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the result as a JSON document."""
        import json

        return json.dumps(self.to_dict(), indent=indent)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Read what ``to_dict`` gave; ValueError for another schema."""
        from pyperf2.core import plain

        return plain.to_result(data)

    def report(self) -> str:
        """Give a short table for a person: a line per stream, a line per outage.

        Whatever iperf said stands escaped in it: a terminal obeys none of it.
        """
        lines = [_HEADER]
        for stream in self.streams.values():
            lines.append(_stream_line(stream))
            lines += [_outage_line(outage) for outage in stream.outages]
        if self.error is not None:
            lines.append(f"error: {self.error}")
        return printable("\n".join(lines))


def _stream_line(stream: StreamResult) -> str:
    def told(figure: int | None) -> str:
        return "-" if figure is None else str(figure)

    lost = told(stream.packets_lost)
    if stream.packets_lost_error:
        lost += f" ±{stream.packets_lost_error}"
    return (
        f"{stream.stream_id:>8} {stream.duration_s:9.3f} {told(stream.packets_sent):>10} "
        f"{told(stream.packets_received):>10} {lost:>12} {told(stream.packets_out_of_order):>6} "
        f"{told(stream.packets_duplicate):>6}  {len(stream.outages)}"
    )


def _outage_line(outage: Outage) -> str:
    marks: list[str] = [outage.method]
    if not outage.complete:
        marks.append("not over")
    if outage.suspect:
        marks.append("suspect: the sender stalled")
    return (
        f"{'outage':>14} at {outage.begin_s:.4f} s ±{outage.begin_error_s * 1000:.1f} ms, "
        f"{outage.duration_s * 1000:.1f} ±{outage.duration_error_s * 1000:.1f} ms, "
        f"{outage.packets_lost} lost ({', '.join(marks)})"
    )
