"""Callbacks in order, apart from one another, on as few threads as will do."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import threading
import time

import pytest

from pyperf2.run import engine, workers
from pyperf2.run.callbacks import Strand
from tests.run.conftest import ROOT, python, wait_for


@pytest.fixture(autouse=True)
def one_worker_again() -> None:
    """Wait until the surplus workers of the test before have ended."""
    wait_for(lambda: workers.pool.threads <= 1, "the end of surplus workers")


def script(code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in an interpreter of its own."""
    setup = f"sys.path.insert(0, {str(ROOT)!r})\nimport threading\n"
    argv = python(
        setup
        + "from pyperf2.run.callbacks import Strand\nfrom pyperf2.run.workers import pool\n"
        + code
    )
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)


def test_callbacks_run_in_order_and_one_at_a_time() -> None:
    """Whoever posts, and however fast."""
    strand = Strand()
    seen: list[int] = []
    running = 0

    def note(number: int) -> None:
        nonlocal running
        running += 1
        assert 1 == running
        seen.append(number)
        running -= 1

    for number in range(5000):
        strand.post(lambda number=number: note(number))  # type: ignore[misc]
    assert strand.drain(10)
    assert list(range(5000)) == seen
    assert (0, 0) == (strand.errors, strand.pending)


def test_a_hundred_quick_strands_share_one_worker() -> None:
    """The whole program has three threads: main, engine, one worker."""
    strands = [Strand() for _ in range(100)]
    seen: list[int] = []

    async def deliver() -> None:
        for number in range(50):
            for strand in strands:
                strand.post(lambda number=number: seen.append(number))  # type: ignore[misc]
            await asyncio.sleep(0.001)

    engine.call(deliver(), 10)
    assert all(strand.drain(5) for strand in strands)
    assert 5000 == len(seen)
    assert 1 == workers.pool.threads


@pytest.mark.slow
def test_further_workers_end_although_work_goes_on() -> None:
    """Those that a moment of blocking took are not kept for the light work behind it."""
    let_go = threading.Event()
    blocked = [Strand() for _ in range(4)]
    for strand in blocked:
        strand.post(lambda: let_go.wait(10))
    wait_for(lambda: workers.pool.threads >= 4, "a worker for each blocked strand")
    let_go.set()
    light = [Strand() for _ in range(20)]
    deadline = time.monotonic() + 20
    while workers.pool.threads > 1:
        assert time.monotonic() < deadline, f"{workers.pool.threads} workers for one's work"
        for strand in light:
            strand.post(lambda: None)
        time.sleep(0.01)


@pytest.mark.parametrize("poster", ["thread", "loop"])
def test_a_blocked_callback_delays_only_its_own_strand(poster: str) -> None:
    """Another worker comes for the others, and goes when it has nothing to do."""
    gate = threading.Event()
    blocked = [Strand(f"blocked {n}") for n in range(3)]
    free = Strand("free")
    seen: list[str] = []

    def post_all() -> None:
        for strand in blocked:
            strand.post(lambda: gate.wait(10))
            strand.post(lambda: seen.append("late"))
        free.post(lambda: seen.append("free"))

    async def post_in_loop() -> None:
        post_all()

    began = time.monotonic()
    try:
        if poster == "loop":
            engine.call(post_in_loop())
        else:
            post_all()
        wait_for(lambda: bool(seen), "the free callback")
        assert time.monotonic() - began < 2.0
        assert ["free"] == seen
        assert [1, 1, 1] == [strand.pending for strand in blocked]
        assert 4 == workers.pool.threads
        assert not blocked[0].drain(0.01)
    finally:
        gate.set()
    assert all(strand.drain(5) for strand in blocked)
    assert ["free", "late", "late", "late"] == seen
    wait_for(lambda: 1 == workers.pool.threads, "the end of surplus workers")


