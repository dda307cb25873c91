"""Which addresses the ends of links get: pure arithmetic on networks."""

from __future__ import annotations

import ipaddress
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
Interface: TypeAlias = "ipaddress.IPv4Interface | ipaddress.IPv6Interface"

_IPV4: Final = 4
_THIRD_BYTES: Final = 255


def read_network(text: str) -> Network:
    """Read ``10.0.1.0/24`` or ``fd00:1::/64``.

    Raises:
        OptionError: it is none, or has no room for two.
    """
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        message = f"a network is written as '10.0.1.0/24' or 'fd00:1::/64': {error}"
        raise OptionError(message) from None
    if network.num_addresses < 2:  # noqa: PLR2004 - the two ends
        raise OptionError(f"{network} has no room for the two ends of a link")
    return network


class Addresses:
    """The networks of one lab, and which of their addresses are given away."""

    def __init__(self) -> None:
        """Begin with none."""
        self._given: dict[Network, int] = {}
        self._numbers = count(1)

    def claim(self, network: Network) -> None:
        """Take a network that no other link uses.

        Raises:
            OptionError: another one overlaps it.
        """
        self._must_be_free(network)
        self._given[network] = 0

    def next_networks(self, *, ipv6: bool) -> list[Network]:
        """Claim networks for a link that was given none: ``10.77.N.0/24`` and ``fd77:N::/64``."""
        for number in self._numbers:
            if number > _THIRD_BYTES:
                break
            texts = [f"10.77.{number}.0/24"] + ([f"fd77:{number:x}::/64"] if ipv6 else [])
            networks = [read_network(text) for text in texts]
            try:
                for network in networks:
                    self._must_be_free(network)
            except OptionError:
                continue
            for network in networks:
                self._given[network] = 0
            return networks
        raise OptionError("no network of 10.77.0.0/16 is left; name some")

    def next_address(self, network: Network) -> Interface:
        """Give an address away: the first, the second, ….

        Raises:
            OptionError: the network is full.
        """
        first = 0 if network.num_addresses == 2 else 1  # noqa: PLR2004 - RFC 3021, RFC 6164
        last = network.num_addresses - (2 if first and network.version == _IPV4 else 1)
        offset = first + self._given[network]
        if offset > last:
            raise OptionError(f"{network} has no address left")
        self._given[network] += 1
        return ipaddress.ip_interface(f"{network[offset]}/{network.prefixlen}")

    def _must_be_free(self, network: Network) -> None:
        for other in self._given:
            if other.version == network.version and other.overlaps(network):
                message = f"{network} overlaps {other}, which another link of this lab uses"
                raise OptionError(message)


def of_version(interfaces: Iterable[Interface], version: int) -> str | None:
    """Return the first address of a version, as text."""
    return next((str(one.ip) for one in interfaces if one.version == version), None)
