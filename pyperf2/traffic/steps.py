"""What a course of traffic is made of: each step for both faces, side by side.

A course is a generator that yields steps and is sent their outcomes. It decides what is done in
which order, and what after a failure; here stands how each step is done, in this thread or on an
event loop. An interrupt arrives in the course as what it is, which then cleans up by further
steps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from pyperf2.errors import StateError
from pyperf2.instance import start_together, stop_together
from pyperf2.run import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from pyperf2.face import Face

Member: TypeAlias = Any  # an instance of the face that the step is done for
Failures: TypeAlias = "Mapping[Face, BaseException]"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Start:
    """Start instances in parallel, and wait until they are ready; gives what went wrong."""

    members: Sequence[Member]
    timeout_s: float

    def do(self) -> Failures:
        """Do it."""
        return cast("Failures", start_together(self.members, self.timeout_s))

    async def do_async(self) -> Failures:
        """Do it on the running loop."""
        outcomes = await _together(one.start(timeout=self.timeout_s) for one in self.members)
        failures: dict[Face, BaseException] = {}
        for one, outcome in zip(self.members, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                failures[one] = outcome
            elif not outcome:
                failures[one] = one.error or StateError("it ended at once")
        return failures


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop instances in parallel, each whatever becomes of the others; gives what went wrong."""

    members: Sequence[Member]

    def do(self) -> Failures:
        """Do it."""
        return cast("Failures", stop_together(self.members))

    async def do_async(self) -> Failures:
        """Do it on the running loop; what is being stopped is, whoever cancels."""
        outcomes = await to_its_end(_together(one.stop() for one in self.members))
        found = zip(self.members, outcomes, strict=True)
        return {one: outcome for one, outcome in found if isinstance(outcome, BaseException)}


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until instances have ended, at most for so long; one that failed ends the wait.

    ``guards`` are not waited for, but if one of them fails, that ends the wait too.
    """

    members: Sequence[Member]
    seconds: float
    guards: Sequence[Member] = ()

    def do(self) -> None:
        """Do it."""
        engine.call(self.do_async())

    async def do_async(self) -> None:
        """Do it on the loop that the instances run on."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.seconds
        ends = {
            loop.create_task(one._run.wait()): one  # noqa: SLF001 - our own
            for one in (*self.members, *self.guards)
        }
        members, pending = set(self.members), set(ends)
        try:
            while any(ends[task] in members for task in pending):
                over, pending = await asyncio.wait(
                    pending,
                    timeout=max(deadline - loop.time(), 0.0),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not over or any(ends[task].error is not None for task in over):
                    return
        finally:
            for task in ends:
                task.cancel()


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass, because the user wants it to."""

    seconds: float

    def do(self) -> None:
        """Do it."""
        time.sleep(self.seconds)

    async def do_async(self) -> None:
        """Do it on the running loop."""
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Call:
    """Call what takes a moment, and must not hold up an event loop."""

    function: Callable[[], Any]

    def do(self) -> Any:
        """Do it."""
        return self.function()

    async def do_async(self) -> Any:
        """Do it beside the running loop; a thread cannot be cancelled, what it took is known."""
        return await to_its_end(asyncio.to_thread(self.function))


Step: TypeAlias = Start | Stop | Wait | Pause | Call
Course: TypeAlias = Generator[Step, Any, _T]


def perform(course: Course[_T]) -> _T:
    """Do the steps of a course in this thread; give what it returns."""
    outcome: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = course.send(outcome) if error is None else course.throw(error)
        except StopIteration as end:
            returned: _T = end.value
            return returned
        try:
            outcome, error = step.do(), None
        except BaseException as raised:  # noqa: BLE001 - the course decides what follows
            error = raised


async def perform_async(course: Course[_T]) -> _T:
    """Do the steps of a course on the running loop; give what it returns."""
    outcome: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = course.send(outcome) if error is None else course.throw(error)
        except StopIteration as end:
            returned: _T = end.value
            return returned
        try:
            outcome, error = await step.do_async(), None
        except BaseException as raised:  # noqa: BLE001 - the course decides what follows
            error = raised


async def to_its_end(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Await it; who is cancelled meanwhile waits for its end, too."""
    task = asyncio.ensure_future(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _together(coroutines: Generator[Coroutine[Any, Any, Any]]) -> list[Any]:
    return await asyncio.gather(*coroutines, return_exceptions=True)
