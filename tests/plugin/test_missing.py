"""Where iperf or a privilege is missing, tests are skipped and say why; or fail, if told to."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

BOTH_TOOLS = """
    def test_iperf2(iperf_server):
        iperf_server(start=True)

    def test_iperf3(iperf_server, iperf_client):
        iperf_client(iperf_server(tool="iperf3"), start=True)
    """


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [([], {"skipped": 2}), (["--iperf-require"], {"failed": 2})],
    ids=["skip", "require"],
)
def test_no_iperf_on_path(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], outcomes: dict[str, int]
) -> None:
    """The reason names the binary, where it was looked for, and what would help."""
    monkeypatch.setenv("PATH", "")
    done = run(BOTH_TOOLS, "-rs", *arguments)
    done.assert_outcomes(**outcomes)
    told = done.stdout.str()
    for command, tool in (("iperf", "iperf2"), ("iperf3", "iperf3")):
        assert f"no executable '{command}' on PATH; install {tool} or set iperf_binary_path" in told


def test_a_binary_that_was_named_has_to_be_there(run: Run) -> None:
    """A wrong path in the settings is no machine without iperf: no skip hides it."""
    done = run(BOTH_TOOLS, "--iperf-binary=nowhere/iperf", "-o", "iperf3_binary=nowhere/iperf3")
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines([
        "E * no executable '*/nowhere/iperf' there, or not executable; *",
        "E * no executable '*/nowhere/iperf3' there, or not executable; *",
    ])  # fmt: skip


def test_settings_by_option_and_ini_value(run: Run, pytester: pytest.Pytester) -> None:
    """The option counts before the ini value; a path in an ini file begins at its folder."""
    ours = pytester.mkdir("bin") / "iperf3"
    ours.write_text('#!/bin/sh\nexec iperf3 "$@"\n')
    ours.chmod(0o755)
    pytester.makeini("[pytest]\niperf_tool = iperf3\niperf3_binary = bin/iperf3\n")
    below = pytester.mkdir("below")
    done = run(
        f"""
        def test_ini(iperf_server, monkeypatch):
            monkeypatch.chdir({str(below)!r})
            server = iperf_server(start=True)
            assert ("iperf3", {str(ours)!r}) == (server.tool, server.iperf_binary_path)
        """
    )
    done.assert_outcomes(passed=1)
    done = run(
        """
        def test_option(iperf_server):
            assert ("iperf2", None) == (iperf_server().tool, iperf_server().iperf_binary_path)
        """,
        "--iperf-tool=iperf2",
    )
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--iperf-tool=iperf4"], "*--iperf-tool: invalid choice: *iperf4*"),
        (["-o", "iperf_tool=iperf4"], "*iperf_tool = iperf4: iperf2 or iperf3 is wanted"),
        (["--iperf-artifacts=conftest.py"], "*conftest.py: there is a file of that name"),
    ],
)
def test_a_wrong_setting_is_a_usage_error(run: Run, arguments: list[str], words: str) -> None:
    """The session ends before it begins, and says what would work."""
    done = run("def test_nothing(): pass", *arguments)
    assert pytest.ExitCode.USAGE_ERROR == done.ret
    done.stderr.fnmatch_lines([words])


@pytest.fixture
def namespace() -> Iterator[str]:
    """Make a network namespace; remove it again."""
    name = f"plugin-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.netns
@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        ([], {"passed": 1, "skipped": 2}),
        (["--iperf-require"], {"passed": 1, "errors": 1, "failed": 1}),
    ],
    ids=["skip", "require"],
)
def test_no_right_to_make_namespaces(
    pytester: pytest.Pytester, namespace: str, arguments: list[str], outcomes: dict[str, int]
) -> None:
    """What needs a namespace is skipped with the kernel's words; loopback needs no right."""
    pytester.makepyfile(f"""
        def test_lab(netns_lab): pass

        def test_namespace(iperf_server):
            iperf_server(use_linux_namespace={namespace!r})

        def test_loopback(iperf_server, iperf_client):
            assert iperf_client(iperf_server(), start=True, test_duration=0.2).wait(5)
        """)
    unprivileged = ("setpriv", "--bounding-set", "-sys_admin", sys.executable, "-m", "pytest")
    done = pytester.run(*unprivileged, "-rs", "-W", "error", *arguments, timeout=30)
    done.assert_outcomes(**outcomes)
    told = done.stdout.str()
    assert "cannot make network namespaces: it takes root, or CAP_SYS_ADMIN" in told
    assert f"{namespace!r}" in told
