"""What the fixtures hand out: servers and clients that know of one another, labs, ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_a_client_knows_what_its_server_is(run: Run) -> None:
    """Address, port, protocol, tool and rate are the server's, unless the test says otherwise."""
    done = run("""
        from pyperf2 import OptionError, Server
        import pytest

        def test_all_of_it(iperf_server, iperf_client):
            server = iperf_server(protocol="udp", bandwidth="500pps", report_interval=0.1)
            client = iperf_client(server, test_duration=0.4)
            assert ("127.0.0.1", "udp", "500pps", 0.1, server.port) == (
                client.server_ip, client.protocol, client.bandwidth, client.report_interval,
                client.port,
            )
            assert ("server-1", "client-1") == (server.name, client.name)
            with server, client:
                assert client.wait(5)
            (stream,) = server.result().streams.values()
            assert stream.packets_sent == stream.packets_received  # known: they are paired
            assert 190 <= stream.packets_sent <= 210

        def test_what_the_test_says_counts(iperf_server, iperf_client):
            client = iperf_client(iperf_server(name="rx"), server_ip="127.0.0.2", name="tx", port=9)
            assert ("127.0.0.2", "tx", 9) == (client.server_ip, client.name, client.port)

        def test_an_address_alone(iperf_client, iperf_port):
            client = iperf_client("127.0.0.1", port=iperf_port)
            assert ("127.0.0.1", iperf_port) == (client.server_ip, client.port)

        @pytest.mark.parametrize("bound", ["127.0.0.5", "239.1.1.1"])
        def test_where_the_server_is_bound_is_where_the_client_sends(
            iperf_server, iperf_client, bound
        ):
            assert bound == iperf_client(iperf_server(protocol="udp", bind_ip=bound)).server_ip

        def test_ipv6(iperf_server, iperf_client):
            assert "::1" == iperf_client(iperf_server(ipv6=True)).server_ip

        def test_an_address_that_nobody_can_know(iperf_server, iperf_client):
            server = iperf_server(port=5001, use_linux_namespace="elsewhere")
            with pytest.raises(OptionError, match="iperf_client.server, server_ip=…"):
                iperf_client(server)

        def test_a_wrong_option_is_refused_at_once(iperf_server):
            with pytest.raises(OptionError, match="did you mean 'bandwidth'"):
                iperf_server(bandwith="1M")
        """)
    done.assert_outcomes(passed=8)


@pytest.mark.parametrize("tool", ["iperf2", "iperf3"])
def test_start_starts_both_ends_of_either_tool(run: Run, tool: str) -> None:
    """With start=True both run when they are returned, and neither does after the test."""
    done = run(
        """
        import pytest
        made = []

        def test_traffic(iperf_server, iperf_client):
            client = iperf_client(iperf_server(protocol="udp"), start=True, test_duration=1)
            assert "running" == client.status
            assert client.wait(5)
            assert client.error is None

        def test_that_fails(iperf_server, iperf_client, request):
            server = iperf_server(bandwidth="20M", start=True)
            client = iperf_client(server, start=True)
            made.extend([server, client])
            assert ["running", "running"] == [one.status for one in made]
            assert request.config.getini("iperf_tool") == server.tool == client.tool
            raise ZeroDivisionError("on purpose")

        def test_afterwards():
            assert ["stopped", "stopped"] == [one.status for one in made]
            assert [None, None] == [one.error for one in made]

        def test_nobody_listens(iperf_client, iperf_port):
            from pyperf2 import ConnectionFailed
            with pytest.raises(ConnectionFailed):
                iperf_client("127.0.0.1", port=iperf_port, start=True)
        """,
        "-o",
        f"iperf_tool={tool}",
    )
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(["*ZeroDivisionError: on purpose"])


@pytest.mark.netns
def test_a_lab_is_the_tests_own_and_is_gone_afterwards(run: Run) -> None:
    """Clients find servers in it, by IPv4 and IPv6; each test has a new one, the last are gone."""
    done = run("""
        from pathlib import Path
        import pytest
        seen = set()

        @pytest.mark.parametrize("ipv6", [False, True])
        def test_traffic(netns_lab, iperf_server, iperf_client, ipv6):
            assert not seen & set(Path("/run/netns").iterdir())
            a, b = netns_lab.hosts("a", "b")
            netns_lab.link(a, b, "10.0.1.0/24", "fd00:1::/64")
            server = iperf_server(protocol="udp", ipv6=ipv6, use_linux_namespace=b.namespace)
            client = iperf_client(
                server, start=True, test_duration=0.3, use_linux_namespace=a.namespace
            )
            assert client.server_ip == (b.address6 if ipv6 else b.address)
            assert client.wait(5)
            (stream,) = server.result().streams.values()
            assert stream.packets_received >= 200
            seen.update(path for path in Path("/run/netns").iterdir() if b.namespace in path.name)
            assert seen

        def test_afterwards():
            assert not seen & set(Path("/run/netns").iterdir())
        """)
    done.assert_outcomes(passed=3)


@pytest.mark.netns
def test_marks_are_in_the_report(run: Run) -> None:
    """What is stamped while the convergence test runs is in there; without one, nothing can be."""
    done = run("""
        import pytest
        from pyperf2 import StateError

        def test_marks(network, convergence):
            with pytest.raises(StateError, match="none runs"):
                convergence.mark("too early")

            def event():
                convergence.mark("cut by hand")
                return network.cut()

            report = convergence([network.flow], event, steady=0.2, recovery=0.2, repeat=2)
            assert [report] == convergence.reports
            marks = [[mark.name for mark in run.marks] for run in report.runs]
            assert [["cut by hand"], ["cut by hand"]] == marks
        """)
    done.assert_outcomes(passed=1)
