"""What a self-test does when: how many outages of which length, in which flows; runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from pyperf2.core.binary import Tool

Kind = Literal["outages", "clean", "random", "multicast"]

PPS: Final = 1000
INTERVAL_S: Final = 0.1
LENGTHS_MS: Final = (5, 20, 50, 200, 1000)
RANDOM_PERCENT: Final = 5
MOST_FLOWS: Final = 32
MOST_OUTAGES: Final = 100
_LEAD_S: Final = 0.5  # steady, before the first outage,
_TAIL_S: Final = 0.5  # and behind the last
_PER_RUN: Final = 4  # outages of each length: a run of 17 s


class Cut(NamedTuple):
    """An outage to come: when, in seconds since all flows run, and how long."""

    at_s: float
    length_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A self-test.

    Args:
        tool: ``iperf2`` or ``iperf3``.
        iperf: the binary; None: the one on PATH.
        flows: how many see every outage. Others run beside them: one that loses nothing, one that
            loses at random, and, with iperf2, a multicast flow that sees every outage too.
        outages: how many of each length.
        pause_s: at least so long between two outages.
        seed: of the order of the outages, and where in an interval each begins.

    Raises:
        OptionError: a number is out of range.
    """

    tool: Tool = "iperf2"
    iperf: str | None = None
    flows: int = 4
    outages: int = 8
    pause_s: float = 0.45
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        for name, most in (("flows", MOST_FLOWS), ("outages", MOST_OUTAGES)):
            told = getattr(self, name)
            if not 1 <= told <= most:
                raise OptionError(f"{name}={told}: from 1 to {most} can be run")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The flows of a run."""
        beside: tuple[Kind, ...] = ("clean", "random")
        if self.tool == "iperf2":
            beside = (*beside, "multicast")
        hit: tuple[Kind, ...] = tuple("outages" for _ in range(self.flows))
        return (*hit, *beside)

    def runs(self) -> tuple[tuple[Cut, ...], ...]:
        """Give the outages of each run, in order."""
        random = Random(self.seed)  # noqa: S311 - when an outage begins is no secret
        count = ceil(self.outages / _PER_RUN)
        shares = [self.outages // count + (n < self.outages % count) for n in range(count)]
        return tuple(self._run(share, random) for share in shares)

    def _run(self, share: int, random: Random) -> tuple[Cut, ...]:
        lengths = list(LENGTHS_MS) * share
        random.shuffle(lengths)
        at_s, cuts = _LEAD_S, []
        for length_ms in lengths:
            at_s += random.uniform(0, INTERVAL_S)
            cuts.append(Cut(at_s, length_ms))
            at_s += length_ms / 1000 + self.pause_s
        return tuple(cuts)


def lasts_s(cuts: tuple[Cut, ...]) -> float:
    """Give how long the outages of a run take, with what is before and behind them."""
    return cuts[-1].at_s + cuts[-1].length_ms / 1000 + _TAIL_S
