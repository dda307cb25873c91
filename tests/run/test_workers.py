"""The threads that read and call back: one leads, and another takes over where it is held up."""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pyperf2.run import engine, workers
from pyperf2.run.callbacks import Strand
from tests.run.conftest import descriptors, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Give a pipe that the threads read, and have it closed."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    workers.pool.remove_reader(reading)
    os.close(reading)
    os.close(writing)


def in_one_line(*posts: Callable[[], object]) -> None:
    """Have all of it posted while the leader cannot take any."""
    Strand().post(lambda: [post() for post in posts])


def test_a_callback_that_blocks_behind_many_short_ones_is_noticed() -> None:
    """However long the line has been without a slow one: the looks go on while there is any."""
    gate, seen = threading.Event(), threading.Event()
    blocked, free = Strand(), Strand()
    short = [Strand() for _ in range(100)]
    in_one_line(
        *(lambda strand=strand: strand.post(lambda: time.sleep(0.001)) for strand in short),
        lambda: blocked.post(lambda: gate.wait(10)),
        lambda: free.post(seen.set),
    )
    try:
        assert seen.wait(5)
    finally:
        gate.set()


def test_callbacks_go_on_where_nobody_can_look_after_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The engine that would do it cannot be made: that is said once, and all is told."""

    def none_left() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    pool = workers.Workers()
    told = [threading.Event() for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(engine, "current", none_left)
        for event in told:
            pool.post(Strand(), event.set)
            assert event.wait(5)
    assert 1 == len([one for one in caplog.records if "look after" in one.message])
    pool.close()
    wait_for(lambda: pool.threads == 0, "the end of its thread")
    pool.drop()


def test_a_long_line_of_callbacks_does_not_make_stamps_late(pipe: tuple[int, int]) -> None:
    """What comes meanwhile is read between two of them, not behind them all."""
    reading, writing = pipe
    read: list[int] = []
    told: list[int] = []
    workers.pool.add_reader(
        reading, Strand(), lambda: read.append((os.read(reading, 99), len(told))[1])
    )
    strands = [Strand() for _ in range(100)]

    def note(number: int) -> None:
        told.append(number)
        if number == 10:
            os.write(writing, b"x")
        time.sleep(0.002)

    in_one_line(*(
        lambda number=number, strand=strand: strand.post(lambda: note(number))
        for number, strand in enumerate(strands)
    ))  # fmt: skip
    wait_for(lambda: bool(read), "the pipe to be read")
    assert all(strand.drain(5) for strand in strands)
    assert read[0] < 50


def test_a_shortage_leaves_nothing_half_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed for once is tried again, whether or not anything more is posted."""

    class Full:
        """No watch is left: epoll_ctl(2), ENOSPC."""

        def register(self, *_: Any) -> None:
            """Refuse."""
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    Strand().post(bool)
    wait_for(lambda: workers.pool._asleep, "the program's own threads and descriptors")
    pool = workers.Workers()
    before = descriptors()
    seen = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(select, "epoll", Full)
        pool.post(Strand(), seen.set)
        assert not seen.wait(0.1)
        assert before == descriptors()
    assert seen.wait(5), "nothing more is posted, and yet it is told"
    pool.close()
    wait_for(lambda: pool.threads == 0, "the end of its thread")
    pool.drop()
    assert before == descriptors()
