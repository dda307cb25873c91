"""What is kept of one test: a folder of raw logs, results and reports; knows no pytest."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyperf2.instance import IPerfInstance
    from pyperf2.pytest_plugin.trials import Trials

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME: Final = 150  # of the 255 bytes that file systems take


class Artifacts:
    """The folder of one test, made when there is something to put into it.

    Attributes:
        folder: where it is; None while there is none.
    """

    def __init__(self, root: Path, test: str) -> None:
        """Only remember where; ``test`` is the node id."""
        self.folder: Path | None = None
        self._root, self._test = root, test

    def record(self, instance: IPerfInstance) -> None:
        """Keep what it prints, if nobody else does."""
        if instance._raw_log_folder is None:  # noqa: SLF001 - our own
            instance.set_raw_log_path(str(self._made()))

    def write(self, instances: Iterable[IPerfInstance], trials: Trials, *, pages: bool) -> None:
        """Add a result for each instance that ran, and all forms of each report.

        Args:
            instances: those of the test.
            trials: its convergence tests.
            pages: whether to write HTML pages, too; one takes longer than all the rest.
        """
        for one in instances:
            if one.raw_log_path is not None:
                stem, _, again = Path(one.raw_log_path).stem.rpartition("_raw")
                path = self._made() / f"{stem}_result{again}.json"
                path.write_text(one.result().to_json(), encoding="utf-8")
        for number, report in enumerate(trials.reports, start=1):
            verdict = trials.verdicts[number - 1] if trials.verdicts else None
            for suffix, text in (
                (".txt", f"{report}\n"),
                (".json", report.to_json(indent=2)),
                (".csv", report.to_csv()),
                ("-outages.csv", report.to_csv(outages=True)),
                (".xml", report.to_junit(verdict)),
            ):
                path = self._made() / f"convergence-{number}{suffix}"
                path.write_bytes(text.encode())
            if pages:
                report.to_html(self._made() / f"convergence-{number}.html", verdict=verdict)

    def remove(self) -> None:
        """Remove the folder and all in it."""
        folder, self.folder = self.folder, None
        if folder is not None:
            shutil.rmtree(folder)

    def _made(self) -> Path:
        if self.folder is None:
            self.folder = _new_folder(self._root, folder_name(self._test))
        return self.folder


def folder_name(test: str) -> str:
    """Name the folder of a test: readable, one word, and no other test's."""
    readable = _UNSAFE.sub("_", test).strip("._")[-_MAX_NAME:]
    return f"{readable}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"


def _new_folder(root: Path, name: str) -> Path:
    """Make a folder; one of an earlier run of the test stays."""
    root.mkdir(parents=True, exist_ok=True)
    folder, number = root / name, 1
    while True:
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            folder = root / f"{name}-{number}"
        else:
            return folder
