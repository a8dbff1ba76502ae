# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dump is what nginx 1.30 printed, the tables what the kernel did; log lines and refusals are nginx's own."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import connections, container, drain, reload
from ansible_collections.hotswap.compose.plugins.module_utils._errors import UpstreamError
from ansible_collections.hotswap.compose.plugins.module_utils._nginx import app_file, version
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.version import (
    follows_addresses,
    keeps_connections_on_reload,
)

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "nginx"
OLD, NEW = (1, 26, 3), (1, 30, 6)
UPSTREAMS = [
    {"name": "store-was", "targets": [{"host": "store-green-was", "port": 3000}]},
    {"name": "store-signal", "targets": [{"host": "store-green-signal", "port": 3001}]},
]


def recorded(name):
    return (FIXTURES / name).read_text()


def text(color="green", version=NEW):
    """Our file, for an nginx that follows names or one that does not."""
    upstreams = [
        {
            "name": each["name"],
            "targets": [dict(target, host=target["host"].replace("green", color)) for target in each["targets"]],
        }
        for each in UPSTREAMS
    ]
    resolver = app_file.DOCKER_RESOLVER if follows_addresses(version) else None
    return app_file.app_text("store", color, "v2", upstreams, resolver)


@pytest.mark.parametrize(
    "said, expected",
    [
        ("nginx version: nginx/1.30.6\n", (1, 30, 6)),
        ("nginx version: nginx/1.22.1 (Ubuntu)\r\n", (1, 22, 1)),
        ("nginx version: openresty/1.25.3.1\n", None),
        ("", None),
    ],
)
def test_version(said, expected):
    assert version.parse_version(said) == expected


@pytest.mark.parametrize(
    "version, follows, keeps",
    [
        ((1, 22, 1), False, False),
        ((1, 27, 2), False, False),
        ((1, 27, 3), True, False),
        ((1, 27, 4), True, True),
        (NEW, True, True),
    ],
)
def test_features_by_version(version, follows, keeps):
    assert follows_addresses(version) is follows
    assert keeps_connections_on_reload(version) is keeps
    assert ("resolve;" in text(version=version)) is follows
    assert (app_file.shared_text(version) is not None) is keeps


def test_what_is_written_is_what_nginx_was_seen_to_read():
    dump = recorded("dump.txt")
    seen = app_file.file_in_dump(dump, "/etc/nginx/conf.d/" + app_file.app_file_name("store"))
    assert seen == app_file.with_marks(text(), generation="0123456789ab")
    assert app_file.is_same_text(seen, text())
    assert app_file.file_in_dump(dump, "/etc/nginx/conf.d/" + app_file.SHARED_FILE) == app_file.shared_text(NEW)
    assert (
        app_file.generation_of(app_file.file_in_dump(dump, "/etc/nginx/conf.d/bluegreen-store.conf")) == "0123456789ab"
    )
    assert list(parse_upstreams(dump)) == ["store-was", "store-signal"]


def test_what_only_the_moment_of_the_swap_knows_is_in_comments():
    marked = app_file.with_marks(text(version=OLD), "0123", ["10.0.0.3", "10.0.0.2"])
    assert marked == text(version=OLD) + "# addresses: 10.0.0.2 10.0.0.3\n# generation: 0123\n"
    assert app_file.generation_of(marked) == "0123"
    assert app_file.without_generation(marked) == text(version=OLD) + "# addresses: 10.0.0.2 10.0.0.3\n"
    assert app_file.with_marks(text()) == text()


def test_the_app_s_own_server_comes_last():
    server = "server {\n    listen 80;\n}\n"
    assert app_file.app_text("store", "green", "v2", [], None, server).endswith("# release: v2\n" + server)


@pytest.mark.parametrize(
    "content, names",
    [
        (text(), {"store-green-was:3000", "store-green-signal:3001"}),
        (text(version=OLD), set()),
        ("    server a:80 weight=3 resolve down;\n    server b:80;\n", {"a:80"}),
        (None, set()),
    ],
)
def test_what_nginx_follows(content, names):
    assert app_file.followed_names(content) == names


def test_what_nginx_knows_when_it_loads_is_what_it_follows():
    followed = text()
    known = app_file.resolved_at_load(followed)
    assert "    server store-green-was:3000;\n    server store-green-was:3000 resolve down;\n" in known
    assert parse_upstreams(known) == parse_upstreams(followed)
    assert app_file.followed_names(known) == app_file.followed_names(followed)
    assert app_file.resolved_at_load(known) == known
    assert app_file.resolved_at_load(text(version=OLD)) == text(version=OLD)
    assert app_file.resolved_at_load("  server a:80 weight=3 resolve;\n") == (
        "  server a:80 weight=3;\n  server a:80 weight=3 resolve down;\n"
    )


@pytest.mark.parametrize("path", ["/etc/nginx/conf.d/bluegreen-bank.conf", "/conf.d/bluegreen.conf", "bluegreen.conf"])
def test_a_file_that_nginx_does_not_read(path):
    assert app_file.file_in_dump(recorded("dump.txt"), path) is None


