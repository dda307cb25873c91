"""Which stream a report line belongs to, and whether it is its last; reads no text.

iperf2 marks its final line in no way: it is a line that starts at 0 again. It may be the only
line (no ``-i``), have the bounds of the first interval (a one-interval run), come without the last
interval before it (2.0.13a), or not come at all (2.0.5, one interval). And iperf2 uses ids again:
2.0.14a serves three consecutive clients as 3, 4, 3.

So, per id:

- a second ``connected with`` under an id that has reports begins a new stream, ``3#2`` (the first
  one may come late, after a short first interval); so does a line from 0 after the final one;
- ``[SUM]`` lines stay ``SUM`` for ever, whatever group of streams they add up;
- 2.0.14a prints both halves of a full-duplex test under one id: the half against the connection's
  own direction becomes ``*3``, as newer builds print it;
- a line that starts at 0 as the stream's first is an interval if it is as long as the report
  interval (or shorter), else the final line; every later one that starts at 0 is the final line;
- a stream that printed exactly one line gets a final one with the same figures when it is over:
  when iperf says ``Sent``, when its id is used again, or at the end of the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core.records import SUM_ID, Interval, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyperf2.core import whole as wholes  # the docs import this too, in the middle of it
    from pyperf2.core.records import Direction, Record

    Figures = dict[str, Any]
    Verdict = Literal["interval", "final", "unknown", "new"]

# More ids at once than any test has; beyond, the oldest is forgotten.
MAX_STREAMS: Final = 2048
_MAX_ASIDES: Final = 8

_OPPOSITE: Final[dict[str, Direction]] = {"sent": "received", "received": "sent"}
# A build that prints few decimals also has a longest "shortest interval": 2.0.5 raises -i to 0.5,
# 2.0.13a (-e) and 2.2.5 to 0.005.
_LEAST_INTERVAL: Final = {1: 0.5, 2: 0.005}
_LATE_END: Final = 0.02  # 0.0000-1.0012 is the one interval of a 1 s test
_SAME_BYTES: Final = 0.9
_SAME_TIME_S: Final = 1e-3
_NOBODY: Final = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the ``connected with`` line tells of a stream's direction."""

    opened: Direction  # "sent" where this end opened the connection
    direction: Direction
    full_duplex: bool = False


class Track:
    """What has to be remembered of one stream: a few numbers and at most its first line."""

    __slots__ = (
        "asides",
        "direction",
        "ended",
        "first",
        "generation",
        "held",
        "introduced",
        "last_end",
        "lines",
        "size",
        "stream_id",
        "width",
    )

    def __init__(self, key: str, generation: int, direction: Direction) -> None:
        """Begin a stream."""
        self.stream_id = key if generation == 1 or key == SUM_ID else f"{key}#{generation}"
        self.generation = generation
        self.direction: Direction = direction
        self.lines = 0
        self.last_end = 0.0
        self.width = 0.0
        self.size = 0
        self.ended = False
        self.held = False
        self.introduced = False  # by its "connected with" line
        self.first: Figures | None = None
        self.asides: list[Record] = []


