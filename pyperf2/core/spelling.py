"""What an option is, and how builds write it; knows no option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pyperf2.core.binary import Version
from pyperf2.errors import UnsupportedOption

if TYPE_CHECKING:
    from pyperf2.core.binary import Build, Tool
    from pyperf2.core.kinds import Kind

Role = Literal["client", "server"]

OLDEST: Final = Version(0, 0)
BOTH: Final[frozenset[Role]] = frozenset({"client", "server"})
CLIENT: Final[frozenset[Role]] = frozenset({"client"})
SERVER: Final[frozenset[Role]] = frozenset({"server"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How builds from ``since`` up to, not including, ``until`` write an option.

    ``joined`` writes ``--flag=value``: several iperf options ignore a value that stands apart.
    """

    flag: str
    since: Version = OLDEST
    until: Version | None = None
    joined: bool = False

    def fits(self, version: Version) -> bool:
        """Whether a build of that version reads this spelling."""
        return self.since <= version and (self.until is None or version < self.until)

    def write(self, value: Any) -> list[str]:
        """Give the arguments that say ``value``; a flag has none but itself."""
        if value is True:
            return [self.flag]
        return [f"{self.flag}={value}"] if self.joined else [self.flag, str(value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. Without a spelling it is the library's own and never reaches argv.

    ``composed``: its place on the command line depends on other options (``core/argv.py``).
    """

    name: str
    kind: Kind
    help: str
    default: Any = None
    roles: frozenset[Role] = BOTH
    protocol: Literal["tcp", "udp"] | None = None
    iperf2: tuple[Spelling, ...] = ()
    iperf3: tuple[Spelling, ...] = ()
    composed: bool = False

    def spellings(self, tool: Tool) -> tuple[Spelling, ...]:
        """Give how the builds of a tool write it; none where it has no such option."""
        return self.iperf2 if tool == "iperf2" else self.iperf3

    @property
    def is_written(self) -> bool:
        """Whether any tool has it: else it is the library's own and never reaches argv."""
        return bool(self.iperf2 or self.iperf3)

    def fits(self, build: Build) -> bool:
        """Whether the build has it."""
        return any(one.fits(build.version) for one in self.spellings(build.tool))

    def spelling_for(self, build: Build) -> Spelling:
        """Give the spelling that ``build`` reads; UnsupportedOption names what would."""
        for spelling in self.spellings(build.tool):
            if spelling.fits(build.version):
                return spelling
        tools: tuple[Tool, ...] = ("iperf2", "iperf3")
        known = [f"{tool} {_span(spelling)}" for tool in tools for spelling in self.spellings(tool)]
        raise UnsupportedOption(
            f"{self.name} was asked for, but {build} has no such option; it needs "
            + " or ".join(known)
        )


def _span(spelling: Spelling) -> str:
    if spelling.since == OLDEST and spelling.until is None:
        return "of any version"
    if spelling.since == OLDEST:
        return f"< {spelling.until}"
    return f">= {spelling.since}" + (f" and < {spelling.until}" if spelling.until else "")


class Unset(int):
    """A default that shows a number but means "not asked for"; it survives a round-trip.

    ``packet_len`` reads 1470, yet ``-l 1470`` would throttle TCP: only what was set is written.
    """

    __slots__ = ()
