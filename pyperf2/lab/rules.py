"""Impairments and counters → nftables scripts: text in, text out.

A link is two devices in the namespace of the wires. What comes in at one is forwarded to the
other by the last rule of the chain at its entrance; whatever is wrong with the link stands in front
of it. Each impairment has a gate: an empty chain, which lets everything through. It is switched on
by one rule in there, which leads to its filter.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, Protocol

from pyperf2.lab.impairments import Blackout, Duplicate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.lab.impairments import Filtering

WIRES: Final = "netdev lab"  # family and name of the table
DAM, FIRST, MIDDLE, LAST = range(4)  # places in front of the forwarding
# The header of UDP is 8 bytes. Only the first fragment of a datagram has one: it counts once.
_DATAGRAM: Final = "udp length ge 8"
# iperf2: sequence numbers of data are positive, those of FINs negative. iperf3 has seconds there.
_FIN: Final = f"{_DATAGRAM} @th,64,1 1"
_SPARED: Final = (
    "meta protocol arp return",
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } return",
)
_MILLION: Final = 1_000_000


class Switch(Protocol):
    """`switch_on` or `switch_off`."""

    def __call__(self, fault: int, toward: int) -> str:
        """Return the script."""


def wire(link: int) -> str:
    """Return what makes the two directions of a link: what enters on one side leaves at the other.

    Direction 0 leads to the first end of the link, by the device ``wNe0``; direction 1 to the
    second, by ``wNe1``.
    """
    lines = []
    for toward in (0, 1):
        entrance = f'"{device(link, 1 - toward)}"'
        hook = f"type filter hook ingress device {entrance} priority 0;"
        lines.append(f"add chain {WIRES} {_way(link, toward)} {{ {hook} }}")
    return "\n".join([*lines, *rewire(link, 0, ()), *rewire(link, 1, ())])


def device(link: int, end: int) -> str:
    """Return the name of a link's device that leads to one of its ends."""
    return f"w{link}e{end}"


def rewire(link: int, toward: int, before: Sequence[str]) -> list[str]:
    """Return what puts these statements in front of the forwarding, instead of those before."""
    way = _way(link, toward)
    statements = [*before, f'fwd to "{device(link, toward)}"']
    return [f"flush chain {WIRES} {way}", *(f"add rule {WIRES} {way} {one}" for one in statements)]


def gate(fault: int, toward: int) -> str:
    """Return the statement that leads through the gate of an impairment."""
    return f"jump gate{fault}t{toward}"


def prepare(fault: int, link: int, toward: int, impairment: Filtering) -> str:
    """Return what makes the gate of an impairment, and its filter behind it."""
    tail = f"{fault}t{toward}"
    lines = [f"add counter {WIRES} {kind}{tail}" for kind in ("data", "fins", "others")]
    lines += [f"add chain {WIRES} {kind}{tail}" for kind in ("gate", "filter", "verdict")]
    lines += [
        f"add rule {WIRES} filter{tail} {statement}" for statement in _filter(impairment, tail)
    ]
    verdict = f"dup to {device(link, toward)}" if isinstance(impairment, Duplicate) else "drop"
    lines += [
        f"add rule {WIRES} verdict{tail} {statement}"
        for statement in _verdict(impairment, tail, verdict)
    ]
    return "\n".join(lines)


def remove(fault: int, toward: int) -> str:
    """Return what removes the gate of an impairment; nothing may lead to it any more."""
    tail = f"{fault}t{toward}"
    chains = [f"{kind}{tail}" for kind in ("gate", "filter", "verdict")]
    lines = [f"flush chain {WIRES} {chain}" for chain in chains]
    lines += [f"delete chain {WIRES} {chain}" for chain in chains]
    lines += [f"delete counter {WIRES} {kind}{tail}" for kind in ("data", "fins", "others")]
    return "\n".join(lines)


def switch_on(fault: int, toward: int) -> str:
    """Return what switches an impairment on."""
    return f"add rule {WIRES} gate{fault}t{toward} jump filter{fault}t{toward}"


