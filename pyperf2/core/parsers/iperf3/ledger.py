"""Which test and which stream a report belongs to, whichever dialect it came in; reads nothing.

- A server's tests follow one another; each begins anew, ids included.
- A stream's own final line is its ``Summary``; what the other side counted, its ``ServerReport``.
- After a premature end the last full interval is printed a second time (3.9 to 3.22, text and
  JSON): an interval with the bounds of the one before it is that one.
- Where the other side never told its figures, iperf3 prints zeros for them. They wait until
  iperf3 says that all went well, and are forgotten if it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.records import (
    SUM_ID,
    SUM_IDS,
    Connected,
    Interval,
    OutOfOrder,
    RunEnded,
    RunStarted,
    Sent,
    ServerReport,
    Summary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.records import Direction, Instant, Protocol, Record

    Figures = dict[str, Any]
    Bounds = tuple[float, float, bool]

# iperf3 allows 128 streams, twice that with --bidir; what comes beyond is not remembered.
MAX_STREAMS: Final = 1024
_MAX_HELD: Final = MAX_STREAMS
_ROUNDING: Final = 0.05  # 3.9: a sender's final line may end 40 ms before its last interval


class Ledger:
    """The tests and streams of one iperf3 process.

    Attributes:
        protocol: of the present test, as far as told.
        reverse: whether the client said that the other side sends.
    """

    def __init__(self, *, client: bool, protocol: Protocol) -> None:
        """Know no test yet."""
        self._client = client
        self._default_protocol: Protocol = protocol
        self.protocol: Protocol = protocol
        self.reverse = False
        self._number = 0
        self._open = False
        self._details: dict[str, Any] = {}
        self._directions: dict[str, Direction] = {}
        self._last: dict[str, Bounds] = {}
        self._held: list[ServerReport] = []
        self._late: tuple[float, float, int] | None = None

    @property
    def running(self) -> bool:
        """Whether a test has begun and not ended."""
        return self._open

    def begin(
        self,
        now: Instant,
        *,
        peer: tuple[str, int] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> list[Record]:
        """Begin a test, and end the one before it."""
        records = self.end(now)
        self._number += 1
        self._open = True
        self.protocol = self._default_protocol
        self.reverse = False
        self._directions.clear()
        self._last.clear()
        records.append(
            RunStarted(
                number=self._number,
                peer_ip=peer[0] if peer else None,
                peer_port=peer[1] if peer else None,
                details=details or {},
                arrived=now,
            )
        )
        return records

    def end(self, now: Instant, details: Mapping[str, Any] | None = None) -> list[Record]:
        """End the test, if there is one."""
        if not self._open:
            return []
        records = self._leftovers()
        self._held.clear()
        self._open = False
        told = {**self._details, **(details or {})}
        self._details = {}
        records.append(RunEnded(number=self._number, details=told, arrived=now))
        return records

    def note(self, details: Mapping[str, Any]) -> None:
        """Keep something for the test's end."""
        self._details.update(details)

    def well(self) -> list[Record]:
        """Learn that the test ended well: the zeros are the other side's figures."""
        records: list[Record] = list(self._held)
        self._held.clear()
        return records

    def connected(self, label: str, fields: Mapping[str, Any], now: Instant) -> list[Record]:
        """Begin a stream."""
        records = self._ensure(now)
        records.append(Connected(stream_id=label, run_number=self._number, arrived=now, **fields))
        return records

    def direction(self, label: str, told: Direction | None) -> Direction:
        """Return a stream's direction as told, else as known, else the usual one of this role."""
        known = told or self._directions.get(label)
        if known is None:
            known = "received" if self._client == self.reverse else "sent"
        if label != SUM_ID and len(self._directions) < MAX_STREAMS:
            self._directions[label] = known
        return known

    def interval(self, label: str, figures: Figures, now: Instant) -> list[Record]:
        """Place an interval; nothing if it was said before."""
        records = self._ensure(now)
        bounds = (figures["start"], figures["end"], figures.get("omitted", False))
        if self._last.get(label) == bounds:
            return records
        if label in self._last or len(self._last) < MAX_STREAMS:
            self._last[label] = bounds
        records += self._leftovers()
        records.append(Interval(stream_id=label, run_number=self._number, arrived=now, **figures))
        return records

    def covers(self, label: str, figures: Figures) -> bool:
        """Whether an untagged report spans all that came before: a final line, torn at its tag."""
        last = self._last.get(label)
        if last is None or last[2] or figures["start"] != 0:
            return False
        return last[0] > 0 and figures["end"] > last[1] - _ROUNDING

    def own(self, label: str, figures: Figures, now: Instant) -> list[Record]:
        """Place this side's final line of a stream."""
        records = self._ensure(now)
        if self._late and figures["direction"] == "received":
            figures["out_of_order"] = self._late[2]
            self._late = None
        records.append(Summary(stream_id=label, run_number=self._number, arrived=now, **figures))
        return records + self._sent(label, figures)

    def other(self, label: str, figures: Figures, now: Instant) -> list[Record]:
        """Place the other side's final figures of a stream."""
        records = self._ensure(now)
        report = ServerReport(stream_id=label, run_number=self._number, arrived=now, **figures)
        counted = (report.bytes, report.packets, report.lost_packets, report.jitter_ms)
        if not any(counted):
            if len(self._held) < _MAX_HELD:
                self._held.append(report)
            return records
        records.append(report)
        return records + self._sent(label, figures)

    def late(self, start: float, end: float, count: int) -> list[Record]:
        """Take ``N datagrams received out-of-order``: the next receiver's line is meant.

        It says ``[SUM]``, but iperf3 prints it above the line of the stream it counts for.
        """
        records = self._leftovers()
        self._late = (start, end, count)
        return records

    def _leftovers(self) -> list[Record]:
        """Return a late count for which no line came."""
        if self._late is None:
            return []
        start, end, count = self._late
        self._late = None
        return [OutOfOrder(stream_id=SUM_ID, start=start, end=end, count=count)]

    def _ensure(self, now: Instant) -> list[Record]:
        """Begin a test whose beginning was not recorded."""
        return [] if self._open else self.begin(now)

    @staticmethod
    def _sent(label: str, figures: Figures) -> list[Record]:
        """Return the sender's count, of whichever side the line is."""
        writes = figures.get("writes")
        if figures["direction"] == "received" or writes is None or is_sum(label):
            return []
        return [Sent(stream_id=label, datagrams=writes)]


def is_sum(label: str) -> bool:
    """Whether an id is that of a sum of streams."""
    return label == SUM_ID or label in SUM_IDS.values()


def datagrams_sent(count: int) -> Figures:
    """Return the figures of a UDP sender: one write is one datagram."""
    return {"writes": count, "packets": count}
