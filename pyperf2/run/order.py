"""A run prepared: everything that can be checked without a process is, nothing is started."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from pyperf2.core.argv import compose, datagram_length, uses_ipv6
from pyperf2.core.loss import LossPolicy
from pyperf2.core.plan import Plan
from pyperf2.core.units import parse_bandwidth
from pyperf2.run import probe
from pyperf2.run.host import Local, Netns
from pyperf2.run.rawlog import check_folder

if TYPE_CHECKING:
    from pyperf2.core.argv import Command
    from pyperf2.core.binary import Build
    from pyperf2.core.options import OptionSet, Role
    from pyperf2.run.host import Host

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


def prepare(
    options: OptionSet, role: Role, *, raw_log_folder: str | None, created: datetime
) -> Order:
    """Check everything and compose the command line; raises before anything is spawned."""
    binary = probe.find(options["iperf_binary_path"], options["tool"])
    build = probe.probe(binary)
    command = compose(options, role, build, binary)
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
        port=options["port"],
        bind_ip=options["bind_ip"],
        ipv6=ipv6,
        ends_after_s=_ends_after(options, role),
        raw_log_folder=check_folder(raw_log_folder) if raw_log_folder else None,
        created=created,
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
    return float(seconds * passes + waits + patience + _OVERRUN_S)


def utc_now() -> datetime:
    """Give the wall-clock time, aware, in UTC."""
    return datetime.now(timezone.utc)
