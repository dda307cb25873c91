"""What each iperf2 would print of a stream, given the fate of every datagram in it.

A model of the receivers of 2.0.13a, 2.0.14a, 2.1.8 and 2.2.1, as far as their loss figures go:
which interval a datagram falls into, what Lost and Total count, the receive time-outs of half an
interval, the FIN and its repetitions, the final line. ``test_simulator.py`` holds it against what
the real builds printed of the same datagrams.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DATAGRAM_BYTES: Final = 1470
_FIRST_BYTES_2_0_14: Final = 76
_LEAST_TAIL: Final = 0.25  # of an interval: what 2.1.8 and 2.2.1 still print by itself
_DARK_S: Final = 2.0  # how long a server that nobody tells of the end is watched
_ON_ITS_WAY_S: Final = 0.0001

Kind = Literal["delivered", "lost", "late", "twice"]


class Fate(NamedTuple):
    """What becomes of one datagram; ``by`` is how many datagrams (it or its copy) comes late."""

    kind: Kind = "delivered"
    by: int = 0


DELIVERED: Final = Fate()
LOST: Final = Fate("lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What one build does differently."""

    decimals: int
    # 2.0.13a ends an interval one event after the time-out that showed it to be over: a datagram
    # that comes in between is counted in it.
    timeouts_close: bool = True
    prints_tail: bool = True
    total_keeps_losses: bool = False
    timeouts_are_late: bool = False
    fin_is_counted: bool = True
    fin_every_s: float = 0.01  # how often an unanswered FIN is repeated
    fin_reads: int = 1
    prints_reads: bool = False
    prints_received: bool = False
    always_a_tail: bool = False
    sent_extra: int = 2


BUILDS: Final[Mapping[str, Build]] = {
    "2.0.13a": Build(
        decimals=2, timeouts_close=False, prints_tail=False, fin_is_counted=False, sent_extra=0
    ),
    "2.0.14a": Build(
        decimals=4,
        total_keeps_losses=True,
        timeouts_are_late=True,
        always_a_tail=True,
        fin_every_s=0.1,
    ),
    "2.1.8": Build(decimals=4, timeouts_are_late=True, prints_received=True),
    "2.2.1": Build(decimals=4, fin_reads=2, prints_reads=True),
}


class Line(NamedTuple):
    """A report line and the late line behind it."""

    start: float
    end: float
    lost: int
    total: int
    received: int
    late: int
    size: int
    at: float


@dataclass(slots=True)
class _Tally:
    """iperf's own counters, over an interval or over all."""

    begun_at: int = 0  # the highest number at its beginning
    gap: int = 0
    late: int = 0
    received: int = 0
    size: int = 0


