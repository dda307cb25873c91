"""What is run on every build of iperf3: options of both sides, where, what has to come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.binary import V3_10, V3_17, V3_20, V3_22, Version
from tests.live.scenarios import BOTH_WAYS, RECEIVED, SENT, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY: Final = Version(3, 9)


def _both(name: str, **rest: Any) -> tuple[Scenario, ...]:
    return tuple(
        Scenario(name=f"{protocol} {name}", protocol=protocol, **{"since": ANY, **rest})
        for protocol in ("tcp", "udp")
    )


def _one(name: str, **rest: Any) -> Scenario:
    protocol: Any = name.split(" ", maxsplit=1)[0]
    return Scenario(name=name, protocol=protocol, **{"since": ANY, **rest})


_BACK: Final = {"client_does": RECEIVED, "server_does": SENT}
_TWO_WAY: Final = {"client_does": BOTH_WAYS, "server_does": BOTH_WAYS}
_TEXT: Final = {"json_stream": False}
_JSON: Final = {"json_stream": True}

SCENARIOS: Final = (
    *_both("plain"),
    *_both("text", client=_TEXT, server=_TEXT),
    *_both("JSON", client=_JSON, server=_JSON, since=V3_17),
    *_both("JSON to text", client=_JSON, server=_TEXT, since=V3_17),
    *_both("P3", client={"parallel": 3}, streams=3),
    *_both("reverse", client={"reverse": True}, **_BACK),
    *_both("bidir", client={"bidir": True}, **_TWO_WAY),
    *_both("bidir P2", client={"bidir": True, "parallel": 2}, streams=2, **_TWO_WAY),
    *_both("P3 reverse", client={"reverse": True, "parallel": 3}, streams=3, **_BACK),
    *_both("IPv6", place="ipv6"),
    *_both("in namespaces", place="namespaces"),
    *_both("omit", client={"omit": 1}, seconds=2),
    *_both("omit in text", client={"omit": 1, **_TEXT}, server=_TEXT, seconds=2),
    *_both("tenths", client={"report_interval": 0.1}, server={"report_interval": 0.1}),
    *_both("without intervals", client={"report_interval": 0}, server={"report_interval": 0}),
    *_both("dscp", client={"dscp": "ef"}),
    *_both("from a port", client={"bind_ip": "127.0.0.1", "client_source_port": 0}),
    *_both("in Mbytes", client={"format": "M", **_TEXT}, server={"format": "M", **_TEXT}),
    *_both("by amount", client={"num": "100K"}),
    *_both("server output", client={"get_server_output": True}),
    *_both("title", client={"title": "A title: of two", "extra_data": "and data"}),
    *_both("title in text", client={"title": "A title: of two", **_TEXT}),
    *_both("device", client={"bind_dev": "lo"}, server={"bind_dev": "lo"}, since=V3_10),
    *_both("timeouts", client={"connect_timeout": 1000},
           server={"rcv_timeout": 5000, "idle_timeout": 20}, since=V3_10),
    *_both("keep-alive", client={"cntl_ka": "20/3/5"}, server={"cntl_ka": "20/3/5"}, since=V3_20),
    *_both("pinned", client={"affinity": "0,0"}, server={"server_bitrate_limit": "1G"}),
    *_both("repeating payload", client={"repeating_payload": True}),
    _one("tcp skip copy", client={"skip_rx_copy": True},
         since=V3_22),
    _one("tcp send timeout", client={"snd_timeout": 5000}, since=V3_10),
    _one("tcp socket options", client={"window": "256K", "mss": 1000, "nodelay": True,
                                       "tcp_congestion": "reno", "zerocopy": True}),
    _one("tcp blocks", client={"blockcount": "4", "packet_len": "25K"}),
    _one("tcp flow label", client={"flowlabel": 77}, place="ipv6"),
    _one("tcp paced", client={"fq_rate": "10M"}),
    _one("udp in bits", client={"bandwidth": "2M", "packet_len": 500}),
    _one("udp wide counters", client={"udp_counters_64bit": True}),
    _one("udp unfragmented", client={"dont_fragment": True}, since=V3_10),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Scenario]] = {one.name: one for one in SCENARIOS}
assert len(BY_NAME) == len(SCENARIOS)
