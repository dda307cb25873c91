"""What can go wrong around a lab is said in its own words, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pyperf2
from pyperf2 import Client, Server
from pyperf2.errors import LabError, NameSpaceNotFoundError, StateError
from pyperf2.lab import Blackout, Lab, LinkDown
from tests.lab.conftest import namespaces
from tests.lab.probe import passes

if TYPE_CHECKING:
    from pyperf2.lab import Host

pytestmark = pytest.mark.netns

ROOT = Path(pyperf2.__file__).parents[1]  # a child interpreter imports the package from here


def test_without_the_right_to_make_one() -> None:
    """A plain user is told what it takes, and no file is left where namespaces are named."""
    script = "from pyperf2.lab import Lab\nLab().open()"
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--reuid=0", sys.executable, "-c",
         script],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("pyperf2.errors.PrivilegeError: ")
    assert "CAP_SYS_ADMIN and CAP_NET_ADMIN" in last
    left = [entry.name for entry in Path("/var/run/netns").iterdir() if "pyperf2-lab" in entry.name]
    assert all(str(done.args) not in name for name in left)


def test_without_nftables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name, and what to install, stand in the error; the half-made lab is gone."""
    monkeypatch.setattr("pyperf2.lab.nft._LIBRARY", "libnftables-is-not-here.so")
    with pytest.raises(LabError, match="apt-get install nftables"):
        Lab().open()
    assert set() == namespaces()


def test_a_lab_that_is_not_open() -> None:
    """It says how to open it; opening it twice, or using it afterwards, is refused."""
    lab = Lab()
    with pytest.raises(StateError, match="with Lab"):
        lab.host("a")
    with lab, pytest.raises(StateError, match="open already"):
        lab.open()
    with pytest.raises(StateError, match="not open"):
        lab.host("a")
    with lab:  # once more, from the beginning
        assert passes(*pair(lab), "10.77.1.2")


def pair(lab: Lab) -> tuple[Host, Host]:
    """Return two hosts on a cable."""
    a, b = lab.hosts("a", "b")
    lab.link(a, b)
    return a, b


@pytest.mark.parametrize("impairment", [Blackout(), LinkDown()], ids=str)
def test_a_namespace_that_vanishes(lab: Lab, impairment: Blackout | LinkDown) -> None:
    """Whoever wants something of it is told its name; the rest of the lab still works."""
    a, b = pair(lab)
    c = lab.host("c")
    lab.link(a, c, "10.0.9.0/24")
    fault = lab.links[0].prepare(impairment)
    fault.remove()
    subprocess.run(["ip", "netns", "del", b.namespace], check=True)
    with pytest.raises(NameSpaceNotFoundError, match="lab-b-"), b.entered():
        pytest.fail("there was nothing to enter")
    with pytest.raises(NameSpaceNotFoundError, match="lab-b-"):
        b.set_kernel("net.ipv4.ip_forward", 1)
    with pytest.raises(NameSpaceNotFoundError, match="lab-b-"):
        lab.link(b, c)
    assert passes(a, c, "10.0.9.2")


def test_a_link_that_vanishes_under_an_impairment(lab: Lab) -> None:
    """The error names what is gone, and leaving the lab goes well."""
    a, b = pair(lab)
    link = lab.links[0]
    blackout = link.prepare(Blackout())
    blackout.start()
    subprocess.run(["ip", "-n", a.namespace, "link", "del", "eth0"], check=True)
    subprocess.run(["ip", "netns", "del", b.namespace], check=True)
    with pytest.raises(LabError, match="lab-wires-"):
        blackout.remove()
    with pytest.raises(NameSpaceNotFoundError, match="lab-b-"):
        link.prepare(LinkDown())


def test_a_sysctl_that_is_none(lab: Lab) -> None:
    """Its name is in the error."""
    with pytest.raises(LabError, match=r"net\.ipv4\.no_such"):
        lab.host("a").set_kernel("net.ipv4.no_such", 1)


def test_inside_a_running_event_loop() -> None:
    """A lab can be built from a coroutine."""

    async def main() -> bool:
        with Lab() as lab:
            a, b = pair(lab)
            return passes(a, b, b.address)

    assert asyncio.run(main())


@pytest.mark.slow
def test_iperf_counts_what_the_lab_dropped(iperf: Path) -> None:
    """The figures of pyperf2 and the lab's counter are one, over a router."""
    with Lab() as lab:
        compare(lab, iperf)
    assert set() == namespaces()


def compare(lab: Lab, iperf: Path) -> None:
    """Break a stream once, and compare."""
    a, b, router = lab.host("a"), lab.host("b"), lab.router("r")
    link = [lab.link(a, router), lab.link(router, b)][1]
    options = {"protocol": "udp", "bandwidth": "1000pps", "iperf_binary_path": str(iperf)}
    server = Server(**options, report_interval=0.1, use_linux_namespace=b.namespace)
    client = Client(b.address, **options, test_duration=2, use_linux_namespace=a.namespace)
    fault = link.prepare(Blackout(), toward=b)
    with server, client:
        for seen, _ in enumerate(server.intervals()):
            if seen in {4, 8}:
                fault.start() if seen == 4 else fault.stop()
            if seen == 12:
                break
        client.wait(timeout=10)
    (stream,) = server.result().streams.values()
    assert fault.hits[0].dropped == stream.packets_lost
    assert 250 < fault.hits[0].dropped < 1500