def switch_off(fault: int, toward: int) -> str:
    """Return what switches an impairment off."""
    return f"flush chain {WIRES} gate{fault}t{toward}"


def dam(fault: int, toward: int) -> str:
    """Return what makes a gate with nothing behind it, open so far."""
    return f"add chain {WIRES} gate{fault}t{toward}"


def undam(fault: int, toward: int) -> str:
    """Return what removes it; nothing may lead to it any more."""
    gone = f"chain {WIRES} gate{fault}t{toward}"
    return f"flush {gone}\ndelete {gone}"


def shut(fault: int, toward: int) -> str:
    """Return what has a dam let nothing pass; `switch_off` opens it again."""
    return f"add rule {WIRES} gate{fault}t{toward} drop"


def _way(link: int, toward: int) -> str:
    return f"way{link}t{toward}"


def _filter(impairment: Filtering, tail: str) -> Iterator[str]:
    """Return what comes to the verdict; all else goes on."""
    if not (isinstance(impairment, Blackout) and impairment.thorough):
        yield from _SPARED
    to = ""
    if impairment.to is not None:
        family = "ip6" if ipaddress.ip_address(impairment.to).version == 6 else "ip"  # noqa: PLR2004
        to = f"{family} daddr {impairment.to} "
    ports = ""
    if impairment.ports:
        numbers = ", ".join(map(str, impairment.ports))
        ports = f"meta l4proto {{ tcp, udp }} th dport {{ {numbers} }} "
    yield f"{to}{ports}jump verdict{tail}"


def _verdict(impairment: Filtering, tail: str, verdict: str) -> Iterator[str]:
    if not isinstance(impairment, Blackout):
        if impairment.every is not None:
            yield f"numgen inc mod {impairment.every} != {impairment.every - 1} return"
        elif impairment.percent is not None:
            chance = round(impairment.percent / 100 * _MILLION)
            yield f"numgen random mod {_MILLION} ge {chance} return"
    # `dup` goes on with the original, and it must be counted once
    after = " return" if verdict.startswith("dup") else ""
    yield f"{_FIN} counter name fins{tail} {verdict}{after}"
    yield f"{_DATAGRAM} counter name data{tail} {verdict}{after}"
    yield f"counter name others{tail} {verdict}"


# --- counting at two places, for what is lost between them ---------------------------------------


def seen(fault: int, toward: int) -> list[str]:
    """Return the statements that count what passes in the wires."""
    return _counting(f"{fault}t{toward}")


def seen_counters(fault: int, toward: int) -> str:
    """Return what makes the counters of `seen`."""
    return "\n".join(f"add counter {WIRES} {kind}{fault}t{toward}" for kind in ("data", "fins"))


def unseen(fault: int, toward: int) -> str:
    """Return what removes the counters of `seen`."""
    return "\n".join(f"delete counter {WIRES} {kind}{fault}t{toward}" for kind in ("data", "fins"))


def leaving(fault: int, device_name: str, *, bridge: bool) -> tuple[str, str]:
    """Return the table that counts what leaves a node by a device, and what makes it."""
    table = f"{'bridge' if bridge else 'inet'} lab{fault}"
    hook = "type filter hook postrouting priority 300;"
    statements = [f'oifname "{device_name}" {one}' for one in _counting("")]
    return table, _table(table, hook, statements)


def arriving(fault: int, device_name: str) -> tuple[str, str]:
    """Return the table that counts what comes to a node by a device, and what makes it."""
    table = f"netdev lab{fault}"
    hook = f'type filter hook ingress device "{device_name}" priority 0;'
    return table, _table(table, hook, _counting(""))


def _counting(tail: str) -> list[str]:
    data = f"{_DATAGRAM} @th,64,1 0"
    return [f"{_FIN} counter name fins{tail}", f"{data} counter name data{tail}"]


def _table(table: str, hook: str, statements: Sequence[str]) -> str:
    lines = [f"add table {table}", f"add counter {table} data", f"add counter {table} fins"]
    lines.append(f"add chain {table} counting {{ {hook} }}")
    return "\n".join([*lines, *(f"add rule {table} counting {one}" for one in statements)])
