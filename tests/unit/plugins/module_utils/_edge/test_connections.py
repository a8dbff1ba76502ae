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
    assert connections.count_established(recorded(table), endpoints) == count


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
    assert connections.count_established(table, ["10.0.0.7:3000", "[fd4d:1:2::7]:3000"]) == 1
    assert connections.count_established(table, ["10.0.0.7:3000", "[fd4d:1:2::8]:3000"]) == 0


def test_an_empty_table_has_no_connections():
    assert (connections.count_established("", ["10.200.77.5:3000"]), connections.count_clients("")) == (0, 0)
