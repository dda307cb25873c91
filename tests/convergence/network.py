"""A path that can be broken for several flows in one commit, TCP too, and counts what it drops."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyperf2 import Client, Server
from pyperf2.convergence import Flow
from tests.accuracy.path import Path

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from tests.accuracy.path import Toggle

GROUP = "239.1.1.1"
_TCP = """
add set bridge lab darktcp { type inet_service; }
add rule bridge lab forward tcp dport @darktcp drop
"""


class Network(Path):
    """The path of the accuracy tests, with flows to test convergence on."""

    def _build(self) -> None:
        super()._build()
        self.rules(_TCP)

    def unicast(self, name: str, *, receiver: int = 0, **options: Any) -> Flow:
        """Return a UDP flow, by default of 1000 datagrams a second, and have its loss counted."""
        port = self.new_port()
        self.prepare(port)
        common = {"protocol": "udp", "port": port, "realtime": False, **options}
        return Flow(
            name,
            server=Server(**common, use_linux_namespace=self.receivers[receiver]),
            client=Client(self.ips[receiver], **common, use_linux_namespace=self.sender),
        )

    def multicast(self, name: str, *, lossy: int) -> Flow:
        """Return a flow to both receivers, one of which an outage hits."""
        port = self.new_port()
        self.prepare(port, only_to=lossy)
        common: dict[str, Any] = {"protocol": "udp", "port": port, "realtime": False}
        return Flow(
            name,
            receivers=[
                Server(**common, name=f"rx{number}", bind_ip=GROUP, use_linux_namespace=place)
                for number, place in enumerate(self.receivers)
            ],
            client=Client(GROUP, **common, ttl=4, use_linux_namespace=self.sender),
        )

    def tcp(self, name: str) -> Flow:
        """Return a TCP flow that writes often enough for no interval to be silent by chance."""
        common: dict[str, Any] = {"protocol": "tcp", "port": self.new_port(), "realtime": False}
        return Flow(
            name,
            server=Server(**common, use_linux_namespace=self.receivers[0]),
            client=Client(
                self.ips[0], **common, bandwidth="10M", packet_len=4096,
                use_linux_namespace=self.sender,
            ),
        )  # fmt: skip

    def switch(self, flows: Sequence[Flow], *, on: bool) -> Toggle:
        """Begin or end the outage of flows, in one commit."""
        verb = "add" if on else "delete"
        commands = [
            f"{verb} element bridge lab {'darktcp' if flow.client.protocol == 'tcp' else 'dark'} "
            f"{{ {flow.client.port} }}"
            for flow in flows
        ]
        return self._nft.do("\n".join(commands))

    def outage(self, flows: Sequence[Flow], seconds: float) -> list[Callable[[], Any]]:
        """Return the events of an outage: its begin, and its end as much later."""
        begun: list[Toggle] = []

        def cut() -> Toggle:
            begun.append(self.switch(flows, on=True))
            return begun[-1]

        def mend() -> Toggle:
            sleep_until(begun[-1].after_ns + round(seconds * 1e9))
            return self.switch(flows, on=False)

        return [cut, mend]

    def lost(self, flow: Flow) -> int:
        """Return how many datagrams of a flow nft has dropped."""
        return self.dropped(flow.client.port)

    @contextmanager
    def dark(self, flow: Flow) -> Generator[None]:
        """Have a flow lose everything while the block runs."""
        self.switch([flow], on=True)
        try:
            yield
        finally:
            self.switch([flow], on=False)


def sleep_until(wall_ns: int) -> None:
    """Wait for a time of the wall clock, as exactly as this machine wakes up."""
    while (left := wall_ns - time.time_ns()) > 0:
        time.sleep(left / 1e9)