class Receiver:
    """One stream at a server: datagrams in, in the order of their arrival; lines out."""

    def __init__(
        self, build: Build, interval: float, *, timeout_slack_s: float = 0.0, length: int
    ) -> None:
        self.build = build
        self.interval = interval
        self.timeout_s = interval / 2 + timeout_slack_s
        self.length = length
        self.lines: list[Line] = []
        self.final: Line | None = None
        self._zero: float | None = None
        self._last_event = 0.0
        self._number = 0
        self._carried = 0
        self._index = 0
        self._overdue = False
        self._one = _Tally()
        self._all = _Tally()

    def datagram(self, at: float, number: int) -> None:
        """Take a datagram of data."""
        if self._zero is None:
            self._zero = self._last_event = at
        self.wait(at)
        if not self._overdue:
            self._close_until(at)
        first = self._all.received == 0 and self.build.total_keeps_losses
        self._count(number, _FIRST_BYTES_2_0_14 if first else self.length)
        self._close_until(at)
        self._last_event = at

    def fin(self, at: float, number: int) -> None:
        """Take the FIN; ``number`` is the one it bears. The stream is over."""
        if self._zero is None:
            return
        self.wait(at)
        if not self._overdue:
            self._close_until(at)
        if self.build.fin_is_counted:
            self._count(number, self.length, reads=self.build.fin_reads)
        elif number - 1 > self._number:
            self._miss(number - 1)
            self._number = number - 1
        self._close_until(at)
        self._finish(at)

    def interrupt(self, at: float) -> None:
        """SIGINT: the server prints what it has, and ends."""
        self.wait(at)
        self._close_until(at)
        self._finish(at)

    def wait(self, until: float) -> None:
        """Let receive time-outs come for as long as nothing arrives."""
        while self._zero is not None and self._last_event + self.timeout_s < until:
            self._last_event += self.timeout_s
            over = self._last_event >= (self._zero or 0.0) + (self._index + 1) * self.interval
            if over and not self.build.timeouts_close and not self._overdue:
                self._overdue = True
                continue
            self._close_until(self._last_event)
            if self.build.timeouts_are_late and self._one.received:
                for tally in (self._one, self._all):
                    tally.late += 1

    def _count(self, number: int, size: int, *, reads: int = 1) -> None:
        if number > self._number:
            self._miss(number - 1)
            self._number = number
        else:
            for tally in (self._one, self._all):
                tally.late += 1
        for tally in (self._one, self._all):
            tally.received += reads
            tally.size += size

    def _miss(self, before: int) -> None:
        for tally in (self._one, self._all):
            tally.gap += max(before - self._number, 0)

    def _close_until(self, at: float) -> None:
        self._overdue = False
        while at - (self._zero or 0.0) >= (self._index + 1) * self.interval:
            self._close((self._index + 1) * self.interval, at)

    def _close(self, end: float, at: float) -> None:
        span = self._number - self._one.begun_at
        line = self._line(self._index * self.interval, end, span + self._carried, self._one, at)
        self.lines.append(line)
        if self.build.total_keeps_losses:
            self._carried += span - self._one.received
        self._one = _Tally(begun_at=self._number)
        self._index += 1

    def _finish(self, at: float) -> None:
        end = at - (self._zero or 0.0)
        rest = end - self._index * self.interval
        build = self.build
        worth_it = rest >= _LEAST_TAIL * self.interval and build.prints_tail
        if build.always_a_tail or worth_it:
            self._close(end, at)
        self.final = self._line(0.0, end, self._number, self._all, at)

    @staticmethod
    def _line(start: float, end: float, total: int, tally: _Tally, at: float) -> Line:
        return Line(
            start=start,
            end=end,
            lost=max(tally.gap - tally.late, 0),
            total=total,
            received=tally.received,
            late=tally.late,
            size=tally.size,
            at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A stream: how it is sent, what becomes of each datagram, who reports it.

    Attributes:
        fins_lost: how many FINs are lost before one arrives.
        ending: ``fin``, ``dark`` (no FIN ever comes, and the server is killed) or ``interrupt``
            (the server is stopped ``stopped_s`` after the first datagram arrived).
        jitter: of sender and path, in packet times; each datagram by itself.
    """

    version: str
    fates: tuple[Fate, ...]
    pps: int = 1000
    interval: float = 0.1
    enhanced: bool = True
    fins_lost: int = 0
    ending: Literal["fin", "dark", "interrupt"] = "fin"
    stopped_s: float = 0.0
    jitter: float = 0.2
    timeout_slack_s: float = 0.002
    seed: int = 0


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
    count = len(scenario.fates)
    random = Random(scenario.seed)  # noqa: S311 - jitter, not a secret
    due = [
        (number - 1) * packet_s + random.uniform(0.0, scenario.jitter) * packet_s
        for number in range(1, count + 1)
    ]
    receiver = Receiver(
        build,
        scenario.interval,
        timeout_slack_s=scenario.timeout_slack_s,
        length=DATAGRAM_BYTES,
    )
    arrivals = sorted(_arrivals(scenario.fates, due, packet_s))
    zero = arrivals[0][0] if arrivals else 0.0
    stopped = zero + scenario.stopped_s if scenario.ending == "interrupt" else float("inf")
    heard = [(at, number) for at, number in arrivals if at <= stopped]
    for at, number in heard:
        receiver.datagram(at, number)
    fin_at = count * packet_s + scenario.fins_lost * build.fin_every_s + packet_s
    if scenario.ending == "fin":
        repeats = scenario.fins_lost if build.fin_is_counted else 0  # 2.0.13a repeats the number
        receiver.fin(fin_at, count + 1 + repeats)
    elif scenario.ending == "interrupt":
        receiver.interrupt(stopped)
    else:
        receiver.wait(count * packet_s + _DARK_S)
    return _outcome(scenario, build, receiver, heard, due, zero, stopped)


def _arrivals(
    fates: Sequence[Fate], due: Sequence[float], packet_s: float
) -> Iterable[tuple[float, int]]:
    for number, fate in enumerate(fates, 1):
        at = due[number - 1]
        if fate.kind in ("delivered", "twice"):
            yield at, number
        if fate.kind in ("late", "twice"):
            behind = min(number + fate.by, len(fates))
            yield max(due[behind - 1], at) + _ON_ITS_WAY_S * packet_s, number


def _outcome(
    scenario: Scenario,
    build: Build,
    receiver: Receiver,
    heard: Sequence[tuple[float, int]],
    due: Sequence[float],
    zero: float,
    stopped: float,
) -> Outcome:
    packet_s = 1.0 / scenario.pps
    count = len(scenario.fates)
    arrived = {number for _, number in heard}
    listened = [n for n in range(1, count + 1) if due[n - 1] <= stopped]
    runs = [
        Run(
            first,
            last,
            due[first - 2] - zero if first > 1 else None,
            due[last] - zero - packet_s if last < len(listened) else None,
        )
        for first, last in _runs(n for n in listened if n not in arrived)
    ]
    fates = [scenario.fates[n - 1].kind for n in listened]
    highest = max(arrived, default=0)
    return Outcome(
        server=_server_lines(scenario, build, receiver, zero),
        client=_client_lines(scenario, build, count),
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


# --- print ------------------------------------------------------------------------------------


def _server_lines(
    scenario: Scenario, build: Build, receiver: Receiver, zero: float
) -> list[tuple[float, str]]:
    if not receiver.lines and receiver.final is None:
        return []
    printed = [
        (
            zero + 0.0001,
            "[  1] local 10.0.0.2 port 5001 connected with 10.0.0.1 port 40000",
        )
    ]
    final = [] if receiver.final is None else [receiver.final]
    for line in receiver.lines + final:
        text = _report(build, line, scenario.enhanced, 1.0 / scenario.pps)
        printed.append((line.at + 0.0002, text))
        if line.late:
            times = _times(build, line.start, line.end)
            late = f"[  1] {times} sec  {line.late} datagrams received out-of-order"
            printed.append((line.at + 0.0002, late))
    return printed


def _times(build: Build, start: float, end: float) -> str:
    return f"{start:.{build.decimals}f}-{end:.{build.decimals}f}"


def _report(build: Build, line: Line, enhanced: bool, packet_s: float) -> str:  # noqa: FBT001
    seconds = max(line.end - line.start, packet_s)
    percent = 100.0 * line.lost / line.total if line.total else 0.0
    text = (
        f"[  1] {_times(build, line.start, line.end)} sec  {_amount(line.size)}Bytes  "
        f"{line.size * 8 / seconds / 1e6:.3g} Mbits/sec   0.002 ms "
        f"{line.lost}/{line.total} ({percent:.2g}%)"
    )
    if not enhanced:
        return text
    empty = line.received == 0
    text += " -/-/-/- ms 0 pps" if empty else " 0.010/0.005/0.030/0.002 ms 1000 pps"
    if build.prints_received and not empty:
        text += f" {line.received}/0(0) pkts 100000"
    elif build.prints_reads:
        text += f" {line.received}/0/0" + ("" if empty else " 100000")
    elif not empty:
        text += " 100000.00"
    return text


def _amount(size: int) -> str:
    """Print bytes as iperf does: three digits and a unit."""
    value, unit = float(size), ""
    for bigger in ("K", "M", "G"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def _client_lines(scenario: Scenario, build: Build, count: int) -> list[tuple[float, str]]:
    lines = [(0.0, "[  1] local 10.0.0.1 port 40000 connected with 10.0.0.2 port 5001")]
    intervals = int(count / scenario.pps / scenario.interval)
    for index in range(intervals):
        start, end = index * scenario.interval, (index + 1) * scenario.interval
        writes = round(end * scenario.pps) - round(start * scenario.pps)
        lines.append((end, _writes(build, start, end, writes)))
    end = count / scenario.pps
    lines.append((end, _writes(build, 0.0, end, count)))
    lines.append((end, f"[  1] Sent {count + build.sent_extra} datagrams"))
    return lines


def _writes(build: Build, start: float, end: float, writes: int) -> str:
    size = writes * DATAGRAM_BYTES
    errors = "0/0" if build.prints_reads else "0"
    return (
        f"[  1] {_times(build, start, end)} sec  {_amount(size)}Bytes  11.8 Mbits/sec  "
        f"{writes}/{errors}     1000 pps"
    )
