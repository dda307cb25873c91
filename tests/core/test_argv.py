# ruff: noqa: E501 - one case is one row
"""Options and a build give a command line: literal cases, version by version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.core.argv import compose
from pyperf2.core.binary import Version, parse_banner
from pyperf2.core.optionset import OptionSet
from pyperf2.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    from pyperf2.core.binary import Build
    from pyperf2.core.command import Command
    from pyperf2.core.spelling import Role

BANNERS = {
    "2.0.5": "iperf version 2.0.5 (08 Jul 2010) pthreads",
    "2.0.13a": "iperf version 2.0.13a (17 Oct 2018) pthreads",
    "2.0.14a": "iperf version 2.0.14a (2 October 2020) pthreads",
    "2.1.8": "iperf version 2.1.8 (12 August 2022) pthreads",
    "2.2.1": "iperf version 2.2.1 (4 Nov 2024) pthreads",
    "2.2.n": "iperf version 2.2.n (11 Dec 2025) pthreads",
    "3.12": "iperf 3.12 (cJSON 1.7.15)\nLinux host 6.1",
    "3.18": "iperf 3.18 (cJSON 1.7.15)",
    "3.22": "iperf 3.22 (cJSON 1.7.15)",
}


def build(version: str) -> Build:
    """Return the build with that banner."""
    found = parse_banner(BANNERS[version])
    assert found is not None
    return found


def composed(role: Role, version: str = "2.1.8", **options: Any) -> Command:
    """Compose a command line."""
    chosen = OptionSet()
    chosen.set_all(options)
    return compose(chosen, role, build(version), "iperf")


def told(role: Role, version: str = "2.1.8", **options: Any) -> str:
    """Return the command line as text, without the binary."""
    return " ".join(composed(role, version, **options).argv[1:])


def test_banners() -> None:
    """Every banner gives tool and version; versions are ordered as they were released."""
    builds = {version: build(version) for version in BANNERS}
    assert {v: v for v in BANNERS} == {v: str(b.version) for v, b in builds.items()}
    assert ["iperf2"] * 6 + ["iperf3"] * 3 == [b.tool for b in builds.values()]
    versions = [b.version for b in builds.values()]
    assert versions == sorted(versions)
    assert Version.parse("2.2.5") < Version.parse("2.2.n") < Version.parse("2.3.0")


@pytest.mark.parametrize("text", ["", "bash: -v: invalid", "iperf", "iperf version x", "2.1.8"])
def test_what_is_no_banner(text: str) -> None:
    """Anything else is no iperf."""
    assert parse_banner(text) is None


CASES: list[tuple[Role, str, dict[str, Any], str]] = [
    ("server", "2.1.8", {}, "-s -z -e -i 1 -p 5001"),
    ("server", "2.0.5", {}, "-s -i 1 -p 5001"),
    ("server", "2.1.8", {"protocol": "udp", "bind_ip": "239.1.1.1", "port": 5002},
     "-s -u -z -e -i 1 -p 5002 -B 239.1.1.1"),
    ("server", "2.1.8", {"bind_ip": "fd00::1"}, "-s -V -z -e -i 1 -p 5001 -B fd00::1"),
    ("client", "2.1.8", {"server_ip": "10.0.0.1"}, "-c 10.0.0.1 -z -e -i 1 -t 0 -p 5001"),
    ("client", "2.1.8", {"server_ip": "h", "protocol": "udp", "test_duration": 2.5},
     "-c h -u -z -e -i 1 -b 1000pps -t 2.5 -p 5001 -l 1470 -T 255"),
    ("client", "2.0.5", {"server_ip": "h", "protocol": "udp", "test_duration": 2},
     "-c h -u -i 1 -b 11760000 -t 2 -p 5001 -l 1470 -T 255"),
    ("client", "2.0.13a", {"server_ip": "h", "test_duration": 0}, "-c h -z -e -i 1 -t 10000000 -p 5001"),
    ("client", "2.1.8", {"server_ip": "fd00::1", "protocol": "udp", "num": "1M"},
     "-c fd00::1 -u -V -z -e -i 1 -b 1000pps -p 5001 -l 1450 -T 255 -n 1M"),
    ("client", "2.1.8", {"server_ip": "h", "client_source_port": 7000, "test_duration": 1},
     "-c h -z -e -i 1 -t 1 -p 5001 -B 0.0.0.0:7000"),
    ("client", "2.1.8",
     {"server_ip": "fe80::1", "bind_ip": "fe80::2%eth0", "client_source_port": 7, "test_duration": 1},
     "-c fe80::1 -V -z -e -i 1 -t 1 -p 5001 -B [fe80::2]:7%eth0"),
    ("client", "2.1.8", {"server_ip": "h", "dscp": "ef", "test_duration": 1},
     "-c h -z -e -i 1 -t 1 -p 5001 -S 184"),
    ("client", "2.0.5", {"server_ip": "h", "dscp": 10, "test_duration": 1},
     "-c h -i 1 -t 1 -p 5001 -S 40"),
    ("client", "2.1.8", {"server_ip": "h", "reportstyle": "c", "report_interval": 0.1, "test_duration": 1},
     "-c h -z -i 0.1 -t 1 -p 5001 -y C"),
    ("client", "2.1.8", {"server_ip": "h", "isochronous": "60:5m,0", "protocol": "udp", "test_duration": 1},
     "-c h -u -z -e -i 1 -t 1 -p 5001 -l 1470 -T 255 --isochronous=60:5m,0"),
    ("client", "2.2.1",
     {"server_ip": "h", "parallel": 3, "window": "256K", "mss": 1400, "tcp_congestion": "reno",
      "nodelay": True, "reverse": False, "packet_len": "8K", "test_duration": 1, "report_interval": 0,
      "realtime": False, "extra_args": ["--ipg", "5"]},
     "-c h -e -t 1 -p 5001 -l 8192 -P 3 -w 256K -M 1400 -N -Z reno --ipg 5"),
    ("server", "3.12", {"protocol": "udp"}, "-s -p 5201 -i 1 --forceflush -V"),
    ("server", "3.18", {"port": 5001, "one_off": True}, "-s -p 5001 -i 1 --json-stream -1"),
    ("client", "3.18", {"server_ip": "h", "json_stream": False, "test_duration": 2},
     "-c h -p 5201 -i 1 --forceflush -V -t 2"),
    ("client", "3.12",
     {"server_ip": "h", "protocol": "udp", "test_duration": 2, "dscp": "ef", "report_interval": 0.1},
     "-c h -p 5201 -i 0.1 --forceflush -V -u -b 11760000 -l 1470 -t 2 -S 184"),
    ("client", "3.12",
     {"server_ip": "fd00::1", "protocol": "udp", "bandwidth": "500pps", "num": "1M",
      "client_source_port": 7000},
     "-c fd00::1 -p 5201 -i 1 --forceflush -V -u -b 5800000 -l 1450 -6 --cport 7000 -n 1M"),
    ("client", "3.22",
     {"server_ip": "h", "bidir": True, "omit": 1, "cntl_ka": "10/3/5", "parallel": 2, "mss": 1400},
     "-c h -p 5201 -i 1 --json-stream -t 0 -P 2 -M 1400 --bidir -O 1 --cntl-ka=10/3/5"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "version", "options", "expected"), CASES)
def test_command_lines(role: Role, version: str, options: dict[str, Any], expected: str) -> None:
    """The options in the first columns give the command line in the last."""
    assert expected == told(role, version, **options)


REFUSED: list[tuple[Role, str, dict[str, Any], type[Exception], str]] = [
    ("client", "2.1.8", {}, OptionError, "a client needs server_ip"),
    ("client", "2.0.5", {"server_ip": "h", "reverse": True}, UnsupportedOption, "iperf2 2.0.5.*2.0.14"),
    ("client", "2.2.1", {"server_ip": "h", "connect_retries": 3}, UnsupportedOption, "< 2.2.0"),
    ("client", "2.0.5", {"server_ip": "h", "report_interval": 0.1}, UnsupportedOption, "0.5 s"),
    ("client", "2.1.8", {"server_ip": "h", "report_interval": 0.001}, UnsupportedOption, "0.005 s"),
    ("client", "2.0.5", {"server_ip": "h", "client_source_port": 7}, UnsupportedOption, "2.0.13"),
    ("client", "2.1.8", {"server_ip": "h", "singleclient": True}, UnsupportedOption, "a server's option"),
    ("server", "2.1.8", {"parallel": 2}, UnsupportedOption, "a client's option"),
    ("client", "2.1.8", {"server_ip": "h", "protocol": "udp", "mss": 1400}, UnsupportedOption, "tcp only"),
    ("client", "2.1.8", {"server_ip": "h", "reverse": True, "dualtest": True}, OptionError, "exclude"),
    ("client", "2.1.8", {"server_ip": "h", "num": "1M", "test_duration": 1}, OptionError, "exclude"),
    ("client", "2.1.8", {"server_ip": "239.1.1.1"}, OptionError, "multicast"),
    ("client", "3.12", {"server_ip": "239.1.1.1", "protocol": "udp"}, UnsupportedOption, "use iperf2"),
    ("client", "3.12", {"server_ip": "h", "report_interval": 0.05}, UnsupportedOption, "0.1 to 60 s"),
    ("client", "3.12", {"server_ip": "h", "parallel": 200}, UnsupportedOption, "128 streams"),
    ("client", "3.12", {"server_ip": "h", "test_duration": 0.5}, UnsupportedOption, "whole seconds"),
    ("client", "3.12", {"server_ip": "h", "trip_times": True}, UnsupportedOption, "it needs iperf2 >= 2.0.14"),
    ("client", "3.12", {"server_ip": "h", "cntl_ka": "10/3/5"}, UnsupportedOption, "iperf3 >= 3.20"),
    ("client", "3.12", {"server_ip": "h", "json_stream": True}, UnsupportedOption, "iperf3 >= 3.17"),
    ("client", "3.12", {"server_ip": "h", "ttl": 3}, UnsupportedOption, "needs iperf2"),
    ("client", "3.12", {"server_ip": "h", "extra_args": ["-J"]}, OptionError, "json_stream"),
    ("client", "2.1.8", {"server_ip": "h", "omit": 1}, UnsupportedOption, "it needs iperf3 of any version"),
    *(("client", "2.1.8", {"server_ip": "h", "extra_args": [bad]}, OptionError, "not possible")
      for bad in ("-D", "-eD", "--daemon", "-ofile", "--output=x", "-s", "-yC", "-p5", "-v")),
]  # fmt: skip


@pytest.mark.parametrize(("role", "version", "options", "error", "says"), REFUSED)
def test_refusals(
    role: Role, version: str, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    """What cannot work is refused before anything is started, in words."""
    with pytest.raises(error, match=says):
        composed(role, version, **options)


def test_what_is_meaningless_is_left_out_and_told() -> None:
    """Old scripts set a pps rate for TCP, too: it is left out, not lost silently."""
    command = composed("client", server_ip="h", bandwidth="1000pps", test_duration=1)
    assert "-b" not in command.argv
    assert ["packets mean nothing to TCP" in remark for remark in command.remarks] == [True]


def test_intervals_that_iperf_cannot_keep_up_with_are_told() -> None:
    """iperf2 prints a line per stream every 16 ms at best."""
    assert composed("server", report_interval=0.01).remarks
    assert not composed("server", report_interval=0.02).remarks


def test_a_server_time_that_breaks_the_build_is_kept_by_us() -> None:
    """2.0.14a with -s -t invents late datagrams: the run ends it instead."""
    assert 4 == composed("server", "2.0.14a", test_duration=4).stop_after_s
    assert "-t" not in composed("server", "2.0.14a", test_duration=4).argv
    assert composed("server", "2.1.8", test_duration=4).stop_after_s is None


def test_server_ip_on_a_server_is_unused() -> None:
    """Scripts set the same options on both sides."""
    assert "10.0.0.1" not in told("server", server_ip="10.0.0.1")
    assert "-V" not in told("server", server_ip="fd00::1")
