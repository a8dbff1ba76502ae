# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count nginx's TCP connections in the kernel's tables (``/proc/PID/net/tcp``, ``tcp6``). Pure."""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import NamedTuple

_ESTABLISHED, _OPENING, _HALF_CLOSED, _LISTENING = "01", "02", "08", "0A"


class Socket(NamedTuple):
    """A line of such a table, as the kernel writes it."""

    local: str
    remote: str
    state: str
    unsent: bool
    inode: str

    @property
    def local_port(self):
        return self.local.rpartition(":")[2]


def count_upstream(table, endpoints):
    """Return how many connections to any of ``endpoints`` are open or opening in a ``/proc/PID/net/tcp`` or ``tcp6``.

    ``endpoints``: ``address:port``, IPv6 addresses in brackets.
    """
    wanted = set()
    for endpoint in endpoints:
        address, _colon, port = endpoint.rpartition(":")
        address = _hex_address(address.strip("[]"))
        wanted |= {f"{prefix + address}:{int(port):04X}" for prefix in ("", "0000000000000000FFFF0000")}
    return sum(line.remote in wanted for line in parse_sockets(table) if line.state in (_ESTABLISHED, _OPENING))


def count_clients(table, inodes=None):
    """Return how many connections in such a table are established to a listening port.

    ``inodes``: of the listening sockets that count, all if None.
    """
    lines = parse_sockets(table)
    listening = _listening_ports(line for line in lines if inodes is None or line.inode in inodes)
    return sum(line.local_port in listening for line in lines if line.state == _ESTABLISHED)


def may_receive(inodes, tcp, udp, unix):
    """Return whether a worker process may be receiving a request: it has a client without an upstream connection.

    nginx buffers a request's body, or delays a request, before it connects to the app. A client that has sent nothing
    yet may still do so. A client with unsent data in its socket is already being answered, so it does not count.

    ``inodes``: of the worker process's sockets; ``tcp``, ``udp``, ``unix``: texts of those tables in ``/proc/PID/net``.
    """
    lines = {line.inode: line for line in parse_sockets(tcp)}
    listening = _listening_ports(lines.values())
    clients = answered = upstreams = 0
    for inode in set(inodes) - _column(udp, 9) - _column(unix, 6):
        line = lines.get(inode)
        if line is None:
            clients += 1  # this connection was reset
        elif line.local_port not in listening:
            upstreams += line.state in (_ESTABLISHED, _OPENING)
        elif line.state in (_ESTABLISHED, _HALF_CLOSED):  # nginx has answered the other clients and closed them
            clients += 1
            answered += line.unsent
    return clients > answered and clients > upstreams


def _listening_ports(lines):
    return {line.local_port for line in lines if line.state == _LISTENING}


def _column(table, number):
    return {fields[number] for fields in map(str.split, table.splitlines()) if len(fields) > number}


def parse_sockets(table):
    """Return the Sockets of a table, without its headings and truncated lines."""
    lines = (line.split() for line in table.splitlines())
    return [
        Socket(fields[1], fields[2], fields[3], not fields[4].startswith("00000000:"), fields[9])
        for fields in lines
        if len(fields) > 9 and fields[9].isdigit()
    ]


def _hex_address(address):
    packed = ipaddress.ip_address(address).packed
    words = struct.unpack(f"!{len(packed) // 4}I", packed)
    return "".join(f"{socket.htonl(word):08X}" for word in words)
