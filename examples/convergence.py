"""How long were flows down after an event? Three flows, a link that breaks, a verdict. Needs root.

Usage: python examples/convergence.py [MILLISECONDS]
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from pyperf2 import Client, Server
from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.lab import Blackout, Lab

if TYPE_CHECKING:
    from pyperf2.lab import Hit

LIMIT_MS = 500


def main(milliseconds: float = 200) -> int:
    """Break the link for so long; return 0 if every flow kept the limit for certain."""
    with Lab() as lab:
        sender, near, far = lab.hosts("sender", "near", "far")
        router = lab.router("r")
        lab.link(sender, router)
        lab.link(router, near)
        uplink = lab.link(router, far)

        def flow(name: str, port: int, receiver: str, address: str) -> Flow:
            return Flow(
                name,
                server=Server(protocol="udp", port=port, use_linux_namespace=receiver),
                client=Client(
                    address,
                    protocol="udp",
                    port=port,
                    bandwidth="1000pps",
                    use_linux_namespace=sender.namespace,
                ),
            )

        flows = [
            flow("voice", 5001, far.namespace, far.address),
            flow("video", 5002, far.namespace, far.address),
            flow("local", 5001, near.namespace, near.address),
        ]

        def link_failure() -> Hit:
            with uplink.impair(Blackout()) as hit:
                test.mark("the link is down")
                time.sleep(milliseconds / 1000)
            hits.append(hit)
            return hit  # it knows when it began: that is the convergence event instant

        hits: list[Hit] = []
        test = ConvergenceTest(flows, link_failure, steady=0.5, recovery=1.0)
        report = test.run()

    print(report)
    print(f"the lab dropped {hits[0].dropped}, the flows lost {report.packets_lost.value:.0f}")
    verdict = report.check(max_outage_ms=LIMIT_MS, max_duplicates=0)
    print(f"no outage longer than {LIMIT_MS} ms: {verdict}")
    return 0 if verdict else 1


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
