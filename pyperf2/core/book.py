"""Keeps one stream while it runs: bounded history, its account, and both views of it."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyperf2.core.account import ReceiverAccount
from pyperf2.core.binary import V2_2, V3
from pyperf2.core.classic import classic_of
from pyperf2.core.counting import profile_for
from pyperf2.core.history import History
from pyperf2.core.records import SUM_ID
from pyperf2.core.results import StreamResult
from pyperf2.core.sender import SenderAccount
from pyperf2.core.silence import SilenceEstimator
from pyperf2.core.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.core.binary import Version
    from pyperf2.core.clock import Clock
    from pyperf2.core.counting import Count
    from pyperf2.core.gaps import Stall
    from pyperf2.core.loss import LossEvent
    from pyperf2.core.records import (
        Connected,
        Histogram,
        Instant,
        Interval,
        OutOfOrder,
        Sent,
        ServerReport,
        Summary,
    )
    from pyperf2.core.sender import Sender
    from pyperf2.core.whole import Whole

_MAX_EVENTS: Final = 10_000
_MAX_HISTOGRAMS: Final = 1_000
_MISPLACED: Final = 2  # datagrams that an iperf2 server may take for another stream's, for each


class Peer(NamedTuple):
    """A sending stream at the other end: its address as it sees it, and its account."""

    ip: str | None
    port: int | None
    sender: Sender


class Progress(NamedTuple):
    """How far a stream has come, by the intervals told so far.

    Attributes:
        end_s: the last boundary, in seconds of the stream.
        intervals: how many there were.
        packets: datagrams that arrived; of a sender, those it wrote.
        lost: datagrams missing so far; what an outage takes is counted when it ends.
        bytes: transferred so far.
        ended: whether the stream is over.
    """

    end_s: float = 0.0
    intervals: int = 0
    packets: int = 0
    lost: int = 0
    bytes: int = 0
    ended: bool = False


def sender_of(info: Connected | None, peers: Sequence[Peer], *, lone: bool) -> Sender | None:
    """Find the sender of a stream received: by address, else by port, else the only one.

    Args:
        info: where the stream comes from.
        peers: the candidates.
        lone: whether no other stream is received.
    """
    if info is not None:
        same_port = [peer for peer in peers if peer.port == info.remote_port]
        same = [peer for peer in same_port if peer.ip == info.remote_ip] or same_port
        if len(same) == 1:
            return same[0].sender
    # An address translator may have changed both.
    return peers[0].sender if lone and len(peers) == 1 else None


def is_sum(stream_id: str) -> bool:
    """Whether the id is that of a sum of streams: ``SUM``, ``FD1`` (both halves of a duplex)."""
    return stream_id.startswith((SUM_ID, "FD"))


class StreamBook:
    """One stream: what is kept of it, and what it adds up to."""

    def __init__(
        self,
        stream_id: str,
        *,
        opened: Instant,
        history: int | None,
        version: Version | None,
        nominal: float | None,
        datagram_length: int | None,
        ends_first: bool = False,
    ) -> None:
        """Open the book of a stream, first heard of at ``opened``.

        Args:
            stream_id: iperf's id of it.
            opened: when it was first heard of.
            history: how many intervals to keep; None keeps all.
            version: of the iperf that reports it.
            nominal: offered load in packets per second, where known.
            datagram_length: bytes of a UDP payload, where known.
            ends_first: whether this side ends the test, not the other one.
        """
        self.stream_id = stream_id
        self.opened = opened
        self.info: Connected | None = None
        self.history = History(stream_id, history)
        self._latest: Interval | None = None
        self.summary: Summary | None = None
        self.server_report: ServerReport | None = None
        self.ended = False
        self._receiver = ReceiverAccount(
            version, nominal=nominal, datagram_length=datagram_length, ends_first=ends_first
        )
        self._sender = SenderAccount(nominal=nominal, profile=profile_for(version))
        self._silence = SilenceEstimator()
        self._receives = False
        self.neighbours = 0  # the most other streams received by the same server at once
        self._late_accept = version is None or V2_2 <= version < V3
        self._first_gap: int | None = None
        self._events: deque[LossEvent] = deque(maxlen=_MAX_EVENTS)
        self._histograms: deque[Histogram] = deque(maxlen=_MAX_HISTOGRAMS)
        self._sent: int | None = None
        self._count = 0
        self._bytes = 0
        self.end = 0.0  # of the last interval, in seconds of the stream
        # What Progress tells: ahead of the results by what was read and not yet handed out.
        self._end_s = 0.0
        self._intervals = self._packets = self._lost = self._octets = 0

    # --- the account: told as it is read, before the record joins the results -----------------

    def count(self, interval: Interval) -> Count | None:
        """Enter an interval into the account; None where it adds no datagrams received."""
        if interval.omitted:
            return None
        if interval.direction == "sent":
            self._sender.feed(interval)
            self._advance(interval, interval.writes or 0)
            return None
        if interval.protocol == "tcp":
            self._silence.feed(interval.start, interval.end, interval.bytes or 0)
            self._advance(interval)
            return None
        self._receives = True
        count = self._receiver.feed(interval)
        self._advance(interval, count.received, count.gap)
        if self._first_gap is None:
            self._first_gap = count.gap
        return count

    def _advance(self, interval: Interval, packets: int = 0, lost: int = 0) -> None:
        self._end_s = max(self._end_s, interval.end)
        self._intervals += 1
        self._packets += packets
        self._lost += lost
        self._octets += interval.bytes or 0

    def progress(self) -> Progress:
        """Tell how far it has come; costs the same however long it runs."""
        return Progress(
            end_s=self._end_s,
            intervals=self._intervals,
            packets=self._packets,
            lost=self._lost,
            bytes=self._octets,
            ended=self.ended,
        )

    @property
    def doubtful(self) -> int:
        """How many datagrams contradictory or missing lines may hide."""
        return self._receiver.doubtful

    def recount(self, late: OutOfOrder) -> int:
        """Enter a late line into the account; give how many more it shows to be lost."""
        before = self._receiver.counted
        self._receiver.late(late)
        return self._receiver.counted - before

    def close(self, final: Summary | None = None) -> None:
        """Learn that no interval follows; ``final`` is the stream's last line."""
        if not self.ended:
            self.ended = True
            self._receiver.finish(final if final and final.direction == "received" else None)

    @property
    def rate(self) -> float | None:
        """Datagrams received per second while nothing is lost, where known."""
        return self._receiver.rate if self._receives else None

    def sender(self) -> Sender:
        """Give what this stream, as a sender, knows of itself."""
        return self._sender.snapshot()

    # --- the results: entered when a record is handed out -------------------------------------

    def connected(self, connected: Connected) -> None:
        """Enter the addresses."""
        self.info = connected
        self._receiver.connected(connected)

    def add_interval(self, interval: Interval) -> None:
        """Enter an interval into the history."""
        self.history.append(interval)
        self._latest = interval
        self._count += 1
        if not interval.omitted:
            self._bytes += interval.bytes or 0
            self.end = max(self.end, interval.end)

    def steady_at(self, start: float) -> tuple[Clock, int] | None:
        """Give clock and highest number if all was as it should be until ``start``; else None."""
        return None if self._first_gap is None else self._receiver.steady_at(start)

    def take_whole(self, whole: Whole) -> None:
        """Enter intervals received in which all is as it should be, account and history."""
        self._latest = whole.last()
        self._receiver.take_whole(whole, self._latest)
        self._end_s = self.end = whole.end
        count, size = len(whole.lines), whole.size
        self._intervals += count
        self._packets += whole.span
        self._octets += size
        self._count += count
        self._bytes += size
        self.history.extend(whole)

    def add_out_of_order(self, late: OutOfOrder) -> None:
        """Enter a late count where it belongs: the report line of the same bounds."""
        same = (late.start, late.end)
        last = self._latest
        summarised = self.summary is not None and same == (self.summary.start, self.summary.end)
        if self.server_report and same == (self.server_report.start, self.server_report.end):
            self.server_report = replace(self.server_report, out_of_order=late.count)
        elif self.summary is not None and summarised:
            self.summary = replace(self.summary, out_of_order=late.count)
        elif last is not None and same == (last.start, last.end):
            self._latest = replace(last, out_of_order=late.count)
            self.history.replace_last(self._latest)

    def add_event(self, event: LossEvent) -> None:
        """Enter a state of a loss event: a new event, or the latest state of the last one."""
        if self._events and self._events[-1].event_number == event.event_number:
            self._events[-1] = event
        else:
            self._events.append(event)

    def add_histogram(self, histogram: Histogram) -> None:
        """Keep a histogram."""
        self._histograms.append(histogram)

    def add_sent(self, sent: Sent) -> None:
        """Keep the sender's own count."""
        self._sent = sent.datagrams
        self._sender.sent(sent)

    # --- out --------------------------------------------------------------------------------

    def with_outage(self, event: LossEvent) -> LossEvent:
        """Tell a loss event what its loss amounts to, and, once it is stable, when it was."""
        rate = self.rate
        if not rate or event.kind != "loss":
            return event
        told = replace(
            event,
            outage_s=event.packets_lost_since_start / rate,
            outage_error_s=1.0 / rate,
        )
        if event.end is None:
            return told
        within = [
            outage
            for outage in self._receiver.recent_outages()
            if outage.end_s >= event.begin - outage.end_error_s
        ]
        if not within:
            return told
        return replace(
            told,
            outage_begin_s=min(outage.begin_s for outage in within),
            outage_end_s=max(outage.end_s for outage in within),
        )

    def snapshot(self, peer: Sender | None = None) -> StreamResult:
        """Give what is known now, as a value; ``peer`` is the sender of what is received."""
        summary = self.summary
        final = summary if summary is not None and summary.direction == "received" else None
        own = self._sender.snapshot()
        if peer is None and self._sent is not None:
            peer = own  # iperf3 tells a receiver what was sent to it
        totals = Totals(sent=own.datagrams)
        outages = tuple(self._silence.outages())
        stalls: tuple[Stall, ...] = ()
        if self._receives:
            totals = self._receiver.totals(final, peer)
            outages = self._receiver.outages(final, peer, stream_ended=self.ended)
            stalls = self._receiver.stalls
        return StreamResult(
            stream_id=self.stream_id,
            info=self.info,
            intervals=self.history.kept(),
            interval_count=self._count,
            summary=summary,
            server_report=self.server_report,
            loss_events=tuple(self._events),
            outages=outages,
            stalls=stalls,
            histograms=tuple(self._histograms),
            datagrams_sent=self._sent,
            packets_sent=totals.sent,
            packets_received=totals.received,
            packets_lost=totals.lost,
            packets_lost_error=totals.lost_error + self._misplaced() if self._receives else None,
            packets_out_of_order=totals.out_of_order,
            packets_duplicate=totals.duplicate,
            packets_lost_leading=totals.leading if self._receives else None,
            packets_lost_trailing=totals.trailing,
            bytes=summary.bytes if summary and summary.bytes is not None else self._bytes,
            duration_s=summary.end if summary else self.end,
        )

    def _misplaced(self) -> int:
        """Bound what a server of several UDP streams takes for another's, or throws away.

        Measured with one to four at once. From 2.2 on all but the first stream may wait for a
        second to be accepted; until then the server throws away what arrives.
        """
        if not self.neighbours:
            return 0
        thrown_away = self._first_gap or 0 if self._late_accept else 0
        return _MISPLACED * self.neighbours + thrown_away

    def to_classic(self, stream_name: str | None) -> dict[str, Any]:
        """Give the dict that ``get_results()`` holds for this stream."""
        return classic_of(
            self.stream_id,
            self.opened,
            self.info,
            self.history.kept(),
            self.summary,
            self._events,
            stream_name=stream_name,
        )
