"""The synchronous streams: clients and a server, started, run and stopped as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyperf2.instance import IPerfInstance
from pyperf2.traffic.course import running, starting, stopping
from pyperf2.traffic.steps import perform
from pyperf2.traffic.stream import StreamFace

if TYPE_CHECKING:
    from typing_extensions import Self

    from pyperf2.instance import Server
    from pyperf2.traffic.stream import StreamResults


class Stream(StreamFace):
    """Clients and the server they connect to."""

    _takes = IPerfInstance

    def start(self, delay: float | None = None) -> None:
        """Reserve the port, start the server, and, when it is ready, all clients in parallel.

        Args:
            delay: seconds between the two, if the network needs them; the library does not.

        Raises:
            TrafficError: an instance did not start; it names each, and all were stopped again.
            PortUnavailable: no port was free within the tries.
            StateError: it is started already.
        """
        perform(starting([self], delay))

    def stop(self, delay: float | None = None) -> None:
        """Stop all clients, then the server, and release the port; more than once is no harm.

        Args:
            delay: seconds between the two.

        Raises:
            TrafficError: one could not be stopped; all others were.
        """
        perform(stopping([self], delay))

    def run(self, duration: float) -> StreamResults:
        """Start, and stop after ``duration`` seconds, or when all clients have ended by themselves.

        Raises:
            TrafficError: an instance failed, at the start or later; all have been stopped.
            PortUnavailable, StateError: as ``start``.
        """
        perform(running([self], duration))
        return self.results

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, whatever happened inside."""
        self.stop()


class SingleHostStream(Stream):
    """A server whose clients are none of ours."""

    def __init__(
        self,
        server: Server,
        name: str = "Stream",
        port: int | None = None,
        port_find_tries: int = 10,
    ) -> None:
        """Put it under a name; arguments as of ``Stream``."""
        super().__init__((), server, name, port, port_find_tries)
