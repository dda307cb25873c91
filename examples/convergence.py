"""How long were flows down after an event? Three flows, a link that breaks, a verdict. Needs root.

Usage: python examples/convergence.py [MILLISECONDS]
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

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

        # 1000 datagrams a second, as nothing else is asked for: each one lost is a millisecond.
        flows = [
            Flow.between("voice", sender, far, port=5001),
            Flow.between("video", sender, far, port=5002),
            Flow.between("local", sender, near, port=5001),
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
