"""Whole sessions: cheap without iperf, parallel with xdist, clean after Ctrl-C and a time-out."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import DEADLINE_S
from tests.run.conftest import is_gone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

IMPORT = """
import time
import pytest
began = time.process_time()
import pyperf2.pytest_plugin
print(time.process_time() - began)
"""
PORTS = """
    import os, pytest

    @pytest.mark.parametrize("number", range(20))
    def test_traffic(iperf_server, iperf_client, iperf_port, number):
        servers = [
            iperf_server(protocol=protocol, bandwidth="20M", start=True)
            for protocol in ("tcp", "udp")
        ]
        ports = [iperf_port, *(server.port for server in servers)]
        assert len(ports) == len(set(ports))
        clients = [iperf_client(server, start=True, test_duration=0.2) for server in servers]
        assert all(client.wait(5) and client.error is None for client in clients)
        assert [None, None] == [server.error for server in servers]
        for server, client in zip(servers, clients, strict=True):
            (heard,) = server.result().streams.values()  # what another sent would be a second
            (sent,) = client.result().streams.values()
            assert heard.info.remote_port == sent.info.local_port
        with open("ports", "a") as file:
            print(os.environ["PYTEST_XDIST_WORKER"], *ports, file=file)
    """
INTERRUPTED = """
    def test_hangs(network, iperf_server, iperf_client, convergence):
        near = iperf_client(iperf_server(protocol="udp"), start=True)

        def event():
            with open("running", "w") as file:
                far = (network.server, network.client)
                print(*(one.pid for one in (near, *near._paired, *far)), file=file)
            print("hangs", flush=True)
            import time
            time.sleep(30)

        convergence([network.flow], event, steady=0.2, recovery=0.2)
    """


def test_a_session_without_iperf_loads_next_to_nothing(run: Run, pytester: pytest.Pytester) -> None:
    """No pyroute2, nothing that only a test with iperf needs; and no thread is started."""
    pytester.makeconftest("")
    done = run(
        """
        import sys, threading

        def test_nothing_is_loaded(pytestconfig):
            assert pytestconfig.pluginmanager.hasplugin("pyperf2")
            heavy = ("pyroute2", "asyncio", "multiprocessing", "pyperf2.convergence", "pyperf2.lab",
                     "pyperf2.run", "pyperf2.report", "pyperf2.pytest_plugin.bench")
            assert [] == [name for name in heavy if name in sys.modules]
            assert 1 == threading.active_count()
        """,
        # Others that are installed here load what they like.
        "-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:timeout",
        apart=True,
    )  # fmt: skip
    done.assert_outcomes(passed=1)
    done.stdout.no_fnmatch_line("*= convergence =*")


@pytest.mark.alone
def test_the_plugin_costs_less_than_ten_milliseconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From compiled files, as in any second session; the package above it is in that."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    command = [sys.executable, "-c", IMPORT]
    times = [
        float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(6)
    ]
    assert statistics.median(times[1:]) < 0.010


@pytest.mark.long
def test_twenty_tests_in_two_processes_never_share_a_port(
    run: Run, pytester: pytest.Pytester
) -> None:
    """Sixty ports, forty servers: each has its own, and no server hears another's client."""
    done = run(PORTS, "-n", "2", apart=True)
    done.assert_outcomes(passed=20)
    lines = (pytester.path / "ports").read_text().splitlines()
    assert {"gw0", "gw1"} == {line.split()[0] for line in lines}
    assert 20 == len(lines)


@pytest.mark.netns
def test_xdist_brings_tables_and_summary_home(run: Run, pytester: pytest.Pytester) -> None:
    """What workers measured is shown as if there was one process."""
    done = run(
        """
        import pytest

        @pytest.mark.convergence_limits(max_outage_ms=20)
        @pytest.mark.parametrize("number", range(2))
        def test_violated(failover, number):
            failover()
        """,
        "-n", "2", "--iperf-artifacts=kept",
        apart=True,
    )  # fmt: skip
    done.assert_outcomes(failed=2)
    assert 2 == done.stdout.str().count("- Convergence -")
    assert 2 == len(list((pytester.path / "kept").iterdir()))
    done.stdout.fnmatch_lines(["convergence runs: 2, in tests: 2; *; limits: 2 failed"])


@pytest.mark.netns
@pytest.mark.usefixtures("run")  # it has written the conftest.py
def test_interrupted_in_the_middle_it_leaves_nothing(pytester: pytest.Pytester) -> None:
    """Ctrl-C ends every iperf and removes the lab; the artefacts of the test stay."""
    pytester.makepyfile(INTERRUPTED)
    command = [sys.executable, "-m", "pytest", "-s", "--iperf-artifacts=kept"]
    with subprocess.Popen(
        ["env", "--default-signal=INT", *command, "--iperf-artifacts-when=failed"],
        cwd=pytester.path, stdout=subprocess.PIPE, text=True,
    ) as session:  # fmt: skip
        assert session.stdout is not None
        try:
            told: list[str] = []
            while not told or "hangs\n" not in told[-1]:
                told.append(session.stdout.readline())
                assert session.poll() is None, "".join(told)
            pids = [int(pid) for pid in (pytester.path / "running").read_text().split()]
            assert 4 == len(pids)
            assert not any(map(is_gone, pids))
            os.kill(session.pid, signal.SIGINT)
            rest = session.communicate(timeout=DEADLINE_S)[0]
        finally:
            session.kill()
    assert pytest.ExitCode.INTERRUPTED == session.returncode, rest
    assert "KeyboardInterrupt" in rest
    assert all(map(is_gone, pids))
    (folder,) = (pytester.path / "kept").iterdir()
    assert 4 == len(list(folder.glob("*_raw.log"))) == len(list(folder.glob("*_result.json")))
    assert "broken off" in (folder / "convergence-1.txt").read_text()


def test_a_time_out_stops_what_the_test_had_started(run: Run) -> None:
    """pytest-timeout fails the test; its server has ended when the next one begins."""
    done = run(
        """
        import pytest, time
        servers = []

        @pytest.mark.timeout(1, method="signal", func_only=True)
        def test_hangs(iperf_server):
            servers.append(iperf_server())
            servers[0].start()
            time.sleep(30)

        def test_afterwards():
            assert ["stopped"] == [server.status for server in servers]
        """,
        apart=True,
    )
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*Timeout (>1.0s)*"])