class Streams:
    """The streams of one iperf2 process.

    Args:
        default: direction of a line that says nothing: a client sends, a server receives.
        report_interval: ``-i`` in seconds; 0 where iperf runs without ``-i``; None where it is
            not known: then a stream's first line waits for the second to tell what it is.
    """

    def __init__(self, *, default: Direction, report_interval: float | None) -> None:
        """Know no stream yet."""
        self._default: Direction = default
        self._interval = report_interval
        self._tracks: dict[str, Track] = {}
        self._origins: dict[str, Origin] = {}
        self._last: Direction | None = None
        self.receiving = False

    def connected(self, label: str, origin: Origin) -> tuple[str, list[Record]]:
        """Begin a stream; return its id and the final lines of what used the label before."""
        records: list[Record] = []
        self._origins[label] = origin
        if len(self._origins) > MAX_STREAMS:
            del self._origins[next(iter(self._origins))]
        for key in (label, "*" + label):
            track = self._tracks.get(key)
            # With a short -i the first interval may be printed before its "connected with".
            if track is not None and (track.introduced or track.ended):
                records += self._renew(key)
        track, evicted = self._track(label, origin.direction)
        track.introduced = True
        track.direction = origin.direction
        return track.stream_id, records + evicted

    def add(
        self, label: str, figures: Figures, *, decimals: int, interval: bool = False
    ) -> list[Record]:
        """Place a report line.

        Args:
            label: the id as printed, without the blanks.
            figures: fields of ``Report`` except the stream's id; direction where columns tell it.
            decimals: how many the times were printed with.
            interval: the line is known to be no final one (a burst of 2.1.8 starts at 0).
        """
        told: Direction | None = figures.get("direction")
        key = self._key(self._owner(label, figures, told), told)
        track, records = self._track(key, told)
        verdict = (
            "interval" if interval or figures["start"] else self._judge(track, figures, decimals)
        )
        if verdict == "new":
            records += self._renew(key)
            track, evicted = self._track(key, told)
            records += evicted
            verdict = self._judge(track, figures, decimals)
        if told is None:
            figures["direction"] = self._direction_of(label, track)
        elif label != SUM_ID:
            self._last = told
            self.receiving = self.receiving or told == "received"
        figures["stream_id"] = track.stream_id
        if track.held:
            records += self._release(track, Interval)
        if verdict == "unknown":
            track.held = True
        else:
            kind = Summary if verdict == "final" else Interval
            records.append(kind(**figures))
        self._note(track, figures, ended=verdict == "final")
        return records

    def steady(self, label: str, start: float) -> Track | None:
        """Give the stream of an interval received; None where ``add`` has to look closer.

        That is where the line starts at 0, or its stream is not known or had a line held back.
        """
        track = self._tracks.get(label)
        if not start or track is None or track.held or label == _NOBODY:
            return None
        origin = self._origins.get(label)
        if origin is not None and origin.full_duplex and origin.direction != "received":
            return None
        return track

    def advance(self, track: Track, whole: wholes.Whole) -> None:
        """Place such intervals as ``add`` does."""
        self._last = "received"
        self.receiving = True
        track.first = None
        track.lines += len(whole.lines)
        track.width = whole.end - whole.last_start
        track.last_end = whole.end
        track.size += whole.size

    def aside(self, label: str, record: Record) -> list[Record]:
        """Keep a record behind the line it belongs to, if that one is held back."""
        track = self._tracks.get(self._key(label, "received"))
        if track is None or not track.held:
            return [record]
        track.asides.append(record)
        return self._release(track, Interval) if len(track.asides) > _MAX_ASIDES else []

    def over(self, label: str) -> list[Record]:
        """Finish the sending stream of a label: iperf said ``Sent N datagrams``."""
        track = self._sender(label)
        return [] if track is None else self._close(track)

    def sender_id(self, label: str) -> str:
        """Return the id of the stream that the ``Sent`` and ``Server Report`` of a label mean.

        2.1.8 says ``[  2] Sent`` of the stream ``[ *2]``.
        """
        track = self._sender(label)
        return label if track is None else track.stream_id

    def receiver_id(self, label: str) -> str:
        """Return the id of the stream that an out-of-order line of a label means."""
        track = self._tracks.get(self._key(label, "received"))
        return label if track is None else track.stream_id

    def finish(self) -> list[Record]:
        """Close every stream and forget all."""
        records = [record for track in self._tracks.values() for record in self._close(track)]
        self._tracks.clear()
        self._origins.clear()
        return records

    def _judge(self, track: Track, figures: Figures, decimals: int) -> Verdict:
        """Tell what a line is that starts at 0."""
        if track.ended:
            return "new"
        end = figures["end"]
        if not track.lines:
            return self._judge_first(end, decimals)
        if self._interval:
            # 2.2.5 -i 0.005 prints 0.00-0.01, then 0.00-0.01 or 0.01-0.01
            step = max(self._interval, _LEAST_INTERVAL.get(decimals, 0.0))
            resolution = _resolution(decimals)
            rounds_to_0 = track.lines * step <= resolution
            if rounds_to_0 and end <= (track.lines + 1) * step + resolution:
                return "interval"
        if end >= track.last_end - track.width / 2 - _resolution(decimals):
            return "final"
        # Shorter than what came before: 2.2.1 leaves empty intervals out of its final line. But a
        # line without the bytes of the others is the first interval of a new stream.
        return "final" if figures["bytes"] >= track.size * _SAME_BYTES else "new"

    def _judge_first(self, end: float, decimals: int) -> Verdict:
        """Tell what a stream's first line is, from 0 to ``end``."""
        interval = self._interval
        if not interval:
            return "unknown" if interval is None else "final"
        interval = max(interval, _LEAST_INTERVAL.get(decimals, 0.0))
        longest = interval * (1 + _LATE_END) + _resolution(decimals)
        return "final" if end > longest else "interval"

    def _owner(self, label: str, figures: Figures, told: Direction | None) -> str:
        """Return whose line it is.

        2.0.14a prints an interval in which a client wrote nothing as ``[  0]``: no socket has it.
        """
        if label != _NOBODY:
            return label
        waiting = (
            key
            for key, track in self._tracks.items()
            if key.removeprefix("*").isdecimal()
            and not track.ended
            and track.direction == (told or track.direction)
            and abs(track.last_end - figures["start"]) < _SAME_TIME_S
        )
        return next(waiting, label)

    def _key(self, label: str, told: Direction | None) -> str:
        """Return what a stream is kept under: the label, or ``*3`` for 2.0.14a's other half."""
        if told is None or label.startswith("*"):
            return label
        origin = self._origins.get(label)
        if origin is None or not origin.full_duplex or told == origin.direction:
            return label
        return "*" + label

    def _track(self, key: str, told: Direction | None) -> tuple[Track, list[Record]]:
        """Return the stream of a key, begun if it is new, and what had to be forgotten for it."""
        track = self._tracks.get(key)
        if track is not None:
            return track, []
        track = self._tracks[key] = Track(key, 1, told or self._own_direction(key))
        if len(self._tracks) <= MAX_STREAMS:
            return track, []
        oldest = next(iter(self._tracks))
        return track, self._close(self._tracks.pop(oldest))

    def _renew(self, key: str) -> list[Record]:
        """Begin a new stream under a key if the old one has reports."""
        old = self._tracks[key]
        if not old.lines:
            return []
        records = self._close(old)
        self._tracks[key] = Track(key, old.generation + 1, self._own_direction(key))
        return records

    def _own_direction(self, key: str) -> Direction:
        """Return the direction of a stream whose columns do not tell it."""
        origin = self._origins.get(key)
        if origin is not None:
            return origin.direction
        if key.startswith("*"):
            # ≥2.1.8: the half against the direction in which the connection was opened
            origin = self._origins.get(key[1:])
            return _OPPOSITE[self._default if origin is None else origin.opened]
        return self._default

    def _direction_of(self, label: str, track: Track) -> Direction:
        """Return a line's direction; a sum has that of the lines above it."""
        if label == SUM_ID:
            return self._last or track.direction
        self._last = track.direction
        return track.direction

    def _sender(self, label: str) -> Track | None:
        """Return the sending one of the streams of a label, else any."""
        tracks = [t for t in map(self._tracks.get, (label, "*" + label)) if t is not None]
        sending = [track for track in tracks if track.direction == "sent"]
        return next(iter(sending + tracks), None)

    def _note(self, track: Track, figures: Figures, *, ended: bool) -> None:
        """Remember of a line what the next one is judged by."""
        only = track.lines == 0 and figures["start"] == 0.0 and not ended
        track.first = figures if only else None
        track.lines += 1
        track.width = figures["end"] - figures["start"]
        track.last_end = figures["end"]
        track.size += figures["bytes"]
        track.ended = track.ended or ended

    def _release(self, track: Track, kind: type[Interval | Summary]) -> list[Record]:
        """Hand out a line that was held back, with what came behind it."""
        records: list[Record] = [] if track.first is None else [kind(**track.first)]
        records += track.asides
        track.asides = []
        track.held = False
        return records

    def _close(self, track: Track) -> list[Record]:
        """Return the final line of a stream that is over and printed none."""
        if track.ended:
            return []
        track.ended = track.lines > 0
        if track.held:
            return self._release(track, Summary)
        return [] if track.first is None else [Summary(**track.first)]


def _resolution(decimals: int) -> float:
    """Return half of the last printed digit, and a little for the arithmetic."""
    return 0.5 * 10.0**-decimals + 1e-9


def direction_of_ports(
    local: int, remote: int, *, listening: Iterable[int], target: Iterable[int]
) -> Direction | None:
    """Tell from the ports which end opened a connection: ``-d`` and ``-r`` do both in a process."""
    accepted, opened = local in listening, remote in target
    if accepted == opened:
        return None
    return "sent" if opened else "received"
