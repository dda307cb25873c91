"""Random streams, always so many: a pause in the middle, totals at the end, then the same again.

Usage: python examples/stress.py [SECONDS [STREAMS]]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from pyperf2.traffic import StressTrafficManager


def watch(stress: StressTrafficManager, seconds: float) -> None:
    """Print how many streams run."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        print(f"{stress.live} of {stress.num_streams} live")
        time.sleep(0.5)


def main(seconds: float = 4, streams: int = 8) -> None:
    """Run, pause and resume, and replay what was run."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stress.jsonl"
        stress = StressTrafficManager(
            streams, min_dur=1, max_dur=2, max_size=8000, bandwidth="2M", seed=2024, log=log
        )
        with stress:
            watch(stress, seconds / 2)
            stress.pause_all()
            print(f"pause: {stress.live} live")
            stress.resume_all()
            watch(stress, seconds / 2)
        print(stress.report())

        replay = StressTrafficManager.replay(log)
        print("the first streams of slot 0, as they are replayed:")
        for draw in list(replay.draws(0))[:3]:
            print(f"  {draw}")
        print(f"replayed: {replay.run_all(60).totals.streams} streams")


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 4, *map(int, sys.argv[2:3]))
