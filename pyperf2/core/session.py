"""One run from its first byte to its last: lines, parser, loss and results in one order.

Bytes and the time of their arrival go in (``receive``, ``end``), events come out one at a time
(``next_event``). An event is entered into the results at the moment it is handed out: what a
callback sees in the results is what has been told so far, and nothing more.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pyperf2.core.book import is_sum
from pyperf2.core.books import MAX_STREAMS, Books
from pyperf2.core.failure import FLOOD_NOTICE, FloodGuard, Verdict, doubtful_figures
from pyperf2.core.fastlane import FastLane
from pyperf2.core.intake import Intake
from pyperf2.core.loss import EventNumbers, LossDetector, LossEvent
from pyperf2.core.parsers import dialect_for, longest_line
from pyperf2.core.parsers.iperf2 import Iperf2Text
from pyperf2.core.parsers.iperf2.glance import recognised
from pyperf2.core.records import (
    NO_INSTANT,
    Connected,
    Interval,
    Notice,
    OutOfOrder,
    Record,
    RunEnded,
    RunStarted,
    ServerOutput,
    Span,
    Summary,
)
from pyperf2.core.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyperf2.core.book import Peer, Progress
    from pyperf2.core.plan import Plan
    from pyperf2.core.records import Instant
    from pyperf2.core.unread import Row
    from pyperf2.errors import IPerfError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last event of every run."""

    returncode: int | None
    error: IPerfError | None


Event = Record | LossEvent | Ended


