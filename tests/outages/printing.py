"""The lines that iperf2 prints of a stream: figures in, text out."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from tests.outages.receivers import DATAGRAM_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.outages.receivers import Build, Line, Receiver

_LEAST_S: Final = 0.001


def server_lines(
    build: Build, receiver: Receiver, zero: float, *, enhanced: bool
) -> list[tuple[float, str]]:
    """Print what a receiver reports; ``zero`` is when its first datagram came."""
    if not receiver.lines and receiver.final is None:
        return []
    printed = [
        (
            zero + 0.0001,
            "[  1] local 10.0.0.2 port 5001 connected with 10.0.0.1 port 40000",
        )
    ]
    final = [] if receiver.final is None else [receiver.final]
    for line in receiver.lines + final:
        text = _report(build, line, enhanced=enhanced)
        printed.append((line.at + 0.0002, text))
        if line.late:
            times = _times(build, line.start, line.end)
            late = f"[  1] {times} sec  {line.late} datagrams received out-of-order"
            printed.append((line.at + 0.0002, late))
    return printed


def _times(build: Build, start: float, end: float) -> str:
    return f"{start:.{build.decimals}f}-{end:.{build.decimals}f}"


def _report(build: Build, line: Line, *, enhanced: bool) -> str:
    seconds = max(line.end - line.start, _LEAST_S)
    percent = 100.0 * line.lost / line.total if line.total else 0.0
    text = (
        f"[  1] {_times(build, line.start, line.end)} sec  {_amount(line.size)}Bytes  "
        f"{line.size * 8 / seconds / 1e6:.3g} Mbits/sec   0.002 ms "
        f"{line.lost}/{line.total} ({percent:.2g}%)"
    )
    if not enhanced:
        return text
    empty = line.received == 0
    text += " -/-/-/- ms 0 pps" if empty else f" {_delays(line)} ms 1000 pps"
    if build.prints_received and not empty:
        text += f" {line.received}/0(0) pkts 100000"
    elif build.prints_reads:
        text += f" {line.received}/0/0" + ("" if empty else " 100000")
    elif not empty:
        text += " 100000.00"
    return text


def _delays(line: Line) -> str:
    return f"0.010/0.005/{0.030 + line.slowest_s * 1000:.3f}/0.002"


def _amount(size: int) -> str:
    """Print bytes as iperf does: three digits and a unit."""
    value, unit = float(size), ""
    for bigger in ("K", "M", "G"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def client_lines(
    build: Build, sent: Sequence[float], *, pps: int, interval: float
) -> list[tuple[float, str]]:
    """Print what the sender of datagrams reports; ``sent`` is when, from the first one on."""
    count = len(sent)
    lines = [(0.0, "[  1] local 10.0.0.1 port 40000 connected with 10.0.0.2 port 5001")]
    intervals = int(count / pps / interval)
    for index in range(intervals):
        start, end = index * interval, (index + 1) * interval
        writes = bisect_left(sent, end) - bisect_left(sent, start)
        lines.append((end, _writes(build, start, end, writes)))
    end = count / pps
    lines.append((end, _writes(build, 0.0, end, count)))
    lines.append((end, f"[  1] Sent {count + build.sent_extra} datagrams"))
    return lines


def _writes(build: Build, start: float, end: float, writes: int) -> str:
    size = writes * DATAGRAM_BYTES
    errors = "0/0" if build.prints_reads else "0"
    return (
        f"[  1] {_times(build, start, end)} sec  {_amount(size)}Bytes  11.8 Mbits/sec  "
        f"{writes}/{errors}     1000 pps"
    )
