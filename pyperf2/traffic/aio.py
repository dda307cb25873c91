"""The streams and the manager as coroutines, on the caller's own event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyperf2.aio import AsyncInstance
from pyperf2.traffic.course import running, starting, stopping
from pyperf2.traffic.manager import ManagerFace
from pyperf2.traffic.steps import perform_async
from pyperf2.traffic.stream import StreamFace

if TYPE_CHECKING:
    from typing_extensions import Self

    from pyperf2.aio import AsyncServer
    from pyperf2.traffic.stream import StreamResults


class AsyncStream(StreamFace):
    """Clients and the server they connect to; methods, arguments, errors as of ``Stream``."""

    _takes = AsyncInstance

    async def start(self, delay: float | None = None) -> None:
        """Start the server, and, when it is ready, all clients."""
        await perform_async(starting([self], delay))

    async def stop(self, delay: float | None = None) -> None:
        """Stop all clients, then the server, and release the port."""
        await perform_async(stopping([self], delay))

    async def run(self, duration: float) -> StreamResults:
        """Start, and stop after ``duration`` seconds; cancelling stops everything."""
        await perform_async(running([self], duration))
        return self.results

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, whatever happened inside."""
        await self.stop()


class AsyncSingleHostStream(AsyncStream):
    """A server whose clients are none of ours."""

    def __init__(
        self,
        server: AsyncServer,
        name: str = "Stream",
        port: int | None = None,
        port_find_tries: int = 10,
    ) -> None:
        """Put it under a name; arguments as of ``Stream``."""
        super().__init__((), server, name, port, port_find_tries)


class AsyncTrafficManager(ManagerFace[AsyncStream]):
    """Streams by name; methods, arguments, errors as of ``TrafficManager``."""

    _takes = AsyncStream

    async def start(self, name: str, delay: float | None = None) -> None:
        """Start a stream."""
        await perform_async(starting([self[name]], delay))

    async def stop(self, name: str, delay: float | None = None) -> None:
        """Stop a stream."""
        await perform_async(stopping([self[name]], delay))

    async def run(self, name: str, duration: float) -> StreamResults:
        """Start a stream, and stop it after ``duration`` seconds."""
        await perform_async(running([self[name]], duration))
        return self[name].results

    async def start_all(self, delay: float | None = None) -> None:
        """Start all streams that are not started."""
        await perform_async(starting(self._waiting(), delay))

    async def stop_all(self, delay: float | None = None) -> None:
        """Stop all streams."""
        await perform_async(stopping(self.streams, delay))

    async def run_all(self, duration: float) -> dict[str, StreamResults]:
        """Start all streams, and stop them after ``duration`` seconds."""
        await perform_async(running(self.streams, duration))
        return self.results

    async def __aenter__(self) -> Self:
        """Leave the block by whichever door: all streams are stopped."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop all streams."""
        await self.stop_all()
