"""A flow: one sender and who receives it, under a name; and which flows cannot run together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyperf2.core import kinds
from pyperf2.core.arguments import is_line, listed
from pyperf2.core.command import port_of
from pyperf2.core.labels import label_of
from pyperf2.errors import OptionError
from pyperf2.instance import Client, Server, ends_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Self

    from pyperf2.core.endpoints import Side
    from pyperf2.instance import IPerfInstance

_BACKWARDS: Final = ("reverse", "bidir", "full_duplex", "dualtest", "tradeoff")


class Flow:
    """One sender and who receives it, under a name.

    Give it ``server``, or for multicast ``receivers``, servers bound to the group. The test sets,
    for as long as it runs, what is not set: intervals of 0.1 s, for UDP 1000 datagrams a second,
    and the server's ``bandwidth`` as the client's, so that its clock knows the rate.
    """

    def __init__(
        self,
        name: str,
        *,
        client: Client,
        server: Server | None = None,
        receivers: Iterable[Server] = (),
    ) -> None:
        """Put them together; nothing is started.

        Raises:
            OptionError: a name that cannot be printed, no receiver or both kinds, one that is there
                twice, a client in a server's place, an instance of asyncio, or a client that is to
                receive.
        """
        if not is_line(name):
            raise OptionError(f"a flow's name is a line of text, not {name!r}")
        many = listed(f"flow {name!r}: receivers", receivers, Server, "servers")
        self.name = name
        self.client = client
        self.receivers: tuple[Server, ...] = many if server is None else (server,)
        if not self.receivers or (server is not None and many):
            raise OptionError(f"flow {name!r}: give it server=…, or receivers=[…], one of the two")
        for one, kind in ((client, Client), (self.receivers[0], Server)):
            if not isinstance(one, kind):
                raise OptionError(f"flow {name!r}: {one!r} stands where a {kind.type} has to be")
        if len(set(self.receivers)) < len(self.receivers):
            raise OptionError(f"flow {name!r}: one of its receivers stands there twice")
        backwards = [option for option in _BACKWARDS if getattr(client, option)]
        if backwards:
            raise OptionError(
                f"flow {name!r}: with {backwards[0]} its client receives; swap their places"
            )

    @classmethod
    def between(cls, name: str, sender: Side, receiver: Side, **options: Any) -> Self:
        """Make a flow from one host to another, with both its instances; of UDP by default.

        Args:
            name: of the flow.
            sender: a host of a lab, or ``Endpoint(address, namespace)`` of ``pyperf2.traffic``.
            receiver: likewise; its address is where the flow goes to.
            options: of ``Server`` and ``Client``, for those that take them: ``port``, for one, in
                which flows to one host have to differ.

        Raises:
            OptionError: a host is none; an option is none, is wrong, or says what the hosts say.
        """
        server, client = ends_between(sender, receiver, {"protocol": "udp", **options})
        return cls(name, server=server, client=client)

    @property
    def instances(self) -> tuple[IPerfInstance, ...]:
        """The receivers, then the client."""
        return (*self.receivers, self.client)

    def name_of(self, server: IPerfInstance) -> str:
        """Name one of its receivers: by its own name, its namespace or node, or its number."""
        names = [str(one.name or label_of(one.use_linux_namespace or "")) for one in self.receivers]
        place = next(number for number, one in enumerate(self.receivers) if one is server)
        name = names[place]
        if names.count(name) == 1:
            return name or "server"
        return f"{name or 'receiver'} {place + 1}"

    def __repr__(self) -> str:
        """Show the name and how many receive it."""
        return f"<Flow {self.name!r}, receivers: {len(self.receivers)}>"


def flows_of(given: Iterable[Flow]) -> tuple[Flow, ...]:
    """Read the flows of a test.

    Raises:
        OptionError: there is none, something is none, or two of them cannot be told apart or would
            receive one another's datagrams.
    """
    flows = listed("flows", given, Flow, "flows")
    if not flows:
        raise OptionError("a convergence test needs at least one flow")
    _refuse_conflicts(flows)
    return flows


def _refuse_conflicts(flows: Sequence[Flow]) -> None:
    names: set[str] = set()
    owners: dict[IPerfInstance, str] = {}
    places: dict[tuple[str | None, str, int], list[_Place]] = {}
    for flow in flows:
        if flow.name in names:
            raise OptionError(f"there are two flows {flow.name!r}; each needs a name of its own")
        names.add(flow.name)
        for one in flow.instances:
            if one in owners:
                raise OptionError(f"flow {flow.name!r}: {one!r} is in flow {owners[one]!r} too")
            owners[one] = flow.name
        for server in flow.receivers:
            listens = "tcp" if server.tool == "iperf3" else server.protocol
            port = port_of(server._options, server.tool)  # noqa: SLF001 - our own
            taken = places.setdefault((server.use_linux_namespace, listens, port), [])
            place = _Place.of(flow, server)
            for other in taken:
                if place.overlaps(other):
                    where = server.use_linux_namespace
                    raise OptionError(
                        f"flow {flow.name!r}: {listens.upper()} port {port} "
                        f"{f'in namespace {where!r}' if where else 'on this host'} "
                        f"is flow {other.flow!r}'s"
                    )
            taken.append(place)


class _Place(NamedTuple):
    """What a server binds to, beside its port."""

    flow: str
    address: str | None
    group: bool

    @classmethod
    def of(cls, flow: Flow, server: Server) -> _Place:
        return cls(flow.name, server.bind_ip, kinds.is_multicast(server.bind_ip))

    def overlaps(self, other: _Place) -> bool:
        """Whether a datagram could reach both: those to a group reach sockets bound to it."""
        if self.group or other.group:
            return self.address == other.address
        return not (self.address and other.address) or self.address == other.address
