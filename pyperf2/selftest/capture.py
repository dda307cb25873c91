"""What crosses a path, with the kernel's time stamps: each datagram in, each one out.

The kernel writes the heads of packets into a ring of memory that this process sees, too: reading
costs no system calls, and hardly disturbs what is measured.
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyperf2.core.binary import Tool

_ETH_P_ALL: Final = 3
_SO_ATTACH_FILTER: Final = 26
_SO_TIMESTAMPNS: Final = 35
_ETHERNET: Final = 14
# linux/if_packet.h, and Documentation/networking/packet_mmap.rst
_SOL_PACKET: Final = 263
_PACKET_RX_RING: Final = 5
_PACKET_STATISTICS: Final = 6
_PACKET_VERSION: Final = 10
_TPACKET_V2: Final = 1
_OURS: Final = 1  # TP_STATUS_USER; 0 is the kernel's
_HEADER: Final = struct.Struct("=IIIHHII")  # tpacket2_hdr: status, lengths, offsets, time
_ADDRESS: Final = struct.Struct("=HHiHB")  # sockaddr_ll: its 3rd is the device, its 5th the kind
_ADDRESS_AT: Final = 32
_BLOCK_BYTES: Final = 1 << 16
_HEAD_BYTES: Final = 128  # of a slot; 62 of them are the packet's
_WHOLE_BYTES: Final = 2048


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
        slots: how many packets the ring holds at least until they are read.
    """

    def __init__(
        self,
        entrance: str,
        exits: Sequence[str],
        *,
        tool: Tool = "iperf2",
        frames: bool = False,
        slots: int = 1 << 15,
    ) -> None:
        """Begin to capture."""
        self._entrance = socket.if_nametoindex(entrance)
        self._exits = {socket.if_nametoindex(name): number for number, name in enumerate(exits)}
        self._layout, self._frames = _LAYOUTS[tool], frames
        self._bytes = _WHOLE_BYTES if frames else _HEAD_BYTES
        self._slots = -(-slots * self._bytes // _BLOCK_BYTES) * _BLOCK_BYTES // self._bytes
        self._slot = 0
        self.came: list[Seen] = []
        self.went: list[list[Seen]] = [[] for _ in exits]
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        try:
            self._ring = self._open()
        except BaseException:
            self._socket.close()
            raise

    def read(self) -> None:
        """Take what has been captured so far."""
        ring, entrance, exits = self._ring, self._entrance, self._exits
        while True:
            at = self._slot * self._bytes
            status, _, size, mac, _, seconds, nanoseconds = _HEADER.unpack_from(ring, at)
            if not status & _OURS:
                return
            _, _, device, _, kind = _ADDRESS.unpack_from(ring, at + _ADDRESS_AT)
            outgoing = kind == socket.PACKET_OUTGOING
            if device == entrance if not outgoing else device in exits:
                seen = self._seen(at + mac, size, seconds * 10**9 + nanoseconds)
                if seen is not None:
                    (self.went[exits[device]] if outgoing else self.came).append(seen)
            struct.pack_into("=I", ring, at, 0)
            self._slot = (self._slot + 1) % self._slots

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
        self._ring.close()
        self._socket.close()

    def _open(self) -> mmap.mmap:
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        _only_udp(self._socket)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        size = self._bytes * self._slots
        ring = struct.pack("IIII", _BLOCK_BYTES, size // _BLOCK_BYTES, self._bytes, self._slots)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, ring)
        return mmap.mmap(self._socket.fileno(), size)

    def _seen(self, start: int, size: int, at_ns: int) -> Seen | None:
        """Read a packet; None where it is no data."""
        fields, first = self._layout
        udp = _ETHERNET + (self._ring[start + _ETHERNET] & 15) * 4
        if size < udp + fields.size:  # iperf3's greeting
            return None
        source, port, number = fields.unpack_from(self._ring, start + udp)
        if number < first:
            return None
        frame = b""
        if self._frames:
            whole = self._ring[start : start + size]
            # A checksum that no hardware has completed is left out: IPv4 allows that.
            frame = whole[: udp + 6] + b"\0\0" + whole[udp + 8 :]
        return Seen(source, port, number - first, at_ns, frame)


def _only_udp(opened: socket.socket) -> None:
    """Let only UDP in."""
    # tcpdump -dd 'ip proto 17'
    instructions = (
        (0x28, 0, 0, 12), (0x15, 0, 3, 0x800), (0x30, 0, 0, 23), (0x15, 0, 1, 17),
        (0x06, 0, 0, 2048), (0x06, 0, 0, 0),
    )  # fmt: skip
    program = b"".join(struct.pack("HBBI", *one) for one in instructions)
    held = ctypes.create_string_buffer(program)
    fprog = struct.pack("HL", len(instructions), ctypes.addressof(held))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
