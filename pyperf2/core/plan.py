"""What a session must know about the run it reads, before its first byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyperf2.core.loss import LossPolicy

if TYPE_CHECKING:
    from typing import Literal

    from pyperf2.core.binary import Tool, Version
    from pyperf2.core.spelling import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a session must know about the run it reads."""

    tool: Tool = "iperf2"
    role: Role = "server"
    protocol: Literal["tcp", "udp"] = "tcp"
    version: Version | None = None
    report_interval: float | None = 1.0
    csv: bool = False
    json: bool = False
    policy: LossPolicy = field(default_factory=LossPolicy)
    history: int | None = None
    datagram_length: int | None = None
    name: str | None = None
    argv: tuple[str, ...] = ()
    flood_guard: bool = True
