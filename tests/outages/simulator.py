"""What each iperf2 would print of a stream, given the fate of every datagram in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import chain, repeat
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tests.outages.printing import client_lines, server_lines
from tests.outages.receivers import BUILDS, DATAGRAM_BYTES, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.outages.receivers import Build

_DARK_S: Final = 2.0  # how long a server that nobody tells of the end is watched
_ON_ITS_WAY_S: Final = 0.0001

Kind = Literal["delivered", "lost", "late", "twice"]


class Fate(NamedTuple):
    """What becomes of one datagram; ``by`` is how many datagrams (it or its copy) comes late."""

    kind: Kind = "delivered"
    by: int = 0


class Pause(NamedTuple):
    """Nothing is sent, or nothing gets through, for a while; then all of it does, at once."""

    at_s: float
    lasts_s: float

    def over(self, at: float) -> float:
        """Give when what is due at a time goes."""
        return self.at_s + self.lasts_s if self.at_s <= at < self.at_s + self.lasts_s else at


DELIVERED: Final = Fate()
LOST: Final = Fate("lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A stream: how it is sent, what becomes of each datagram, who reports it.

    Attributes:
        course: what becomes of so many datagrams after one another.
        fins_lost: how many FINs are lost before one arrives.
        ending: ``fin``, ``dark`` (no FIN ever comes, and the server is killed) or ``interrupt``
            (the server is stopped ``stopped_s`` after the first datagram arrived).
        jitter: of sender and path, in packet times; each datagram by itself.
        stalls: of the sender.
        holds: of the path, or of a receiver that has no processor.
    """

    version: str
    course: tuple[tuple[Fate, int], ...]
    pps: int = 1000
    interval: float = 0.1
    enhanced: bool = True
    fins_lost: int = 0
    ending: Literal["fin", "dark", "interrupt"] = "fin"
    stopped_s: float = 0.0
    jitter: float = 0.2
    timeout_slack_s: float = 0.002
    seed: int = 0
    stalls: tuple[Pause, ...] = ()
    holds: tuple[Pause, ...] = ()

    @property
    def fates(self) -> tuple[Fate, ...]:
        """What becomes of each datagram."""
        return tuple(chain.from_iterable(repeat(fate, count) for fate, count in self.course))


class Run(NamedTuple):
    """Numbers ``first`` … ``last`` never arrived; times on the stream's clock.

    ``begin``: when the last datagram before them arrived; ``end``: when the first after them did,
    less one packet time. None where there is none.
    """

    first: int
    last: int
    begin: float | None
    end: float | None

    @property
    def packets(self) -> int:
        """How many."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was printed, and what was true."""

    server: list[tuple[float, str]]
    client: list[tuple[float, str]]
    sent: int
    lost: int
    distinct: int
    late: int
    twice: int
    runs: list[Run] = field(default_factory=list)
    leading: int = 0
    trailing: int = 0
    unheard: int = 0  # sent after the server had ended


def simulate(scenario: Scenario) -> Outcome:
    """Send, lose, receive and print."""
    build = BUILDS[scenario.version]
    packet_s = 1.0 / scenario.pps
    count = sum(many for _, many in scenario.course)
    random = Random(scenario.seed)  # noqa: S311 - jitter, not a secret
    sent = _paused(
        [
            number * packet_s + random.uniform(0.0, scenario.jitter) * packet_s
            for number in range(count)
        ],
        scenario.stalls,
    )
    due = _paused(sent, scenario.holds)
    held: dict[float, float] = {}
    for at, before in zip(due, sent, strict=True) if scenario.holds else ():
        held[at] = max(held.get(at, 0.0), at - before)
    receiver = Receiver(
        build,
        scenario.interval,
        timeout_slack_s=scenario.timeout_slack_s,
        length=DATAGRAM_BYTES,
    )
    arrivals = sorted(_arrivals(scenario, due))
    zero = arrivals[0][0] if arrivals else 0.0
    stopped = zero + scenario.stopped_s if scenario.ending == "interrupt" else float("inf")
    heard = [(at, number) for at, number in arrivals if at <= stopped]
    for at, number in heard:
        receiver.datagram(at, number, held.get(at, 0.0))
    fin_at = count * packet_s + scenario.fins_lost * build.fin_every_s + packet_s
    if scenario.ending == "fin":
        repeats = scenario.fins_lost if build.fin_is_counted else 0  # 2.0.13a repeats the number
        receiver.fin(fin_at, count + 1 + repeats)
    elif scenario.ending == "interrupt":
        receiver.interrupt(stopped)
    else:
        receiver.wait(count * packet_s + _DARK_S)
    return _outcome(scenario, build, receiver, heard, sent, due, zero, stopped)


def _paused(times: list[float], pauses: Iterable[Pause]) -> list[float]:
    for pause in pauses:
        times = [pause.over(at) for at in times]
    return times


def _arrivals(scenario: Scenario, due: Sequence[float]) -> Iterable[tuple[float, int]]:
    before = 0
    for fate, many in scenario.course:
        numbers = range(before + 1, before + many + 1)
        if fate.kind in ("delivered", "twice"):
            yield from zip(due[before : before + many], numbers, strict=True)
        if fate.kind in ("late", "twice"):
            for number in numbers:
                behind = min(number + fate.by, len(due))
                yield max(due[behind - 1], due[number - 1]) + _ON_ITS_WAY_S / scenario.pps, number
        before += many


def _outcome(
    scenario: Scenario,
    build: Build,
    receiver: Receiver,
    heard: Sequence[tuple[float, int]],
    sent: Sequence[float],
    due: Sequence[float],
    zero: float,
    stopped: float,
) -> Outcome:
    packet_s = 1.0 / scenario.pps
    count = len(due)
    arrived = {number for _, number in heard}
    listened = range(1, bisect_right(due, stopped) + 1)
    runs = [
        Run(
            first,
            last,
            due[first - 2] - zero if first > 1 else None,
            due[last] - zero - packet_s if last < len(listened) else None,
        )
        for first, last in _runs(sorted(set(listened) - arrived))
    ]
    fates = [fate.kind for fate in scenario.fates[: len(listened)]]
    highest = max(arrived, default=0)
    return Outcome(
        server=server_lines(build, receiver, zero, enhanced=scenario.enhanced),
        client=client_lines(
            build, [at - sent[0] for at in sent], pps=scenario.pps, interval=scenario.interval
        ),
        sent=count,
        lost=len(listened) - len(arrived),
        distinct=len(arrived),
        late=fates.count("late"),
        twice=fates.count("twice"),
        runs=runs,
        leading=sum(run.packets for run in runs if run.first == 1),
        trailing=sum(run.packets for run in runs if run.first > highest),
        unheard=count - len(listened),
    )


def _runs(numbers: Iterable[int]) -> Iterable[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and first is not None and number != last + 1:
            yield first, last
            first = number
        first, last = (number if first is None else first), number
    if first is not None and last is not None:
        yield first, last
