"""Stress: so many streams live at once, drawn from a seed, each followed by another; both faces."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from pyperf2.core.arguments import seconds_of
from pyperf2.core.endpoints import LOCAL, endpoint_of
from pyperf2.errors import OptionError, StateError
from pyperf2.run import engine
from pyperf2.traffic import journal
from pyperf2.traffic.crew import Crew
from pyperf2.traffic.draws import Choice
from pyperf2.traffic.ledger import Ledger
from pyperf2.traffic.recipe import GROUP, Recipe
from pyperf2.traffic.slots import Slot

if TYPE_CHECKING:
    from asyncio import Semaphore
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from pyperf2.core.binary import Tool
    from pyperf2.core.endpoints import Side
    from pyperf2.core.records import Protocol
    from pyperf2.traffic.draws import CommType, Draw
    from pyperf2.traffic.ledger import StressReport


class StressFace:
    """Random streams, always so many: all but what starts and stops them."""

    def __init__(  # noqa: PLR0913 - each is a bound or a choice; all but the first have names
        self,
        num_streams: int,
        *,
        client: Side = LOCAL,
        server: Side = LOCAL,
        ports: range | None = None,
        min_dur: int = 10,
        max_dur: int = 21_600,
        min_size: int = 64,
        max_size: int = 64_000,
        protocols: Sequence[Protocol] = ("tcp", "udp"),
        tools: Sequence[Tool] = ("iperf2",),
        comm_types: Sequence[CommType] = ("unicast",),
        multicast_group: str = GROUP,
        seed: int | str | None = None,
        log: str | Path | None = None,
        **options: Any,
    ) -> None:
        """Choose what streams are drawn from; nothing is started, everything is checked.

        Args:
            num_streams: how many run at once; one that ends is followed by another.
            client: where the clients are: an `Endpoint`, or a host of a lab.
            server: where the servers are; clients connect to its address.
            ports: of the servers, one for each stream, ``range(first, last + 1)``; None picks
                free ones of 20000 to 29999.
            min_dur: the shortest stream, in whole seconds; it may be drawn, as all bounds may.
            max_dur: the longest.
            min_size: bytes of a datagram or of a write of TCP; of UDP at least 16.
            max_size: the most; of UDP at most 65507.
            protocols: of ``"tcp"``, ``"udp"``.
            tools: of ``"iperf2"``, ``"iperf3"``.
            comm_types: of ``"unicast"``, ``"multicast"`` (iperf2's UDP).
            multicast_group: where the latter goes.
            seed: the same one gives the same streams in the same order; None makes one, see
                `seed`.
            log: a file for a JSON line of each stream that begins and ends; see ``replay``.
            options: further options of ``Server`` and ``Client``, for those that take them. Here,
                ``history`` is 2 and ``realtime`` False if not said otherwise.

        Raises:
            OptionError, UnsupportedOption: a bound that is none, a choice that can never be
                drawn, an option that a build here has not.
            BinaryNotFound, NotIPerf, NameSpaceNotFoundError, PrivilegeError: as ``Server.start``.
        """
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, str))):
            raise OptionError(f"seed={seed!r}: a whole number or a text is wanted")
        self.seed = secrets.randbits(32) if seed is None else seed
        self.log = log
        self._choice = Choice(
            num_streams=num_streams,
            min_dur=min_dur,
            max_dur=max_dur,
            min_size=min_size,
            max_size=max_size,
            protocols=protocols,
            tools=tools,
            comm_types=comm_types,
        )
        self._recipe = Recipe(
            client=endpoint_of("client", client),
            server=endpoint_of("server", server),
            ports=ports,
            multicast_group=multicast_group,
            options=options,
        )
        self._recipe.check(self._choice)
        self._played: Mapping[int, Sequence[Draw]] | None = None  # of a replay
        self._ledger = Ledger(self.seed)
        self._journal: journal.Journal | None = None
        self._crew: Crew | None = None

    @classmethod
    def replay(cls, log: str | Path, **changes: Any) -> Self:
        """Make one that plays the streams of a log, slot by slot in the same order, and no others.

        Args:
            log: what one with ``log=`` has written. A stream that was broken off is played as
                long as it ran, in whole seconds.
            changes: keywords of the constructor, where they shall differ.

        Raises:
            OptionError: it is no such log; and what the constructor raises.
        """
        setup, played = journal.read(log)
        made = cls(**{**setup, **changes})
        slots = range(made.num_streams)
        if any(slot not in slots for slot in played):
            raise OptionError(f"{str(log)!r} has streams of slot {max(played)}, of {len(slots)}")
        made._played = played
        return made

    @property
    def num_streams(self) -> int:
        """How many streams run at once."""
        return self._choice.num_streams

    @property
    def live(self) -> int:
        """How many streams run just now, by their processes."""
        return self._ledger.live

    @property
    def started(self) -> bool:
        """Whether it was started and not stopped since; so it is while it pauses."""
        return self._crew is not None

    @property
    def paused(self) -> bool:
        """Whether it is started, and pauses."""
        return self._crew is not None and self._crew.paused

    def draws(self, slot: int) -> Iterator[Draw]:
        """Give what a slot will play, from its first stream on; endless, unless it is a replay.

        Raises:
            OptionError: there is no such slot.
        """
        if not 0 <= slot < self.num_streams:
            raise OptionError(f"slot={slot}: there are slots 0 to {self.num_streams - 1}")
        if self._played is not None:
            return iter(self._played.get(slot, ()))
        return self._choice.draws(self.seed, slot)

    def report(self) -> StressReport:
        """Give what there is so far of the latest start; consistent, at any time."""
        return self._ledger.report(self._journal.error if self._journal is not None else "")

    # --- what both faces need -----------------------------------------------------------------

    def _new_crew(self) -> Crew:
        if self._crew is not None:
            raise StateError("the stress test is started already; stop_all() first")
        self._journal = journal.Journal(self.log, self._setup()) if self.log is not None else None
        self._ledger = Ledger(self.seed)
        self._crew = Crew(self._slots, self._journal)
        return self._crew

    def _slots(self, starts: Semaphore) -> list[Slot]:
        return [
            Slot(
                number,
                self.draws(number),
                self._recipe,
                ledger=self._ledger,
                journal=self._journal,
                starts=starts,
            )
            for number in range(self.num_streams)
        ]

    def _working_crew(self) -> Crew:
        if self._crew is None:
            raise StateError("the stress test is not started; start_all() first")
        return self._crew

    def _setup(self) -> dict[str, Any]:
        """Give the keywords that make another one like this."""
        choice, recipe = self._choice, self._recipe
        ports = recipe.ports
        return {
            **{name: getattr(choice, name) for name in choice.__slots__},
            "client": recipe.client,
            "server": recipe.server,
            "ports": None if ports is None else (ports.start, ports.stop),
            "multicast_group": recipe.multicast_group,
            "seed": self.seed,
            **recipe.options,
        }

    def __repr__(self) -> str:
        """Show how many run, and the seed."""
        return f"<{type(self).__name__} {self.live} of {self.num_streams} live, seed {self.seed!r}>"


class StressTrafficManager(StressFace):
    """Random streams, always so many, on the library's own event loop; leaving ``with`` stops."""

    def start_all(self) -> None:
        """Start; returns when each of ``num_streams`` has been seen running.

        Raises:
            TrafficError: one could not be started; it names each, and all were stopped again.
            StateError: it is started already.
            RawLogError: the log cannot be written.
        """
        crew = self._new_crew()
        try:
            engine.call(crew.start())
        except BaseException:
            self._crew = None
            raise

    def pause_all(self, duration: float | None = None) -> None:
        """Stop all streams; returns when none is live.

        Args:
            duration: seconds, counted from then on, after which it resumes by itself.

        Raises:
            StateError: it is not started.
        """
        engine.call(self._working_crew().pause(_pause(duration)))

    def resume_all(self) -> None:
        """Go on, with the next streams of the sequence; returns when each slot has tried one.

        Raises:
            StateError: it is not started.
        """
        engine.call(self._working_crew().resume())

    def stop_all(self) -> None:
        """Stop all streams and give back their ports; before a start, it does nothing."""
        crew = self._crew
        if crew is not None:
            engine.call(crew.stop())
            self._crew = None

    def run_all(self, duration: float) -> StressReport:
        """Start, stop after ``duration`` seconds, or when a replay is over; give the report.

        Raises:
            TrafficError, StateError, RawLogError: as ``start_all``.
        """
        seconds = seconds_of("duration", duration, exclusive=True)
        self.start_all()
        try:
            engine.call(self._working_crew().wait(seconds))
        finally:
            self.stop_all()
        return self.report()

    def __enter__(self) -> Self:
        """Start."""
        self.start_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop_all()


class AsyncStressTrafficManager(StressFace):
    """The same as coroutines, on the caller's own loop; errors as of ``StressTrafficManager``."""

    async def start_all(self) -> None:
        """Start; returns when each stream has been seen running."""
        crew = self._new_crew()
        try:
            await crew.start()
        except BaseException:
            self._crew = None
            raise

    async def pause_all(self, duration: float | None = None) -> None:
        """Stop all streams; after ``duration`` seconds, it resumes by itself."""
        await self._working_crew().pause(_pause(duration))

    async def resume_all(self) -> None:
        """Go on with the next streams of the sequence."""
        await self._working_crew().resume()

    async def stop_all(self) -> None:
        """Stop all streams and give back their ports."""
        crew = self._crew
        if crew is not None:
            await crew.stop()
            self._crew = None

    async def run_all(self, duration: float) -> StressReport:
        """Start, stop after ``duration`` seconds, or when a replay is over; give the report."""
        seconds = seconds_of("duration", duration, exclusive=True)
        await self.start_all()
        try:
            await self._working_crew().wait(seconds)
        finally:
            await self.stop_all()
        return self.report()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop_all()


def _pause(duration: float | None) -> float | None:
    return None if duration is None else seconds_of("duration", duration, exclusive=True)
