"""Plays a run of a self-test: flows through a lab's link, a capture, blackouts at their times."""

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial
from itertools import count
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.book import is_sum
from pyperf2.errors import IPerfError, LabError, StartFailed
from pyperf2.instance import Client, Server, start_together, stop_all
from pyperf2.lab import Blackout, Loss, kernel, rules
from pyperf2.run.host import Netns
from pyperf2.run.sockets import overflowed_datagrams
from pyperf2.selftest.capture import Tap
from pyperf2.selftest.compare import PACKET_S, Break, Heard, Played
from pyperf2.selftest.plan import INTERVAL_S, PPS, RANDOM_PERCENT, lasts_s
from pyperf2.selftest.truth import of_capture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyperf2.core.results import StreamResult
    from pyperf2.instance import IPerfInstance
    from pyperf2.lab import Fault, Hit, Lab
    from pyperf2.selftest.capture import Seen
    from pyperf2.selftest.plan import Cut, Kind, Plan

_GROUP: Final = "239.255.77.1"
_FIRST_PORT: Final = 6001
_READY_S: Final = 10.0  # for an iperf to be ready,
_START_S: Final = 10.0  # and for all flows to send
_SLACK_S: Final = 1.0  # for flows to start one after another,
_LONGER: Final = 1.2  # and for a script to fall behind on a busy machine
_LAST_WORDS_S: Final = 1.0  # for servers to print what the FIN has ended
_END_S: Final = 10.0  # for the clients to end, behind their time
_POLL_S: Final = 0.05
_SPARE_S: Final = 3  # of capture


class Disturbed(Exception):
    """This machine itself lost datagrams, or its time: the run says nothing of the figures.

    Attributes:
        interrupted: whether a Ctrl-C had ended that run.
    """

    interrupted = False


class Stage:
    """A sender, a link that can be broken, a receiver, and a capture of what crosses the link."""

    def __init__(self, lab: Lab, plan: Plan, iperf: str) -> None:
        """Build it in an open lab."""
        self._plan, self._iperf = plan, iperf
        # An iperf3 that is told to stop does not say for certain what it had sent.
        self.stops = plan.tool == "iperf2"
        self._sender, self._receiver = lab.hosts("sender", "receiver")
        self._link = lab.link(self._sender, self._receiver)
        devices = [rules.device(self._link.number, end) for end in (0, 1)]
        # A run is read when it is over: on a busy machine reading would keep its script waiting.
        longest_s = max(_seconds(cuts) for cuts in plan.runs())
        slots = (longest_s + _SPARE_S) * len(plan.kinds) * PPS * 2
        tap = partial(Tap, devices[0], devices[1:], tool=plan.tool, slots=slots)
        try:
            self._tap: Tap = kernel.inside(self._link.wires.namespace, tap)
        except OSError as error:
            raise LabError(
                f"this kernel captures no packets, {slots} of them: {error}; try fewer flows"
            ) from error
        self._ports = count(_FIRST_PORT)

    def close(self) -> None:
        """Let go of the capture."""
        self._tap.close()

    def play(self, number: int, cuts: tuple[Cut, ...], progress: Callable[[str], None]) -> Played:
        """Play a run; a Ctrl-C after its start ends it early, and what was measured is returned.

        Raises:
            Disturbed: nothing can be said of its figures.
            PyPerf2Error: iperf did not start, or failed.
        """
        flows = [_Flow(self, kind, n) for n, kind in enumerate(self._plan.kinds, 1)]
        return _Run(self, number, flows, cuts, progress).play()

    def instances(self, kind: Kind, name: str, port: int) -> tuple[Server, Client]:
        """Make both ends of a flow; how long it lasts is still to be set."""
        group = _GROUP if kind == "multicast" else None
        common: dict[str, Any] = {
            "tool": self._plan.tool,
            "iperf_binary_path": self._iperf,
            "protocol": "udp",
            "port": port,
            "report_interval": INTERVAL_S,
            "bandwidth": f"{PPS}pps",
        }
        return (
            Server(
                **common,
                name=f"{name}, receiver",
                bind_ip=group,
                use_linux_namespace=self._receiver.namespace,
            ),
            Client(
                group or self._receiver.address,
                **common,
                name=f"{name}, sender",
                use_linux_namespace=self._sender.namespace,
            ),
        )

    def next_port(self) -> int:
        """Return a port that no flow had before."""
        return next(self._ports)

    def blackout(self, ports: Sequence[int]) -> Fault:
        """Prepare one for all flows of these ports."""
        return self._link.prepare(Blackout(ports=ports), toward=self._receiver)

    def random_loss(self, ports: Sequence[int]) -> Fault:
        """Prepare it."""
        loss = Loss(percent=RANDOM_PERCENT, ports=ports)
        return self._link.prepare(loss, toward=self._receiver)

    def overflowed(self) -> int:
        """Tell how many datagrams the receiver's kernel ever threw away."""
        return overflowed_datagrams(Netns(self._receiver.namespace))

    @property
    def tap(self) -> Tap:
        """What crosses the link."""
        return self._tap


