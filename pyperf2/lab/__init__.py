"""Networks of one's own: namespaces, links, routers, and what can be wrong with them.

::

    from pyperf2.lab import Blackout, Lab

    with Lab() as lab:
        a, b = lab.hosts("a", "b")
        link = lab.link(a, b, "10.0.1.0/24")
        with link.impair(Blackout()) as hit:
            ...
        hit.dropped, hit.began_ns, hit.ended_ns
"""

from pyperf2.errors import LabError, UnsupportedImpairment
from pyperf2.lab.faults import Fault
from pyperf2.lab.hits import Count, Hit
from pyperf2.lab.impairments import Blackout, Delay, Duplicate, LinkDown, Loss, RateLimit
from pyperf2.lab.instants import Bracket
from pyperf2.lab.lab import Lab, cleanup
from pyperf2.lab.links import Link
from pyperf2.lab.nodes import Bridge, Host, Node, Router

__all__ = [
    "Blackout",
    "Bracket",
    "Bridge",
    "Count",
    "Delay",
    "Duplicate",
    "Fault",
    "Hit",
    "Host",
    "Lab",
    "LabError",
    "Link",
    "LinkDown",
    "Loss",
    "Node",
    "RateLimit",
    "Router",
    "UnsupportedImpairment",
    "cleanup",
]
