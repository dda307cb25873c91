"""What both faces share: options as attributes, callbacks, results; starts and stops nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pyperf2.core.arguments import seconds_of
from pyperf2.core.options import OPTIONS
from pyperf2.core.optionset import READ_ONLY, OptionSet, nearest, unknown_option
from pyperf2.core.results import Result
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pyperf2.core.book import Peer, Progress
    from pyperf2.core.records import Span
    from pyperf2.core.spelling import Role
    from pyperf2.core.validation import Criteria, ValidationReport
    from pyperf2.errors import PyPerf2Error
    from pyperf2.run.order import Order
    from pyperf2.run.runner import Run

_ENDS: Final = ("test_duration", "num", "blockcount")  # options that end a client's run
_LAST_WORDS_S: Final = 3.0  # an iperf2 of UDP asks for 2.5 s whether its FIN has arrived

CONFIGURED = "configured"
RUNNING = "running"
STOPPED = "stopped"

# (from, to) → what brings it about; drawn in the docs.
TRANSITIONS: dict[tuple[str, str], str] = {
    (CONFIGURED, RUNNING): "start()",
    (RUNNING, STOPPED): "stop(), or iperf ended by itself",
    (STOPPED, RUNNING): "start(): results begin afresh",
}


class Face:
    """A configured iperf: a role, options, callbacks, and the results of its latest run.

    Every option is a keyword of the constructor and an attribute; both are checked at once.
    """

    type: ClassVar[Role]

    def __init__(self, **options: Any) -> None:
        """Set options by keyword; OptionError for a wrong name or value."""
        from pyperf2.run.order import utc_now
        from pyperf2.run.registered import Callbacks

        self._options = OptionSet(changed=self._options_changed)
        self._callbacks = Callbacks()
        self._created = utc_now()
        self._raw_log_folder: str | None = None
        self._run: Run | None = None
        self._paired: list[Face] = []
        self._stale = False  # options changed since the start
        self.set_options(**options)

    # --- options ------------------------------------------------------------------------------

    def set_options(self, **options: Any) -> None:
        """Set any number of options, all of them or, at an OptionError, none."""
        self._options.set_all(options)

    def get_options(self) -> dict[str, Any]:
        """Give all options; ``x.set_options(**y.get_options())`` makes x a copy of y."""
        return self._options.as_dict()

    def _options_changed(self) -> None:
        self._stale = True

    def __getattr__(self, name: str) -> Any:
        """Read an option as an attribute."""
        if name in OPTIONS:
            return self._options[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an option as an attribute; a near miss of an option's name is refused."""
        if name in OPTIONS:
            self._options.set(name, value)
        elif name.startswith("_") or (not nearest(name) and name not in READ_ONLY):
            object.__setattr__(self, name, value)
        elif name in READ_ONLY:
            raise OptionError(f"{name} can be read, not set")
        else:
            raise unknown_option(name)

    def __dir__(self) -> list[str]:
        """Name the options among the attributes."""
        return sorted({*super().__dir__(), *OPTIONS})

    def generate_cli_from_options(self) -> list[str]:
        """Give the command line that ``start()`` would run; the namespace is entered, not wrapped.

        Raises:
            OptionError, UnsupportedOption, BinaryNotFound, NotIPerf: as ``start()`` would.
        """
        from pyperf2.core.argv import compose
        from pyperf2.run import probe

        binary = probe.find(self._options["iperf_binary_path"], self._options["tool"])
        return list(compose(self._options, self.type, probe.probe(binary), binary).argv)

    def set_raw_log_path(self, path: str) -> None:
        """Keep what iperf prints in a new file in the folder ``path``, one file per run.

        Raises:
            RawLogError: there is no such folder, or it cannot be written.
        """
        from pyperf2.run.rawlog import check_folder

        self._raw_log_folder = check_folder(path)

    @property
    def raw_log_path(self) -> str | None:
        """The raw log of the latest run."""
        return self._run.raw_log_path if self._run else None

    @property
    def get_name(self) -> str:
        """The instance's name; ValueError when unset. (A property since 0.1.)"""
        name = self._options["name"]
        if not name:
            raise OptionError("this iperf instance needs a name: set_options(name=...)")
        return str(name)

    # --- callbacks ----------------------------------------------------------------------------

    def register_on_data_callback(self, cb: Callable[..., Any], **kw: Any) -> None:
        """Call ``cb(message, **kw)`` for each interval, after it joined the results.

        ``message`` is the dict of ``Interval.to_dict()``. Any number, in registration order.
        """
        self._callbacks.on_data.append((cb, kw))

    def register_on_packetloss_callback(self, cb: Callable[..., Any], **kw: Any) -> None:
        """Call ``cb(message, **kw)`` for each state of a loss event (``LossEvent.to_dict()``)."""
        self._callbacks.on_loss.append((cb, kw))

    register_on_packtetloss_callback = register_on_packetloss_callback  # as 0.x spelt it

    @property
    def callback_errors(self) -> int:
        """How often a callback raised; each is logged with its traceback."""
        return self._callbacks.errors

    # --- state --------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """``configured``, ``running`` or ``stopped``; becomes ``stopped`` by itself."""
        if self._run is None:
            return CONFIGURED
        return STOPPED if self._run.finished.is_set() else RUNNING

    @property
    def started(self) -> bool:
        """Whether there was a start; what it left can be read."""
        return self._run is not None

    @property
    def running(self) -> bool:
        """Whether iperf runs just now."""
        return self.status == RUNNING

    @property
    def pid(self) -> int | None:
        """Process id of iperf; None before the first start."""
        return self._run.pid if self._run else None

    @property
    def returncode(self) -> int | None:
        """Exit status, negative when a signal ended it; None while it runs."""
        return self._run.returncode if self._run else None

    @property
    def error(self) -> PyPerf2Error | None:
        """What went wrong in the latest run, with argv and iperf's own words; or None."""
        if self._run is None:
            return None
        with self._run.session() as session:
            return session.error

    @property
    def version(self) -> str | None:
        """The version of the iperf that ran, as it prints it; None before the first start."""
        return str(self._run.order.build.version) if self._run else None

    @property
    def expected_interval_packets(self) -> int | None:
        """Datagrams expected per interval, from ``bandwidth`` in pps, else as measured so far."""
        from pyperf2.run.order import loss_policy

        pps = loss_policy(self._options).expected_pps
        if pps is not None:
            return int(pps * self._options["report_interval"])
        if self._run is None:
            return None
        with self._run.session() as session:
            measured = session.expected_packets
        return round(measured) if measured is not None else None

    @property
    def currently_has_loss(self) -> dict[str, bool]:
        """Which streams are losing datagrams just now, by stream id."""
        if self._run is None:
            return {}
        with self._run.session() as session:
            return session.currently_has_loss

    # --- results ------------------------------------------------------------------------------

    def result(self) -> Result:
        """Give a consistent, immutable snapshot, at any time."""
        if self._run is None:
            return Result(
                tool=self._options["tool"],
                version=None,
                role=self.type,
                protocol=self._options["protocol"],
                name=self._options["name"],
            )
        with self._run.session() as session:
            span = session.span
        peers = [told for peer in self._paired for told in peer.senders(during=span)]
        with self._run.session() as session:
            return session.result(peers)

    @property
    def results(self) -> Result:
        """The same as ``result()``, under the name that all traffic has it by."""
        return self.result()

    def validate(self, validation_criteria: Criteria | None = None) -> ValidationReport:
        """Hold the result against criteria; true if each is kept, and something was moved.

        Args:
            validation_criteria: ``{function: {keyword: value}}``; the function gets the result
                and the keywords, and returns whether that will do. Or a list of functions, of
                ``(function, {keyword: value})``, and of criteria of ``pyperf2.traffic``.

        Raises:
            OptionError: one of them is no criterion.
        """
        from pyperf2.core.validation import ValidationReport, criteria_of, validate

        found = validate(self.result(), criteria_of(validation_criteria), end=self.label)
        return ValidationReport(findings=tuple(found))

    @property
    def label(self) -> str:
        """What a report calls it, which is its name, or its role and port."""
        return str(self._options["name"] or f"{self.type} on port {self.port}")

    def progress(self) -> Progress | None:
        """Tell how far the latest run has come, all streams together; None before the first start.

        Costs the same however long it runs, which ``result()`` does not: for looking often.
        """
        if self._run is None:
            return None
        with self._run.session() as session:
            return session.progress()

    def senders(self, *, during: Span | None = None) -> list[Peer]:
        """Give what the sending streams of the latest run say of themselves.

        ``during`` passes over a run at another time: who was paired once may send elsewhere since.
        """
        if self._run is None:
            return []
        with self._run.session() as session:
            if during is not None and not session.span.meets(during):
                return []
            return session.senders()

    def pair(self, *others: Face) -> None:
        """Learn who is at the other end: a server its client, a client its server.

        What the sender says of itself completes the receiver's account: datagrams lost behind the
        last one received, and outages that were the sender's own stalls. Several clients may send
        to one server, and one client to several (multicast). ``start_all`` pairs by itself those
        whose port and protocol agree. Runs that were not on at the same time tell one another
        nothing, so a pair may part.
        """
        for other in others:
            if other.type == self.type:
                raise OptionError(
                    f"{other!r} is a {self.type} too; a pair is a server and a client"
                )
        for other in others:
            self._add_peer(other)
            other._add_peer(self)  # noqa: SLF001 - our own

    def _add_peer(self, other: Face) -> None:
        if other not in self._paired:
            self._paired.append(other)

    def get_results(self) -> dict[str, Any]:
        """Give ``{stream_id: {"info", "detail", "summary", "events", "timestamp"}}``, a copy."""
        if self._run is None:
            return {}
        with self._run.session() as session:
            return session.classic_results()

    def get_result_events(self) -> list[dict[str, Any]]:
        """Group neighbouring intervals with loss: ``[{"detail": […], "summary": {…}}]``."""
        from pyperf2.core.classic import lossy_periods

        return lossy_periods(self.get_results())

    def trim_results(self, keep: int, stream_id: str | None = None) -> None:
        """Forget all but the last ``keep`` intervals; totals, events and summary stay."""
        if keep < 0:
            raise OptionError(f"keep={keep}: at least 0 is wanted")
        if self._run is not None:
            with self._run.session() as session:
                session.trim(keep, None if stream_id is None else str(stream_id))

    @contextmanager
    def _ending_after(self, seconds: float) -> Generator[float]:
        """Have a client that would run on end by itself, if it is started inside.

        That is cleaner than an interrupt. Only iperf2 knows parts of a second. Gives how long to
        wait for its end before it has to be ended.
        """
        seconds = seconds_of("duration", seconds, exclusive=True)
        endless = not any(self._options[name] for name in _ENDS)
        if self.type != "client" or not endless or self.running or seconds != int(seconds):
            yield seconds
            return
        with self._lent(test_duration=seconds):
            yield seconds + _LAST_WORDS_S

    @contextmanager
    def _lent(self, **options: Any) -> Generator[None]:
        """Have options set for a run that begins inside; then they are what they were."""
        before = {
            name: self._options[name] if self._options.is_set(name) else None for name in options
        }
        self._options.set_all(options)
        try:
            yield
        finally:
            stale = self._stale  # what the user has changed meanwhile counts, this does not
            self._options.set_all(before)
            self._stale = stale

    def _prepared(self) -> Order:
        from pyperf2.run.order import prepare

        return prepare(
            self._options, self.type, raw_log_folder=self._raw_log_folder, created=self._created
        )

    def __repr__(self) -> str:
        """Show class, name, target and state."""
        name = f" {self.name!r}" if self.name else ""
        return f"<{type(self).__name__}{name} port {self.port} {self.status}>"
