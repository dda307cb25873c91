"""The books of all streams of one run, bounded in number."""

from __future__ import annotations

from dataclasses import replace
from heapq import merge
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.binary import V3
from pyperf2.core.book import Peer, Progress, StreamBook, is_sum, sender_of
from pyperf2.core.loss import LossEvent
from pyperf2.core.records import (
    Histogram,
    Interval,
    Notice,
    OutOfOrder,
    Sent,
    ServerReport,
    Summary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyperf2.core.binary import Version
    from pyperf2.core.plan import Plan
    from pyperf2.core.records import Connected, Instant
    from pyperf2.core.results import StreamResult

MAX_STREAMS: Final = 10_000
_SHARED: Final = Notice(
    kind="shared-server",
    level="warning",
    source="pyperf2",
    text="several UDP streams at once come into one iperf2 server: it takes some datagrams of one "
    "for another's, and 2.2 throws some away; give each a server of its own for exact figures",
)


class Books:
    """A book per stream, in the order in which they were first heard of."""

    def __init__(self, plan: Plan) -> None:
        """Begin with none; ``plan`` says what each book must know."""
        self._plan = plan
        self._books: dict[str, StreamBook] = {}
        self._shared = False  # streams of datagrams come, or came, at once

    def __iter__(self) -> Iterator[str]:
        """Give the ids of the streams."""
        return iter(self._books)

    @property
    def ended(self) -> bool:
        """Whether each has its last line."""
        return all(book.ended for book in self._books.values())

    def find(self, stream_id: str) -> StreamBook | None:
        """Give the book of a stream that was heard of; None otherwise."""
        return self._books.get(stream_id)

    def open(self, stream_id: str, now: Instant) -> StreamBook:
        """Give the book of a stream; beyond the limit, one that is not kept."""
        book = self._books.get(stream_id)
        if book is None:
            plan = self._plan
            book = StreamBook(
                stream_id,
                opened=now,
                history=plan.history,
                version=plan.version or self._usual_version(),
                nominal=plan.policy.expected_pps,
                datagram_length=plan.datagram_length,
                ends_first=plan.role == "client",
            )
            # The way back over one connection ("*1") has no "connected" line of its own.
            there = self._books.get(stream_id[1:]) if stream_id.startswith("*") else None
            if there is not None and there.info is not None:
                book.info = replace(there.info, stream_id=stream_id)
            if len(self._books) < MAX_STREAMS:
                self._books[stream_id] = book
        return book

    def connected(self, connected: Connected) -> tuple[Notice, ...]:
        """Enter where a stream comes from; give what to know if it is the first to share."""
        book = self.open(connected.stream_id, connected.arrived)
        book.connected(connected)
        plan = self._plan
        receives = plan.role == "server" and "reverse" not in connected.flags
        if plan.tool != "iperf2" or plan.protocol != "udp" or not receives:
            return ()
        now = [one for one in self._books.values() if one.info is not None and not one.ended]
        for one in now:
            one.neighbours = max(one.neighbours, len(now) - 1)
        if len(now) <= 1 or self._shared:
            return ()
        self._shared = True
        return (_SHARED,)

    def enter(self, record: object) -> None:
        """Enter what was handed out into the results of its stream; nothing, if it is of none."""
        enter = _ENTER.get(type(record))
        if enter is not None:
            enter(self, record)

    def _enter_interval(self, interval: Interval) -> None:
        self.open(interval.stream_id, interval.arrived).add_interval(interval)

    def _enter_summary(self, summary: Summary) -> None:
        self.open(summary.stream_id, summary.arrived).summary = summary

    def _enter_server_report(self, report: ServerReport) -> None:
        self.open(report.stream_id, report.arrived).server_report = report

    def _enter_event(self, event: LossEvent) -> None:
        self.open(event.stream_id, event.started).add_event(event)

    def _enter_late(self, late: OutOfOrder) -> None:
        book = self.find(late.stream_id)
        if book is not None and not late.wrong_quintuple:
            book.add_out_of_order(late)

    def _enter_sent(self, sent: Sent) -> None:
        book = self.find(sent.stream_id)
        if book is not None:
            book.add_sent(sent)

    def _enter_histogram(self, histogram: Histogram) -> None:
        book = self.find(histogram.stream_id)
        if book is not None:
            book.add_histogram(histogram)

    def _usual_version(self) -> Version | None:
        """Give a version that counts as builds of this tool do, where the build is not known."""
        return V3 if self._plan.tool == "iperf3" else None

    def clear(self) -> None:
        """Begin again: the next run's streams have books of their own."""
        self._books.clear()

    def trim(self, keep: int, stream_id: str | None) -> None:
        """Forget all but the last ``keep`` intervals of one stream, or of all."""
        for key, book in self._books.items():
            if stream_id in (None, key):
                book.history.forget_all_but(keep)

    def senders(self) -> list[Peer]:
        """Give what each sending stream says of itself, with its address."""
        return [
            Peer(
                book.info.local_ip if book.info else None,
                book.info.local_port if book.info else None,
                book.sender(),
            )
            for key, book in self._books.items()
            if not is_sum(key)
        ]

    def progress(self) -> Progress:
        """Tell how far all streams together have come: as far as the one that is least far."""
        told = [book.progress() for key, book in self._books.items() if not is_sum(key)]
        if not told:
            return Progress()
        return Progress(
            end_s=min(one.end_s for one in told),
            intervals=min(one.intervals for one in told),
            packets=sum(one.packets for one in told),
            lost=sum(one.lost for one in told),
            bytes=sum(one.bytes for one in told),
            ended=all(one.ended for one in told),
        )

    def streams(self, peers: Sequence[Peer]) -> dict[str, StreamResult]:
        """Give a snapshot of each; ``peers`` are the senders of what is received here."""
        lone = sum(not is_sum(key) for key in self._books) == 1
        return {
            key: book.snapshot(sender_of(book.info, peers, lone=lone))
            for key, book in self._books.items()
        }

    def intervals(self) -> Iterator[Interval]:
        """Give the intervals kept of all streams, as they came."""
        return merge(*(book.history.kept() for book in self._books.values()), key=_arrival)

    def classic(self) -> dict[str, Any]:
        """Give the dict that ``get_results()`` returns."""
        return {key: book.to_classic(self._plan.name) for key, book in self._books.items()}


_ENTER: Final[Mapping[type, Callable[[Books, Any], None]]] = {
    Interval: Books._enter_interval,  # noqa: SLF001 - the table belongs to the class
    Summary: Books._enter_summary,  # noqa: SLF001
    ServerReport: Books._enter_server_report,  # noqa: SLF001
    LossEvent: Books._enter_event,  # noqa: SLF001
    OutOfOrder: Books._enter_late,  # noqa: SLF001
    Sent: Books._enter_sent,  # noqa: SLF001
    Histogram: Books._enter_histogram,  # noqa: SLF001
}


def _arrival(interval: Interval) -> int:
    return interval.arrived.monotonic_ns