class Session:
    """The state of one run; not thread-safe, knows no clock."""

    def __init__(self, plan: Plan, *, started: Instant = NO_INSTANT) -> None:
        """Begin a run."""
        self.plan = plan
        self._intake = Intake(longest=longest_line(json=plan.json))
        self._parser = dialect_for(
            tool=plan.tool,
            json=plan.json,
            role=plan.role,
            protocol=plan.protocol,
            version=plan.version,
            report_interval=plan.report_interval,
            csv=plan.csv,
        )
        self._records: deque[Record] = deque()
        self._out: deque[Event] = deque()
        self._books = Books(plan)
        self._detectors: dict[str, LossDetector] = {}
        self._numbers = EventNumbers()
        self._lane: FastLane | None = None
        if isinstance(self._parser, Iperf2Text):
            self._lane = FastLane(self._intake, self._parser, self._books, self._detectors)
        self._untold: deque[Row] = self._lane.untold if self._lane else deque()
        self._verdict = Verdict(plan.argv)
        self._started = started
        self._ended: Instant | None = None
        self._flood = FloodGuard(started) if plan.flood_guard else None
        self._parser_finished = False
        self._drained = False  # everything received was told, to the last byte
        self._run_number = 1
        self._told_intervals = 0
        self._details: dict[str, Any] = {}
        self._server_output: str | None = None
        self._enterers: dict[type, Callable[[Any], None]] = {
            Connected: self._enter_connected,
            Interval: self._enter_interval,
            Notice: self._verdict.note,
            RunStarted: self._enter_run_started,
            RunEnded: self._enter_run_ended,
            ServerOutput: self._enter_server_output,
        }

    # --- in ---------------------------------------------------------------------------------

    def receive(
        self, data: bytes, now: Instant, source: Literal["stdout", "stderr"] = "stdout"
    ) -> None:
        """Take bytes as they came; ``next_event`` gives what they mean."""
        self._drained = False
        self._intake.receive(data, now, source)

    def take(
        self, data: bytes, now: Instant, source: Literal["stdout", "stderr"] = "stdout"
    ) -> Interval | None:
        """Do what ``receive`` does, but for one line of an interval that brings no other event.

        Returns:
            That interval, which counts as told: what ``next_event`` would give next, and the last
            that it would give. None for all else.
        """
        if self._drained and self._lane is not None and source == "stdout":
            interval = self._lane.take(data, now)
            if interval is not None:
                return interval
        self.receive(data, now, source)
        return None

    def _go_deaf(self) -> None:
        """Listen no more: the build has gone mad."""
        self._intake.close()
        self._records.append(FLOOD_NOTICE)

    def fail(self, text: str) -> None:
        """Learn of a failure that iperf itself did not tell."""
        self._verdict.fail(text, self.last_lines)

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The last lines that iperf printed: the evidence in an error."""
        return self._intake.last(len(self._untold))

    def remark(self, text: str, *, kind: str = "warning") -> None:
        """Note something about the run that iperf did not say itself."""
        notice = Notice(text=text, kind=kind, level="warning", source="pyperf2")
        self._verdict.note(notice)

    def stopping(self) -> None:
        """Learn that the run is being ended on purpose: its exit status is no failure."""
        self._verdict.stopping = True

    def end(self, returncode: int | None, now: Instant) -> None:
        """Learn that the process has ended and all its output was received."""
        self._drained = False
        self._intake.flush(now)
        self._verdict.returncode = returncode
        self._verdict.ended = True
        self._ended = now

    # --- out --------------------------------------------------------------------------------

    def next_event(self) -> Event | None:
        """Hand out the next event and enter it into the results; None when all are told."""
        if self._untold:
            return self.next_interval()
        intake = self._intake
        while not self._out:
            if self._records:
                self._interpret(self._records.popleft())
            elif intake.at < len(intake.lines) or intake.turn():
                row = self._lane.look() if self._lane is not None else None
                if row is not None:
                    return recognised(row)
                self._parse()
            elif self._ended is not None and not self._closed():
                continue
            else:
                self._drained = intake.open and self._ended is None
                return None
        event = self._out.popleft()
        self._enter(event)
        return event

    def next_interval(self) -> Interval | None:
        """Hand out the next event if it is known to be an interval, and None if it is not.

        Unlike all else here it needs no lock beside other threads that ask for results.
        """
        return recognised(self._untold.popleft()) if self._untold else None

    def _parse(self) -> None:
        """Read the next line, by the long way."""
        intake = self._intake
        records = self._parser.parse(intake.take(), intake.now, intake.source)
        self._records.extend(records)
        if self._flood is not None and self._flood.exceeds(records, intake.now):
            self._go_deaf()

    def _told(self) -> Books:
        """Give the books, with what was told in them and nothing more."""
        if self._lane is not None:
            self._lane.settle()
        return self._books

    @property
    def error(self) -> IPerfError | None:
        """What went wrong, judged by what iperf said; None while nothing has."""
        return self._verdict.error

    @property
    def fatal(self) -> bool:
        """Whether iperf said something after which the run must not go on."""
        return self._verdict.fatal

    @property
    def idle(self) -> bool:
        """Whether every stream that was heard of has ended: nothing is left to be told."""
        return self._books.ended

    @property
    def currently_has_loss(self) -> dict[str, bool]:
        """Which streams have an open loss event."""
        return {key: detector.losing for key, detector in self._detectors.items()}

    @property
    def expected_packets(self) -> float | None:
        """Datagrams expected in an interval of the busiest stream, where known."""
        self._told()
        known = [d.expected_packets for d in self._detectors.values() if d.expected_packets]
        return max(known, default=None)

    @property
    def span(self) -> Span:
        """From when to when it ran."""
        return Span(self._started.monotonic_ns, self._ended and self._ended.monotonic_ns)

    def progress(self) -> Progress:
        """Tell how far the streams have come; cheap, however much is kept."""
        return self._told().progress()

    def senders(self) -> list[Peer]:
        """Give what each sending stream says of itself, with its address."""
        return self._books.senders()

    def result(self, peers: Sequence[Peer] = ()) -> Result:
        """Give a snapshot of everything told so far.

        Args:
            peers: what the senders of the streams received here say of themselves.
        """
        plan = self.plan
        return Result(
            tool=plan.tool,
            version=str(plan.version) if plan.version else None,
            role=plan.role,
            protocol=plan.protocol,
            name=plan.name,
            run_number=self._run_number,
            details=dict(self._details),
            server_output=self._server_output,
            argv=plan.argv,
            returncode=self._verdict.returncode,
            error=self.error,
            notices=tuple(self._verdict.notices),
            started_at=self._started.at() if self._started != NO_INSTANT else None,
            ended_at=self._ended.at() if self._ended not in (None, NO_INSTANT) else None,
            streams=MappingProxyType(self._told().streams(peers)),
        )

    def intervals(self) -> tuple[Iterable[Interval], int]:
        """Give the intervals kept of this run, as they came; and how many ever were, in any run."""
        kept = self._told().intervals()
        short = self._lane.entered if self._lane else 0
        return kept, self._told_intervals + short

    @property
    def run_number(self) -> int:
        """Which of the tests of an iperf3 server is on, or was the last."""
        return self._run_number

    def classic_results(self) -> dict[str, Any]:
        """Give the dict that ``get_results()`` returns."""
        return self._told().classic()

    def trim(self, keep: int, stream_id: str | None = None) -> None:
        """Forget all but the last ``keep`` intervals of one stream, or of all."""
        self._told().trim(keep, stream_id)

    # --- within -----------------------------------------------------------------------------

    def _interpret(self, record: Record) -> None:
        """Queue what a record means: loss first, then the record itself."""
        if isinstance(record, Interval):
            if not (record.omitted or is_sum(record.stream_id)):
                self._judge(record)
        elif isinstance(record, OutOfOrder):
            self._recount(record)
        elif isinstance(record, Summary):
            self._close_stream(record.stream_id, record.arrived, record)
        elif isinstance(record, RunStarted) and record.number > 1:
            self._begin_run()
        elif isinstance(record, RunEnded):
            for stream_id in self._books:
                self._close_stream(stream_id, NO_INSTANT)
        self._out.append(record)

    def _begin_run(self) -> None:
        """Put the run before behind us: an iperf3 server's tests have each a result of its own."""
        self._books.clear()
        self._detectors.clear()
        self._verdict.begin_again()
        self._details = {}
        self._server_output = None

    def _judge(self, interval: Interval) -> None:
        """Enter an interval into its stream's account, and queue the loss event it brings."""
        book = self._books.open(interval.stream_id, interval.arrived)
        doubt = book.doubtful
        count = book.count(interval)
        if book.doubtful > doubt:
            self._out.append(doubtful_figures(interval))
        if interval.direction == "sent":
            return
        detector = self._detectors.get(interval.stream_id)
        if detector is None:
            detector = LossDetector(self.plan.policy, numbers=self._numbers)
            if len(self._detectors) < MAX_STREAMS:
                self._detectors[interval.stream_id] = detector
        event = detector.feed(interval, count)
        if event is not None:
            self._out.append(book.with_outage(event))

    def _recount(self, late: OutOfOrder) -> None:
        book = self._books.find(late.stream_id)
        if book is not None and not late.wrong_quintuple:
            more = book.recount(late)
            if late.stream_id in self._detectors:
                self._detectors[late.stream_id].recount(more)

    def _close_stream(self, stream_id: str, now: Instant, final: Summary | None = None) -> None:
        book, detector = self._books.find(stream_id), self._detectors.get(stream_id)
        if book is None:
            return
        doubt = book.doubtful
        book.close(final)
        if final is not None and book.doubtful > doubt:
            self._out.append(doubtful_figures(final))
        event = detector.close(now, book.end) if detector else None
        if event is not None:
            self._out.append(book.with_outage(event))

    def _closed(self) -> bool:
        """Queue the last records, the ends of open events and Ended; True when all is queued."""
        if self._ended is None or self._parser_finished:
            return True
        self._parser_finished = True
        self._told()
        self._records.extend(self._parser.finish())
        while self._records:
            self._interpret(self._records.popleft())
        for stream_id in self._books:
            self._close_stream(stream_id, self._ended)
        self._verdict.judge_exit(self.last_lines)
        self._out.append(Ended(returncode=self._verdict.returncode, error=self.error))
        return False

    def _enter(self, event: Event) -> None:
        enter = self._enterers.get(type(event))
        if enter is not None:
            enter(event)
        else:
            self._books.enter(event)

    def _enter_connected(self, connected: Connected) -> None:
        self._verdict.notices.extend(self._books.connected(connected))

    def _enter_interval(self, interval: Interval) -> None:
        self._told_intervals += 1
        self._books.enter(interval)

    def _enter_run_started(self, started: RunStarted) -> None:
        self._run_number = started.number
        self._details.update(started.details)

    def _enter_run_ended(self, ended: RunEnded) -> None:
        self._details.update(ended.details)

    def _enter_server_output(self, output: ServerOutput) -> None:
        self._server_output = output.text
