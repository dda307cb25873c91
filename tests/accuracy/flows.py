"""Flows with a script of what happens to them, played all at once on one path."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pyperf2 import Client, Server, start_all, stop_all
from pyperf2.selftest.truth import of_capture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path as File

    from pyperf2 import Result, StreamResult
    from pyperf2.selftest.truth import Truth
    from tests.accuracy.path import Kind, Path, Toggle

_DEADLINE_S: Final = 10.0
_LAST_WORDS_S: Final = 1.0  # for servers to print what the FIN has ended
BEFORE_THE_START: Final = -inf
TO_THE_END: Final = inf


class Act(NamedTuple):
    """Something that happens to a flow; times in seconds since its first datagram."""

    kind: Kind | Literal["paused"]  # paused: the sender itself is stopped
    at: float
    seconds: float
    release_after: float = 0.0  # of what is held back, since it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One sender (or several), one receiver (or a group of them), one port."""

    name: str
    interval: float
    seconds: float
    acts: tuple[Act, ...] = ()
    percent: int = 0
    rates: tuple[int, ...] = (1000,)  # one sender each
    announced: int | None = 1000  # the rate the receiver is told
    group: str | None = None
    lossy_receiver: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One stream as one receiver heard it, and the truth of it."""

    receiver: int
    stream: StreamResult
    truth: Truth
    packet_s: float


@dataclass(slots=True, kw_only=True)
class Played:
    """What is left of a flow."""

    flow: Flow
    heard: list[Heard]
    dropped: int  # data, by nft's counter
    toggles: list[tuple[Act, Toggle, Toggle | None]]
    messages: list[dict[str, Any]]  # loss callbacks of the (lossy) receiver
    results: list[Result]
    logs: list[str | None]  # what each printed, in the order of ``results``

    @property
    def lone(self) -> Heard:
        """The only stream."""
        (heard,) = self.heard
        return heard


class _Running:
    """One flow while it is played."""

    def __init__(self, flow: Flow, port: int, path: Path, iperf: File, logs: File) -> None:
        self.flow, self.port, self.path = flow, port, path
        common: dict[str, Any] = {
            "protocol": "udp", "port": port, "report_interval": flow.interval,
            "iperf_binary_path": str(iperf), "realtime": False,
        }  # fmt: skip
        if flow.announced:
            common["bandwidth"] = f"{flow.announced}pps"
        places = path.receivers if flow.group else path.receivers[:1]
        self.servers = [
            Server(**common, name=f"rx{n}", bind_ip=flow.group, use_linux_namespace=place)
            for n, place in enumerate(places)
        ]
        self.clients = [
            Client(
                flow.group or path.ips[0],
                **{**common, "bandwidth": f"{rate}pps"},
                name=f"tx{n}",
                test_duration=flow.seconds,
                use_linux_namespace=path.sender,
            )
            for n, rate in enumerate(flow.rates)
        ]
        for one in (*self.servers, *self.clients):
            one.set_raw_log_path(str(logs))
        self.messages: list[dict[str, Any]] = []
        self.servers[flow.lossy_receiver].register_on_packetloss_callback(self.messages.append)
        path.prepare(
            port, percent=flow.percent, only_to=flow.lossy_receiver if flow.group else None
        )
        self._toggles: dict[int, list[Toggle]] = {}

    def script(self, zero_ns: int | None) -> list[tuple[int, int, bool | None]]:
        """Give when what happens: (time, number of the act, on or off or release)."""
        told: list[tuple[int, int, bool | None]] = []
        for number, act in enumerate(self.flow.acts):
            if zero_ns is None:
                if act.at == BEFORE_THE_START:
                    told.append((0, number, True))
                continue
            begin = 0.0 if act.at == BEFORE_THE_START else act.at
            if begin:
                told.append((zero_ns + round(begin * 1e9), number, True))
            if act.seconds < inf:
                end_ns = zero_ns + round((begin + act.seconds) * 1e9)
                told.append((end_ns, number, False))
                if act.kind == "held":
                    told.append((end_ns + round(act.release_after * 1e9), number, None))
        return told

    def do(self, number: int, *, on: bool | None) -> None:
        """Let one thing happen."""
        if on is None:
            self.path.release(self.port)
            return
        kind = self.flow.acts[number].kind
        if kind == "paused":
            for client in self.clients:
                os.kill(client.pid or 0, signal.SIGSTOP if on else signal.SIGCONT)
            return
        toggle = self.path.set(kind, self.port, on=on)
        self._toggles.setdefault(number, []).append(toggle)

    @property
    def heard_all(self) -> bool:
        """Whether every sender's FIN has come, where one can come."""
        if any(act.seconds == inf for act in self.flow.acts):
            return True
        return all(
            len(ended) == len(self.clients) and all(ended)
            for server in self.servers
            for ended in [[one.summary for one in server.result().streams.values()]]
        )

    def left(self) -> Played:
        """Give what is left when all has ended."""
        heard = []
        sources = {
            stream.info.local_port: rate
            for client, rate in zip(self.clients, self.flow.rates, strict=True)
            for stream in client.result().streams.values()
            if stream.info is not None
        }
        tap = self.path.tap
        for number, server in enumerate(self.servers):
            for stream in server.result().streams.values():
                if stream.info is None:  # a sum of streams
                    continue
                source = stream.info.remote_port
                mine = (source, self.port)
                came = [seen for seen in tap.came if (seen.source, seen.port) == mine]
                went = [seen for seen in tap.went[number] if (seen.source, seen.port) == mine]
                packet_s = 1 / sources[source]
                truth = of_capture(came, went, packet_s)
                heard.append(Heard(receiver=number, stream=stream, truth=truth, packet_s=packet_s))
        toggles = [
            (self.flow.acts[number], pair[0], pair[1] if len(pair) > 1 else None)
            for number, pair in self._toggles.items()
        ]
        return Played(
            flow=self.flow,
            heard=heard,
            dropped=self.path.dropped(self.port),
            toggles=toggles,
            messages=self.messages,
            results=[one.result() for one in (*self.servers, *self.clients)],
            logs=[one.raw_log_path for one in (*self.servers, *self.clients)],
        )


