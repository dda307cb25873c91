"""Bad input: a clear error, nothing started, nothing lost."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2 import (
    BinaryNotFound,
    Client,
    NameSpaceNotFoundError,
    NotIPerf,
    OptionError,
    PrivilegeError,
    RawLogError,
    Server,
)
from tests.conftest import iperf_children
from tests.faces.pairs import LIGHT
from tests.live.support import LOOPBACK, ROOT, free_port

if TYPE_CHECKING:
    from pathlib import Path

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"bandwith": "10M"}, "did you mean 'bandwidth'"),
    ({"servr_ip": LOOPBACK}, "did you mean 'server_ip'"),
    ({"xyzzy": 1}, "no option 'xyzzy'"),
    ({"port": 0}, "1 to 65535"),
    ({"port": 70000}, "1 to 65535"),
    ({"port": "http"}, "a number"),
    ({"port": True}, "not a bool"),
    ({"port": 5001.5}, "whole number"),
    ({"protocol": "sctp"}, "one of tcp, udp"),
    ({"protocol": ["udp"]}, "one of tcp, udp"),
    ({"test_duration": "soon"}, "a number"),
    ({"test_duration": -1}, "at least 0"),
    ({"test_duration": float("nan")}, "finite"),
    ({"report_interval": float("inf")}, "finite"),
    ({"bandwidth": "fast"}, "no bandwidth"),
    ({"packet_len": 0}, "at least one byte"),
    ({"packet_len": "long"}, "length"),
    ({"parallel": 0}, "1 to 1000"),
    ({"dscp": 64}, "0-63"),
    ({"dscp": "gold"}, "DSCP name"),
    ({"loss_threshold": -1}, "at least 0"),
    ({"warmup_intervals": 1.5}, "whole number"),
    ({"history": -1}, "at least 0"),
    ({"realtime": "perhaps"}, "True or False"),
    ({"server_ip": "-D"}, "begins with '-'"),
    ({"server_ip": "192.0.2.1\n"}, "control characters"),
    ({"server_ip": "a b"}, "host name"),
    ({"bind_ip": "0.0.0.0\0"}, "control characters"),
    ({"iperf_binary_path": "-x"}, "begins with '-'"),
    ({"use_linux_namespace": "../x"}, "no path"),
    ({"name": "a\nb"}, "control characters"),
    ({"extra_args": "-X"}, "a list"),
    ({"extra_args": ["-X\0"]}, "control characters"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=[str(wrong) for wrong, _ in WRONG])
def test_a_wrong_option_dies_where_it_is_set(options: dict[str, Any], words: str) -> None:
    """By keyword, by ``set_options`` and as an attribute; what else was to be set, is not."""
    with pytest.raises(OptionError, match=words):
        Server(**options)
    server = Server(name="before")
    with pytest.raises(OptionError, match=words):
        server.set_options(**{"name": "after", **options, "ttl": 1})
    assert ("before", 255) == (server.name, server.ttl)
    ((name, value),) = options.items()
    if name != "xyzzy":  # what is like no option is an attribute of the user's own
        with pytest.raises(OptionError, match=words):
            setattr(server, name, value)


def nothing_started(one: Server | Client) -> None:
    """Nothing ran: no process, the state and the results of before."""
    assert ("configured", None, {}) == (one.status, one.pid, one.get_results())
    assert {} == iperf_children()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "server_ip"),
        ({"server_ip": LOOPBACK, "reverse": True, "dualtest": True}, "exclude one another"),
        ({"server_ip": LOOPBACK, "num": "1M", "test_duration": 1}, "choose one"),
        ({"server_ip": LOOPBACK, "singleclient": True}, "server's option"),
        ({"server_ip": LOOPBACK, "protocol": "udp", "mss": 1000}, "tcp only"),
        ({"server_ip": "239.1.1.1"}, "multicast"),
        ({"server_ip": LOOPBACK, "extra_args": ["-eD"]}, "daemon"),
        ({"server_ip": LOOPBACK, "extra_args": ["--output=/tmp/x"]}, "raw_log"),
        ({"server_ip": LOOPBACK, "report_interval": 0.0001}, "too short"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], words: str) -> None:
    """They are refused at the start, before anything is spawned."""
    client = Client(**options, **LIGHT)
    with pytest.raises(OptionError, match=words):
        client.start()
    nothing_started(client)


def test_an_absent_binary(tmp_path: Path) -> None:
    """Neither a missing file, nor one that may not be executed, nor a folder."""
    dull = tmp_path / "iperf"
    dull.write_text("#!/bin/sh\n")
    for path in (tmp_path / "none", dull, tmp_path, "no-such-iperf"):
        server = Server(iperf_binary_path=str(path))
        with pytest.raises(BinaryNotFound, match="iperf"):
            server.start()
        with pytest.raises(BinaryNotFound):
            server.generate_cli_from_options()
        nothing_started(server)


@pytest.mark.parametrize(
    "script", ["echo hello", "exit 3", "exec cat", "printf '\\377\\376'", "echo iperf version x"]
)
def test_a_binary_that_is_no_iperf(script: str, tmp_path: Path) -> None:
    """Asked for its version it says something else, or nothing."""
    odd = tmp_path / "iperf"
    odd.write_text(f"#!/bin/sh\n{script}\n")
    odd.chmod(odd.stat().st_mode | stat.S_IXUSR)
    server = Server(iperf_binary_path=str(odd))
    with pytest.raises(NotIPerf, match="no iperf"):
        server.start()
    nothing_started(server)


def test_a_file_that_cannot_run(tmp_path: Path) -> None:
    """Executable by its mode, but not by its content."""
    odd = tmp_path / "iperf"
    odd.write_bytes(b"\x7fELF nonsense")
    odd.chmod(0o755)
    with pytest.raises(BinaryNotFound, match="cannot be executed"):
        Server(iperf_binary_path=str(odd)).start()


@pytest.mark.netns
def test_an_absent_namespace() -> None:
    """It is told by name, and not created."""
    server = Server(use_linux_namespace="no-such-namespace", **LIGHT)
    with pytest.raises(NameSpaceNotFoundError, match="no-such-namespace"):
        server.start()
    nothing_started(server)
    with pytest.raises(LookupError):
        server.start()


@pytest.mark.netns
@pytest.mark.slow
def test_no_privilege_for_namespaces() -> None:
    """An unprivileged user is told what is lacking."""
    name = f"bad-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    code = (
        "import os, sys\n"
        "from pyperf2 import PrivilegeError, Server\n"
        "import pyroute2\n"  # readable by root alone, perhaps
        "os.setgid(65534); os.setuid(65534)\n"
        f"server = Server(use_linux_namespace={name!r})\n"
        "try:\n    server.start()\n"
        "except PrivilegeError as error:\n    print(server.status, error)\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
    assert issubclass(PrivilegeError, PermissionError)
    assert done.stdout.startswith("configured "), done.stderr
    assert name in done.stdout
    assert "root" in done.stdout


def test_a_raw_log_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that is none is refused where it is set, one that vanished at the start."""
    server = Server(protocol="udp", port=free_port(), **LIGHT)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(RawLogError, match=path.name):
            server.set_raw_log_path(str(path))
    folder = tmp_path / "logs"
    folder.mkdir()
    server.set_raw_log_path(str(folder))
    folder.rmdir()
    with pytest.raises(RawLogError, match="logs"):
        server.start()
    nothing_started(server)


@pytest.mark.slow
def test_a_raw_log_folder_of_somebody_else(tmp_path: Path) -> None:
    """Root may write anywhere, so another user tries."""
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o555)
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and "pytest" in str(parent):
            parent.chmod(0o755)
    code = (
        "import os\n"
        "from pyperf2 import RawLogError, Server\n"
        "import pyperf2.run.rawlog\n"
        "server = Server()\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        f"try:\n    server.set_raw_log_path({str(folder)!r})\n"
        "except RawLogError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "cannot be written" in done.stdout, done.stderr
