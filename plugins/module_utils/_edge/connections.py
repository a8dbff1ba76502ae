# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count nginx's TCP connections in the tables of the kernel (``/proc/PID/net/tcp``, ``tcp6``). Pure."""

from __future__ import annotations

import ipaddress
import socket
import struct

from .._nginx.app_file import _ESTABLISHED, _LISTENING


def count_established(table, endpoints):
    """Return how many connections a ``/proc/PID/net/tcp`` or ``tcp6`` has established to any of ``endpoints``.

    ``endpoints``: ``address:port``, IPv6 addresses in brackets.
    """
    wanted = set()
    for endpoint in endpoints:
        address, _colon, port = endpoint.rpartition(":")
        address = _hex_address(address.strip("[]"))
        wanted |= {f"{prefix + address}:{int(port):04X}" for prefix in ("", "0000000000000000FFFF0000")}
    return sum(1 for _local, remote, _inode in _sockets(table, _ESTABLISHED) if remote in wanted)


def count_clients(table, inodes=None):
    """Return how many connections such a table has established to a port that something listens on there.

    ``inodes``: of the sockets that count as listening, all where None.
    """
    listening = {
        local.rpartition(":")[2]
        for local, _remote, inode in _sockets(table, _LISTENING)
        if inodes is None or inode in inodes
    }
    return sum(local.rpartition(":")[2] in listening for local, _remote, _inode in _sockets(table, _ESTABLISHED))


def _sockets(table, state):
    """Return ``(local, remote, inode)`` of the sockets in a state, as the kernel writes them."""
    lines = (line.split() for line in table.splitlines()[1:])
    return [(fields[1], fields[2], fields[9]) for fields in lines if len(fields) > 9 and fields[3] == state]


def _hex_address(address):
    packed = ipaddress.ip_address(address).packed
    words = struct.unpack(f"!{len(packed) // 4}I", packed)
    return "".join(f"{socket.htonl(word):08X}" for word in words)
