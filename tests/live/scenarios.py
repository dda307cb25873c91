"""What is run on every build: options of both sides, where, and what has to come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pyperf2.core.binary import V2_0_14, V2_1, V2_2, Version

SENT: Final = frozenset({"sent"})
RECEIVED: Final = frozenset({"received"})
BOTH_WAYS: Final = SENT | RECEIVED

V2_0: Final = Version(2, 0)
Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One client and its server, for a second.

    ``since``, ``until``, ``gap``: the builds that can do it; all others have to refuse.
    ``client_does``, ``server_does``: the directions that each side reports.
    """

    name: str
    protocol: Literal["tcp", "udp"]
    client: Options = field(default_factory=dict)
    server: Options = field(default_factory=dict)
    place: Literal["loopback", "namespaces", "ipv6"] = "loopback"
    since: Version = V2_0
    until: Version | None = None
    gap: tuple[Version, Version] | None = None
    client_does: frozenset[str] = SENT
    server_does: frozenset[str] = RECEIVED
    streams: int = 1
    seconds: float = 1

    def possible(self, version: Version) -> bool:
        """Whether a build of that version can do it."""
        lacking = self.gap is not None and self.gap[0] <= version < self.gap[1]
        return self.since <= version and not lacking and (not self.until or version < self.until)


def _both(name: str, **rest: Any) -> tuple[Scenario, ...]:
    return tuple(
        Scenario(name=f"{protocol} {name}", protocol=protocol, **rest)
        for protocol in ("tcp", "udp")
    )


_WAY_BACK: Final = {"client_does": BOTH_WAYS, "server_does": BOTH_WAYS}

SCENARIOS: Final = (
    *_both("plain", client={"enhanced": False}, server={"enhanced": False}),
    *_both("enhanced"),
    *_both("in namespaces", place="namespaces"),
    *_both("IPv6", place="ipv6"),
    *_both("P3", client={"parallel": 3}, streams=3),
    *_both("P3 in namespaces", client={"parallel": 3}, place="namespaces", streams=3),
    *_both("reverse", client={"reverse": True}, since=V2_0_14,
           client_does=RECEIVED, server_does=SENT),
    *_both("full duplex", client={"full_duplex": True}, since=V2_0_14, **_WAY_BACK),
    # For as long as it sends, and no longer, a client waits for the server to connect back.
    *_both("dual test", client={"dualtest": True, "test_duration": 3}, place="namespaces",
           gap=(V2_0_14, V2_1), **_WAY_BACK, seconds=3),
    *_both("tradeoff", client={"tradeoff": True}, place="namespaces", gap=(V2_0_14, V2_1),
           **_WAY_BACK, seconds=2),
    *_both("trip times", client={"trip_times": True}, since=V2_0_14),
    *_both("CSV", client={"reportstyle": "C"}, server={"reportstyle": "C"}),
    *_both("tenths", client={"report_interval": 0.1}, server={"report_interval": 0.1}),
    *_both("without intervals", client={"report_interval": 0}, server={"report_interval": 0}),
    *_both("dscp", client={"dscp": "ef"}, server={"dscp": 46}),
    *_both("from a port", client={"bind_ip": "127.0.0.1", "client_source_port": 0}),
    *_both("in Mbytes", client={"format": "M"}, server={"format": "M"}),
    *_both("by amount", client={"num": "100K"}),
    # 2.0.14a's server loses its place in the bursts ("invalid burst read req size failed").
    Scenario(name="udp isochronous", protocol="udp", client={"isochronous": "60:1m,0"}),
    Scenario(name="tcp isochronous", protocol="tcp", client={"isochronous": "60:1m,0"}),
    Scenario(name="tcp bounceback", protocol="tcp", client={"bounceback": True}, since=V2_1),
    Scenario(name="tcp write times", protocol="tcp", since=V2_1,
             client={"tcp_write_times": True, "histograms": True}),
    Scenario(name="udp histograms", protocol="udp", since=V2_0_14,
             client={"trip_times": True}, server={"histograms": True}),
    Scenario(name="udp jitter histograms", protocol="udp", since=V2_2,
             server={"jitter_histograms": True}),
    Scenario(name="tcp socket options", protocol="tcp",
             client={"window": "256K", "mss": 1000, "nodelay": True, "tcp_congestion": "reno"},
             server={"window": "256K"}),
    Scenario(name="udp window", protocol="udp", client={"window": "256K"},
             server={"window": "256K"}),
    Scenario(name="udp in bits", protocol="udp", client={"bandwidth": "2M", "packet_len": 500}),
    Scenario(name="udp without FIN", protocol="udp", client={"no_udp_fin": True}, since=V2_0_14),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Scenario]] = {one.name: one for one in SCENARIOS}
assert len(BY_NAME) == len(SCENARIOS)
