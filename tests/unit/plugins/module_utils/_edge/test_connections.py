# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import connections

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "nginx"


def recorded(name):
    return (FIXTURES / name).read_text()


@pytest.mark.parametrize(
    "table, endpoints, count",
    [
        ("proc_net_tcp.txt", ["10.200.77.5:3000"], 1),
        ("proc_net_tcp.txt", ["10.200.77.5:3000", "10.200.77.1:54118"], 2),
        ("proc_net_tcp.txt", ["10.200.77.5:3001"], 0),
        ("proc_net_tcp.txt", ["5.77.200.10:3000"], 0),
        ("proc_net_tcp.txt", ["10.200.77.100:80"], 0),  # nginx's own
        ("proc_net_tcp.txt", ["0.0.0.0:0"], 0),  # listening only
        ("proc_net_tcp.txt", [], 0),
        ("proc_net_tcp6.txt", ["[::1]:47811"], 1),
        ("proc_net_tcp6.txt", ["127.0.0.1:35580"], 1),
        ("proc_net_tcp6.txt", ["10.200.77.5:3000"], 0),
    ],
)
def test_connections_to_the_old_color(table, endpoints, count):
    assert connections.count_upstream(recorded(table), endpoints) == count


# In the second, both ends of a connection within one machine are listed.
@pytest.mark.parametrize("table, count", [("proc_net_tcp.txt", 1), ("proc_net_tcp6.txt", 2)])
def test_connections_of_clients(table, count):
    assert connections.count_clients(recorded(table)) == count


# The machine's own network is everybody's: only what nginx itself listens on counts.
@pytest.mark.parametrize("inodes, count", [(None, 1), ({"497102"}, 1), ({"496452"}, 0), (set(), 0)])
def test_connections_of_nginxs_own_clients(inodes, count):
    assert connections.count_clients(recorded("proc_net_tcp.txt"), inodes) == count


def test_connections_over_ipv6():
    remote = "01004DFD000002000000000007000000:0BB8"
    table = f"  sl  local_address  remote_address\n   1: {'0' * 32}:BAC3 {remote} 01 0:0 00:0 0 0 0 1 1 0\n"
    assert connections.count_upstream(table, ["10.0.0.7:3000", "[fd4d:1:2::7]:3000"]) == 1
    assert connections.count_upstream(table, ["10.0.0.7:3000", "[fd4d:1:2::8]:3000"]) == 0


def test_an_empty_table_has_no_connections():
    assert (connections.count_upstream("", ["10.200.77.5:3000"]), connections.count_clients("")) == (0, 0)


def table(*sockets):
    """A tcp table: ``(local port, remote port, state, unsent bytes, inode)`` each."""
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    lines = [
        f"   {number}: 0900000A:{local:04X} 0200000A:{remote:04X} {state} {unsent:08X}:00000000 00:00000000 00000000"
        f"   101        0 {inode} 1 0000000000000000 20 4 0 10 -1\n"
        for number, (local, remote, state, unsent, inode) in enumerate(sockets)
    ]
    return head + "".join(lines)


LISTENING = (80, 0, "0A", 0, 1)
UDP = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n" + (
    "   5: 0900000A:9C40 0B00007F:0035 01 00000000:00000000 00:00000000 00000000   101        0 70 2 0 0\n"
)
UNIX = "Num RefCount Protocol Flags Type St Inode Path\n0000000012345678: 00000003 00000000 00000000 0001 03 80\n"
CLIENT, ANSWERED = (80, 50000, "01", 0, 10), (80, 50001, "01", 4096, 11)
HALF_CLOSED, CLOSED = (80, 50002, "08", 0, 12), (80, 50003, "05", 0, 13)
APP, OPENING = (40000, 3000, "01", 0, 20), (40001, 3000, "02", 0, 21)


@pytest.mark.parametrize(
    "sockets, more, receives",
    [
        ([], [], False),
        ([CLIENT], [], True),  # its body, or its header, or a delay
        ([CLIENT, APP], [], False),
        ([CLIENT, OPENING], [], False),
        ([HALF_CLOSED], [], True),
        ([HALF_CLOSED, APP], [], False),
        ([CLOSED], [], False),  # nginx waits for the client's side
        ([ANSWERED], [], False),  # the app's whole answer is with nginx
        ([ANSWERED, APP], [], False),
        ([CLIENT, ANSWERED, APP], [], True),  # the connection to the app may be of either
        ([CLIENT, ANSWERED, APP, OPENING], [], False),
        ([], [99], True),  # reset: it has no line any more
        ([APP], [99], False),
        ([], [70, 80], False),  # of the resolver, and of the master process
    ],
)
def test_what_a_worker_process_may_be_receiving(sockets, more, receives):
    inodes = {str(inode) for inode in [1, *more, *(socket[-1] for socket in sockets)]}
    neighbours = [(80, 51000, "01", 0, 30), (80, 51001, "01", 0, 31)]  # another worker process has those
    text = table(LISTENING, *sockets, *neighbours)
    assert connections.may_receive(inodes, text, UDP, UNIX) is receives
