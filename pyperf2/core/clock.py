"""The sequence clock: at a steady rate, the highest number received tells the time, and back.

Over the boundaries of intervals without a disturbance, S = c + r·B: S the highest number so far,
B the boundary on the stream's clock. The rate r is one for the run; c is piecewise, for a path
whose delay changes or a sender that pauses shifts it. Least squares in running sums: constant
memory.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# A boundary falls anywhere between two datagrams: S is off by up to one, 0.5 rms with jitter.
_NOISE_PACKETS: Final = 0.6
_MEMORY: Final = 256  # boundaries; older ones fade, so that a slow drift is followed
_FADE: Final = 1.0 - 1.0 / _MEMORY
_HALF_PACKET: Final = 0.5
_TRUST: Final = 4.0  # standard deviations within which the nominal rate is believed
_BOUND: Final = 4.0  # standard deviations that bound a measured rate
_HINT_PACKETS: Final = 3.0  # a single interval's count is off by up to one at either end


def _contradicts(nominal: float, measured: float, sbb: float) -> bool:
    """Whether the rate is another than the nominal one, ``sbb`` being what it was fitted over."""
    return abs(measured - nominal) > _TRUST * (_NOISE_PACKETS / sqrt(sbb))


class Clock:
    """Running estimate of r and c."""

    __slots__ = (
        "_count",
        "_hint",
        "_hint_doubt",
        "_mean_b",
        "_mean_s",
        "_nominal",
        "_points",
        "_sbb",
        "_sbs",
        "short",
    )

    def __init__(self, nominal: float | None = None) -> None:
        """Begin; ``nominal`` is the offered load in packets per second, where it is known."""
        self._nominal = nominal
        self._hint: float | None = None
        self._hint_doubt = 0.0
        self._count = 0  # boundaries in this piece
        self._points = 0  # in all pieces, each but its first
        self._mean_b = self._mean_s = 0.0
        self._sbb = self._sbs = 0.0
        self.short = 0.0  # datagrams, of the last one that was followed

    @property
    def rate(self) -> float | None:
        """Packets per second; the nominal rate as long as nothing contradicts it."""
        if self._points < 1 or self._sbb <= 0 or self._sbs <= 0:
            return self._nominal or self._hint
        measured = self._sbs / self._sbb
        nominal = self._nominal
        agrees = nominal is not None and not _contradicts(nominal, measured, self._sbb)
        return nominal if agrees else measured

    @property
    def rate_doubt(self) -> float:
        """How far the rate may be off, relative to it; 0 where it was announced and is kept."""
        measured = self._measured()
        if measured is None:
            return self._hint_doubt if self._nominal is None else 0.0
        if self._nominal is not None and not _contradicts(self._nominal, measured, self._sbb):
            return 0.0
        return _BOUND * _NOISE_PACKETS / sqrt(self._sbb) / measured

    def _measured(self) -> float | None:
        if self._points < 1 or self._sbb <= 0 or self._sbs <= 0:
            return None
        return self._sbs / self._sbb

    @property
    def points(self) -> int:
        """How many boundaries the rate rests on."""
        return self._points

    @property
    def announced(self) -> bool:
        """Whether the offered load was known beforehand, and is kept so far."""
        return self._nominal is not None

    @property
    def tells(self) -> bool:
        """Whether the rate is more than a guess at the first interval."""
        return self.announced or self._measured() is not None

    @property
    def anchored(self) -> bool:
        """Whether the piece has a boundary to count from."""
        return self._count > 0

    @property
    def packet_s(self) -> float:
        """T, the time of one packet in seconds; 0 before the rate is known."""
        rate = self.rate
        return 1.0 / rate if rate else 0.0

    def hint(self, packets: float, seconds: float, *, doubt: float | None = None) -> None:
        """Take an interval's rate for the run's, until there is something better.

        ``doubt`` is relative; without one it is that of counting at the interval's ends.
        """
        if packets <= 0 or seconds <= 0:
            return
        if doubt is None:
            doubt = _HINT_PACKETS / packets
        if self._hint is None or doubt < self._hint_doubt:
            self._hint, self._hint_doubt = packets / seconds, doubt

    def add(self, boundary: float, number: float) -> None:
        """Learn that ``number`` was the highest at ``boundary``, undisturbed."""
        self._count += 1
        weight = min(_MEMORY, self._count)
        before = boundary - self._mean_b
        self._mean_b += before / weight
        self._mean_s += (number - self._mean_s) / weight
        if self._count > 1:
            self._points += 1
            if self._points > _MEMORY:
                self._sbb *= _FADE
                self._sbs *= _FADE
            self._sbb += before * (boundary - self._mean_b)
            self._sbs += before * (number - self._mean_s)

    @property
    def settled(self) -> bool:
        """Whether the rate is measured, and the piece has a boundary to count from."""
        return self._count > 0 and self._measured() is not None

    def follow(
        self, boundaries: Sequence[float], spans: Sequence[int], number: int, within: float
    ) -> int:
        """Learn boundaries as ``add`` does, as long as each has the number expected there.

        The clock must be ``settled``. Nearly every line of a test comes by here: hence one loop,
        and local variables.

        Args:
            boundaries: seconds of the stream.
            spans: numbers from each boundary to the one before.
            number: the highest before the first.
            within: how far a number may be off.

        Returns:
            How many were learnt; by how much the last one was short is ``short``.
        """
        nominal, weight, points = self._nominal, min(_MEMORY, self._count), self._points
        mean_b, mean_s, sbb, sbs = self._mean_b, self._mean_s, self._sbb, self._sbs
        highest, kept, last_short = number, 0, self.short
        for boundary, span in zip(boundaries, spans, strict=True):
            highest += span
            rate = sbs / sbb
            if rate <= 0:
                break
            if nominal is not None and not _contradicts(nominal, rate, sbb):
                rate = nominal
            before = boundary - mean_b
            short = mean_s + rate * before - highest
            if not -within <= short <= within:
                break
            last_short = short
            kept += 1
            points += 1
            if weight < _MEMORY:
                weight += 1
            mean_b += before / weight
            mean_s += (highest - mean_s) / weight
            if points > _MEMORY:
                sbb *= _FADE
                sbs *= _FADE
            sbb += before * (boundary - mean_b)
            sbs += before * (highest - mean_s)
        self._count += kept
        self._points, self.short = points, last_short
        self._mean_b, self._mean_s, self._sbb, self._sbs = mean_b, mean_s, sbb, sbs
        return kept

    def break_off(self) -> None:
        """Begin a new piece: c is unknown, r is kept."""
        self._count = 0
        self._mean_b = self._mean_s = 0.0

    def number_at(self, boundary: float) -> float | None:
        """Give the number expected at ``boundary``; None before the clock is anchored."""
        rate = self.rate
        if rate is None or not self.anchored:
            return None
        return self._mean_s + rate * (boundary - self._mean_b)

    def restart(self, packets: float, seconds: float) -> None:
        """Learn the rate anew, whatever was announced or measured before."""
        self.break_off()
        self._nominal = self._hint = None
        self._points = 0
        self._sbb = self._sbs = 0.0
        self.hint(packets, seconds)

    def anchor(self) -> tuple[float, float] | None:
        """Give a point (B, S) on the line of this piece; times near it lean on it."""
        return (self._mean_b, self._mean_s) if self.anchored else None

    def time_of(self, number: float, anchor: tuple[float, float] | None) -> float | None:
        """Give when ``number`` was received, by the line through ``anchor``; None without one."""
        rate = self.rate
        if anchor is None or not rate:
            return None
        # A boundary counts whole datagrams: on average it has waited half of one for the next.
        return max(anchor[0] + (number - _HALF_PACKET - anchor[1]) / rate, 0.0)

    def drift(self, number: float, anchor: tuple[float, float] | None) -> float:
        """Bound what the doubt about the rate makes of ``time_of``, in seconds."""
        rate = self.rate
        if anchor is None or not rate:
            return 0.0
        return abs(number - anchor[1]) / rate * self.rate_doubt
