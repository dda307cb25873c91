"""The synchronous face: ``Server``, ``Client``, and many of them at once.

All instances share one engine thread; no logic lives here that the asyncio face needs too.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pyperf2.core.endpoints import endpoint_of
from pyperf2.core.optionset import of_role
from pyperf2.errors import OptionError, StartFailed, StateError
from pyperf2.face import RUNNING, Face

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from typing_extensions import Self

    from pyperf2.core.endpoints import Side
    from pyperf2.core.records import Interval
    from pyperf2.core.results import Result
    from pyperf2.core.spelling import Role
    from pyperf2.run.runner import Run

_SAID_BY_HOSTS: Final = ("server_ip", "use_linux_namespace")
DELIVERY_GRACE_S: Final = 5.0  # for callbacks to take what is left, after the process has ended


class IPerfInstance(Face):
    """One iperf process at a time; the same object can be started again."""

    def __init__(self, **options: Any) -> None:
        """Set options by keyword; nothing is started."""
        super().__init__(**options)
        self._starting = threading.Lock()

    def start(
        self,
        wait: bool = True,  # noqa: FBT001, FBT002 - scripts call start(False)
        timeout: float = 5.0,
        *,
        create_thread_function: Callable[..., Any] | None = None,  # noqa: ARG002
    ) -> bool:
        """Start iperf, and wait until it is ready: its socket bound, or connected.

        Args:
            wait: False returns as soon as the process is there.
            timeout: seconds it may take to become ready.
            create_thread_function: accepted from scripts for 0.x, and not used.

        Returns:
            True; False if iperf died at once (``error`` says why). True, and nothing else, if it
            runs already.

        Raises:
            OptionError, UnsupportedOption: what is set cannot be run.
            BinaryNotFound, NotIPerf, NameSpaceNotFoundError, PrivilegeError, RawLogError,
            PortUnavailable: it cannot be started; nothing was.
            ReadyTimeout: it ran but did not become ready; it was ended again.
            StateError: it runs already, with other options.
        """
        from pyperf2.run import engine

        with self._starting:
            if self.status == RUNNING:
                return self._runs_already()
            before = self._run
            run = self._new_run()
            try:
                return engine.call(run.start(wait=wait, timeout=timeout))
            finally:
                self._keep_or_restore(run, before)

    def stop(self) -> bool:
        """End iperf (INT, TERM, KILL, each with a grace time) and reap it; True, always.

        Everything it printed has been told to callbacks when this returns, unless it is called
        inside one.
        """
        from pyperf2.run import engine

        run = self._run
        if run is not None and not run.finished.is_set():
            engine.call(run.stop())
            _await_delivery(run)
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run, at most ``timeout`` seconds; True once stopped."""
        run = self._run
        return run.finished.wait(timeout) if run is not None else False

    def run(self, duration: float) -> bool:
        """Start; a client blocks until it has ended, or is ended after ``duration`` seconds.

        A server is started and left running, so that traffic of both roles can be driven alike;
        ``stop`` ends it. Of a client that has an end of its own, whichever comes first counts.

        Returns:
            Whether nothing went wrong; ``error`` says what.
        """
        with self._ending_after(duration) as limit_s:
            started = self.start()
        if self.type == "server" or not started:
            return started
        try:
            self.wait(limit_s)
        finally:
            self.stop()
        return self.error is None

    def intervals(self) -> Iterator[Interval]:
        """Give the intervals of the run, from its first one kept, as they arrive; ends with it."""
        if self._run is None:
            raise StateError("intervals() reads a run; call start() first")
        return iter(self._run.arrivals)

    def runs(self) -> Iterator[Result]:
        """Give a ``Result`` for each test that an iperf3 has served, as it ends.

        A server serves one test after another until it is stopped (or one, with ``one_off``);
        a client has one. An iperf2 tells no ends of tests, so it gives none.
        """
        if self._run is None:
            raise StateError("runs() reads a run; call start() first")
        return iter(self._run.runs)

    def __enter__(self) -> Self:
        """Start; raise what went wrong if it died at once."""
        if not self.start() and self.error is not None:
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, whatever happened inside."""
        self.stop()

    def _runs_already(self) -> bool:
        if self._stale:
            raise StateError(
                "it runs, and its options were changed since; stop() first, then start() again"
            )
        return True

    def _new_run(self) -> Run:
        from pyperf2.run.callbacks import Strand
        from pyperf2.run.runner import Run

        run = Run(self._prepared(), self._callbacks, Strand(self._options["name"] or self.type))
        self._stale = False
        self._run = run
        return run

    def _keep_or_restore(self, run: Run, before: Run | None) -> None:
        """A run that never got a process was none: what was before it stands."""
        if run.pid is None and self._run is run:
            self._run = before


class Server(IPerfInstance):
    """An iperf server: it listens, receives, and reports what arrived."""

    type: ClassVar[Role] = "server"


class Client(IPerfInstance):
    """An iperf client: it connects to ``server_ip`` and sends."""

    type: ClassVar[Role] = "client"

    def __init__(self, server_ip: str | None = None, **options: Any) -> None:
        """Set the target and further options; nothing is started."""
        super().__init__(server_ip=server_ip, **options)


def ends_between(sender: Side, receiver: Side, options: Mapping[str, Any]) -> tuple[Server, Client]:
    """Make both ends of a stream from one host to another; each gets the options that it takes.

    Raises:
        OptionError: a host is none; an option is none, is wrong, or says what the hosts say.
    """
    here, there = endpoint_of("sender", sender), endpoint_of("receiver", receiver)
    for name in _SAID_BY_HOSTS:
        if name in options:
            raise OptionError(f"{name}: the two hosts say where the ends are; leave it out")
    return (
        Server(use_linux_namespace=there.namespace, **of_role(options, "server")),
        Client(there.address, use_linux_namespace=here.namespace, **of_role(options, "client")),
    )


def start_all(instances: Iterable[IPerfInstance], timeout: float = 5.0) -> None:
    """Start many instances in parallel: all servers first, and when they are ready, all clients.

    Servers and clients whose port and protocol agree are paired (``Server.pair``).

    Raises:
        StartFailed: some did not start; it names each, and all of the group were stopped again.
    """
    members = list(instances)
    _pair_up(members)
    try:
        for role in ("server", "client"):
            _start_or_raise([one for one in members if one.type == role], timeout)
    except BaseException:
        stop_all(members)
        raise


def stop_all(instances: Iterable[IPerfInstance]) -> None:
    """Stop many instances in parallel; returns when all are stopped and reaped."""
    for error in stop_together(instances).values():
        raise error


def stop_together(group: Iterable[IPerfInstance]) -> dict[IPerfInstance, BaseException]:
    """Stop instances in parallel, each whatever becomes of the others; give what went wrong."""
    import asyncio

    from pyperf2.run import engine

    runs = {one: one._run for one in group}  # noqa: SLF001 - our own
    live = {one: run for one, run in runs.items() if run is not None and not run.finished.is_set()}

    async def stop() -> list[BaseException | None]:
        return await asyncio.gather(*(run.stop() for run in live.values()), return_exceptions=True)

    outcomes = engine.call(stop()) if live else []
    for run in live.values():
        _await_delivery(run)
    failures = zip(live, outcomes, strict=False)
    return {one: error for one, error in failures if error is not None}


def _pair_up(members: list[IPerfInstance]) -> None:
    """Pair servers and clients whose port and protocol agree."""
    servers = [one for one in members if one.type == "server"]
    for client in (one for one in members if one.type == "client"):
        same = (client.protocol, client.port)
        client.pair(*(one for one in servers if (one.protocol, one.port) == same))


def _start_or_raise(group: list[IPerfInstance], timeout: float) -> None:
    failures = start_together(group, timeout)
    if failures:
        raise StartFailed(_by_name(failures))


def start_together(
    group: Iterable[IPerfInstance], timeout: float, *, spread_s: float = 0.0
) -> dict[IPerfInstance, BaseException]:
    """Start instances in parallel and wait until they are ready; give what went wrong, with each.

    If one cannot be started at all, none is. Those that did start run on, whatever others do.

    Args:
        group: those that run already are left as they are.
        timeout: seconds that each may take to become ready.
        spread_s: start them evenly over so many seconds, so that their intervals end one after
            another.
    """
    import asyncio

    from pyperf2.run import engine

    failures: dict[IPerfInstance, BaseException] = {}
    runs: dict[IPerfInstance, tuple[Run, Run | None]] = {}
    for one in group:
        if one.status == RUNNING or one in runs:
            continue
        before = one._run  # noqa: SLF001 - our own
        try:
            runs[one] = (one._new_run(), before)  # noqa: SLF001 - our own
        except Exception as error:  # noqa: BLE001 - handed back
            failures[one] = error

    async def start_one(number: int, run: Run) -> bool:
        await asyncio.sleep(number * spread_s / len(runs))
        return await run.start(wait=True, timeout=timeout)

    async def start() -> list[bool | BaseException]:
        return await asyncio.gather(
            *(start_one(number, run) for number, (run, _) in enumerate(runs.values())),
            return_exceptions=True,
        )

    try:
        outcomes = engine.call(start()) if runs and not failures else []
        for one, outcome in zip(runs, outcomes, strict=False):
            if isinstance(outcome, BaseException):
                failures[one] = outcome
            elif not outcome:
                failures[one] = one.error or StateError("it ended at once")
    finally:
        for one, (run, before) in runs.items():
            one._keep_or_restore(run, before)  # noqa: SLF001 - our own
    return failures


def _by_name(failures: Mapping[IPerfInstance, BaseException]) -> dict[str, BaseException]:
    named: dict[str, BaseException] = {}
    for one, error in failures.items():
        name, number = one.label, 2
        while name in named:
            name, number = f"{one.label} #{number}", number + 1
        named[name] = error
    return named


def _await_delivery(run: Run) -> None:
    """Wait for callbacks to take the rest, but never for the one this is called in."""
    if run.inherited:
        return
    if not run.inside_callback and not run.finished.wait(DELIVERY_GRACE_S):
        run.give_up_delivery()
