"""A link dies, and a script leads the traffic the other way. Needs root.

Two routers with two paths between them, three flows over the first. It goes dark; some time later
both routers are told to use the second. How long was each flow down, and was that in time?

Usage: python examples/convergence_link_failure.py [MILLISECONDS]
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.lab import Blackout, Lab

if TYPE_CHECKING:
    from pyperf2.lab import Bracket, Hit, Host

LIMIT_MS = 500


def main(milliseconds: float = 200) -> int:
    """Switch so long after the link died; return 0 if every flow kept the limit for certain."""
    with Lab() as lab:
        a, b = lab.hosts("a", "b")
        left, right, first, second = [lab.router(name) for name in ("l", "r", "first", "second")]
        lab.link(a, left, "10.0.1.0/24")
        lab.link(right, b, "10.0.2.0/24")
        primary = lab.link(left, first)
        lab.link(first, right)
        lab.link(left, second)
        lab.link(second, right)
        use(first, left, right)
        failure = primary.prepare(Blackout())

        def link_failure() -> Hit:
            return failure.start()

        def switch_over() -> Bracket:
            time.sleep(milliseconds / 1000)
            return use(second, left, right)

        # 1000 datagrams a second, as nothing else is asked for: each one lost is a millisecond.
        flows = [
            Flow.between("voice", a, b, port=5001),
            Flow.between("video", a, b, port=5002),
            Flow.between("back", b, a, port=5001),
        ]
        # The first of the events is the one that all times count from.
        test = ConvergenceTest(flows, [link_failure, switch_over], steady=0.5, recovery=1.0)
        report = test.run()
        dropped = failure.stop().dropped

    print(report)
    print(f"the dead link took {dropped} datagrams, the flows lost {report.packets_lost.value:.0f}")
    verdict = report.check(max_outage_ms=LIMIT_MS, max_duplicates=0)
    print(f"no outage longer than {LIMIT_MS} ms: {verdict}")
    return 0 if verdict else 1


def use(middle: Host, left: Host, right: Host) -> Bracket:
    """Lead both directions over one of the two paths; return when the second was led so."""
    left.route("10.0.2.0/24", middle)
    return right.route("10.0.1.0/24", middle)


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
