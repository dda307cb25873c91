"""What crosses a path, with the kernel's time stamps: each datagram in, each one out."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyperf2.core.binary import Tool

_ETH_P_ALL: Final = 3
_SO_ATTACH_FILTER: Final = 26
_SO_TIMESTAMPNS: Final = 35
_SO_RCVBUFFORCE: Final = 33
_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6
_BUFFER_BYTES: Final = 256 << 20
_ETHERNET: Final = 14
_FRAME_BYTES: Final = 2048
_HEAD_BYTES: Final = 128


class _Layout(NamedTuple):
    """Where a tool writes its numbers: UDP's header, then what is in front of the number."""

    fields: struct.Struct  # source and destination port, number
    first: int  # the number of the first datagram


_LAYOUTS: Final[Mapping[Tool, _Layout]] = {
    "iperf2": _Layout(struct.Struct("!HHxxxxi"), 0),  # negative: a FIN
    "iperf3": _Layout(struct.Struct("!HHxxxx8xi"), 1),  # behind seconds and microseconds
}


class Seen(NamedTuple):
    """One data datagram on one side of the path."""

    source: int
    port: int
    number: int
    at_ns: int  # CLOCK_REALTIME
    frame: bytes = b""  # as it came in


class Tap:
    """A packet socket on all devices of a namespace; made inside it.

    Args:
        entrance: the device at which datagrams come in.
        exits: the devices by which they leave, one for each receiver.
        tool: whose datagrams they are.
        frames: keep what came in as a whole.
    """

    def __init__(
        self, entrance: str, exits: Sequence[str], *, tool: Tool = "iperf2", frames: bool = False
    ) -> None:
        """Begin to capture."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._bytes = _FRAME_BYTES if frames else _HEAD_BYTES
            _only_udp(self._socket, self._bytes)
            self._socket.settimeout(0)
            with contextlib.suppress(BlockingIOError):  # what came before the filter
                while True:
                    self._socket.recv(1)
        except BaseException:
            self._socket.close()
            raise
        self._entrance = entrance
        self._exits = {name: number for number, name in enumerate(exits)}
        self._layout, self._frames = _LAYOUTS[tool], frames
        self.came: list[Seen] = []
        self.went: list[list[Seen]] = [[] for _ in exits]

    def read(self) -> None:
        """Take what has been captured so far."""
        fields, first = self._layout
        while True:
            try:
                frame, ancillary, _, address = self._socket.recvmsg(self._bytes, 64)
            except BlockingIOError:
                return
            device, kind = address[0], address[2]
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            at_ns = seconds * 10**9 + nanoseconds
            udp = _ETHERNET + (frame[_ETHERNET] & 15) * 4
            if len(frame) < udp + fields.size:  # iperf3's greeting
                continue
            source, port, number = fields.unpack_from(frame, udp)
            if number < first:
                continue
            seen = Seen(source, port, number - first, at_ns)
            if device == self._entrance and kind != socket.PACKET_OUTGOING:
                if self._frames:
                    # A checksum that no hardware has completed is left out: IPv4 allows that.
                    seen = seen._replace(frame=frame[: udp + 6] + b"\0\0" + frame[udp + 8 :])
                self.came.append(seen)
            elif device in self._exits and kind == socket.PACKET_OUTGOING:
                self.went[self._exits[device]].append(seen)

    def forget(self) -> None:
        """Begin anew."""
        self.read()
        self.came.clear()
        for one in self.went:
            one.clear()

    def lost(self) -> int:
        """Return how many datagrams the capture itself has lost since it was last asked."""
        told = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("II", told)[1])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _only_udp(opened: socket.socket, size: int) -> None:
    """Let only UDP in, and of each packet as many bytes."""
    # tcpdump -dd 'ip proto 17'
    instructions = (
        (0x28, 0, 0, 12), (0x15, 0, 3, 0x800), (0x30, 0, 0, 23), (0x15, 0, 1, 17),
        (0x06, 0, 0, size), (0x06, 0, 0, 0),
    )  # fmt: skip
    program = b"".join(struct.pack("HBBI", *one) for one in instructions)
    held = ctypes.create_string_buffer(program)
    fprog = struct.pack("HL", len(instructions), ctypes.addressof(held))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
