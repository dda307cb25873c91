"""How a stream of a stress test is made of its draw: which options each end gets; starts none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core import kinds
from pyperf2.core.endpoints import LOCAL
from pyperf2.core.optionset import of_role
from pyperf2.errors import OptionError
from pyperf2.instance import Client, Server
from pyperf2.run.host import Netns
from pyperf2.traffic.draws import Draw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyperf2.core.endpoints import Side
    from pyperf2.core.spelling import Role
    from pyperf2.traffic.draws import Choice

GROUP: Final = "239.255.77.77"  # RFC 2365: of this site
_OURS: Final = frozenset(
    {"tool", "protocol", "packet_len", "test_duration", "num", "blockcount", "port", "name"}
    | {"server_ip", "bind_ip", "use_linux_namespace"}
)
# What is kept of a stream are its totals. Of many in real time none gets its share: with -z, a TCP
# stream of iperf 2.1.8 at 2 Mbit/s takes one core for itself; without, a tenth to a third of one.
_DEFAULTS: Final[dict[str, Any]] = {"history": 2, "realtime": False}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Between which hosts, on which ports, with which options streams run.

    Raises:
        OptionError: an option that is none, or that is drawn; ports that are none.
    """

    client: Side = LOCAL
    server: Side = LOCAL
    ports: range | None = None
    multicast_group: str = GROUP
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would fail at the first stream."""
        of_role(self.options, "client")
        for name in self.options:
            if name in _OURS:
                raise OptionError(f"{name} is set for each stream anew; leave it out")
        if not kinds.is_multicast(self.multicast_group):
            raise OptionError(f"multicast_group={self.multicast_group!r} is no multicast address")
        if not _is_span(self.ports):
            raise OptionError(f"ports={self.ports!r}: range(first, last + 1) is wanted, or None")

    def check(self, choice: Choice) -> None:
        """Compose each command line that may be drawn; raises what its start would raise.

        Raises:
            OptionError, UnsupportedOption: a build that is here cannot do what was chosen.
            BinaryNotFound, NotIPerf, NameSpaceNotFoundError, PrivilegeError: as ``Server.start``.
        """
        if self.ports is not None and len(self.ports) < choice.num_streams:
            raise OptionError(
                f"ports={self.ports!r} are {len(self.ports)}; "
                f"{choice.num_streams} streams need one each"
            )
        if self.options.get("iperf_binary_path") and len(set(choice.tools)) > 1:
            raise OptionError("iperf_binary_path is the binary of one tool; choose one in tools")
        for host in (self.client, self.server):
            if host.namespace is not None:
                Netns(host.namespace).check()
        for kind in choice.kinds:
            for size in (choice.min_size, choice.max_size):
                draw = Draw(slot=0, number=0, **kind._asdict(), seconds=choice.min_dur, size=size)
                Server(**self.server_options(draw)).generate_cli_from_options()
                Client(**self.client_options(draw)).generate_cli_from_options()

    def server_options(self, draw: Draw) -> dict[str, Any]:
        """Give the options of the server, but its port."""
        return {
            **self._common(draw, "server"),
            "use_linux_namespace": self.server.namespace,
            "bind_ip": self.multicast_group if draw.comm_type == "multicast" else None,
        }

    def client_options(self, draw: Draw) -> dict[str, Any]:
        """Give the options of the client, but its port."""
        multicast = draw.comm_type == "multicast"
        return {
            **self._common(draw, "client"),
            "use_linux_namespace": self.client.namespace,
            "server_ip": self.multicast_group if multicast else self.server.address,
            "packet_len": draw.size,
        }

    def _common(self, draw: Draw, role: Role) -> dict[str, Any]:
        given = of_role(_DEFAULTS | dict(self.options), role)
        return {**given, "tool": draw.tool, "protocol": draw.protocol}


def _is_span(ports: object) -> bool:
    if not isinstance(ports, range):
        return ports is None
    return ports.step == 1 and 1 <= ports.start < ports.stop <= kinds.MAX_PORT + 1
