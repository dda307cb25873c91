"""Named counters of nftables, asked of the kernel itself: in microseconds, nft takes 0.1 ms."""

from __future__ import annotations

import os
import socket
import struct
import threading
from typing import TYPE_CHECKING, Final

from pyperf2.errors import LabError, StateError
from pyperf2.lab import kernel
from pyperf2.lab.nft import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

# linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h
_NETLINK_NETFILTER: Final = 12
_GET_OBJECT: Final = 10 << 8 | 19
_ERROR: Final = 2
_REQUEST: Final = 1
_HEADER: Final = "=IHHIIBBH"  # struct nlmsghdr, struct nfgenmsg
_ATTRIBUTE: Final = "=HH"
_TABLE, _NAME, _TYPE, _DATA = 1, 2, 3, 4
_COUNTER: Final = struct.pack(">I", 1)
_BYTES, _PACKETS = 1, 2
_KIND: Final = 0x3FFF  # of an attribute, without its flags
_FAMILIES: Final = {"inet": 1, "netdev": 5, "bridge": 7}
_ANSWER: Final = 4096


class Counters:
    """What the counters of a namespace show."""

    def __init__(self, namespace: str) -> None:
        """Open it; errors as those of `kernel.inside`."""
        self._asking = threading.Lock()
        self._socket: socket.socket | None = kernel.inside(namespace, _opened)

    def read(self, table: str, name: str) -> Tally:
        """Return what a counter of a table (``family name``) shows.

        Raises:
            LabError: there is no such counter.
            StateError: it is closed.
        """
        with self._asking:
            if self._socket is None:
                raise StateError("the lab is closed")
            self._socket.send(_question(table, name))
            answer = self._socket.recv(_ANSWER)
        start = struct.calcsize(_HEADER)
        if struct.unpack_from(_HEADER, answer)[1] == _ERROR:
            (code,) = struct.unpack_from("=i", answer, start - 4)
            raise LabError(f"no counter {name!r} in {table!r}: {os.strerror(-code)}")
        values = dict(_attributes(dict(_attributes(answer[start:]))[_DATA]))
        packets, size = (struct.unpack(">Q", values[kind])[0] for kind in (_PACKETS, _BYTES))
        return Tally(packets, size)

    def close(self) -> None:
        """Close its socket."""
        with self._asking:
            if self._socket is not None:
                self._socket.close()
                self._socket = None


def _opened() -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    opened.bind((0, 0))
    return opened


def _question(table: str, name: str) -> bytes:
    family, _, table_name = table.partition(" ")
    words = ((_TABLE, table_name.encode() + b"\0"), (_NAME, name.encode() + b"\0"))
    attributes = b"".join(_attribute(kind, value) for kind, value in (*words, (_TYPE, _COUNTER)))
    size = struct.calcsize(_HEADER) + len(attributes)
    header = (size, _GET_OBJECT, _REQUEST, 0, 0, _FAMILIES[family], 0, 0)
    return struct.pack(_HEADER, *header) + attributes


def _attribute(kind: int, value: bytes) -> bytes:
    size = struct.calcsize(_ATTRIBUTE) + len(value)
    return struct.pack(_ATTRIBUTE, size, kind) + value + bytes(-size % 4)


def _attributes(told: bytes) -> Iterator[tuple[int, bytes]]:
    while told:
        size, kind = struct.unpack_from(_ATTRIBUTE, told)
        yield kind & _KIND, told[struct.calcsize(_ATTRIBUTE) : size]
        told = told[size + -size % 4 :]
