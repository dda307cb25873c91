"""What crosses the bridge, with the kernel's time stamps: each datagram in, each one out."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_ETH_P_ALL: Final = 3
_SO_ATTACH_FILTER: Final = 26
_SO_TIMESTAMPNS: Final = 35
_SO_RCVBUFFORCE: Final = 33
_BUFFER_BYTES: Final = 256 << 20
_ETHERNET: Final = 14
_PORTS_AND_NUMBER: Final = struct.Struct("!HHxxxxi")  # UDP's header, and iperf's number behind it
# tcpdump -dd 'ip proto 17'
_UDP_ONLY: Final = (
    (0x28, 0, 0, 12), (0x15, 0, 3, 0x800), (0x30, 0, 0, 23), (0x15, 0, 1, 17),
    (0x06, 0, 0, 2048), (0x06, 0, 0, 0),
)  # fmt: skip


class Seen(NamedTuple):
    """One data datagram on one side of the bridge."""

    source: int
    port: int
    number: int
    at_ns: int  # CLOCK_REALTIME
    frame: bytes = b""  # as it came in


def raw_socket(device: str) -> socket.socket:
    """Open a socket that sends frames by a device of the namespace it is made in."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((device, 0))
    return made


class Tap:
    """A packet socket on all ports of the bridge; made inside the bridge's namespace."""

    def __init__(self, entrance: str, exits: Sequence[str]) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        program = b"".join(struct.pack("HBBI", *one) for one in _UDP_ONLY)
        held = ctypes.create_string_buffer(program)
        fprog = struct.pack("HL", len(_UDP_ONLY), ctypes.addressof(held))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
        self._socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):  # what came before the filter
            while True:
                self._socket.recv(1)
        self._entrance = entrance
        self._exits = {name: number for number, name in enumerate(exits)}
        self.came: list[Seen] = []
        self.went: list[list[Seen]] = [[] for _ in exits]

    def read(self) -> None:
        """Take what has been captured so far."""
        while True:
            try:
                frame, ancillary, _, address = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            device, kind = address[0], address[2]
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            at_ns = seconds * 10**9 + nanoseconds
            udp = _ETHERNET + (frame[_ETHERNET] & 15) * 4
            source, port, number = _PORTS_AND_NUMBER.unpack_from(frame, udp)
            if number < 0:
                continue  # a FIN
            if device == self._entrance and kind != socket.PACKET_OUTGOING:
                # A checksum that no hardware has completed is left out: IPv4 allows that.
                whole = frame[: udp + 6] + b"\0\0" + frame[udp + 8 :]
                self.came.append(Seen(source, port, number, at_ns, whole))
            elif device in self._exits and kind == socket.PACKET_OUTGOING:
                self.went[self._exits[device]].append(Seen(source, port, number, at_ns))

    def forget(self) -> None:
        """Begin anew."""
        self.read()
        self.came.clear()
        for one in self.went:
            one.clear()

    def lost(self) -> int:
        """Return how many datagrams the capture itself has lost since it was last asked."""
        told = self._socket.getsockopt(263, 6, 8)  # SOL_PACKET, PACKET_STATISTICS
        return int(struct.unpack("II", told)[1])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
