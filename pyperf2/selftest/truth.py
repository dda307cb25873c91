"""What really became of a flow's datagrams, read off a capture of both sides of its path."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyperf2.selftest.capture import Seen

_AROUND: Final = 200  # datagrams that show a sender's pace beside a gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Datagrams lost one after another.

    ``begin_ns``: arrival of the last before them, None if there was none; ``end_ns``: of the
    first after them. ``uneven_s``: how far the sender was off its pace with these two;
    ``lost_uneven_s``: with the first and the last of those lost.
    """

    packets: int
    begin_ns: int | None
    end_ns: int | None
    uneven_s: float = 0.0
    lost_uneven_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What became of one flow; ``gaps`` without those before the first and after the last."""

    sent: int
    lost: int
    late: int
    duplicates: int
    leading: int
    trailing: int
    first_ns: int  # arrival of the first datagram
    gaps: tuple[Gap, ...]


def of_capture(came: Sequence[Seen], went: Sequence[Seen], packet_s: float) -> Truth:
    """Read the truth off both sides of a path; of one flow, in the order of their times."""
    arrived: dict[int, int] = {}
    highest, late = -1, 0
    for seen in went:
        if seen.number not in arrived:
            arrived[seen.number] = seen.at_ns
            late += seen.number < highest
            highest = max(highest, seen.number)
    lines = [seen.at_ns - seen.number * packet_s * 1e9 for seen in came]
    runs: list[list[int]] = []
    for index, seen in enumerate(came):
        if seen.number in arrived:
            continue
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    leading = trailing = 0
    gaps = []
    for first, last in runs:
        packets = last - first + 1
        if first == 0:
            leading = packets
        elif last == len(came) - 1:
            trailing = packets
        else:
            before, after = first - 1, last + 1
            paces = (
                median(lines[max(before - _AROUND, 0) : first]),
                median(lines[after : after + _AROUND]),
            )
            gaps.append(
                Gap(
                    packets=packets,
                    begin_ns=arrived[came[before].number],
                    end_ns=arrived[came[after].number],
                    uneven_s=_off(paces, lines[before], lines[after]),
                    lost_uneven_s=_off(paces, lines[first], lines[last]),
                )
            )
    return Truth(
        sent=len(came),
        lost=len({seen.number for seen in came} - set(arrived)),
        late=late,
        duplicates=len(went) - len(arrived),
        leading=leading,
        trailing=trailing,
        first_ns=min(arrived.values()),
        gaps=tuple(gaps),
    )


def _off(paces: tuple[float, float], *times_ns: float) -> float:
    """Give how far two datagrams are off the pace on their side of a gap, in seconds."""
    return max(abs(at - pace) for at, pace in zip(times_ns, paces, strict=True)) / 1e9
