"""The short way of an interval in which all is as it should be: nothing lost, nothing late.

Most are. Nothing is decided here: whatever is not plainly so goes the way of all records, and
both ways lead to the same results, which is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyperf2.core.parsers.iperf2.glance import glance, interval_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.books import Books
    from pyperf2.core.loss import LossDetector
    from pyperf2.core.parsers.iperf2 import Iperf2Text
    from pyperf2.core.records import Instant, Interval


class FastLane:
    """Looks at lines before they are parsed."""

    def __init__(
        self, parser: Iperf2Text, books: Books, detectors: Mapping[str, LossDetector]
    ) -> None:
        """Take those that have a say: the parser, the accounts, the detectors of loss."""
        self._parser, self._books, self._detectors = parser, books, detectors

    def take(self, line: bytes, now: Instant) -> Interval | None:
        """Judge and enter the interval of a line.

        Args:
            line: as printed.
            now: when it arrived.

        Returns:
            The interval; None, and nothing has been done, if it has to go the long way.
        """
        seen = glance(line)
        if seen is None:
            return None
        label, start, end, size, lost, packets, received = seen
        track = self._parser.steady(label, start)
        if lost or received != packets or track is None:
            return None
        stream_id, seconds = track.stream_id, end - start
        book, detector = self._books.find(stream_id), self._detectors.get(stream_id)
        if book is None or detector is None or not detector.is_calm(seconds, packets):
            return None
        interval = interval_of(line, stream_id, start, end, now)
        if not book.take_whole(interval, packets, size):
            return None
        detector.take_calm(seconds, packets)
        self._parser.streams.advance(track, start, end, size)
        return interval
