"""What both faces of a stream share: its ends, port, state, results, verdict; starts nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pyperf2.core import kinds
from pyperf2.core.arguments import is_line, whole
from pyperf2.core.validation import Finding, ValidationReport, criteria_of, validate
from pyperf2.errors import OptionError
from pyperf2.face import CONFIGURED, RUNNING, STOPPED
from pyperf2.run.reservations import reserve_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyperf2.core.results import Result
    from pyperf2.core.spelling import Role
    from pyperf2.core.validation import Criteria
    from pyperf2.errors import PyPerf2Error
    from pyperf2.face import Face
    from pyperf2.run.reservations import PortReservation


class StreamResults(NamedTuple):
    """The results of both ends of a stream."""

    server: Result
    clients: tuple[Result, ...]


class StreamFace:
    """Clients and their server, under one name."""

    _takes: ClassVar[type[Face]]  # the face of its instances

    def __init__(
        self,
        clients: Iterable[Any],
        server: Any,
        name: str = "Stream",
        port: int | None = None,
        port_find_tries: int = 10,
    ) -> None:
        """Put them together; nothing is started.

        Args:
            clients: those that connect to the server; none is fine.
            server: where they connect to.
            name: unique among the streams of a manager.
            port: reserved at each start, in the server's namespace, and given to the server and
                all clients; if it is taken, the next free number. None leaves the ports that
                the instances have.
            port_find_tries: how many numbers to try.

        Raises:
            OptionError: one of them is of another role or face, or there twice; a name or a
                number that is none.
        """
        if not isinstance(clients, Iterable):
            raise OptionError(f"stream {name!r}: a list of clients is wanted, not {clients!r}")
        self._server: Face = server
        self._clients: tuple[Face, ...] = tuple(clients)
        self._name = name
        self.port = None if port is None else whole("port", port, kinds.PORT)
        self.port_find_tries = whole("port_find_tries", port_find_tries, kinds.integer(1))
        self._reservation: PortReservation | None = None
        self._started = self._ever_started = False
        self._aborted: str | None = None
        self._error: PyPerf2Error | None = None
        if not is_line(name):
            raise OptionError(f"a stream's name is a line of text, not {name!r}")
        for one, role in ((server, "server"), *((one, "client") for one in self._clients)):
            if not isinstance(one, self._takes) or one.type != role:
                wanted = self._takes.__name__.replace("IPerfInstance", "Server or Client")
                raise OptionError(
                    f"stream {name!r}: {one!r} stands where a {role} ({wanted}) is wanted"
                )
        if len(set(self.instances)) < len(self.instances):
            raise OptionError(f"stream {name!r}: one of its clients is there twice")
        server.pair(*self._clients)

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def server(self) -> Face:
        """Its server."""
        return self._server

    @property
    def clients(self) -> tuple[Face, ...]:
        """Its clients; may be none."""
        return self._clients

    @property
    def instances(self) -> tuple[Face, ...]:
        """The server, then the clients."""
        return (self._server, *self._clients)

    def name_of(self, instance: Face) -> str:
        """Name one of its instances, and the stream."""
        labels = [one.label for one in self.instances]
        place = next(number for number, one in enumerate(self.instances) if one is instance)
        label, before = labels[place], labels[:place].count(labels[place])
        return f"stream {self._name!r}, {label}{f' #{before + 1}' if before else ''}"

    # --- state --------------------------------------------------------------------------------

    @property
    def started(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._started

    @property
    def running(self) -> bool:
        """Whether a client runs just now; of a stream without clients, its server."""
        return any(one.running for one in self._clients or (self._server,))

    @property
    def completed(self) -> bool:
        """Whether it was started, and all clients have ended."""
        return self._ever_started and not self.running

    @property
    def status(self) -> str:
        """``configured``, ``running`` or ``stopped``."""
        if not self._ever_started:
            return CONFIGURED
        return RUNNING if self.running else STOPPED

    @property
    def aborted(self) -> str | None:
        """Why its latest run was broken off; None if it was not."""
        return self._aborted

    @property
    def error(self) -> PyPerf2Error | None:
        """What the latest start, run or stop raised, else the error of an instance; or None."""
        if self._error is not None:
            return self._error
        return next((one.error for one in self.instances if one.error is not None), None)

    @property
    def reserved_port(self) -> int | None:
        """The port that is reserved for it just now."""
        return self._reservation.port if self._reservation is not None else None

    def abort(self, reason: str = "abort() was called") -> None:
        """Have its clients ended, from any thread, also inside a callback; returns at once.

        A ``run`` that is on returns; after ``start``, call ``stop`` as ever. What was aborted
        does not pass ``validate``.
        """
        if self._started:
            self._aborted = self._aborted or reason
            for one in self._clients or (self._server,):
                if one._run is not None:  # noqa: SLF001 - our own
                    one._run.end_soon()  # noqa: SLF001 - our own

    # --- results ------------------------------------------------------------------------------

    @property
    def results(self) -> StreamResults:
        """The results of the server and of each client, so far."""
        clients = tuple(one.result() for one in self._clients)
        return StreamResults(self._server.result(), clients)

    def validate(
        self,
        common_validation_criteria: Criteria | None = None,
        *,
        server_validation_criteria: Criteria | None = None,
        clients_validation_criteria: Criteria | None = None,
    ) -> ValidationReport:
        """Hold the results against criteria; true if each is kept, and each end moved something.

        Args:
            common_validation_criteria: for every end; as ``Server.validate`` takes them.
            server_validation_criteria: for the server alone.
            clients_validation_criteria: for each client.

        Raises:
            OptionError: common criteria and others, or something that is no criterion.
        """
        others = (server_validation_criteria, clients_validation_criteria)
        if common_validation_criteria is not None and any(one is not None for one in others):
            raise OptionError(
                "common criteria are for both sides; give them, or those of each side"
            )
        common = criteria_of(common_validation_criteria)
        of_server = common or criteria_of(server_validation_criteria)
        of_clients = common or criteria_of(clients_validation_criteria)
        findings = list(self._remarks())
        for one in self.instances:
            criteria = of_server if one is self._server else of_clients
            findings += validate(one.result(), criteria, end=one.label, stream=self._name)
        if not self._clients and not common:
            reason = "no data: there is no client"
            findings += (self._failed("client", str(one), reason) for one in of_clients)
        return ValidationReport(findings=tuple(findings))

    def _remarks(self) -> Iterator[Finding]:
        if self._aborted is not None:
            yield self._failed("server", "carried through", f"aborted: {self._aborted}")

    def _failed(self, role: Role, criterion: str, reason: str) -> Finding:
        end = self._server.label if role == "server" else role
        return Finding(
            stream=self._name, role=role, end=end, criterion=criterion, passed=False, reason=reason
        )

    # --- what a course does with it -------------------------------------------------------------

    def _begin(self) -> None:
        self._started = self._ever_started = True
        self._aborted = self._error = None

    def _take_port(self) -> None:
        self._reservation = reserve_port(
            self.port, count=self.port_find_tries, host=self._server.use_linux_namespace
        )
        for one in self.instances:
            one.port = self._reservation.port

    def _end(self) -> None:
        self._started = False
        reservation, self._reservation = self._reservation, None
        if reservation is not None:
            reservation.release()

    def __repr__(self) -> str:
        """Show name, state and how many clients there are."""
        kind = type(self).__name__
        return f"<{kind} {self._name!r} {self.status}, clients: {len(self._clients)}>"
