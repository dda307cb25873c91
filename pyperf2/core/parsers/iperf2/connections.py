"""The ``local … connected with …`` line; knows no stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.units import finite

if TYPE_CHECKING:
    from collections.abc import Mapping

# 2.0.5  local 10.77.0.1 port 22003 connected with 10.77.0.2 port 36148
# 2.1.8  local 10.77.0.2%h2vc port 59862 connected with 10.77.0.1 port 22380 (sock=3)
#        (icwnd/mss/irtt=14/1448/37) (ct=0.10 ms) on 2026-11-20 08:55:38 (UTC)
# --hide-ips prints *.*.*.1
_CONNECTED: Final = re.compile(
    r"local (?P<local>\S+) port (?P<local_port>\d{1,9})"
    r" connected with (?P<remote>\S+) port (?P<remote_port>\d{1,9})(?P<rest>.*)\Z",
    re.ASCII,
)
# 2.0.13a prints "isoch" without brackets
_FLAG: Final = re.compile(r"\(([^()]*)\)|\b(isoch)\b")
# "on 2026-11-20 08:55:38.145 (UTC)", with --utc "(GMT)": the sender's clock, no flag
_DATE: Final = re.compile(r" on \d{4}-\d\d-\d\d [^(]*\([^()]*\)")
# These have a field of their own.
_PEER: Final = "peer "
_CONNECT_TIME: Final = "ct="
_SEQUENCE: Final = "seq no="


def read_connected(text: str) -> Mapping[str, Any] | None:
    """Return the fields of ``Connected`` but the stream's id, None for another line."""
    match = _CONNECTED.match(text)
    if match is None:
        return None
    flags: list[str] = []
    fields: dict[str, Any] = {}
    for bracketed, bare in _FLAG.findall(_DATE.sub("", match["rest"])):
        flag = bracketed or bare
        if flag.startswith(_PEER):
            fields["peer_version"] = flag.removeprefix(_PEER)
        elif flag.startswith(_CONNECT_TIME):
            fields["connect_time_ms"] = finite(flag.removeprefix(_CONNECT_TIME).removesuffix("ms"))
        elif flag.startswith(_SEQUENCE) and flag.removeprefix(_SEQUENCE).isdecimal():
            fields["first_sequence"] = int(flag.removeprefix(_SEQUENCE))
        elif flag:
            flags.append(flag)
    local_ip, zone, interface = match["local"].partition("%")
    return {
        **fields,
        "local_ip": local_ip,
        "interface": interface if zone else None,
        "local_port": int(match["local_port"]),
        "remote_ip": match["remote"].partition("%")[0],
        "remote_port": int(match["remote_port"]),
        "flags": tuple(flags),
    }
