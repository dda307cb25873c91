"""The short way of intervals in which all is as it should be: nothing lost, nothing late.

Most are. Whatever is not plainly so goes the way of all records, and both ways lead to the same
results, which is tested. No event can come of such an interval: it is told at once, and entered
behind some sixty others, or when somebody asks what was told so far. Only then it is judged by the
clock of its stream, and takes the long way into the books if it does not keep it.
"""

from __future__ import annotations

from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING, Final

from pyperf2.core.outage import JUMP_PACKETS
from pyperf2.core.parsers.iperf2.glance import (
    MASK,
    glance,
    known_layouts,
    learnt,
    recognised,
)
from pyperf2.core.whole import MANY, Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.book import StreamBook
    from pyperf2.core.books import Books
    from pyperf2.core.intake import Intake
    from pyperf2.core.loss import LossDetector
    from pyperf2.core.parsers.iperf2 import Iperf2Text
    from pyperf2.core.parsers.iperf2.glance import Glance
    from pyperf2.core.parsers.iperf2.streams import Track
    from pyperf2.core.records import Instant, Interval
    from pyperf2.core.unread import Row
    from pyperf2.core.whole import Alone

_NEWLINE: Final = ord("\n")
_ZERO: Final = ord("0")
_MOST_AHEAD: Final = 512  # lines that are looked at before the first of them is told


class _Driver:
    """A stream that is in the lane: who has a say in it, and how far it has come."""

    __slots__ = (
        "alone", "book", "detector", "end", "infers", "printed_end", "stream_id", "track", "whole"
    )  # fmt: skip

    def __init__(
        self, track: Track, book: StreamBook, detector: LossDetector, start: float, printed: bytes
    ) -> None:
        self.track, self.book, self.detector = track, book, detector
        self.stream_id, self.infers = track.stream_id, detector.infers
        self.whole = Whole(track.stream_id, start)  # not entered yet
        self.alone: list[Alone] = []  # behind them, nor these
        self.end, self.printed_end = start, printed

    def gather(self) -> Whole:
        """Give all that is not entered yet."""
        if self.alone:
            self.whole.add_alone(self.alone)
            self.alone.clear()
            self.end = self.whole.end
        return self.whole


def _is_after(end: bytes, start: bytes) -> bool:
    """Whether one of two times with as many decimals is plainly the later one."""
    longer = len(end) - len(start)
    return end > start if not longer else longer > 0 and end[0] != _ZERO


class FastLane:
    """Looks at lines before they are parsed.

    Attributes:
        untold: intervals that were looked at, and are to be told one by one.
        entered: how many intervals ever were entered here.
    """

    __slots__ = (
        "_books", "_detectors", "_drivers", "_intake", "_most", "_parser", "_telling",
        "entered", "untold",
    )  # fmt: skip

    def __init__(
        self,
        intake: Intake,
        parser: Iperf2Text,
        books: Books,
        detectors: Mapping[str, LossDetector],
    ) -> None:
        """Take the lines, and those that have a say: the parser, the accounts, the detectors."""
        self._intake = intake
        self._parser, self._books, self._detectors = parser, books, detectors
        # Streams by their labels, as long as no line goes the long way: it may change anything.
        self._drivers: dict[bytes, _Driver] = {}
        self.untold: deque[Row] = deque()
        self.entered = 0
        self._telling: _Driver | None = None  # whose intervals are untold
        self._most = _MOST_AHEAD

    def take(self, data: bytes, now: Instant) -> Interval | None:
        """Take a chunk that is one line, of a stream that is in the lane; as few steps as will do.

        Waiting for lines one by one costs more than reading them: where a processor wakes up for
        each, it finds neither code nor data in its caches, and each step is dear.

        Returns:
            The interval, which counts as told; None if nothing was taken.
        """
        line = data[:-1]
        layout = known_layouts.get(line.translate(MASK)) or learnt(line)
        if layout is None or data[-1] != _NEWLINE:
            return None
        label, begin, until, transfer, lost, total, received = layout.counted(line)
        driver = self._drivers.get(label)
        if driver is None or begin != driver.printed_end or driver.infers:
            return None
        if lost != b"0" or total != received or total[0] == _ZERO or not _is_after(until, begin):
            return None
        driver.printed_end = until
        alone = driver.alone
        if len(alone) >= MANY:
            self._enter(driver)
        alone.append((line, until, total, transfer, now))
        self._intake.before.append(line)
        return recognised((line, layout, (driver.stream_id, now)))

    def look(self) -> Row | None:
        """Take lines, as many as may be; call it when no interval is untold.

        Returns:
            The first interval; the others are untold. None if the line has to go the long way.
        """
        intake = self._intake
        at = intake.at
        seen = glance(intake.lines[at : at + self._most])
        self._most = min(2 * self._most, _MOST_AHEAD)
        driver = None if seen is None else self._driver(seen)
        if seen is not None and driver is not None and (driver.infers or driver.gather().is_long):
            self._enter(driver)
            if driver.infers:
                calm = driver.detector.calm(driver.end, seen.ends, seen.packets)
                seen = seen.first(calm)
        if seen is None or driver is None:
            self._most = 1  # so that lines are not looked at again and again
            self._leave()
            return None
        driver.gather().add(seen, intake.now)
        driver.end, driver.printed_end = seen.ends[-1], seen.end
        intake.at = at + len(seen.lines)
        source = (driver.stream_id, intake.now)
        self._telling = driver
        self.untold.extend(zip(seen.lines[1:], seen.layouts[1:], repeat(source)))
        return seen.lines[0], seen.layouts[0], source

    def settle(self) -> None:
        """Enter what was told, and nothing more."""
        for driver in self._drivers.values():
            self._enter(driver, len(self.untold) if driver is self._telling else 0)

    def _leave(self) -> None:
        """Let all streams out."""
        for driver in self._drivers.values():
            self._enter(driver)
        self._drivers.clear()

    def _driver(self, seen: Glance) -> _Driver | None:
        """Give the stream of these intervals, let in if all that it takes is known of it."""
        driver = self._drivers.get(seen.label)
        if driver is not None and driver.printed_end == seen.start:
            return driver
        if driver is not None:
            self._leave()
        start = float(seen.start)
        track = self._parser.steady(seen.label[1:-1].strip().decode(), start)
        if track is None:
            return None
        book = self._books.find(track.stream_id)
        detector = self._detectors.get(track.stream_id)
        if book is None or detector is None or detector.losing or not book.steady_at(start):
            return None
        driver = self._drivers[seen.label] = _Driver(track, book, detector, start, seen.start)
        return driver

    def _enter(self, driver: _Driver, untold: int = 0) -> None:
        """Enter all but the last few."""
        whole, book = driver.gather(), driver.book
        told = whole.take(len(whole.lines) - untold)
        while told.lines:
            known = book.steady_at(told.start)
            fit = known[0].follow(told.ends, told.packets, known[1], JUMP_PACKETS) if known else 0
            part = told.take(fit or 1)
            if fit:
                book.take_whole(part)
                driver.detector.take_calm(part.start, part.ends, part.packets)
            else:
                interval = part.last()
                driver.detector.feed(interval, book.count(interval))
                book.add_interval(interval)
            self._parser.streams.advance(driver.track, part)
            self.entered += len(part.lines)
