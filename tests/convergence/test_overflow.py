"""What a receiver is too slow to take is lost in this machine, and the report says so."""

from __future__ import annotations

import os
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
    flow = network.unicast("slow", bandwidth="2000pps", window=16384)
    place = Netns(network.receivers[0])
    before = overflowed_datagrams(place)

    def stall() -> None:
        pid = flow.receivers[0].pid or 0
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_for(lambda: overflowed_datagrams(place) >= before + 10, "the buffer to run over")
        finally:
            os.kill(pid, signal.SIGCONT)

    report = ConvergenceTest([flow], stall, steady=0.3, recovery=0.3, timeout=10).run()
    dropped = overflowed_datagrams(place) - before
    (note,) = report.notes
    assert f"{place} itself dropped {dropped} datagrams" in note
    assert note in report.text()
    (told,) = report.flows
    assert 0 == network.lost(flow)
    assert dropped == told.packets_lost, str(report)


def test_the_count_is_that_of_the_namespace(network: Network) -> None:
    """A place that receives nothing drops nothing; this host has a count as well."""
    assert 0 == overflowed_datagrams(Netns(network.sender))
    assert 0 <= overflowed_datagrams(Local())
