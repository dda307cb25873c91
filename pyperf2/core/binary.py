"""A version banner → which tool it is and what that build can do; runs nothing itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Tool = Literal["iperf2", "iperf3"]

# Development builds call themselves "2.2.n": later than every numbered release of their line.
_NEXT: Final = 999

# 2.0.13a  iperf version 2.0.13a (17 Oct 2018) pthreads
# 2.2.5    iperf version 2.2.n (11 Dec 2025) pthreads
# iperf3   iperf 3.12 (cJSON 1.7.15)
_BANNER: Final = re.compile(
    r"^iperf(?P<two> version)? (?P<version>(?P<major>\d+)\.(?P<minor>\d+)"
    r"(?:\.(?P<patch>\d+|n))?(?P<suffix>[-+\w]*))",
    re.MULTILINE,
)


class Version(NamedTuple):
    """A comparable version; ``str()`` gives it as iperf wrote it (``2.0.14a``, ``2.2.n``)."""

    major: int
    minor: int
    patch: int = 0
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``2.1.8``, ``2.0.14a``, ``2.2.n`` or ``3.12``; ValueError if it is none of these."""
        match = _BANNER.match(f"iperf {text}")
        if match is None:
            raise ValueError(f"{text!r} is no iperf version; one looks like 2.1.8, 2.0.14a or 3.12")
        return _version(match)

    def __str__(self) -> str:
        """Give the version as iperf prints it."""
        if self >= V3 and self.patch == 0:  # iperf3 leaves a zero out
            return f"{self.major}.{self.minor}{self.suffix}"
        patch = "n" if self.patch == _NEXT else str(self.patch)
        return f"{self.major}.{self.minor}.{patch}{self.suffix}"


V2_0_13: Final = Version(2, 0, 13)
V2_0_14: Final = Version(2, 0, 14)
V2_1: Final = Version(2, 1)
V2_2: Final = Version(2, 2)
V3: Final = Version(3, 0)
V3_10: Final = Version(3, 10)
V3_17: Final = Version(3, 17)
V3_20: Final = Version(3, 20)
V3_22: Final = Version(3, 22)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One iperf build: which tool, which version, the banner that said so."""

    tool: Tool
    version: Version
    banner: str

    def __str__(self) -> str:
        """Give tool and version for messages: ``iperf2 2.0.14a``."""
        return f"{self.tool} {self.version}"

    @property
    def has_pps(self) -> bool:
        """Whether ``-b`` takes packets per second (iperf2 from 2.0.13 on)."""
        return self.tool == "iperf2" and self.version >= V2_0_13

    @property
    def two_way_needs_bits(self) -> bool:
        """Whether a client cannot tell its server a rate in ``pps``: 2.0.14a's then sends nothing.

        ``--reverse`` and ``--full-duplex`` of it work with a rate in bits per second.
        """
        return self.tool == "iperf2" and self.version < V2_1

    @property
    def smallest_interval_s(self) -> float:
        """The shortest report interval the build really follows, in seconds.

        iperf 2.0.5 silently raises anything below 0.5; later ones stop at 5 ms.
        """
        if self.tool == "iperf3":
            return 0.1
        return 0.005 if self.version >= V2_0_13 else 0.5

    @property
    def server_time_is_sound(self) -> bool:
        """Whether a server may be given ``-t``: 2.0.14a then polls and invents late datagrams."""
        return self.tool == "iperf2" and self.version >= V2_1

    @property
    def zero_time_means_for_ever(self) -> bool:
        """Whether a client's ``-t 0`` runs until it is stopped (it says so on stderr)."""
        return self.tool == "iperf3" or self.version >= V2_1


def _version(match: re.Match[str]) -> Version:
    patch = match["patch"] or "0"
    return Version(
        int(match["major"]),
        int(match["minor"]),
        _NEXT if patch == "n" else int(patch),
        match["suffix"],
    )


def parse_banner(text: str) -> Build | None:
    """Read what ``-v`` printed; None where it is no iperf's banner."""
    match = _BANNER.search(text)
    if match is None:
        return None
    version = _version(match)
    tool: Tool = "iperf2" if match["two"] or version < V3 else "iperf3"
    return Build(tool=tool, version=version, banner=match.string[match.start() :].splitlines()[0])
