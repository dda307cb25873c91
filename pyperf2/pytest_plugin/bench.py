"""All that one test has of this library: made here, stopped here; judges nothing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

from pyperf2 import BinaryNotFound, Client, OptionError, PrivilegeError, Server, stop_all
from pyperf2.lab import Host, Lab
from pyperf2.pytest_plugin.artifacts import Artifacts
from pyperf2.pytest_plugin.trials import Trials
from pyperf2.run import probe
from pyperf2.run.reservations import reserve_port

if TYPE_CHECKING:
    from pyperf2.instance import IPerfInstance
    from pyperf2.pytest_plugin.settings import Settings

# What both sides have to agree on: what is set on the server is set on the client, too.
_SHARED: Final = (
    "tool", "iperf_binary_path", "protocol", "port", "ipv6", "bandwidth", "packet_len",
    "report_interval", "realtime", "enhanced",
)  # fmt: skip
_ANY: Final = (None, "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class Bench:
    """What a test makes, until it is over.

    Attributes:
        settings: of the session.
        trials: its convergence tests.
        failed: whether a phase of the test has; None before it ran to its end.
    """

    def __init__(self, settings: Settings, test: str) -> None:
        """Begin with nothing; ``test`` is the node id."""
        self.settings = settings
        self.trials = Trials(self.adopt)
        self.failed: bool | None = None
        self.artifacts = Artifacts(settings.artifacts, test) if settings.artifacts else None
        self._instances: list[IPerfInstance] = []
        self._lab: Lab | None = None
        self._ports = ExitStack()

    # --- what the fixtures hand out -------------------------------------------------------------

    def server(self, *, start: bool = False, **options: Any) -> Server:
        """Make a server, on a port of its own if none is given."""
        made = Server(**options)
        self._prepare(made)
        if "port" not in options:
            made.port = self.port(made.use_linux_namespace)
        if start:
            _start(made)
        return made

    def client(
        self, server: Server | str | None = None, *, start: bool = False, **options: Any
    ) -> Client:
        """Make a client: for a server, for an address, or none yet."""
        if isinstance(server, Server):
            own = server._options  # noqa: SLF001 - our own
            shared = {name: own[name] for name in _SHARED if own.is_set(name)}
            options = {**shared, **options}
            if "server_ip" not in options:
                options["server_ip"] = self._address_of(server, options.get("use_linux_namespace"))
        elif server is not None:
            options = {"server_ip": server, **options}
        made = Client(**options)
        self._prepare(made)
        if isinstance(server, Server):
            made.pair(server)
            if start:
                _start(server)
        if start:
            _start(made)
        return made

    def port(self, namespace: str | None = None) -> int:
        """Reserve a port until the test is over."""
        try:
            return self._ports.enter_context(reserve_port(host=namespace)).port
        except PrivilegeError as error:
            self._missing(str(error))

    def open_lab(self) -> Lab:
        """Make a lab; skip the test where that is not allowed."""
        self._lab = Lab()
        try:
            self._lab.open()
        except PrivilegeError as error:
            self._missing(str(error))
        return self._lab

    def adopt(self, *instances: IPerfInstance) -> None:
        """See to it that they are stopped, and keep what they print where that is wanted."""
        for one in instances:
            if one not in self._instances:
                self._instances.append(one)
                if self.artifacts is not None:
                    self.artifacts.record(one)

    # --- its end --------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop all, write what is to be kept, remove the lab; each of it, whatever fails."""
        with ExitStack() as last_first:
            if self._lab is not None:
                last_first.callback(self._lab.close)
            last_first.push(self._ports)
            if self.artifacts is not None:
                last_first.callback(
                    self.artifacts.write,
                    self._instances,
                    self.trials,
                    pages=not self._is_unwanted,
                )
            last_first.callback(stop_all, self._instances)

    def drop_unwanted(self) -> None:
        """Remove the artefacts of a test that did not fail, if only the others' are wanted."""
        if self.artifacts is not None and self._is_unwanted:
            self.artifacts.remove()

    # --- how ------------------------------------------------------------------------------------

    @property
    def _is_unwanted(self) -> bool:
        return self.failed is False and self.settings.artifacts_when == "failed"

    def _prepare(self, made: Server | Client) -> None:
        """Fill in what the session says, and look whether there is such an iperf."""
        ours = made._options  # noqa: SLF001 - our own
        if not ours.is_set("tool"):
            made.tool = self.settings.tool
        named = ours["iperf_binary_path"] or self.settings.binaries[made.tool]
        made.iperf_binary_path = named
        try:
            probe.find(named, made.tool)
        except BinaryNotFound as error:
            if named:  # by the test or the session: a mistake, not a machine without iperf
                raise
            self._missing(str(error))
        if not ours.is_set("name"):
            number = sum(one.type == made.type for one in self._instances) + 1
            made.name = f"{made.type}-{number}"
        self.adopt(made)

    def _missing(self, reason: str) -> NoReturn:
        if self.settings.require:
            pytest.fail(f"{reason} (and --iperf-require is set)", pytrace=False)
        pytest.skip(reason)

    def _address_of(self, server: Server, namespace: str | None) -> str:
        """Give the address that a client in a namespace reaches a server by."""
        if server.bind_ip not in _ANY:
            return str(server.bind_ip).partition("%")[0]
        if server.use_linux_namespace == namespace:
            return "::1" if server.ipv6 else "127.0.0.1"
        for node in self._lab.nodes.values() if self._lab is not None else ():
            if node.namespace == server.use_linux_namespace and isinstance(node, Host):
                return node.address6 if server.ipv6 else node.address
        raise OptionError(
            f"the address of {server!r} is not known here, as it is in no namespace of netns_lab; "
            "say iperf_client(server, server_ip=…)"
        )


def _start(one: Server | Client) -> None:
    """Start it, if it does not run; raise what went wrong if it died at once."""
    if not one.start() and one.error is not None:
        raise one.error