def test_the_last_file_of_a_dump_is_whole():
    assert app_file.file_in_dump(recorded("dump.txt"), "/etc/nginx/conf.d/store.conf").rstrip().endswith("}\n}")


@pytest.mark.parametrize("content", [None, "", "upstream a { server b; }\n", "  # generation: x\n", "# generation: \n"])
def test_a_text_without_a_generation(content):
    assert app_file.generation_of(content) is None


def test_what_could_break_out_is_refused():
    with pytest.raises(UpstreamError):
        app_file.app_text("store", "green", "v2", [{"name": "a {", "targets": [{"host": "b", "port": 1}]}], None)


@pytest.mark.parametrize(
    "one, other, same",
    [
        (text(), text(), True),
        (app_file.with_marks(text(), "one"), app_file.with_marks(text(), "other"), True),
        (app_file.with_marks(text(), "one"), text(), True),
        (app_file.with_marks(text(), "one", ["10.0.0.2"]), app_file.with_marks(text(), "one", ["10.0.0.9"]), False),
        (text(), text(version=OLD), False),
        (text(), text("blue"), False),
        (text(), text()[:-2], False),
        (text(), "", False),
        (text(), None, False),
        (None, None, False),
    ],
)
def test_the_same_file(one, other, same):
    assert app_file.is_same_text(one, other) is same
    assert app_file.is_same_text(other, one) is same


@pytest.mark.parametrize(
    "command, expected",
    [
        (["nginx", "-g", "daemon off;"], []),
        (["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"], []),
        (["nginx", "-c", "/srv/nginx.conf", "-g", "daemon off;"], ["-c", "/srv/nginx.conf"]),
        (["/usr/sbin/nginx", "-p", "/srv", "-c", "n.conf"], ["-p", "/srv", "-c", "n.conf"]),
        (["sh", "-c", "envsubst </t >/etc/nginx/nginx.conf && exec nginx -g 'daemon off;'"], []),
        (["sh", "-c", "exec /usr/sbin/nginx"], []),
        (["sh", "-c", 'exec "$@"', "sh", "nginx", "-c", "/n.conf"], ["-c", "/n.conf"]),
        (["nginx", "-c"], []),
        ([], []),
    ],
)
def test_what_every_call_of_nginx_needs(command, expected):
    assert container.config_arguments(command) == expected


BEFORE = {(10, 100): False, (11, 100): False}


@pytest.mark.parametrize(
    "now, done",
    [
        (BEFORE, False),
        ({**BEFORE, (12, 200): False}, False),
        ({(10, 100): True, (11, 100): True}, False),
        ({(10, 100): True, (11, 100): False, (12, 200): False}, False),
        ({(10, 100): True, (11, 100): True, (12, 200): False}, True),
        ({(12, 200): False, (13, 200): False}, True),
        ({(12, 200): True}, False),
        ({(10, 200): False}, True),  # the process id came round again
        ({}, False),
    ],
)
def test_a_reload_is_proven(now, done):
    assert reload.has_reloaded(BEFORE, now) is done


TAKEN = "2026/11/22 11:57:24 [emerg] 1#1: bind() to 0.0.0.0:81 failed (98: Address already in use)"
AGAIN = "2026/11/22 11:57:24 [notice] 1#1: try again to bind() after 500ms"
LOST = "2026/11/22 11:57:24 [emerg] 1#1: still could not bind()"
UNKNOWN = '2026/11/22 11:57:23 [emerg] 33#33: unknown directive "locatio" in /etc/nginx/conf.d/bad.conf:1'


@pytest.mark.parametrize(
    "lines, expected",
    [
        ([], None),
        ([AGAIN], None),
        ([TAKEN, AGAIN], None),
        ([TAKEN, AGAIN] * 4 + [TAKEN, LOST], f"{TAKEN}; {LOST}"),
        ([LOST], LOST),
        ([TAKEN, AGAIN, " " + UNKNOWN, LOST], UNKNOWN),
        (["2026/11/22 11:57:24 [error] 46#46: *1 connect() failed (111: Connection refused)"], None),
    ],
)
def test_when_a_reload_is_lost(lines, expected):
    assert reload.refusal_in_log("\n".join(lines)) == expected


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


@pytest.mark.parametrize(
    "workers, connections, since_proof, version, done",
    [
        (0, 0, 0.1, NEW, True),
        (0, 3, 0.1, NEW, True),  # none of the old configuration's: what is open there is not the swap's doing
        (1, 0, 4.9, NEW, False),
        (1, 0, 5.0, NEW, True),
        (1, 1, 60.0, NEW, False),
        (1, 0, 0.0, OLD, True),
        (1, 1, 60.0, OLD, False),
    ],
)
def test_drained(workers, connections, since_proof, version, done):
    assert drain.is_drained(workers, connections, since_proof, version) is done
