"""How long does OSPF take to lead traffic around a dead link? Real routers: FRR. Needs root.

    a --- r1 ---------- r2 --- b      r1 and r2 use their own link as long as it lives
           +---- r3 ----+

The link fails in three ways: both routers lose their carrier; it goes silent, and BFD misses
packets for 0.3 s; it goes silent, there is no BFD, and OSPF misses hellos for 3 s. Exits with 0 if
each failover was in time, 1 if not or if OSPF does not converge at all, 3 if there is no FRR here.

Usage: python examples/convergence_frr.py [SECONDS [FAILURES]]
(that OSPF may take to converge, 30; how many of the failures, in the order above, 3)
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from frr import FrrError, running, wait_until, why_not

from pyperf2.convergence import ConvergenceTest, Flow
from pyperf2.lab import Blackout, Lab, LinkDown

if TYPE_CHECKING:
    from frr import Frr

    from pyperf2.convergence import ConvergenceReport
    from pyperf2.lab import Hit, Router

NO_FRR = 3

BFD = """
bfd
 profile fast
  detect-multiplier 3
  receive-interval 100
  transmit-interval 100
"""
TO_A_ROUTER = """
interface {device}
 ip ospf area 0
 ip ospf network point-to-point
 ip ospf hello-interval 1
 ip ospf dead-interval 3
 ip ospf bfd
 ip ospf bfd profile fast
"""
TO_A_HOST = """
interface {device}
 ip ospf area 0
 ip ospf passive
"""
# By default, OSPF takes its time to tell of a change and to compute routes after one.
OSPF = """
router ospf
 ospf router-id {address}
 timers throttle spf 0 50 1000
 timers throttle lsa all 0
 timers lsa min-arrival 0
