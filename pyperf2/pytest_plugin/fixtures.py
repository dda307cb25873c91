"""The fixtures, and their types for annotations; what they hand out is made by the test's bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from pyperf2.pytest_plugin.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyperf2 import Client, Server
    from pyperf2.convergence import ConvergenceReport, Flow
    from pyperf2.core.stamp import Stamp
    from pyperf2.lab import Lab
    from pyperf2.pytest_plugin.bench import Bench

BENCH: Final = pytest.StashKey["Bench"]()


class ServerFactory(Protocol):
    """What ``iperf_server`` is."""

    def __call__(self, *, start: bool = False, **options: Any) -> Server:
        """Make a server; without ``port`` it has one that is kept for it until the test is over.

        Args:
            start: start it and wait until it is ready. Otherwise ``with``, ``start()`` or a
                convergence test does.
            **options: as for ``Server``.
        """


class ClientFactory(Protocol):
    """What ``iperf_client`` is."""

    def __call__(
        self, server: Server | str | None = None, *, start: bool = False, **options: Any
    ) -> Client:
        """Make a client.

        Args:
            server: the server it is for. It gets its address, port, protocol, tool, load and
                report interval, where ``options`` do not say otherwise, and both are paired. Or
                the address alone.
            start: start it and wait until it has connected; its server first, if that was not.
            **options: as for ``Client``.

        Raises:
            OptionError: the address of the server is not known here.
        """


class ConvergenceFactory(Protocol):
    """What ``convergence`` is.

    Attributes:
        reports: of all convergence tests of this test, those broken off as well.
    """

    reports: list[ConvergenceReport]

    def __call__(
        self,
        flows: Iterable[Flow],
        event: Callable[[], Any] | Sequence[Callable[[], Any]],
        *,
        repeat: int = 1,
        **times: float,
    ) -> ConvergenceReport:
        """Make a ``ConvergenceTest`` and run it; arguments and errors are those of both."""

    def mark(self, name: str, *, event: bool = False) -> Stamp:
        """Stamp an instant of the test that runs, as ``ConvergenceTest.mark``."""


@pytest.fixture(name="_pyperf2_bench")
def bench_of_test(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Return what keeps all that the test makes, and stops it when the test is over."""
    from pyperf2.pytest_plugin.bench import Bench

    made = Bench(request.config.stash[SETTINGS], request.node.nodeid)
    request.node.stash[BENCH] = made
    yield made
    made.close()


@pytest.fixture
def iperf_server(_pyperf2_bench: Bench) -> ServerFactory:
    """Make iperf servers, each on a free port of its own; all are stopped after the test."""
    return _pyperf2_bench.server


@pytest.fixture
def iperf_client(_pyperf2_bench: Bench) -> ClientFactory:
    """Make iperf clients, for a server or an address; all are stopped after the test."""
    return _pyperf2_bench.client


@pytest.fixture
def iperf_port(_pyperf2_bench: Bench) -> int:
    """Return a port that is free for TCP and UDP, and kept until the test is over."""
    return _pyperf2_bench.port()


@pytest.fixture
def netns_lab(_pyperf2_bench: Bench) -> Lab:
    """Return an open ``pyperf2.lab.Lab``; it is gone after the test."""
    return _pyperf2_bench.open_lab()


@pytest.fixture
def convergence(_pyperf2_bench: Bench) -> ConvergenceFactory:
    """Run convergence tests; their tables are shown if the test fails."""
    return _pyperf2_bench.trials
