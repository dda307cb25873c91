"""A self-test from its beginning to its report; what happens in a run is in ``stage.py``."""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pyperf2
from pyperf2.core.binary import V2_0_14
from pyperf2.errors import LabError
from pyperf2.lab import Lab
from pyperf2.run.probe import find, probe
from pyperf2.selftest.compare import SCENARIOS, Findings, compare
from pyperf2.selftest.judge import JITTER_S, OLD_JITTER_S
from pyperf2.selftest.plan import LENGTHS_MS
from pyperf2.selftest.report import Report
from pyperf2.selftest.stage import Disturbed, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyperf2.core.binary import Build
    from pyperf2.selftest.compare import Played
    from pyperf2.selftest.plan import Cut, Plan

_ATTEMPTS: Final = 3
_SETTING: Final = "iperf (--iperf)"  # of a plan, and on the command line


def run(plan: Plan, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Run a self-test, and return when nothing of it is left.

    A Ctrl-C ends it early: the report says so, and has what was measured until then.

    Args:
        plan: what to run.
        progress: is told, in some words, what is being done.

    Raises:
        BinaryNotFound, NotIPerf: there is no such iperf.
        PrivilegeError: this process may not make network namespaces.
        LabError: nftables is not there, or this machine was too busy in each of three attempts.
        PyPerf2Error: iperf did not start, or failed.
    """
    path = find(plan.iperf, plan.tool, setting=_SETTING)
    build = probe(path, setting=_SETTING)
    plan = replace(plan, tool=build.tool)
    trial = _Trial(plan, path, build, progress)
    try:
        with Lab() as lab:
            stage = Stage(lab, plan, path)
            try:
                trial.play(stage)
            finally:
                stage.close()
    except KeyboardInterrupt:
        trial.interrupted = True
    return trial.report()


class _Trial:
    """A self-test while it runs."""

    def __init__(
        self, plan: Plan, path: str, build: Build, progress: Callable[[str], None]
    ) -> None:
        self._plan, self._path, self._build, self._progress = plan, path, build, progress
        self._found = Findings()
        self._notes: list[str] = []
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
        if load > cores:
            self._notes.append(
                f"{load:.1f} processes at a time wanted these {cores} cores before it began: "
                "on a busy machine senders stall, and lines are read late"
            )
        self._runs = plan.runs()
        self._done = 0
        self.interrupted = False

    def play(self, stage: Stage) -> None:
        """Play all runs, or until a Ctrl-C."""
        jitter_s = JITTER_S if self._build.version >= V2_0_14 else OLD_JITTER_S
        for number, cuts in enumerate(self._runs, 1):
            played = self._undisturbed(stage, number, cuts)
            compare(played, self._found, jitter_s=jitter_s)
            self._done = number
            if played.interrupted:
                raise KeyboardInterrupt

    def _undisturbed(self, stage: Stage, number: int, cuts: tuple[Cut, ...]) -> Played:
        attempt = 1
        while True:
            try:
                return stage.play(number, cuts, self._telling(number))
            except Disturbed as error:
                if error.interrupted:
                    self._notes.append(f"run {number}: {error}; interrupted")
                    raise KeyboardInterrupt from error
                if attempt == _ATTEMPTS:
                    raise LabError(
                        f"this machine is too busy for {len(self._plan.kinds)} flows, in each of "
                        f"{_ATTEMPTS} attempts: {error}; try fewer flows, or when less else runs"
                    ) from error
                self._notes.append(f"run {number}, attempt {attempt}: {error}; repeated")
                attempt += 1

    def _telling(self, number: int) -> Callable[[str], None]:
        return lambda text: self._progress(f"run {number} of {len(self._runs)}: {text}")

    def report(self) -> Report:
        """Give what was found."""
        lengths = [f"{length} ms" for length in LENGTHS_MS]
        return Report(
            pyperf2=pyperf2.__version__,
            tool=self._build.tool,
            iperf=str(self._build.version),
            path=self._path,
            kernel=platform.release(),
            cores=os.cpu_count() or 1,
            seed=self._plan.seed,
            flows=self._plan.flows,
            runs=len(self._runs),
            done=self._done,
            interrupted=self.interrupted,
            scenarios=(
                SCENARIOS["clean"], SCENARIOS["random"], *lengths, SCENARIOS["multicast"],
            ),
            spells=tuple(self._found.spells),
            totals=tuple(self._found.totals),
            joints=tuple(self._found.joints),
            misses=tuple(self._found.misses),
            notes=tuple(self._notes),
        )  # fmt: skip
