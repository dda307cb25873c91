"""Many streams by name, and one call for one of them or for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pyperf2.core.validation import ValidationReport
from pyperf2.errors import NoSuchStream, OptionError, StateError
from pyperf2.traffic.course import running, starting, stopping
from pyperf2.traffic.live import Hooks
from pyperf2.traffic.steps import perform
from pyperf2.traffic.stream import StreamFace
from pyperf2.traffic.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from pyperf2.core.validation import Criteria
    from pyperf2.traffic.stream import StreamResults

_S = TypeVar("_S", bound=StreamFace)


class ManagerFace(Generic[_S]):
    """Streams by name: all but what starts and stops them."""

    _takes: ClassVar[type[StreamFace]]  # the face of its streams

    def __init__(self) -> None:
        """Begin without any."""
        self._streams: dict[str, _S] = {}
        self._hooks = Hooks(self.abort)

    @property
    def streams(self) -> tuple[_S, ...]:
        """All streams, in the order they were added in."""
        return tuple(self._streams.values())

    def __getitem__(self, name: str) -> _S:
        """Give the stream of that name.

        Raises:
            NoSuchStream: there is none.
        """
        try:
            return self._streams[name]
        except KeyError:
            names = ", ".join(map(repr, self._streams)) or "none"
            raise NoSuchStream(f"there is no stream {name!r} (there is: {names})") from None

    def add_stream(self, stream: _S) -> None:
        """Add a stream.

        Raises:
            OptionError: there is one of that name, or one that has an instance of it; it is none.
        """
        if not isinstance(stream, self._takes):
            raise OptionError(f"{stream!r} stands where {self._takes.__name__} is wanted")
        if stream.name in self._streams:
            raise OptionError(f"there is a stream {stream.name!r} already; names are unique")
        for other in self._streams.values():
            shared = [one for one in stream.instances if one in other.instances]
            if shared:
                raise OptionError(
                    f"stream {stream.name!r}: {shared[0]!r} is in stream {other.name!r} already"
                )
        self._streams[stream.name] = stream
        self._hooks.attach(stream)

    def remove_stream(self, name: str) -> _S:
        """Take a stream out, and give it back.

        Raises:
            NoSuchStream: there is none of that name.
            StateError: it is started.
        """
        stream = self[name]
        if stream.started:
            raise StateError(f"{stream!r} is started; stop it first")
        del self._streams[name]
        self._hooks.detach(stream)
        return stream

    @property
    def results(self) -> dict[str, StreamResults]:
        """The results of each stream, by its name."""
        return {name: stream.results for name, stream in self._streams.items()}

    def validate(
        self,
        name: str,
        common_validation_criteria: Criteria | None = None,
        *,
        server_validation_criteria: Criteria | None = None,
        clients_validation_criteria: Criteria | None = None,
    ) -> ValidationReport:
        """Hold the results of a stream against criteria; see ``Stream.validate``."""
        return self[name].validate(
            common_validation_criteria,
            server_validation_criteria=server_validation_criteria,
            clients_validation_criteria=clients_validation_criteria,
        )

    def validate_all(
        self,
        common_validation_criteria: Criteria | None = None,
        *,
        server_validation_criteria: Criteria | None = None,
        clients_validation_criteria: Criteria | None = None,
    ) -> ValidationReport:
        """Hold the results of every stream against criteria; one report of all."""
        return ValidationReport.of(
            stream.validate(
                common_validation_criteria,
                server_validation_criteria=server_validation_criteria,
                clients_validation_criteria=clients_validation_criteria,
            )
            for stream in self.streams
        )

    # --- while it runs ------------------------------------------------------------------------

    def on_interval(self, callback: Callable[..., Any], **keywords: Any) -> None:
        """Call ``callback(message, stream=…, role=…, **keywords)`` for each interval of each end.

        ``message`` is what ``register_on_data_callback`` gives; streams added later count too.
        """
        self._hooks.add("on_data", callback, keywords)

    def on_loss(self, callback: Callable[..., Any], **keywords: Any) -> None:
        """Call ``callback(message, stream=…, role=…, **keywords)`` for each state of a loss."""
        self._hooks.add("on_loss", callback, keywords)

    def stop_when(self, condition: Callable[[dict[str, Any]], object]) -> None:
        """Abort all streams as soon as ``condition(message)`` is true for an interval of any.

        ``loss_above("1%")`` and ``bitrate_below("5M")`` are such conditions.
        """
        self._hooks.watch(condition)

    def abort(self, reason: str = "abort() was called") -> None:
        """Have the clients of all streams that are started ended; see ``Stream.abort``."""
        for stream in self.streams:
            stream.abort(reason)

    def _waiting(self) -> list[_S]:
        return [one for one in self.streams if not one.started]

    def __repr__(self) -> str:
        """Show the names."""
        return f"<{type(self).__name__}: {', '.join(self._streams) or 'no streams'}>"


class TrafficManager(ManagerFace[Stream]):
    """Streams by name, started, run, stopped and validated one by one or all together.

    Leaving its ``with`` stops all.
    """

    _takes = Stream

    def start(self, name: str, delay: float | None = None) -> None:
        """Start a stream; see ``Stream.start``.

        Raises:
            NoSuchStream: there is none of that name; so do all methods that take one.
        """
        perform(starting([self[name]], delay))

    def stop(self, name: str, delay: float | None = None) -> None:
        """Stop a stream; see ``Stream.stop``."""
        perform(stopping([self[name]], delay))

    def run(self, name: str, duration: float) -> StreamResults:
        """Start a stream, and stop it after ``duration`` seconds; see ``Stream.run``."""
        perform(running([self[name]], duration))
        return self[name].results

    def start_all(self, delay: float | None = None) -> None:
        """Start all streams that are not started: all servers, then, after ``delay``, all clients.

        If one does not start, all that this call has started are stopped again.
        """
        perform(starting(self._waiting(), delay))

    def stop_all(self, delay: float | None = None) -> None:
        """Stop all streams: all clients, then, after ``delay``, all servers."""
        perform(stopping(self.streams, delay))

    def run_all(self, duration: float) -> dict[str, StreamResults]:
        """Start all streams at once, and stop them after ``duration`` seconds."""
        perform(running(self.streams, duration))
        return self.results

    def __enter__(self) -> Self:
        """Leave the block by whichever door: all streams are stopped."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all streams."""
        self.stop_all()
