"""What can be wrong with a link, as frozen descriptions; how it is done stands elsewhere."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from pyperf2.core.units import parse_bandwidth
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_PORTS: Final = range(1, 65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """Which packets it is about.

    Args:
        ports: UDP and TCP destination ports; none: all packets.
        to: the only destination address (a multicast group, say); None: any.
    """

    drops: ClassVar[bool] = True  # what it takes is lost

    ports: Sequence[int] = ()
    to: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no port and no address."""
        object.__setattr__(self, "ports", tuple(self.ports))
        wrong = [port for port in self.ports if port not in _PORTS]
        if wrong:
            raise OptionError(f"ports are numbers from 1 to 65535, not {wrong}")
        if self.to is not None:
            try:
                ipaddress.ip_address(self.to)
            except ValueError as error:
                raise OptionError(f"to= is one IP address: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rolled(_Chosen):
    """How many of the chosen packets: a share at random, or each N-th.

    Args:
        percent: of the chosen packets, each by its own chance; 100 if nothing is said.
        every: exactly one of so many, instead of a percentage.
    """

    percent: float | None = None
    every: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        _Chosen.__post_init__(self)  # super() fails in a slotted dataclass
        if self.percent is not None and self.every is not None:
            raise OptionError("give percent= or every=, not both")
        if self.percent is not None and not 0 < self.percent <= 100:  # noqa: PLR2004 - per cent
            raise OptionError(f"percent= is more than 0 and at most 100, not {self.percent}")
        if self.every is not None and self.every < 1:
            raise OptionError(f"every= is a whole number from 1 on, not {self.every}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout(_Chosen):
    """Nothing gets through.

    Args:
        ports: UDP and TCP destination ports; none: all packets.
        to: the only destination address (a multicast group, say); None: any.
        thorough: ARP and neighbour discovery do not get through either. They do by default:
            else a sender stops sending after some seconds, and what it never sent nobody counts.
    """

    thorough: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(_Rolled):
    """Some packets do not get through.

    Args:
        percent: of the chosen packets, each by its own chance; 100 if nothing is said.
        every: exactly one of so many, instead of a percentage.
        ports: UDP and TCP destination ports; none: all packets.
        to: the only destination address (a multicast group, say); None: any.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(_Rolled):
    """Some datagrams arrive twice. Arguments as those of `Loss`."""

    drops: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """The link is slow: a token bucket (tbf), with a queue that drops at its end.

    Args:
        rate: bits per second, ``"10M"`` or a number, of whole Ethernet frames.
        queue_ms: how much waits at most, in milliseconds at this rate. A sender right at the link
            whose own socket buffer is smaller is slowed down instead, and loses nothing.
    """

    drops: ClassVar[bool] = True

    rate: str | float
    queue_ms: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what is no rate."""
        try:
            parsed = parse_bandwidth(str(self.rate))
        except ValueError as error:
            raise OptionError(f"rate= is bits per second, as '10M': {error}") from None
        if parsed.bits_per_second is None:
            raise OptionError(f"rate= is bits per second, as '10M', not {self.rate!r}")
        if self.queue_ms <= 0:
            raise OptionError(f"queue_ms= is more than 0, not {self.queue_ms}")

    @property
    def bytes_per_second(self) -> int:
        """The rate in bytes per second."""
        return max(1, round((parse_bandwidth(str(self.rate)).bits_per_second or 0) / 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Packets come late, or in another order: takes a kernel with netem.

    Args:
        ms: how late, in milliseconds.
        jitter_ms: give or take so much, each on its own, so that some overtake others.
        reorder_percent: so many are not delayed at all, and overtake the others.
    """

    drops: ClassVar[bool] = True

    ms: float
    jitter_ms: float = 0.0
    reorder_percent: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no delay."""
        if self.ms <= 0 or not 0 <= self.jitter_ms <= self.ms:
            raise OptionError("ms= is more than 0, and jitter_ms= is between 0 and ms")
        if not 0 <= self.reorder_percent <= 100:  # noqa: PLR2004 - per cent
            raise OptionError(f"reorder_percent= is 0 to 100, not {self.reorder_percent}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    """The cable is pulled: both ends lose their carrier, and keep addresses and routes."""

    drops: ClassVar[bool] = True


Filtering: TypeAlias = Blackout | Loss | Duplicate
Impairment: TypeAlias = Blackout | Loss | Duplicate | RateLimit | Delay | LinkDown
