"""Ctrl-C in the middle of a convergence test."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.live.support import wait_for

if TYPE_CHECKING:
    from pyperf2.convergence import ConvergenceTest


def interrupted_in(
    test: ConvergenceTest, step: str, *, inside: threading.Event | None = None
) -> None:
    """Run ``test`` and interrupt it in ``step``; where ``inside`` is given, once that is set."""

    def interrupt() -> None:
        wait_for(lambda: test.step == step, step)
        if inside is not None:
            inside.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        test.run()
    thread.join()