"""


class Failure(NamedTuple):
    """A way for a link to fail, and how long flows may be down then."""

    name: str
    impairment: Blackout | LinkDown
    limit_ms: float
    bfd: bool = True


FAILURES = (
    Failure("the carrier is lost", LinkDown(), 500),
    Failure("silence, with BFD", Blackout(), 1000),
    Failure("silence, without BFD", Blackout(), 4000, bfd=False),
)


class Network:
    """Two hosts, and three routers that find their ways by OSPF."""

    def __init__(self, lab: Lab, stack: ExitStack) -> None:
        """Wire them, and start FRR on the routers, until the stack is left."""
        self.a, self.b = lab.hosts("a", "b")
        r1, r2, r3 = [lab.router(name) for name in ("r1", "r2", "r3")]
        self.primary = lab.link(r1, r2)
        between = [self.primary, lab.link(r1, r3), lab.link(r3, r2)]
        edges = [lab.link(self.a, r1), lab.link(r2, self.b)]
        self.a.route("0.0.0.0/0", r1)
        self.b.route("0.0.0.0/0", r2)

        self.towards = {r1: self.b, r2: self.a}
        self.devices: dict[Router, list[str]] = {}  # those that lead to other routers
        self.frr: dict[Router, Frr] = {}
        for router in (r1, r2, r3):
            self.devices[router], to_hosts = [
                [end.device for link in links for end in link.ends if end.node is router]
                for links in (between, edges)
            ]
            ospf = [
                *(TO_A_ROUTER.format(device=device) for device in self.devices[router]),
                *(TO_A_HOST.format(device=device) for device in to_hosts),
                OSPF.format(address=router.address),
            ]
            configs = {"bfdd": BFD, "ospfd": "".join(ospf)}
            self.frr[router] = stack.enter_context(running(router, configs))

    def neighbours(self) -> str:
        """Return what OSPF and BFD say of the neighbours of each router, a line for each."""
        names = {str(one.ip): router.name for router in self.frr for one in router.addresses}
        lines = []
        for router, frr in self.frr.items():
            ospf = {
                names[router_id]: entries[0]["nbrState"].partition("/")[0]
                for router_id, entries in frr.show("ip ospf neighbor")["neighbors"].items()
            }
            bfd = {names[peer["peer"]]: peer["status"] for peer in frr.show("bfd peers")}
            told = [
                f"{protocol} {name} {state}"
                for protocol, states in (("OSPF", ospf), ("BFD", bfd))
                for name, state in sorted(states.items())
            ]
            lines.append(f"  {router.name}: {', '.join(told) or 'no neighbours'}")
        return "\n".join(lines)

    def next_hops(self) -> list[str]:
        """Return where r1 sends what is for b, and r2 what is for a."""
        hops = []
        for router, host in self.towards.items():
            network = str(host.addresses[0].network)
            routes = self.frr[router].show(f"ip route {network}").get(network, [])
            hops += [hop["ip"] for one in routes for hop in one["nexthops"] if hop.get("fib")]
        return hops

    def await_convergence(self, seconds: float, *, bfd: bool) -> None:
        """Wait until all neighbours are up and r1 and r2 use their link; FrrError if in vain."""
        across = [str(end.addresses[0].ip) for end in reversed(self.primary.ends)]
        adjacencies = sum(map(len, self.devices.values()))

        def converged() -> bool:
            told = self.neighbours()
            up = told.count(" Full") == adjacencies
            return up and told.count(" up") == adjacencies * bfd and self.next_hops() == across

        def state() -> str:
            hops = f"next hops {self.next_hops()}, wanted {across}"
            return f"OSPF has not converged: {hops}\n{self.neighbours()}"

        wait_until(converged, seconds, state)

    def without_bfd(self) -> None:
        """Have OSPF rely on its own hellos."""
        for router, frr in self.frr.items():
            for device in self.devices[router]:
                frr.configure(f"interface {device}", "no ip ospf bfd")

    def fail(self, failure: Failure) -> ConvergenceReport:
        """Fail once, while flows run over it, and print what became of all."""
        fault = self.primary.prepare(failure.impairment)

        def link_failure() -> Hit:
            return fault.start()

        flows = [
            Flow.between("voice", self.a, self.b, port=5001),
            Flow.between("video", self.a, self.b, port=5002),
            Flow.between("back", self.b, self.a, port=5001),
        ]
        test = ConvergenceTest(flows, link_failure, steady=0.5, recovery=1.0, timeout=20)
        report = test.run()
        told = self.neighbours()
        dropped = fault.stop().dropped
        fault.remove()

        print(f"\n{failure.name}; then\n{told}")
        for one in report.flows:
            down = one.loss_of_connectivity_s
            down_ms = down.told(1000) if down else "-"
            print(f"  {one.flow}: {one.status}, lost {one.packets_lost}, down for {down_ms} ms")
        # BFD's packets are datagrams, too; and a router that has no route at all drops by itself.
        print(
            f"  the link took {dropped} datagrams, the flows lost {report.packets_lost.value:.0f}"
        )
        return report


def main(patience_s: float = 30, failures: float = len(FAILURES)) -> int:
    """Fail the link in so many ways; return 0 if every flow kept every limit for certain."""
    if (reason := why_not("zebra", "ospfd", "bfdd")) is not None:
        print(reason)
        return NO_FRR
    summary = [f"{'':22}{'down at most, ms':>18}{'limit':>8}"]
    passed = True
    with Lab(routes=False) as lab, ExitStack() as stack:
        try:
            network = Network(lab, stack)
            network.await_convergence(patience_s, bfd=True)
            print(f"at first\n{network.neighbours()}", flush=True)
            for failure in FAILURES[: int(failures)]:
                if not failure.bfd:
                    network.without_bfd()
                network.await_convergence(patience_s, bfd=failure.bfd)
                report = network.fail(failure)
                verdict = report.check(max_outage_ms=failure.limit_ms)
                longest = max((one.longest_s for one in report.hit if one.longest_s), default=None)
                down_ms = longest.told(1000) if longest else "-"
                summary.append(f"{failure.name:22}{down_ms:>18}{failure.limit_ms:>8}  {verdict}")
                passed = passed and bool(verdict)
        except FrrError as error:
            print(error)
            return 1
    print("", *summary, sep="\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:3])))
