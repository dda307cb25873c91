"""A run prepared: everything that can be checked without a process is, nothing is started."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from pyperf2.core.argv import compose
from pyperf2.core.command import datagram_length, port_of, uses_ipv6
from pyperf2.core.loss import LossPolicy
from pyperf2.core.plan import Plan
from pyperf2.core.units import parse_bandwidth
from pyperf2.errors import OptionError
from pyperf2.run import ports, probe
from pyperf2.run.host import Local, Netns
from pyperf2.run.rawlog import check_folder

if TYPE_CHECKING:
    from pyperf2.core.binary import Build
    from pyperf2.core.command import Command
    from pyperf2.core.optionset import OptionSet
    from pyperf2.core.records import Protocol
    from pyperf2.core.spelling import Role
    from pyperf2.run.host import Host

_PASSWORD: Final = "IPERF3_PASSWORD"  # noqa: S105 - the name of the variable
_OVERRUN_S: Final = 10.0  # what a client may take beyond its duration: ten FIN retries take 2.5 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run that was checked in every way that needs no process; nothing is started yet."""

    role: Role
    command: Command
    build: Build
    host: Host
    plan: Plan
    port: int
    bind_ip: str | None
    ipv6: bool
    ends_after_s: float | None
    raw_log_folder: str | None
    created: datetime

    @property
    def listens_on(self) -> Protocol:
        """The protocol of the socket that shows it is ready: iperf3's control connection is TCP."""
        return "tcp" if self.build.tool == "iperf3" else self.plan.protocol

    @property
    def connections(self) -> int:
        """How many sockets show that a client is connected: iperf3's first one only controls.

        Whatever listens accepts that one, be it an iperf2 or no iperf at all.
        """
        return 2 if self.build.tool == "iperf3" and self.plan.protocol == "tcp" else 1

    def claim_port(self) -> ports.Claim | None:
        """Keep a server's port for it, and raise if it is taken; None for a client."""
        if self.role != "server":
            return None
        return ports.claim(
            self.host,
            self.listens_on,
            self.port,
            address=self.bind_ip,
            ipv6=self.ipv6,
            also=("udp",) if self.build.tool == "iperf3" else (),  # for a test over UDP
        )


def prepare(
    options: OptionSet, role: Role, *, raw_log_folder: str | None, created: datetime
) -> Order:
    """Check everything and compose the command line; raises before anything is spawned."""
    binary = probe.find(options["iperf_binary_path"], options["tool"])
    build = probe.probe(binary)
    command = compose(options, role, build, binary)
    _check_password(options, build)
    namespace = options["use_linux_namespace"]
    host: Host = Netns(namespace) if namespace else Local()
    host.check()
    ipv6 = uses_ipv6(options, role)
    return Order(
        role=role,
        command=command,
        build=build,
        host=host,
        plan=_plan(options, role, build, command),
        port=port_of(options, build.tool),
        bind_ip=options["bind_ip"],
        ipv6=ipv6,
        ends_after_s=_ends_after(options, role),
        raw_log_folder=check_folder(raw_log_folder) if raw_log_folder else None,
        created=created,
    )


def _check_password(options: OptionSet, build: Build) -> None:
    if build.tool == "iperf3" and options["username"] and not os.environ.get(_PASSWORD):
        raise OptionError(
            f"username={options['username']!r} needs a password; set {_PASSWORD} in the "
            "environment (never on the command line, where every user of the machine reads it)"
        )


def loss_policy(options: OptionSet) -> LossPolicy:
    """Give the three knobs and the expected rate as the detector wants them."""
    rate = parse_bandwidth(options["bandwidth"]) if options["bandwidth"] else None
    return LossPolicy(
        use_iperf_loss_counter=options["use_iperf_loss_counter"],
        loss_threshold=options["loss_threshold"],
        warmup_intervals=options["warmup_intervals"],
        expected_pps=rate.packets_per_second if rate else None,
    )


def _plan(options: OptionSet, role: Role, build: Build, command: Command) -> Plan:
    return Plan(
        tool=build.tool,
        role=role,
        protocol=options["protocol"],
        version=build.version,
        report_interval=float(options["report_interval"]),
        csv=options["reportstyle"] is not None,
        json=command.json,
        policy=loss_policy(options),
        history=options["history"],
        datagram_length=datagram_length(options, role),
        name=options["name"],
        argv=command.argv,
    )


def _ends_after(options: OptionSet, role: Role) -> float | None:
    """When a run with a duration must have ended by itself, in seconds; None without one."""
    seconds = options["test_duration"]
    if not seconds:
        return None
    waits = (options["txdelay_time"] or 0) + max(
        0.0, (options["txstart_time"] or 0) - time.time()
    )  # fmt: skip
    passes = 2 if options["tradeoff"] else 1
    patience = 0.0 if role == "server" else options["connect_retry_time"] or 0
    return float(seconds * passes + (options["omit"] or 0) + waits + patience + _OVERRUN_S)


def utc_now() -> datetime:
    """Give the wall-clock time, aware, in UTC."""
    return datetime.now(timezone.utc)
