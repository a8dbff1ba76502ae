# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dump is what nginx 1.30 printed, the tables what the kernel did; log lines and refusals are nginx's own."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import UpstreamError
from ansible_collections.hotswap.compose.plugins.module_utils._nginx import app_file
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.version import (
    follows_addresses,
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


@pytest.mark.parametrize("version", [(1, 22, 1), (1, 27, 2), (1, 27, 3), (1, 27, 4), NEW])
def test_names_are_followed_by_an_nginx_that_can(version):
    assert ("resolve;" in text(version=version)) is follows_addresses(version)


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


@pytest.mark.parametrize("directory", ["/etc/nginx/./conf.d", "/etc/nginx//conf.d", "/etc//nginx/conf.d/"])
def test_a_file_is_found_however_an_include_spells_it(directory):
    dump = f"# configuration file /etc/nginx/nginx.conf:\n\n# configuration file {directory}/bluegreen-a.conf:\nours\n"
    assert app_file.file_in_dump(dump, "/etc/nginx/conf.d/bluegreen-a.conf") == "ours\n"


@pytest.mark.parametrize("directory", ["/etc/nginx/sites/../conf.d", "/etc/nginx/live"])
def test_a_file_behind_a_link_is_known_by_its_generation(directory):
    dump = f"# configuration file {directory}/bluegreen-a.conf:\nours\n# generation: 7\n"
    path = "/etc/nginx/conf.d/bluegreen-a.conf"
    assert app_file.file_in_dump(dump, path, "7") == "ours\n# generation: 7\n"
    assert app_file.file_in_dump(dump, path, "8") is None
    assert app_file.file_in_dump(dump, path) is None


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
