"""The command line: what it refuses and why, its exit statuses, what it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import pyperf2
from pyperf2 import cli, selftest
from pyperf2.core.binary import parse_banner
from tests.live.support import ROOT
from tests.selftest.samples import outage, played, report, stream

if TYPE_CHECKING:
    from pathlib import Path

    from pyperf2.selftest import Plan, Report

MET, MISSED = played(stream(outage())), played(stream(outage(lost=201)))


def found(monkeypatch: pytest.MonkeyPatch, result: Report) -> list[Plan]:
    """Have a self-test find this; return the plans that are run."""
    plans: list[Plan] = []

    def run(plan: Plan, _: object) -> Report:
        plans.append(plan)
        return result

    monkeypatch.setattr(selftest, "run", run)
    return plans


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (report(MET), 0),
        (report(MISSED), 1),
        (report(MET, interrupted=True), 130),
        (report(MISSED, interrupted=True), 130),
    ],
)
def test_the_exit_status_is_the_verdict(
    monkeypatch: pytest.MonkeyPatch, result: Report, status: int
) -> None:
    """0 met, 1 not met, 130 interrupted."""
    found(monkeypatch, result)
    assert status == cli.main(["selftest"])


def test_a_miss_is_named_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One datagram: which flow, what was lost, what was told."""
    found(monkeypatch, report(MISSED))
    cli.main(["selftest"])
    assert "run 1, flow 1, outages: lost: 200 is true, 201 ±0 is told" in capsys.readouterr().out


def test_options_make_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """--quick takes fewer outages; all others stand as they are."""
    plans = found(monkeypatch, report(MET))
    cli.main(["selftest"])
    cli.main(["selftest", "--quick", "--tool", "iperf3", "--flows", "2", "--seed", "9"])
    cli.main(["selftest", "--quick", "--outages", "5", "--iperf", "/opt/iperf"])
    assert [
        (8, 4, "iperf2", 1, None),
        (2, 2, "iperf3", 9, None),
        (5, 4, "iperf2", 1, "/opt/iperf"),
    ] == [(one.outages, one.flows, one.tool, one.seed, one.iperf) for one in plans]


def test_json_goes_to_a_file_or_instead_of_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The same document both ways; with a file, the table is printed as well."""
    told = report(MET)
    found(monkeypatch, told)
    file = tmp_path / "figures.json"
    cli.main(["selftest", "--json", str(file)])
    assert "met: every count" in capsys.readouterr().out
    cli.main(["selftest", "--json", "-"])
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(file.read_text())
    assert told == selftest.Report.from_dict(printed)


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    """As ``| head`` does: the status that a shell gives for SIGPIPE, and no word of complaint."""
    with subprocess.Popen(
        [sys.executable, "-m", "pyperf2", "--version"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert b"" == child.stderr.read()
    assert 128 + signal.SIGPIPE == child.returncode


def test_nothing_that_a_terminal_obeys_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An iperf of a strange name, and strange words of it in an error."""
    found(monkeypatch, report(MET, path="/opt/\x1b[2Jiperf"))
    cli.main(["selftest"])
    assert "\x1b" not in (told := capsys.readouterr().out)
    assert r"/opt/\x1b[2Jiperf" in told

    def fail(*_: object) -> Report:
        raise pyperf2.IPerfError("it failed", output=["\x1b]0;owned\x07"])

    monkeypatch.setattr(selftest, "run", fail)
    assert cli.NOT_RUN == cli.main(["selftest"])
    assert "\x1b" not in (said := capsys.readouterr().err)
    assert "owned" in said


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["selftest", "--flows", "0"], "flows=0: from 1 to 32 can be run"),
        (["selftest", "--outages", "0"], "outages=0: from 1 to 100 can be run"),
        (["selftest", "--json", "/nowhere/at/all.json"], "/nowhere/at is not there"),
        (["selftest", "--json", "/usr"], "this is a folder; name a file"),
        (
            ["selftest", "--iperf", "/nowhere/iperf"],
            "'/nowhere/iperf' there, or not executable; install iperf2 or set iperf (--iperf)",
        ),
        (
            ["selftest", "--iperf", "/bin/true"],
            "'nothing'; set iperf (--iperf) to an iperf2 or iperf3",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_done(
    argv: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2; standard error says what is wrong, standard output nothing."""
    assert cli.NOT_RUN == cli.main(argv)
    out, err = capsys.readouterr()
    assert "" == out
    assert why in err


def test_no_iperf_on_path_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and what would work."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.NOT_RUN == cli.main(["selftest"])
    assert "no executable 'iperf' on PATH; install iperf2" in capsys.readouterr().err
    assert cli.NOT_RUN == cli.main(["--version"])


def test_without_root_the_reason_is_said() -> None:
    """Exit status 2: namespaces take rights that this user has not."""
    drop = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*drop, sys.executable, "-m", "pyperf2", "selftest", "--quick"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (2, "") == (done.returncode, done.stdout), done.stderr
    assert "cannot make network namespaces: it takes root" in done.stderr


def test_the_versions_of_all_that_is_here(
    iperf: Path, iperf3: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """pyperf2's own, and of each binary found its place, version and what it can do."""
    monkeypatch.setenv("PATH", f"{iperf.parent}:{iperf3.parent}")
    assert 0 == cli.main(["--version"])
    own, two, three = capsys.readouterr().out.splitlines()
    assert own.startswith(f"pyperf2 {pyperf2.__version__}, Python 3.")
    assert two.startswith("iperf2 2.")
    assert "multicast" in two
    assert three.startswith("iperf3 3.")
    assert "intervals from 0.1 s" in three


def test_what_a_build_can_do_is_asked_of_the_build() -> None:
    """2.0.5 knows no packets per second; an iperf3 has live JSON from 3.17 on."""
    able = {
        version: [name for name, has in cli._ABILITIES.items() if has(build)]
        for version in ("iperf version 2.0.5", "iperf version 2.1.8", "iperf 3.12", "iperf 3.17")
        if (build := parse_banner(version))
    }
    pps = "rates in packets per second"
    assert [["multicast"], [pps, "multicast"], [], ["live JSON"]] == list(able.values())


def test_help_and_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    """--help lists the commands; without one, that is said."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert 0 == ended.value.code
    assert "selftest" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert 2 == ended.value.code
    assert "a command is wanted: selftest" in capsys.readouterr().err
