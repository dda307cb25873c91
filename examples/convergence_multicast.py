"""One sender, three receivers of a group, and a failure that each sees another way. Needs root.

The path of the first stays as it is, the second's is cut for a while, and the third's dies for
good: its router takes the group from elsewhere. Who lost what?

Usage: python examples/convergence_multicast.py [MILLISECONDS]
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from pyperf2 import Client, Server
from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.lab import Blackout, Lab

if TYPE_CHECKING:
    from pyperf2.lab import Bracket, Hit

GROUP = "239.7.7.7"
LIMIT_MS = 500


def main(milliseconds: float = 200) -> int:
    """Cut for so long; return 0 if every receiver kept the limit for certain."""
    with Lab() as lab:
        sender, *receivers = lab.hosts("tx", "rx1", "rx2", "rx3")
        root, near, spare, edge = [lab.router(name) for name in ("root", "near", "spare", "edge")]
        source = lab.link(sender, root)
        steady, flapping = [lab.link(root, receiver) for receiver in receivers[:2]]
        trunk, detour = [lab.link(root, middle) for middle in (near, spare)]
        over_near, over_spare = [lab.link(middle, edge) for middle in (near, spare)]
        last = lab.link(edge, receivers[2])

        root.forward_multicast(GROUP, source, steady, flapping, trunk)
        near.forward_multicast(GROUP, trunk, over_near)
        spare.forward_multicast(GROUP, detour, over_spare)
        edge.forward_multicast(GROUP, over_near, last)
        cut, death = flapping.prepare(Blackout()), trunk.prepare(Blackout())

        def failure() -> Hit:
            hit = cut.start()
            death.start()
            return hit

        def link_returns() -> Hit:
            time.sleep(milliseconds / 1000)
            return cut.stop()

        def edge_takes_the_other_path() -> Bracket:
            edge.forward_multicast(GROUP, over_spare, last)
            return root.forward_multicast(GROUP, source, steady, flapping, detour)

        flow = Flow(
            "tv",
            receivers=[
                # A server joins the group that it is bound to.
                Server(
                    name=host.name,
                    protocol="udp",
                    bind_ip=GROUP,
                    use_linux_namespace=host.namespace,
                )
                for host in receivers
            ],
            client=Client(GROUP, protocol="udp", ttl=4, use_linux_namespace=sender.namespace),
        )
        events = [failure, link_returns, edge_takes_the_other_path]
        report = ConvergenceTest([flow], events, steady=0.5, recovery=1.0).run()
        dropped = {"rx1": 0, "rx2": cut.hits[0].dropped, "rx3": death.stop().dropped}

    print(report)
    for outcome in report.flows:
        name = outcome.receiver
        print(f"{name} lost {outcome.packets_lost}, its path dropped {dropped[name]}")
    verdict = report.check(max_outage_ms=LIMIT_MS, max_flows_hit=2)
    print(f"no outage longer than {LIMIT_MS} ms, at most two receivers hit: {verdict}")
    return 0 if verdict else 1


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
