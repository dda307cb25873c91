"""200 streams of 1 to 3 s for a minute: never more, and nothing is left; ``make stress``.

Not found by itself, because of its name. ``STRESS_S`` and ``STRESS_STREAMS`` set the load.
"""

from __future__ import annotations

import os
import sys
from typing import Final

import pytest

from tests.conftest import iperf_children
from tests.traffic.crowd import watch

SECONDS: Final = float(os.environ.get("STRESS_S", "60"))
STREAMS: Final = int(os.environ.get("STRESS_STREAMS", "200"))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
def test_many_short_streams(capsys: pytest.CaptureFixture[str]) -> None:
    """Never more live than asked for; all are replaced; no process, port, descriptor is left."""
    seen = watch(STREAMS, SECONDS, look_s=0.5)
    with capsys.disabled():
        sys.stdout.write(f"\n{seen}\n")
    assert seen.report.most_live <= STREAMS
    assert max(seen.live) <= STREAMS
    assert max(seen.processes) <= 2 * STREAMS
    assert seen.report.totals.completed > STREAMS
    assert 0 == seen.report.live
    assert {} == iperf_children()
