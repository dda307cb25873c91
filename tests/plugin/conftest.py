"""Sessions of pytest, with the plugin and a network to break; nothing of them may stay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

# A session in this process forgets what it has imported; what was here before it need not be read
# again by each.
import pyperf2.lab.kernel
import pyperf2.pytest_plugin.bench  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Iterator

NETNS = Path("/run/netns")
DEADLINE_S = 100

# What the tests in these sessions share: a flow between two hosts, and a way to cut its link.
_CONFTEST = """
import os, time
import pytest
from pyperf2.convergence import Flow
from pyperf2.lab import Blackout

def pytest_configure(config):
    with (config.rootpath / "pids").open("a") as file:
        print(os.getpid(), file=file)

class Network:
    def __init__(self, lab, iperf_server, iperf_client):
        a, b = lab.hosts("a", "b")
        self.link = lab.link(a, b)
        self.server = iperf_server(protocol="udp", use_linux_namespace=b.namespace)
        self.client = iperf_client(self.server, use_linux_namespace=a.namespace)
        self.flow = Flow("voice", server=self.server, client=self.client)

    def cut(self):
        with self.link.impair(Blackout()) as hit:
            time.sleep(0.1)
        return hit

@pytest.fixture
def network(netns_lab, iperf_server, iperf_client):
    return Network(netns_lab, iperf_server, iperf_client)

@pytest.fixture
def failover(network, convergence):
    def run():
        return convergence([network.flow], network.cut, steady=0.2, recovery=0.2)
    return run
"""


class Run(Protocol):
    """Run pytest with these arguments on this test file."""

    def __call__(self, code: str, *arguments: str, apart: bool = False) -> pytest.RunResult:
        """Return what became of it.

        Args:
            code: the test file.
            *arguments: of pytest.
            apart: in a process of its own, which takes a second more. For what is about signals,
                workers, or what a session loads.
        """


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a test file as a user's session would be run, warnings as errors."""
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        monkeypatch.delenv(name)  # those of the session around it
    pytester.makeconftest(_CONFTEST)

    def run(code: str, *arguments: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(code)
        words = ("--strict-markers", "-W", "error", *arguments)
        if apart:
            return pytester.runpytest_subprocess(*words, timeout=DEADLINE_S)
        return pytester.runpytest_inprocess(*words)

    return run


@pytest.fixture(autouse=True)
def no_namespace_stays(pytester: pytest.Pytester) -> Iterator[None]:
    """Fail a test whose sessions leave a namespace of a lab behind."""
    yield
    noted = pytester.path / "pids"
    pids = noted.read_text().split() if noted.exists() else []
    assert [] == [name for pid in pids for name in NETNS.glob(f"pyperf2-lab-*-{pid}-*")]
