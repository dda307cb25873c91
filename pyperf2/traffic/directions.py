"""Two hosts, and what each direction between them carries: measured, repeated, kept apart.

Each direction is a stream of its own, from the host that sends: the way back has its client where
the way there has its server. So every build of both tools can do it, a server always receives,
which alone knows loss, jitter and outages, and in both directions at once no process does two
things. Reverse and bidir are for hosts that cannot be connected to; with both ends at hand there
are none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from pyperf2.core import kinds, yardsticks
from pyperf2.core.arguments import seconds_of, whole
from pyperf2.core.endpoints import LOCAL, endpoint_of
from pyperf2.core.figures import Figure
from pyperf2.core.repetitions import repeated
from pyperf2.core.validation import Finding, ValidationReport, criteria_of, validate
from pyperf2.errors import OptionError, PortUnavailable, TrafficError
from pyperf2.instance import ends_between
from pyperf2.run.host import Netns
from pyperf2.traffic.course import running
from pyperf2.traffic.steps import perform
from pyperf2.traffic.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyperf2.core.binary import Tool
    from pyperf2.core.endpoints import Side
    from pyperf2.core.records import Protocol
    from pyperf2.core.repetitions import Repeated
    from pyperf2.core.results import Result
    from pyperf2.core.spelling import Role
    from pyperf2.core.validation import Criteria
    from pyperf2.core.yardsticks import Measured
    from pyperf2.traffic.stream import StreamResults

Wanted: TypeAlias = Literal["upstream", "downstream", "both", "simultaneous"]
Way: TypeAlias = Literal["upstream", "downstream"]

_IN_TURN: Final[Mapping[Wanted, tuple[tuple[Way, ...], ...]]] = {
    "upstream": (("upstream",),),
    "downstream": (("downstream",),),
    "both": (("upstream",), ("downstream",)),
    "simultaneous": (("upstream", "downstream"),),
}
_LAST_WORDS_S: Final = 10.0  # for what is in the sender's buffers to cross a slow path
_PORT: Final = 5201
_PORT_TRIES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """One run in one direction.

    Attributes:
        results: of both ends; None if it failed, and ``reason`` says why.
        reason: see above.
    """

    results: StreamResults | None
    reason: str = ""

    @property
    def authority(self) -> Result | None:
        """Give the result that counts, the client's with TCP and the server's with UDP.

        A datagram that was sent may be lost, so the receiver counts. With TCP the client is told
        when all has arrived: iperf2's waits for that and counts the time, iperf3's fetches what
        the server has received. (iperf3's own count of what it sent was 25 % too much over a link
        of 10 Mbit/s in 2 s; what is in its buffers counts there.)
        """
        if self.results is None:
            return None
        tcp = self.results.server.protocol == "tcp"
        return self.results.clients[0] if tcp else self.results.server


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """All repetitions of one direction, and their figures."""

    way: Way
    repetitions: tuple[Repetition, ...]

    @property
    def bitrate(self) -> Repeated:
        """Bits per second that arrived, on the mean of each repetition; see ``authority``."""
        return self._of("bitrate", "bit/s", _bitrate)

    @property
    def loss(self) -> Repeated:
        """Per cent of the datagrams that were lost; UDP."""
        return self._at("loss", "%", "server", yardsticks.loss_percent)

    @property
    def jitter(self) -> Repeated:
        """The greatest jitter of an interval, in ms; UDP."""
        return self._at("jitter", "ms", "server", yardsticks.jitter)

    @property
    def latency(self) -> Repeated:
        """The greatest latency, in ms; UDP of iperf2, with ``trip_times``."""
        return self._at("latency", "ms", "server", yardsticks.latency)

    @property
    def retransmits(self) -> Repeated:
        """TCP segments sent again."""
        return self._at("retransmits", "", "client", yardsticks.retransmits)

    def _at(
        self, name: str, unit: str, role: Role, measure: Callable[[Result], Measured]
    ) -> Repeated:
        def of(results: StreamResults) -> Measured:
            return measure(results.server if role == "server" else results.clients[0])

        return self._of(name, unit, of)

    def _of(self, name: str, unit: str, of: Callable[[StreamResults], Measured]) -> Repeated:
        taken: list[Figure | str] = []
        for one in self.repetitions:
            found = None if one.results is None else of(one.results)
            if found is None:
                taken.append(one.reason)
            else:
                taken.append(found.reason if found.figure is None else found.figure)
        return repeated(f"{self.way} {name}", unit, taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directions:
    """What `measure` found: ``upstream`` and ``downstream``, each None if it was not wanted."""

    upstream: Direction | None = None
    downstream: Direction | None = None

    @property
    def each(self) -> tuple[Direction, ...]:
        """Those that were wanted."""
        return tuple(one for one in (self.upstream, self.downstream) if one is not None)

    @property
    def asymmetry(self) -> Measured:
        """By how many per cent the mean bitrate of one direction is below that of the other."""
        means = [one.bitrate.statistics for one in self.each]
        rates = [one.mean.value for one in means if one is not None]
        if len(rates) < 2:  # noqa: PLR2004 - directions
            return yardsticks.Measured(None, "two directions with figures are wanted")
        return yardsticks.Measured(Figure(100 * (1 - min(rates) / max(rates))))

    def validate(self, validation_criteria: Criteria | None = None) -> ValidationReport:
        """Hold each repetition of each direction against criteria, by the result that counts.

        ``max_asymmetry`` is held against the means of both directions. A repetition that is
        missing has failed.

        Raises:
            OptionError: one of them is no criterion.
        """
        criteria = criteria_of(validation_criteria)
        of_both = [one for one in criteria if getattr(one, "measure", None) is _ASYMMETRY]
        of_each = [one for one in criteria if one not in of_both]
        findings: list[Finding] = []
        for direction in self.each:
            for number, one in enumerate(direction.repetitions, 1):
                end = f"repetition {number}"
                if (result := one.authority) is not None:
                    findings += validate(result, of_each, end=end, stream=direction.way)
                else:
                    findings.append(_missing(direction.way, end, one.reason))
        findings += (self._balance(one) for one in of_both)
        return ValidationReport(findings=tuple(findings))

    def _balance(self, criterion: Any) -> Finding:
        judged = criterion.hold(self.asymmetry)
        return Finding(
            role="client",
            end="both directions",
            criterion=str(criterion),
            passed=judged.passed,
            value=judged.value,
            limit=criterion.limit_told,
            reason=judged.reason,
            told=judged.told,
        )

    def __str__(self) -> str:
        """Say the figures there are, and the gaps."""
        lines = []
        for one in self.each:
            lines.append(str(one.bitrate))
            others = (one.loss, one.jitter, one.retransmits)
            lines += [str(each) for each in others if each.figures]
        return "\n".join(lines)


_ASYMMETRY: Final = yardsticks.asymmetry


def measure(
    client: Side = LOCAL,
    server: Side = LOCAL,
    *,
    direction: Wanted = "both",
    duration: float = 10.0,
    repetitions: int = 1,
    protocol: Protocol = "tcp",
    tool: Tool = "iperf2",
    port: int = _PORT,
    **options: Any,
) -> Directions:
    """Measure what goes from one host to the other, and back.

    Args:
        client: the one host, an `Endpoint` or a host of a lab; upstream is from it.
        server: the other.
        direction: ``"upstream"``, ``"downstream"``, ``"both"`` (in turn) or ``"simultaneous"``.
        duration: seconds of each run; whole ones with iperf3.
        repetitions: how often.
        protocol: ``"tcp"`` or ``"udp"``.
        tool: ``"iperf2"`` or ``"iperf3"``.
        port: reserved for each run where it is received; if it is taken, the next free one.
        options: further options of ``Server`` and ``Client``, for those that take them.

    Returns:
        What each direction carried. A repetition that failed is a gap there, with its reason, and
        the next one is tried.

    Raises:
        OptionError, UnsupportedOption: an argument or an option is wrong, or not for this build.
        BinaryNotFound, NotIPerf, NameSpaceNotFoundError, PrivilegeError: as ``Server.start``.
    """
    if direction not in get_args(Wanted):
        told = ", ".join(map(repr, get_args(Wanted)))
        raise OptionError(f"direction={direction!r}: one of {told} is wanted")
    times = whole("repetitions", repetitions, kinds.integer(1))
    first_port = whole("port", port, kinds.PORT)
    seconds = seconds_of("duration", duration, exclusive=True)
    if "test_duration" in options:
        raise OptionError("test_duration: duration=… says how long it takes; leave it out")
    given = {**options, "protocol": protocol, "tool": tool}
    here, there = endpoint_of("client", client), endpoint_of("server", server)
    ways: dict[Way, tuple[Side, Side]] = {"upstream": (here, there), "downstream": (there, here)}
    plan = {way: _stream(way, *ways[way], first_port, seconds, given) for way in ways}
    found: dict[Way, list[Repetition]] = {way: [] for group in _IN_TURN[direction] for way in group}
    _check(plan[way] for way in found)
    for _ in range(times):
        for group in _IN_TURN[direction]:
            played = _play([plan[way] for way in group], seconds)
            for way, one in zip(group, played, strict=True):
                found[way].append(one)
    made = {way: Direction(way=way, repetitions=tuple(all_)) for way, all_ in found.items()}
    return Directions(upstream=made.get("upstream"), downstream=made.get("downstream"))


def _stream(
    way: Way, sender: Side, receiver: Side, port: int, seconds: float, options: Mapping[str, Any]
) -> Stream:
    server, client = ends_between(sender, receiver, options)
    client.test_duration = seconds
    return Stream([client], server, way, port, _PORT_TRIES)


def _check(streams: Iterable[Stream]) -> None:
    """Refuse now what would be a gap in every repetition."""
    for stream in streams:
        for one in stream.instances:
            one.generate_cli_from_options()
            if one.use_linux_namespace:
                Netns(one.use_linux_namespace).check()


def _play(streams: Sequence[Stream], seconds: float) -> list[Repetition]:
    """Run them together; if one fails, all of them have."""
    began = time.monotonic()
    try:
        perform(running(streams, seconds + _LAST_WORDS_S))
    except (TrafficError, PortUnavailable) as error:
        return [Repetition(results=None, reason=str(error)) for _ in streams]
    late = time.monotonic() - began > seconds + _LAST_WORDS_S
    reason = f"the client had not ended {_LAST_WORDS_S:g} s after its time" if late else ""
    return [Repetition(results=None if late else one.results, reason=reason) for one in streams]


def _bitrate(results: StreamResults) -> Measured:
    """Give what arrived: of TCP by what the client says, iperf3's by what it has fetched."""
    if results.server.protocol == "udp":
        return yardsticks.slowest(results.server)
    client = results.clients[0]
    if client.tool == "iperf2":
        return yardsticks.slowest(client)
    told = [one.server_report for one in yardsticks.own_streams(client)]
    rates = [one.bytes * 8 / (one.end - one.start) for one in told if one and one.bytes]
    if not rates:
        return yardsticks.Measured(None, "the client has not told what the server received")
    return yardsticks.Measured(Figure(sum(rates)))


def _missing(way: Way, end: str, reason: str) -> Finding:
    return Finding(
        stream=way, role="client", end=end, criterion="traffic", passed=False, reason=reason
    )
