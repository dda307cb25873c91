"""No name that somebody gave, whatever is in it, leads out of the folder that it belongs in."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyperf2 import OptionError, RawLogError, Server
from pyperf2.lab.naming import namespace_name
from pyperf2.pytest_plugin.artifacts import folder_name
from pyperf2.run.rawlog import RawLog

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
NAMES = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(("..", ".", "/", "~", "\0", "\n", "a", "\\", "é")), max_size=9).map(
        "".join
    ),
)


def is_one_word(name: str) -> bool:
    """Whether it is the name of a file in a folder, for every program that may meet it."""
    plain = name.isascii() and name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return plain and not name.startswith((".", "-")) and len(name) < 256


@given(name=NAMES)
@example("../../etc/passwd")
@example("/etc/passwd")
@example("..")
@example("-rf")
@example("x" * 300)
def test_no_raw_log_leaves_its_folder(name: str) -> None:
    """The file is in the folder, by a plain name, as often as that is asked for."""
    with TemporaryDirectory() as folder:
        logs = [RawLog(folder, created=CREATED, name=name, role="server") for _ in range(2)]
        for log in logs:
            log.close()
        paths = [Path(log.path) for log in logs]
        assert sorted(paths) == sorted(Path(folder).iterdir())
        assert all(is_one_word(path.name) for path in paths)


def test_a_raw_log_follows_no_link(tmp_path: Path) -> None:
    """Where somebody has put a link by the name that comes next, another name is taken."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "2026-01-02T03-04-05_rx_server_raw.log").symlink_to(victim)
    (logs / "2026-01-02T03-04-05_rx_server_raw_2.log").symlink_to(tmp_path / "not-there")
    log = RawLog(str(logs), created=CREATED, name="rx", role="server")
    log.write(b"iperf's words")
    log.close()
    assert "precious" == victim.read_text()
    assert not (tmp_path / "not-there").exists()
    assert log.path.endswith("_raw_3.log")


@given(test=NAMES)
@example("tests/test_x.py::test_y[../../../etc]")
def test_no_artefact_leaves_its_folder(test: str) -> None:
    """Of a test with any name: one folder, and another one for another test."""
    assert is_one_word(folder_name(test).lstrip("-"))
    assert folder_name(test) != folder_name(test + "x")


@given(name=NAMES)
def test_no_namespace_of_a_lab_leaves_its_folder(name: str) -> None:
    """A node's name is a plain word, or refused."""
    try:
        made = namespace_name(name, "1-2-3-4")
    except OptionError:
        return
    assert is_one_word(made)


@pytest.mark.parametrize("folder", ["no/such/folder", "\0", "x" * 5000])
def test_a_folder_that_cannot_be(folder: str) -> None:
    """It is refused where it is set, whatever the reason."""
    with pytest.raises(RawLogError):
        Server().set_raw_log_path(folder)
