"""Watches the flows of a run: whether all that has to be there is, and how well each arrives.

A look costs the same however long the flows run: it asks how far they have come, not for their
history.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NoReturn

from pyperf2.core.steadiness import Watch
from pyperf2.core.units import parse_bandwidth
from pyperf2.errors import ConvergenceError, PyPerf2Error
from pyperf2.run.host import Local, Netns
from pyperf2.run.sockets import overflowed_datagrams

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pyperf2.convergence.flows import Flow
    from pyperf2.instance import Client, IPerfInstance, Server

_PLACES_EVERY_S: Final = 0.5


class Lookout:
    """The watches of all receivers."""

    def __init__(self, flows: Sequence[Flow], *, steady_s: float) -> None:
        """Begin to watch flows that are about to start."""
        self._flows = flows
        self._steady_s = steady_s
        self._places_seen = 0.0
        self._watches: dict[Server, Watch] = {}
        for flow in flows:
            pps = offered_pps(flow.client)
            for server in flow.receivers:
                self._watches[server] = Watch(
                    expected_pps=pps and pps * (flow.client.parallel or 1),
                    counts_packets=flow.client.protocol == "udp",
                    keep_s=steady_s,
                )

    def look(self, step: str) -> None:
        """Take note of how far all have come.

        Raises:
            ConvergenceError: something is gone that has to be there; names the flow and ``step``.
        """
        for flow in self._flows:
            for one in flow.instances:
                if one.status != "running":
                    why = one.error or f"exit status {one.returncode}"
                    fail(step, f"ended by itself: {why}", flow, one)
        for server, watch in self._watches.items():
            progress = server.progress()
            if progress is not None:
                watch.feed(progress)
        if time.monotonic() - self._places_seen >= _PLACES_EVERY_S:
            self._places_seen = time.monotonic()
            self._look_at_places(step)

    def unsteady(self) -> dict[str, tuple[Flow, str]]:
        """Tell which flows are not steady, and why, by what to call them."""
        found = {}
        for flow in self._flows:
            for server in flow.receivers:
                why = self._watches[server].unsteady(self._steady_s)
                if why is not None:
                    at = f" at {flow.name_of(server)}" if flow.receivers[1:] else ""
                    found[f"{flow.name}{at}"] = (flow, why)
        return found

    def begin_anew(self, why: str) -> None:
        """From here on all have to be clean."""
        for watch in self._watches.values():
            watch.disturb(why)

    def clean_for(self, seconds: float) -> bool:
        """Tell whether all have been clean for so long, and an interval more."""
        return all(
            watch.clean_s >= seconds + float(server.report_interval)
            for server, watch in self._watches.items()
        )

    def all_ended(self) -> bool:
        """Tell whether all receivers have learnt that their senders have ended."""
        told = [server.progress() for server in self._watches]
        return all(one is None or one.ended for one in told)

    def overflows(self) -> dict[str, int]:
        """Tell how many datagrams the receivers' kernels ever dropped for want of a buffer."""
        places = {
            str(host): host
            for flow in self._flows
            if flow.client.protocol == "udp"
            for one in flow.receivers
            for host in [Netns(one.use_linux_namespace) if one.use_linux_namespace else Local()]
        }
        return {name: overflowed_datagrams(host) for name, host in places.items()}

    def _look_at_places(self, step: str) -> None:
        """See that every namespace is still there: iperf would run on in one without a name."""
        for name, (flow, one) in dict(self._places()).items():
            try:
                Netns(name).check()
            except PyPerf2Error as error:
                fail(step, str(error), flow, one, cause=error)

    def _places(self) -> Generator[tuple[str, tuple[Flow, IPerfInstance]]]:
        for flow in self._flows:
            for one in flow.instances:
                if one.use_linux_namespace:
                    yield one.use_linux_namespace, (flow, one)


def offered_pps(client: Client) -> float | None:
    """Give a sender's datagrams per second, for each of its streams, where they are announced."""
    if client.protocol != "udp" or not client.bandwidth:
        return None
    return parse_bandwidth(client.bandwidth).packets_per_second


def fail(
    step: str, why: str, flow: Flow, one: IPerfInstance, *, cause: BaseException | None = None
) -> NoReturn:
    """Raise what is wrong with one instance of a flow."""
    which = "client" if one is flow.client else "server"
    if which == "server" and flow.receivers[1:]:
        which = f"receiver {flow.name_of(one)!r}"
    raise ConvergenceError(step, f"its {which}: {why}", flow=flow.name) from cause
