"""Where an end of a stream is: an address, and the namespace it is in; starts nothing."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pyperf2.errors import OptionError


class Side(Protocol):
    """A host to run iperf on; those of a lab are such, and `Endpoint` is one."""

    @property
    def address(self) -> str:
        """Where the other host reaches it."""

    @property
    def namespace(self) -> str | None:
        """The network namespace it is in; None for here."""


class Endpoint(NamedTuple):
    """A host: its address as the other one reaches it, and its network namespace (None: here)."""

    address: str = "127.0.0.1"
    namespace: str | None = None


LOCAL = Endpoint()


def endpoint_of(name: str, side: object) -> Endpoint:
    """Read a host; OptionError for what is none, like an address without its namespace."""
    address = getattr(side, "address", None)
    namespace = getattr(side, "namespace", None)
    if not isinstance(address, str) or not isinstance(namespace, (str, type(None))):
        raise OptionError(
            f"{name}={side!r}: Endpoint(address, namespace) or a lab's host is wanted"
        )
    return Endpoint(address, namespace)
