"""The pytest plugin: its hooks; what they do is in the files beside it.

pytest imports this in every session on a machine that has the library, so it imports nothing that
only a test with iperf needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyperf2.pytest_plugin import limits, settings, summary
from pyperf2.pytest_plugin.fixtures import (
    BENCH,
    ClientFactory,
    ConvergenceFactory,
    ServerFactory,
    bench_of_test,
    convergence,
    iperf_client,
    iperf_port,
    iperf_server,
    netns_lab,
)

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "ClientFactory",
    "ConvergenceFactory",
    "ServerFactory",
    "bench_of_test",
    "convergence",
    "iperf_client",
    "iperf_port",
    "iperf_server",
    "netns_lab",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each as an ini value too."""
    settings.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings, and make the marker known."""
    config.stash[settings.SETTINGS] = settings.read(config)
    config.addinivalue_line("markers", limits.MARKER_HELP)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse limits that there are not, before anything is built for the test."""
    limits.refuse_wrong(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Hold the reports of a test that passes against its limits: it may fail for them."""
    try:
        yield
        limits.enforce(item, item.stash.get(BENCH, None))
    finally:
        made = item.stash.get(BENCH, None)
        if made is not None:
            item.user_properties += summary.properties(made.trials)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the tables of a test that failed; forget the artefacts of one that need not be kept."""
    report = yield
    made = item.stash.get(BENCH, None)
    if made is not None:
        if report.failed:
            made.failed = True
            report.sections += summary.sections(made)
        elif report.when == "call":
            made.failed = False
        if report.when == "teardown":
            made.failed = bool(made.failed)  # None: its set-up ended in a skip
            made.drop_unwanted()
            del item.stash[BENCH]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in a line what the convergence tests of the session came to."""
    summary.write(terminalreporter)
