"""Run one target under atheris: ``python -m tests.fuzz TARGET [option of libFuzzer …]``.

``-runs=0 FILE`` says what one input does; ``--seed FOLDER`` writes the seeds of all targets.
`.ci/fuzz` does it all.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped]  # it is in .cache/fuzz-venv only

with atheris.instrument_imports(include=["pyperf2.core"]):
    from tests.fuzz.seeds import write_seeds
    from tests.fuzz.targets import TARGETS


def seed(folder: str) -> None:
    """Write each target's seeds into ``folder/TARGET/seeds``; print how many they are."""
    for name in TARGETS:
        print(name, write_seeds(name, Path(folder) / name / "seeds"))  # noqa: T201


def fuzz(target: str, *options: str) -> None:
    """Hand a target to libFuzzer, which ends this process."""
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1] == "--seed":
        seed(sys.argv[2])
    else:
        fuzz(*sys.argv[1:])
