"""The load of the benchmarks: recorded lines, tiled, and the stand-in that prints them."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CACHE: Final = ROOT / ".cache" / "bench"
OLD: Final = CACHE / "old"
OLD_PYTHON: Final = OLD / "bin" / "python"
_RECORDING: Final = ROOT / "tests" / "recordings" / "iperf-2.1.8.jsonl.gz"
_SCENARIO: Final = "udp_i0.01_e"
_TIMES: Final = re.compile(r"^(\[  1\] )\d+\.\d+-\d+\.\d+ sec ")
INTERVAL_S: Final = 0.01


def stand_in() -> Path:
    """Compile the stand-in if it is not there; give its path."""
    CACHE.mkdir(parents=True, exist_ok=True)
    source, made = Path(__file__).with_name("stand_in.c"), CACHE / "stand_in"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        compiler = shutil.which("cc")
        if compiler is None:
            raise FileNotFoundError("there is no C compiler: apt-get install gcc libc6-dev")
        subprocess.run([compiler, "-O2", "-Wall", "-o", str(made), str(source)], check=True)
    return made


def old_package() -> Path:
    """Install pyperf2 0.5 into an environment of its own if it is not there; give its Python."""
    if not OLD_PYTHON.exists():
        subprocess.run([str(ROOT / ".venv" / "bin" / "python"), "-m", "venv", str(OLD)], check=True)
        pip = [str(OLD_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "pyperf2==0.5"], check=True)
    return OLD_PYTHON


def lines(count: int) -> Path:
    """Write ``count`` report lines of a UDP server, as recorded but for their times; give the file.

    A run of iperf 2.1.8 at ``-i 0.01`` is repeated as often as it takes, one run behind the other.
    """
    made = CACHE / f"lines-{count}.txt"
    if not made.exists():
        head, reports = _recorded()
        with made.open("w") as out:
            out.writelines(f"{line}\n" for line in head)
            for number in range(count):
                start = number * INTERVAL_S
                times = rf"\g<1>{start:.4f}-{start + INTERVAL_S:.4f} sec "
                out.write(_TIMES.sub(times, reports[number % len(reports)]) + "\n")
    return made


def _recorded() -> tuple[list[str], list[str]]:
    """Give what the server printed before its reports, and its reports without the final one."""
    with gzip.open(_RECORDING, "rt") as recordings:
        for line in recordings:
            if f'"{_SCENARIO}"' in line:
                recorded = json.loads(line)
                if recorded["scenario"] == _SCENARIO:
                    break
        else:
            raise LookupError(f"there is no recording {_SCENARIO!r} in {_RECORDING}")
    printed = [text for _, source, text in recorded["server"]["lines"] if source == "o"]
    first = next(number for number, text in enumerate(printed) if _TIMES.match(text))
    reports = [text for text in printed[first:] if _TIMES.match(text)]
    return printed[:first], reports[1:-1]  # the first holds what began the test