class _Flow:
    """One flow of a run."""

    def __init__(self, stage: Stage, kind: Kind, number: int) -> None:
        self.kind = kind
        self.port = stage.next_port()
        self.name = f"flow {number}"
        self.server, self.client = stage.instances(kind, self.name, self.port)

    def stream(self) -> StreamResult | None:
        """Give what its receiver has of it.

        Raises:
            IPerfError: one of its ends failed.
        """
        for one in (self.server, self.client):
            if isinstance(one.error, IPerfError):
                raise one.error
        streams = self.server.result().streams
        return next((one for key, one in streams.items() if not is_sum(key)), None)


class _Run:
    """One run while it is played."""

    def __init__(
        self,
        stage: Stage,
        number: int,
        flows: list[_Flow],
        cuts: tuple[Cut, ...],
        progress: Callable[[str], None],
    ) -> None:
        self._stage, self._number, self._flows, self._cuts = stage, number, flows, cuts
        self._progress = progress
        self._seconds = _seconds(cuts)
        self._members = [one for flow in flows for one in (flow.server, flow.client)]
        self._interrupted = False
        self._overflowed = 0
        self._hits: list[tuple[Cut, Hit]] = []

    def play(self) -> Played:
        """Do all of it; however it ends, everything has been stopped."""
        try:
            return self._play()
        except Disturbed as error:
            error.interrupted = self._interrupted
            raise

    def _play(self) -> Played:
        stage = self._stage
        dark = stage.blackout(self._ports("outages", "multicast"))
        random = stage.random_loss(self._ports("random"))
        stage.tap.forget()
        overflowed = stage.overflowed()
        try:
            self._start()
            try:
                self._script(dark, random)
            except KeyboardInterrupt:
                self._interrupted = True
            for fault in (dark, random):
                if fault.hits and fault.hits[-1].ended is None:
                    fault.stop()
            self._finish()
        finally:
            stop_all(self._members)
            dark.remove()
            random.remove()
        stage.tap.read()
        if missing := self._overflowed - overflowed:
            raise Disturbed(f"the receiver's kernel threw {missing} datagrams away")
        if missing := stage.tap.lost():
            raise Disturbed(f"the capture lost {missing} datagrams")
        return self._played(sum(hit.dropped for hit in (*dark.hits, *random.hits)))

    def _ports(self, *kinds: Kind) -> list[int]:
        return [flow.port for flow in self._flows if flow.kind in kinds]

    def _start(self) -> None:
        self._progress("starting")
        for flow in self._flows:
            flow.client.test_duration = self._seconds
            flow.client.pair(flow.server)
        self._start_group([flow.server for flow in self._flows], 0.0)
        self._start_group([flow.client for flow in self._flows], INTERVAL_S)

    @staticmethod
    def _start_group(group: Sequence[IPerfInstance], spread_s: float) -> None:
        """Start some; senders one after another, so that no two flows' intervals end at once."""
        if failures := start_together(group, _READY_S, spread_s=spread_s):
            raise StartFailed({str(one.name): error for one, error in failures.items()})

    def _script(self, dark: Fault, random: Fault) -> None:
        zero_ns, last_ns = self._zero_ns()
        random.start()
        for number, cut in enumerate(self._cuts, 1):
            self._progress(f"outage {number} of {len(self._cuts)}, {cut.length_ms} ms")
            self._sleep_until(zero_ns + round(cut.at_s * 1e9))
            hit = dark.start()
            self._hits.append((cut, hit))
            self._sleep_until(hit.began.after_ns + cut.length_ms * 1_000_000)
            planned_ns = zero_ns + round((cut.at_s + cut.length_ms / 1000) * 1e9)
            zero_ns += max(dark.stop().ended_ns - planned_ns, 0)  # the next ones wait as well
        end_ns = zero_ns + round(lasts_s(self._cuts) * 1e9)
        if end_ns > last_ns:
            raise Disturbed(f"the script fell behind by {(end_ns - last_ns) / 1e9:.1f} s")
        self._sleep_until(end_ns)

    def _sleep_until(self, wall_ns: int) -> None:
        _sleep_until(wall_ns, most_s=self._seconds)

    def _zero_ns(self) -> tuple[int, int]:
        """Wait for the first datagram of each flow; give when all send, and until when all do."""
        deadline = time.monotonic() + _START_S
        first: dict[int, int] = {}
        while len(first) < len(self._flows):
            if time.monotonic() > deadline:
                silent = [flow.name for flow in self._flows if flow.port not in first]
                raise Disturbed(f"after {_START_S:g} s nothing was sent by {', '.join(silent)}")
            time.sleep(_POLL_S)
            self._stage.tap.read()
            for seen in self._stage.tap.came:
                first.setdefault(seen.port, seen.at_ns)
        return max(first.values()), min(first.values()) + self._seconds * 10**9

    def _finish(self) -> None:
        """Wait for the senders' end, or stop them, and for the receivers' last words."""
        self._progress("reading what iperf says")
        clients = [flow.client for flow in self._flows]
        if self._interrupted:  # an outage that it ended is told once there is traffic behind it
            time.sleep(4 * INTERVAL_S)
        self._overflowed = self._stage.overflowed()  # FINs that nobody takes are none of it
        if self._interrupted or self._stage.stops:
            stop_all(clients)
        deadline = time.monotonic() + self._seconds + _END_S
        while any(client.status == "running" for client in clients):
            if time.monotonic() > deadline:
                raise Disturbed(f"senders of {self._seconds} s did not end by themselves")
            time.sleep(_POLL_S)
        if not self._stage.stops:
            self._overflowed = self._stage.overflowed()
        deadline = time.monotonic() + _LAST_WORDS_S
        while time.monotonic() < deadline and not self._all_ended():
            time.sleep(_POLL_S)

    def _all_ended(self) -> bool:
        told = [flow.server.progress() for flow in self._flows]
        return all(one is not None and one.ended for one in told)

    def _played(self, dropped: int) -> Played:
        came, went = (_by_port(side) for side in (self._stage.tap.came, self._stage.tap.went[0]))
        heard = []
        for flow in self._flows:
            truth = of_capture(came[flow.port], went[flow.port], PACKET_S)
            heard.append(Heard(flow=flow.name, kind=flow.kind, stream=flow.stream(), truth=truth))
        captured = sum(one.truth.lost for one in heard)
        if captured != dropped:
            raise Disturbed(f"the link dropped {dropped} datagrams, the capture misses {captured}")
        breaks = [
            Break(length_ms=cut.length_ms, began=hit.began, ended=hit.ended)
            for cut, hit in self._hits
            if hit.ended is not None
        ]
        return Played(
            run=self._number,
            heard=tuple(heard),
            breaks=tuple(breaks),
            interrupted=self._interrupted,
        )


def _seconds(cuts: tuple[Cut, ...]) -> int:
    """Give how long the flows of a run have to send; iperf3 takes whole seconds."""
    return ceil(lasts_s(cuts) * _LONGER + _SLACK_S)


def _sleep_until(wall_ns: int, *, most_s: float) -> None:
    """Wait for an instant of the clock that captures are stamped by.

    Raises:
        Disturbed: it is further away than it can be, because somebody has set that clock.
    """
    left_s = (wall_ns - time.time_ns()) / 1e9
    if left_s > most_s:
        raise Disturbed(f"the wall clock was set back by some {left_s - most_s:.0f} s")
    time.sleep(max(left_s, 0.0))


def _by_port(side: Sequence[Seen]) -> defaultdict[int, list[Seen]]:
    found: defaultdict[int, list[Seen]] = defaultdict(list)
    for seen in side:
        found[seen.port].append(seen)
    return found