class OverloadedError(Exception):
    """The machine itself lost datagrams: nothing can be said of the figures."""


def play(path: Path, iperf: File, logs: File, flows: Sequence[Flow]) -> list[Played]:
    """Run flows at the same time; OverloadedError if the machine was too busy for them.

    What every iperf printed stays in the folder ``logs``.
    """
    overflowed = path.overflowed()
    path.tap.forget()
    running = [_Running(flow, path.new_port(), path, iperf, logs) for flow in flows]
    members = [one for flow in running for one in (*flow.servers, *flow.clients)]
    try:
        for flow in running:
            for _, number, on in flow.script(None):
                flow.do(number, on=on)
        start_all(members)
        zeros = _zeros(path, running)
        script = [
            (at_ns, flow, number, on)
            for flow in running
            for at_ns, number, on in flow.script(zeros[flow.port])
        ]
        for at_ns, flow, number, on in sorted(script, key=lambda one: one[0]):
            path.until(at_ns)
            flow.do(number, on=on)
        for flow in running:
            for client in flow.clients:
                while not client.wait(timeout=0.1):
                    path.tap.read()
        deadline = time.monotonic() + _LAST_WORDS_S
        while not all(flow.heard_all for flow in running) and time.monotonic() < deadline:
            path.until(time.time_ns() + 20_000_000)
    finally:
        stop_all(members)
    path.tap.read()
    if missing := path.overflowed() - overflowed:
        raise OverloadedError(f"the receivers' kernels threw {missing} datagrams away")
    if missing := path.tap.lost():
        raise OverloadedError(f"the capture lost {missing} datagrams")
    return [flow.left() for flow in running]


def _zeros(path: Path, running: Sequence[_Running]) -> dict[int, int]:
    """Wait for the first datagram of each port; give when it came."""
    deadline = time.monotonic() + _DEADLINE_S
    first: dict[int, int] = {}
    while len(first) < len(running):
        assert time.monotonic() < deadline, "some flows sent nothing"
        path.until(time.time_ns() + 5_000_000)
        for seen in path.tap.came:
            first.setdefault(seen.port, seen.at_ns)
    return first
