"""What stress traffic is drawn from, and the draws: from the seed alone; knows no clock, no iperf.

Each slot has a generator of its own, so the sequence does not depend on which stream ends first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, product
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from pyperf2.core.binary import Tool
from pyperf2.core.records import Protocol
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CommType: TypeAlias = Literal["unicast", "multicast", "broadcast"]

_MOST_STREAMS: Final = 10_000  # each has a port of its own
_MOST_S: Final = 365 * 86_400
_LEAST_UDP: Final = 16  # iperf2 2.1.8 counts nonsense below, iperf3 3.12 refuses it
_MOST_UDP: Final = 65_507
_MOST_TCP: Final = 2**20  # iperf3's largest buffer
# Tried with 2.0.14a, 2.1.8, 2.1.9, 2.2.1 and 3.12: "udp connect failed: Permission denied".
_NO_BROADCAST: Final = (
    "no build of iperf can send to a broadcast address (none sets SO_BROADCAST, so the kernel "
    "refuses); multicast reaches many receivers"
)


class Kind(NamedTuple):
    """What sort of stream it is."""

    tool: Tool
    protocol: Protocol
    comm_type: CommType

    def __str__(self) -> str:
        """Name it."""
        return " ".join(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One stream as it was drawn: the ``number``-th of its slot, both from 0."""

    slot: int
    number: int
    tool: Tool
    protocol: Protocol
    comm_type: CommType
    seconds: int
    size: int

    @property
    def kind(self) -> Kind:
        """What sort of stream it is."""
        return Kind(self.tool, self.protocol, self.comm_type)

    def __str__(self) -> str:
        """Name it."""
        return (
            f"slot {self.slot}, stream {self.number}: {self.kind}, {self.seconds} s, {self.size} B"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How many streams, and what each is drawn from; all bounds are inclusive.

    Raises:
        OptionError: a value that is none, bounds that are none, or a choice that can never be
            drawn, like iperf3 for multicast.
    """

    num_streams: int
    min_dur: int = 10
    max_dur: int = 21_600
    min_size: int = 64
    max_size: int = 64_000
    protocols: Sequence[Protocol] = ("tcp", "udp")
    tools: Sequence[Tool] = ("iperf2",)
    comm_types: Sequence[CommType] = ("unicast",)

    def __post_init__(self) -> None:
        """Refuse now what would fail at random later."""
        _check_known("tools", self.tools, get_args(Tool))
        _check_known("protocols", self.protocols, get_args(Protocol))
        _check_known("comm_types", self.comm_types, get_args(CommType))
        udp = "udp" in self.protocols
        _check_whole("num_streams", self.num_streams, 1, _MOST_STREAMS)
        least, most = (_LEAST_UDP, _MOST_UDP) if udp else (1, _MOST_TCP)
        _check_bounds("dur", self.min_dur, self.max_dur, (1, _MOST_S), "whole seconds")
        _check_bounds("size", self.min_size, self.max_size, (least, most), "bytes")
        for value in dict.fromkeys((*self.comm_types, *self.tools, *self.protocols)):
            if not any(value in kind for kind in self.kinds):
                raise OptionError(self._why_never(value))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The sorts of streams that can be drawn, each as likely as any other."""
        every = product(*map(dict.fromkeys, (self.tools, self.protocols, self.comm_types)))
        return tuple(kind for kind in map(Kind._make, every) if _refusal(kind) is None)

    def draws(self, seed: int | str, slot: int) -> Iterator[Draw]:
        """Give the endless sequence of one slot; the same for the same seed, everywhere."""
        random = Random(f"{seed}/{slot}")  # noqa: S311 - it is to be repeatable
        offered = self.kinds
        for number in count():
            kind = random.choice(offered)
            yield Draw(
                slot=slot,
                number=number,
                tool=kind.tool,
                protocol=kind.protocol,
                comm_type=kind.comm_type,
                seconds=random.randint(self.min_dur, self.max_dur),
                size=random.randint(self.min_size, self.max_size),
            )

    def _why_never(self, value: str) -> str:
        every = map(Kind._make, product(self.tools, self.protocols, self.comm_types))
        refusals = dict.fromkeys(_refusal(kind) or "" for kind in every if value in kind)
        return f"{value!r} can never be drawn with the rest: {'; '.join(refusals)}"


def _refusal(kind: Kind) -> str | None:
    if kind.comm_type == "broadcast":
        return _NO_BROADCAST
    if kind.comm_type == "multicast" and kind.tool == "iperf3":
        return "iperf3 has no multicast; iperf2 has"
    if kind.comm_type == "multicast" and kind.protocol == "tcp":
        return "TCP has no multicast; UDP has"
    return None


def _check_known(name: str, given: object, known: Sequence[str]) -> None:
    told = ", ".join(map(repr, known))
    if isinstance(given, str) or not isinstance(given, (tuple, list)) or not given:
        raise OptionError(f"{name}={given!r}: a tuple or list of {told} is wanted")
    for one in given:
        if one not in known:
            raise OptionError(f"{name}: there is no {one!r}; there is {told}")


def _check_bounds(what: str, least: int, most: int, within: tuple[int, int], unit: str) -> None:
    low, high = f"min_{what}", f"max_{what}"
    for name, given in ((low, least), (high, most)):
        _check_whole(name, given, *within, unit)
    if least > most:
        raise OptionError(f"{low}={least} is above {high}={most}")


def _check_whole(name: str, given: object, least: int, most: int, unit: str = "") -> None:
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        told = f"a whole number from {least} to {most} is wanted"
        raise OptionError(f"{name}={given!r}: {told}{f', {unit}' if unit else ''}")