def test_a_callback_that_raises_is_logged_counted_and_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not even ``sys.exit`` in a callback ends the delivery."""
    strand = Strand("rx")
    seen: list[int] = []

    def fail(error: BaseException) -> None:
        raise error

    for error in (ZeroDivisionError(), SystemExit(1)):
        strand.post(lambda error=error: fail(error))  # type: ignore[misc]
    strand.post(lambda: seen.append(1))
    assert strand.drain(5)
    assert ([1], 2) == (seen, strand.errors)
    assert ["pyperf2.run.callbacks"] * 2 == [record.name for record in caplog.records]
    assert "rx" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_callback_knows_that_it_is_inside() -> None:
    """So that ``stop()`` in a callback does not wait for itself; drain refuses at once."""
    strand, other = Strand(), Strand()
    seen: list[object] = []
    strand.post(lambda: seen.extend((strand.inside, other.inside, strand.drain())))
    assert strand.drain(5)
    assert [True, False, False] == seen
    assert not strand.inside


def test_a_callback_may_wait_for_another_strand() -> None:
    """The pool grows by the worker that it holds up."""
    strand, other = Strand(), Strand()
    seen: list[bool] = []

    def wait_for_other() -> None:
        other.post(lambda: time.sleep(0.01))
        seen.append(other.drain(5))

    strand.post(wait_for_other)
    assert strand.drain(6)
    assert [True] == seen


def test_a_coroutine_can_wait_for_a_strand() -> None:
    """Without holding its loop up; False when it takes too long."""
    strand = Strand()
    gate = threading.Event()

    async def run() -> list[bool]:
        told = [await strand.drained(1)]
        strand.post(lambda: gate.wait(10))
        told.append(await strand.drained(0.02))
        gate.set()
        told.append(await strand.drained(5))
        return told

    assert [True, False, True] == asyncio.run(run())


def test_a_loop_that_is_gone_is_not_told() -> None:
    """A drain that was given up leaves no error behind."""
    strand = Strand()
    gate = threading.Event()

    async def run() -> bool:
        strand.post(lambda: gate.wait(10))
        return await strand.drained(0.01)

    assert not asyncio.run(run())
    gate.set()
    assert strand.drain(5)
    assert 0 == strand.errors


def test_the_hand_off_is_quick_also_beside_a_blocked_one() -> None:
    """Median and p99 from post to callback, at 1000 posts a second."""
    gate = threading.Event()
    figures = {}
    for kind in ("alone", "beside a blocked one"):
        if kind != "alone":
            Strand().post(lambda: gate.wait(30))
            wait_for(lambda: not workers.pool._asleep, "the blocked one")
        strand = Strand()
        delays: list[float] = []

        async def deliver(strand: Strand = strand, delays: list[float] = delays) -> None:
            for _ in range(500):
                posted = time.perf_counter()
                strand.post(lambda posted=posted: delays.append(time.perf_counter() - posted))  # type: ignore[misc]
                await asyncio.sleep(0.001)

        engine.call(deliver(), 20)
        assert strand.drain(5)
        if kind != "alone":
            assert 2 == workers.pool.threads
            assert delays[0] < 1.0
        figures[kind] = (
            1000 * statistics.median(delays),
            1000 * statistics.quantiles(delays, n=100)[98],
        )
    gate.set()
    print({kind: f"median {m:.3f} ms, p99 {p:.3f} ms" for kind, (m, p) in figures.items()})  # noqa: T201 - seen with -s
    assert all(median < 1.0 for median, _ in figures.values()), figures


@pytest.mark.parametrize(
    "callback", ["time.sleep(60)", "[print('x' * 99, flush=True) for _ in iter(int, 1)]"]
)
def test_the_interpreter_ends_although_a_callback_does_not(callback: str) -> None:
    """A callback in the middle of something is given a moment, and no more."""
    done = script(f"""
started = threading.Event()
strand = Strand()
strand.post(started.set)
strand.post(lambda: {callback})
started.wait()
sys.exit(4)
""")
    # Python itself aborts (-6) if a daemon thread holds the lock of stdout at the very end.
    assert done.returncode == 4 or "could not acquire lock for" in done.stderr, done


def test_what_was_posted_is_delivered_at_the_end_of_the_program() -> None:
    """As long as it is quick."""
    done = script("""
strand = Strand()
for number in range(100):
    strand.post(lambda number=number: print(number))
""")
    assert list(map(str, range(100))) == done.stdout.split()
    assert (0, "") == (done.returncode, done.stderr)


def test_a_forked_child_has_a_pool_of_its_own_and_an_empty_queue() -> None:
    """What was queued is the parent's to deliver; the same strand works in both."""
    done = script("""
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
gate = threading.Event()
started = threading.Event()
strand = Strand()
strand.post(started.set)
strand.post(gate.wait)
strand.post(lambda: print("parent", flush=True))
started.wait()
child = os.fork()
if child == 0:
    assert not strand.inside
    strand.post(lambda: print("child", flush=True))
    assert strand.drain(5)
    from pyperf2.run.workers import pool; assert pool.threads == 1
    sys.exit(9)
assert 9 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
gate.set()
assert strand.drain(5)
""")
    assert (0, "") == (done.returncode, done.stderr)
    assert ["child", "parent"] == done.stdout.split()
