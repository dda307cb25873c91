"""Recorded output of iperf → the same ``Result`` a live run gives; starts nothing."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from typing import Literal

    from pyperf2.core.binary import Tool, Version
    from pyperf2.core.optionset import OptionSet
    from pyperf2.core.records import Instant
    from pyperf2.core.results import Result
    from pyperf2.core.session import Session
    from pyperf2.core.spelling import Role

_OPTIONS: Final = (
    "bandwidth",
    "report_interval",
    "use_iperf_loss_counter",
    "loss_threshold",
    "warmup_intervals",
    "history",
    "packet_len",
    "reportstyle",
    "name",
)

Source = str | PathLike[str] | bytes | Iterable[str | bytes | tuple[float, str | bytes]]


def replay(
    source: Source,
    *,
    tool: Tool = "iperf2",
    role: Role = "server",
    protocol: Literal["tcp", "udp"] = "udp",
    version: str | None = None,
    peer: Source | None = None,
    **options: Any,
) -> Result:
    """Read a recording through the same core that runs live.

    Args:
        source: a path (``str`` or ``Path``), the output itself as ``bytes``, or an iterable of
            lines, or of ``(seconds, line)`` pairs where arrival times are known.
        tool: the tool that printed it.
        role: the side that printed it.
        protocol: what it measured.
        peer: the recorded output of the other side (for a server: its client), which tells what
            was sent and whether the sender kept its rate.
        version: as the tool prints it (``2.1.8``); None where it is not known.
        **options: ``bandwidth``, ``report_interval``, ``use_iperf_loss_counter``,
            ``loss_threshold``, ``warmup_intervals``, ``history``, ``packet_len``,
            ``reportstyle``, ``name``, as for a ``Server``.

    Raises:
        OptionError: an unknown option, or an impossible value.
        FileNotFoundError: there is no such file.
    """
    from pyperf2.core.optionset import OptionSet, unknown_option

    for name in options:
        if name not in _OPTIONS:
            raise unknown_option(name)
    chosen = OptionSet()
    chosen.set_all({"protocol": protocol, **options})
    session = run_through(_session(tool, role, protocol, version, chosen), _chunks(source))
    if peer is None:
        return session.result()
    other: Role = "client" if role == "server" else "server"
    theirs = run_through(_session(tool, other, protocol, version, chosen), _chunks(peer))
    return session.result(theirs.senders())


def run_through(session: Session, feed: Iterable[tuple[bytes, Instant]]) -> Session:
    """Feed a whole recording (and its end)."""
    from pyperf2.core.records import NO_INSTANT

    last = NO_INSTANT
    for data, now in feed:
        session.receive(data, now)
        while session.next_event() is not None:
            pass
        last = now
    session.end(None, last)
    while session.next_event() is not None:
        pass
    return session


def _session(
    tool: Tool,
    role: Role,
    protocol: Literal["tcp", "udp"],
    version: str | None,
    chosen: OptionSet,
) -> Session:
    from pyperf2.core.loss import LossPolicy
    from pyperf2.core.plan import Plan
    from pyperf2.core.session import Session
    from pyperf2.core.units import parse_bandwidth

    rate = parse_bandwidth(chosen["bandwidth"]) if chosen["bandwidth"] else None
    plan = Plan(
        tool=tool,
        role=role,
        protocol=protocol,
        version=_version(version),
        report_interval=chosen["report_interval"] if chosen.is_set("report_interval") else None,
        csv=chosen["reportstyle"] is not None,
        json=tool == "iperf3",  # reads its text, too
        policy=LossPolicy(
            use_iperf_loss_counter=chosen["use_iperf_loss_counter"],
            loss_threshold=chosen["loss_threshold"],
            warmup_intervals=chosen["warmup_intervals"],
            expected_pps=rate.packets_per_second if rate else None,
        ),
        history=chosen["history"],
        datagram_length=chosen["packet_len"],
        name=chosen["name"],
        flood_guard=False,  # a recording arrives all at once
    )
    return Session(plan)


def _version(text: str | None) -> Version | None:
    from pyperf2.core.binary import Version

    if text is None:
        return None
    try:
        return Version.parse(text)
    except ValueError as error:
        raise OptionError(str(error)) from error


def _chunks(source: Source) -> Iterable[tuple[bytes, Instant]]:
    from pyperf2.core.records import NO_INSTANT

    if isinstance(source, (str, PathLike)):
        with open(source, "rb") as recording:  # noqa: PTH123 - pathlib costs more than this module
            yield recording.read(), NO_INSTANT
    elif isinstance(source, (bytes, bytearray)):
        yield bytes(source), NO_INSTANT
    else:
        for item in source:
            yield _chunk(item)


def _chunk(item: str | bytes | tuple[float, str | bytes]) -> tuple[bytes, Instant]:
    from pyperf2.core.records import NO_INSTANT, Instant

    now = NO_INSTANT
    if isinstance(item, tuple):
        seconds, item = item
        now = Instant(round(seconds * 1e9), round(seconds * 1e9))
    line = item.encode() if isinstance(item, str) else item
    return line if line.endswith(b"\n") else line + b"\n", now
