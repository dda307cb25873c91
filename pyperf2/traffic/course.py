"""In which order streams are started, run and stopped, and what follows a failure.

Servers are ready before any client starts; clients have ended before any server is stopped; a
port is free when its server has ended. Whatever goes wrong, all that was started is stopped, in
reverse, and one error says everything that went wrong. Several streams go through each step
together.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from pyperf2.core.arguments import seconds_of
from pyperf2.errors import PyPerf2Error, StateError, TrafficError
from pyperf2.traffic.steps import Call, Pause, Start, Stop, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyperf2.face import Face
    from pyperf2.traffic.steps import Course, Failures
    from pyperf2.traffic.stream import StreamFace

_log = logging.getLogger(__name__)

_START_S: Final = 5.0  # for each instance to become ready,
_START_EACH_S: Final = 0.1  # and more where many processes share a machine
_LAST_WORDS_S: Final = 3.0  # for clients that end by themselves


def starting(streams: Sequence[StreamFace], delay: float | None = None) -> Course[None]:
    """Start streams: reserve their ports, start all servers, then, after ``delay``, all clients.

    Raises:
        TrafficError: some did not start; everything has been stopped again.
        PortUnavailable, OptionError, …: what a port or an option is refused for, likewise.
        StateError: one of them is started already; it runs on.
    """
    yield from _starting(streams, delay, duration=None)


def _starting(
    streams: Sequence[StreamFace], delay: float | None, duration: float | None
) -> Course[list[Face]]:
    """Start; give the clients that were told to end by themselves after ``duration``."""
    pause_s = seconds_of("delay", delay or 0.0)
    for one in streams:
        if one.started:
            raise StateError(f"{one!r} is started already; stop it first")
    finite: list[Face] = []
    try:
        yield from _take_ports(streams)
        yield from _start(streams, "server")
        if pause_s:
            yield Pause(pause_s)
        with ExitStack() as until_started:
            for client in _members(streams, "client"):
                if duration is not None:
                    limit_s = until_started.enter_context(client._ending_after(duration))  # noqa: SLF001
                    finite += [client] if limit_s > duration else []
            yield from _start(streams, "client")
    except TrafficError as error:
        more = yield from _ending(streams)
        _raise(streams, "start", {**error.failures, **more})
    except BaseException as error:
        _log_all((yield from _ending(streams)))
        if isinstance(error, PyPerf2Error):
            _remember(streams, error)
        raise
    return finite


def stopping(streams: Sequence[StreamFace], delay: float | None = None) -> Course[None]:
    """Stop streams: all clients, after ``delay`` the servers; then the ports are free.

    Raises:
        TrafficError: something could not be stopped; everything else was.
    """
    failures = yield from _ending(streams, seconds_of("delay", delay or 0.0))
    _raise(streams, "stop", failures)


def running(
    streams: Sequence[StreamFace],
    duration: float,
    on_started: Callable[[], None] = lambda: None,
) -> Course[None]:
    """Start streams, stop them after ``duration`` seconds, or when all clients have ended.

    ``on_started`` is called when all are started.

    Raises:
        TrafficError: one failed, at the start or later; everything has been stopped.
        PortUnavailable, OptionError, StateError, …: as `starting`.
    """
    seconds = seconds_of("duration", duration, exclusive=True)
    finite = yield from _starting(streams, None, seconds)
    try:
        on_started()
        ends = [one for stream in streams for one in stream.clients or (stream.server,)]
        guards = [one for one in _members(streams, "server") if one not in ends]
        yield Wait(ends, seconds, guards)
        if finite and not any(one.error for one in ends):
            yield Wait(finite, _LAST_WORDS_S)
    except BaseException:
        _log_all((yield from _ending(streams)))
        raise
    failures = yield from _ending(streams)
    for stream in streams:
        for one in stream.instances:
            if one.error is not None:
                failures.setdefault(stream.name_of(one), one.error)
    _raise(streams, "run", failures)


def _take_ports(streams: Sequence[StreamFace]) -> Course[None]:
    for one in streams:
        one._begin()  # noqa: SLF001 - our own
        if one.port is not None:
            yield Call(one._take_port)  # noqa: SLF001 - our own


def _start(streams: Sequence[StreamFace], role: str) -> Course[None]:
    members = _members(streams, role)
    if not members:
        return
    failures = yield Start(members, _START_S + _START_EACH_S * len(members))
    if failures:
        raise TrafficError("start", _named(streams, failures))


def _ending(
    streams: Sequence[StreamFace], pause_s: float = 0.0
) -> Course[dict[str, BaseException]]:
    failures: dict[str, BaseException] = {}
    begun = [one for one in streams if one.started]
    try:
        clients = _members(begun, "client")
        failures |= _named(begun, (yield Stop(clients)))
        if pause_s and begun:
            yield Pause(pause_s)
    finally:
        try:
            failures |= _named(begun, (yield Stop(_members(begun, "server"))))
        finally:
            for one in begun:
                one._end()  # noqa: SLF001 - our own
    return failures


def _members(streams: Iterable[StreamFace], role: str) -> list[Face]:
    return [one for stream in streams for one in stream.instances if one.type == role]


def _named(streams: Sequence[StreamFace], failures: Failures) -> dict[str, BaseException]:
    return {
        stream.name_of(one): failures[one]
        for stream in streams
        for one in stream.instances
        if one in failures
    }


def _raise(streams: Sequence[StreamFace], step: str, failures: dict[str, BaseException]) -> None:
    if failures:
        error = TrafficError(step, failures)
        _remember(streams, error)
        raise error from next(iter(failures.values()))


def _log_all(failures: Mapping[str, BaseException]) -> None:
    """Tell what could not be stopped after something worse, which is what is raised."""
    for name, error in failures.items():
        _log.error("%s could not be stopped: %s", name, error)


def _remember(streams: Sequence[StreamFace], error: PyPerf2Error) -> None:
    for one in streams:
        one._error = error  # noqa: SLF001 - our own
