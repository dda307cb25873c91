"""What a receiver is too slow to take is lost in this machine, and the report says so."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from pyperf2.convergence import ConvergenceTest
from pyperf2.run.host import Local, Netns
from pyperf2.run.sockets import overflowed_datagrams
from tests.live.support import wait_for

if TYPE_CHECKING:
    from tests.convergence.network import Network

pytestmark = [pytest.mark.netns, pytest.mark.slow]


def test_a_receiver_that_is_stopped_is_noted(network: Network) -> None:
    """Its socket's buffer runs over: lost by the count, and not by the network."""
    # A tenth of a second of datagrams: a busy machine alone does not make it run over.
    flow = network.unicast("slow", window="128K")
    place = Netns(network.receivers[0])
    before = overflowed_datagrams(place)

    def stall() -> None:
        pid = flow.receivers[0].pid or 0
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_for(lambda: overflowed_datagrams(place) >= before + 10, "the buffer to run over")
        finally:
            os.kill(pid, signal.SIGCONT)

    report = ConvergenceTest([flow], stall, steady=0.3, recovery=0.3, timeout=20).run()
    dropped = overflowed_datagrams(place) - before
    (note,) = report.notes
    noted = re.match(rf"{place} itself dropped (\d+) datagrams", note)
    assert noted is not None, note
    assert note in report.text()
    (told,) = report.flows
    assert 0 == network.lost(flow)
    # What is dropped while the senders are stopped is lost, but not noted; a FIN is neither.
    assert 10 <= int(noted[1]) <= (told.packets_lost or 0) <= dropped, str(report)


def test_the_count_is_that_of_the_namespace(network: Network) -> None:
    """A place that receives nothing drops nothing; this host has a count as well."""
    assert 0 == overflowed_datagrams(Netns(network.sender))
    assert 0 <= overflowed_datagrams(Local())
