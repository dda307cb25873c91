"""What stays of a test: where, of which tests, and that it says what the test saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyperf2 import Result, replay
from pyperf2.convergence import ConvergenceReport
from pyperf2.pytest_plugin.artifacts import Artifacts, folder_name
from tests.compat.test_contract import stampless

if TYPE_CHECKING:
    from tests.plugin.conftest import Run

pytestmark = pytest.mark.timeout(120)

FAILING = """
    import pytest

    @pytest.mark.convergence_limits(max_lost=10)
    def test_violated(failover):
        failover()
    """
SEVERAL = """
    import pytest

    @pytest.fixture
    def traffic(iperf_server, iperf_client):
        return iperf_client(iperf_server(), start=True, test_duration=0.2)

    @pytest.fixture
    def unclean():  # its tear-down comes after that of the fixtures of the plugin
        yield
        raise ZeroDivisionError("on purpose")

    @pytest.fixture
    def skipping(): pytest.skip("on purpose")

    def test_good(traffic): pass
    def test_bad(traffic): assert False
    def test_unclean(unclean, traffic): pass
    def test_without(): assert False
    def test_skipped(traffic): pytest.skip("on purpose")
    def test_skipped_early(traffic, skipping): pass
    @pytest.mark.parametrize("path", ["../../a", "/etc/b"])
    def test_parametrised(traffic, path): assert False
    """


@pytest.mark.netns
@pytest.mark.slow
def test_what_is_kept_says_what_the_test_saw(run: Run, pytester: pytest.Pytester) -> None:
    """Raw logs replay to the results beside them; the report is there in all its forms."""
    done = run(FAILING, "--iperf-artifacts=kept")
    done.assert_outcomes(failed=1)
    (folder,) = (pytester.path / "kept").iterdir()
    done.stdout.fnmatch_lines(["*- iperf artifacts -*", str(folder)])
    for role in ("server", "client"):
        (log,), (told,) = (folder.glob(f"*_{role}_{what}") for what in ("raw.log", "result.json"))
        kept = Result.from_dict(json.loads(told.read_text()))
        assert (role, "iperf2", f"{role}-1") == (kept.role, kept.tool, kept.name)
        peer = next(folder.glob("*_client_raw.log")) if role == "server" else None
        again = replay(
            log, peer=peer, role=kept.role, version=kept.version, name=kept.name,
            report_interval=0.1, bandwidth="1000pps",
        )  # fmt: skip
        assert stampless(kept.to_dict())["streams"] == stampless(again.to_dict())["streams"]
        assert len(kept.streams) == 1
    stem = folder / "convergence-1"
    report = ConvergenceReport.from_json(stem.with_suffix(".json").read_text())
    assert 1 == len(report.hit)
    assert f"{report}\n" == stem.with_suffix(".txt").read_text()
    assert report.to_csv() == stem.with_suffix(".csv").read_bytes().decode()
    (failure,) = ET.fromstring(stem.with_suffix(".xml").read_text()).iter("failure")  # noqa: S314
    assert "limit 10" in str(failure.get("message"))
    page = stem.with_suffix(".html").read_text()
    assert page.startswith("<!doctype html>")
    assert "limit 10" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "kept"),
    [
        ("failed", ["bad", "parametrised_.._.._a", "parametrised_etc_b", "unclean"]),
        (
            "always",
            [
                "bad",
                "good",
                "parametrised_.._.._a",
                "parametrised_etc_b",
                "skipped",
                "skipped_early",
                "unclean",
            ],
        ),
    ],
)
def test_which_tests_leave_something(
    run: Run, pytester: pytest.Pytester, when: str, kept: list[str]
) -> None:
    """All that had an iperf, or those that failed: each in a folder of its own, nowhere else."""
    before = set(Path("/etc").iterdir())
    done = run(SEVERAL, "--iperf-artifacts=below/kept", f"--iperf-artifacts-when={when}")
    done.assert_outcomes(passed=2, failed=4, errors=1, skipped=2)
    folders = sorted((pytester.path / "below" / "kept").iterdir())
    names = [path.name.rpartition("-")[0].partition("py_test_")[2].strip("_") for path in folders]
    assert kept == names
    assert all(len(list(path.glob("*_raw.log"))) == 2 for path in folders)
    assert before == set(Path("/etc").iterdir())


@pytest.mark.slow
def test_a_second_session_keeps_what_the_first_left(run: Run, pytester: pytest.Pytester) -> None:
    """The folders of the same test stand side by side."""
    pytester.makeini("[pytest]\niperf_artifacts = kept\n")
    for _ in range(2):
        run("def test_it(iperf_server): iperf_server(start=True)").assert_outcomes(passed=1)
    first, second = sorted((pytester.path / "kept").iterdir())
    assert f"{first.name}-2" == second.name
    assert all(list(folder.glob("*_result.json")) for folder in (first, second))


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_folders_name_is_one_word_and_no_other_tests(one: str, other: str) -> None:
    """Whatever a node id is made of: it cannot lead elsewhere, and two have two names."""
    name = folder_name(one)
    assert (name,) == Path(name).parts
    assert name.isascii()
    assert len(name) <= 255
    assert name not in {".", ".."}
    assert (one == other) == (name == folder_name(other))


def test_a_test_that_made_nothing_has_no_folder(tmp_path: Path) -> None:
    """Neither is the folder of all artefacts made in vain."""
    artifacts = Artifacts(tmp_path / "kept", "test_it")
    artifacts.remove()
    assert [] == list(tmp_path.iterdir())
