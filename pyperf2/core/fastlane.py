"""The short way of intervals in which all is as it should be: nothing lost, nothing late.

Most are. Nothing is decided here: whatever is not plainly so goes the way of all records, and
both ways lead to the same results, which is tested. As many lines as came at once are judged at
once; they are told one by one, and entered when somebody asks what was told so far.
"""

from __future__ import annotations

from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING, Final, NamedTuple

from pyperf2.core.outage import JUMP_PACKETS
from pyperf2.core.parsers.iperf2.glance import glance
from pyperf2.core.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.book import StreamBook
    from pyperf2.core.books import Books
    from pyperf2.core.clock import Clock, Mark
    from pyperf2.core.intake import Intake
    from pyperf2.core.loss import LossDetector
    from pyperf2.core.parsers.iperf2 import Iperf2Text
    from pyperf2.core.parsers.iperf2.glance import Glance
    from pyperf2.core.parsers.iperf2.streams import Track
    from pyperf2.core.records import Instant
    from pyperf2.core.unread import Row

_MOST_AHEAD: Final = 512  # lines that are judged before the first of them is told
_MOST_TOLD: Final = 64  # intervals that are told and not entered, before they are anyway


class _Driver:
    """A stream that is in the lane: who has a say in it, and how far it has come."""

    __slots__ = (
        "book", "clock", "detector", "infers", "number", "printed_end", "stream_id", "track",
        "whole",
    )  # fmt: skip

    def __init__(
        self, track: Track, book: StreamBook, detector: LossDetector, clock: Clock, whole: Whole
    ) -> None:
        self.track, self.book, self.detector, self.clock = track, book, detector, clock
        self.stream_id, self.infers = track.stream_id, detector.infers
        self.whole = whole  # told, and not yet entered
        self.number = 0  # the highest so far
        self.printed_end = b""

    def advance(self, seen: Glance, now: Instant) -> None:
        before = self.whole.span
        self.whole.add(seen, now)
        self.number += self.whole.span - before
        self.printed_end = seen.end


class _Ahead(NamedTuple):
    """What was judged at once, and what there was before."""

    driver: _Driver
    seen: Glance
    now: Instant
    number: int
    printed_end: bytes
    mark: Mark


class FastLane:
    """Looks at lines before they are parsed.

    Attributes:
        untold: intervals that were judged, and are to be told one by one.
        entered: how many intervals ever were entered here.
    """

    def __init__(
        self, parser: Iperf2Text, books: Books, detectors: Mapping[str, LossDetector]
    ) -> None:
        """Take those that have a say: the parser, the accounts, the detectors of loss."""
        self._parser, self._books, self._detectors = parser, books, detectors
        # Streams by their labels, as long as no line goes the long way: it may change anything.
        self._drivers: dict[bytes, _Driver] = {}
        self.untold: deque[Row] = deque()
        self.entered = 0
        self._most = _MOST_AHEAD
        self._ahead: _Ahead | None = None
        # What was recognised already: in which lines, from which on.
        self._rest: tuple[list[bytes], int, Glance] | None = None

    def look(self, intake: Intake) -> Row | None:
        """Take lines, as many as may be; call it when no interval is untold.

        Returns:
            The first interval; the others are untold. None if the line has to go the long way.
        """
        lines, at = intake.lines, intake.at
        rest, self._rest = self._rest, None
        if rest is not None and rest[0] is lines and rest[1] == at:
            seen: Glance | None = rest[2]
        else:
            seen = glance(lines[at : at + self._most])
        if self._most < _MOST_AHEAD:
            self._most *= 2
        if seen is None:
            self._leave()
            return None
        driver = self._drivers.get(seen.label)
        if driver is None or driver.printed_end != seen.start:
            driver = self._admit(seen)
        count = len(seen.lines)
        fit = 0 if driver is None else self._judge(driver, seen, intake.now)
        if fit < count:
            done = fit or 1
            others = seen.part(done, count)
            self._rest = others and (lines, at + done, others)
            seen = seen.part(0, fit)
        if driver is None or seen is None:
            self._leave()
            return None
        driver.advance(seen, intake.now)
        intake.at = at + fit
        source = (driver.stream_id, intake.now)
        if fit > 1:
            self.untold.extend(zip(seen.lines[1:], seen.layouts[1:], repeat(source)))
        return seen.lines[0], seen.layouts[0], source

    def settle(self) -> int:
        """Enter what was told, and nothing more.

        Returns:
            How many lines were judged and are to be looked at again: they were not told.
        """
        untold = len(self.untold)
        if untold and self._ahead is not None:
            driver, seen, now, number, printed_end, mark = self._ahead
            count = driver.whole.take_back()
            driver.clock.go_back(mark)
            driver.number, driver.printed_end = number, printed_end
            told = seen.part(0, count - untold)
            if told is not None:
                driver.clock.follow(told.ends, told.packets, number, JUMP_PACKETS)
                driver.advance(told, now)
            self.untold.clear()
        if untold or self._most < _MOST_AHEAD:
            self._most = 1  # who asks amidst a batch asks again
        for driver in self._drivers.values():
            self._enter(driver)
        return untold

    def _leave(self) -> None:
        """Let all streams out."""
        for driver in self._drivers.values():
            self._enter(driver)
        self._drivers.clear()

    def _admit(self, seen: Glance) -> _Driver | None:
        """Let a stream in, if all that it takes is known of it."""
        self._leave()
        start = float(seen.start)
        track = self._parser.steady(seen.label[1:-1].strip().decode(), start)
        if track is None:
            return None
        book = self._books.find(track.stream_id)
        detector = self._detectors.get(track.stream_id)
        if book is None or detector is None or detector.losing:
            return None
        known = book.steady_at(start)
        if known is None:
            return None
        clock, number = known
        driver = _Driver(track, book, detector, clock, Whole(track.stream_id, start))
        driver.number = number
        self._drivers[seen.label] = driver
        return driver

    def _judge(self, driver: _Driver, seen: Glance, now: Instant) -> int:
        """Tell how many of the first are as they should be; the clock follows them."""
        whole, clock = driver.whole, driver.clock
        ends, packets = seen.ends, seen.packets
        if driver.infers or len(whole.lines) >= _MOST_TOLD:
            self._enter(driver)
        if driver.infers:
            calm = driver.detector.calm(whole.start, ends, packets)
            ends, packets = ends[:calm], packets[:calm]
        if len(ends) > 1:
            before = (driver.number, driver.printed_end)
            self._ahead = _Ahead(driver, seen, now, *before, clock.mark())
        return clock.follow(ends, packets, driver.number, JUMP_PACKETS)

    def _enter(self, driver: _Driver) -> None:
        whole = driver.whole
        if whole.lines:
            driver.book.take_whole(whole)
            driver.detector.take_calm(whole.start, whole.ends, whole.packets)
            self._parser.streams.advance(driver.track, whole)
            self.entered += len(whole.lines)
            whole.clear()
