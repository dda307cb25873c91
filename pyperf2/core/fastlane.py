"""The short way of an interval in which all is as it should be: nothing lost, nothing late.

Most are. Nothing is decided here: whatever is not plainly so goes the way of all records, and
both ways lead to the same results, which is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyperf2.core.parsers.iperf2.glance import glance, interval_of, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.book import StreamBook
    from pyperf2.core.books import Books
    from pyperf2.core.loss import LossDetector
    from pyperf2.core.parsers.iperf2 import Iperf2Text
    from pyperf2.core.parsers.iperf2.streams import Track
    from pyperf2.core.records import Instant, Interval


class _Driver:
    """A stream that is in the lane: who has a say in it, and how far it has come."""

    __slots__ = ("book", "detector", "end", "printed_end", "track")

    def __init__(
        self, track: Track, book: StreamBook, detector: LossDetector, end: float, printed: bytes
    ) -> None:
        self.track, self.book, self.detector = track, book, detector
        self.end, self.printed_end = end, printed


class FastLane:
    """Looks at lines before they are parsed."""

    def __init__(
        self, parser: Iperf2Text, books: Books, detectors: Mapping[str, LossDetector]
    ) -> None:
        """Take those that have a say: the parser, the accounts, the detectors of loss."""
        self._parser, self._books, self._detectors = parser, books, detectors
        # Streams by their labels, as long as no line goes the long way: it may change anything.
        self._drivers: dict[bytes, _Driver] = {}

    def take(self, line: bytes, now: Instant) -> Interval | None:
        """Judge and enter the interval of a line.

        Args:
            line: as printed.
            now: when it arrived.

        Returns:
            The interval; None, and nothing has been done, if it has to go the long way.
        """
        seen = glance(line)
        interval = None
        if seen is not None:
            driver = self._drivers.get(seen[0])
            if driver is None or driver.printed_end != seen[1]:
                driver = self._enter(seen[0], seen[1])
            if driver is not None:
                interval = self._advance(driver, line, seen[2], seen[3], int(seen[4]), now)
        if interval is None and self._drivers:
            self._drivers.clear()
        return interval

    def _enter(self, label: bytes, printed_start: bytes) -> _Driver | None:
        """Let a stream in, if all that it takes is known of it."""
        start = float(printed_start)
        track = self._parser.steady(label[1:-1].strip().decode(), start)
        if track is None:
            return None
        book = self._books.find(track.stream_id)
        detector = self._detectors.get(track.stream_id)
        if book is None or detector is None:
            return None
        driver = self._drivers[label] = _Driver(track, book, detector, start, printed_start)
        return driver

    def _advance(
        self,
        driver: _Driver,
        line: bytes,
        printed_end: bytes,
        transfer: bytes,
        packets: int,
        now: Instant,
    ) -> Interval | None:
        start, end = driver.end, float(printed_end)
        size = size_of(transfer)
        if not driver.detector.is_calm(end - start, packets):
            return None
        interval = interval_of(line, driver.track.stream_id, start, end, now)
        if not driver.book.take_whole(interval, packets, size):
            return None
        driver.end, driver.printed_end = end, printed_end
        driver.detector.take_calm(end - start, packets)
        self._parser.streams.advance(driver.track, start, end, size)
        return interval
