# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import (
    app_text,
    followed_names,
    resolved_at_load,
)
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.canary import with_canary, without_canary
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams, render_upstream
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream_options import (
    effective_options,
    options_in,
    upstream_option_problems,
)

OLD, NEW = (1, 26, 3), (1, 30, 6)
ALL = {"balance": "least_conn", "keepalive": 16, "keepalive_timeout": "2s", "max_fails": 3, "fail_timeout": "5s"}


@pytest.mark.parametrize("options", [None, {}, dict.fromkeys(ALL), ALL, {"max_fails": 0, "fail_timeout": "0"}])
def test_options_that_are_good(options):
    assert list(upstream_option_problems(options)) == []


@pytest.mark.parametrize(
    "options, key",
    [
        ({"keepalive": -1}, "keepalive"),
        ({"keepalive": 65536}, "keepalive"),
        ({"max_fails": -1}, "max_fails"),
        ({"fail_timeout": "250ms"}, "fail_timeout"),
        ({"fail_timeout": "10 s"}, "fail_timeout"),
        ({"fail_timeout": "10s; }"}, "fail_timeout"),
        ({"keepalive_timeout": ""}, "keepalive_timeout"),
        ({"keepalive_timeout": "4s\n"}, "keepalive_timeout"),
        ({"keepalive_timeout": "1M"}, "keepalive_timeout"),
        ({"keepalive_timeout": "4s", "keepalive": 0}, "keepalive_timeout"),
    ],
)
def test_options_that_are_refused(options, key):
    assert [(found, value) for found, value, _remedy in upstream_option_problems(options)] == [(key, options[key])]


@pytest.mark.parametrize(
    "options, version, expected",
    [
        (None, NEW, {"keepalive_timeout": "4s"}),
        ({"balance": None}, (1, 29, 7), {"keepalive_timeout": "4s"}),
        ({}, (1, 29, 6), {}),
        ({"keepalive": 16}, OLD, {"keepalive": 16, "keepalive_timeout": "4s"}),
        ({"keepalive": 16, "keepalive_timeout": "1m"}, NEW, {"keepalive": 16, "keepalive_timeout": "1m"}),
        ({"keepalive": 0}, NEW, {"keepalive": 0}),
        ({"keepalive": 0}, OLD, {}),
        ({"max_fails": 0}, OLD, {"max_fails": 0}),
    ],
)
def test_what_an_nginx_takes(options, version, expected):
    assert effective_options(options, version) == expected


def test_the_text_has_them_in_the_order_that_nginx_wants():
    text = render_upstream("a", [{"host": "b", "port": 1, "weight": 2}], "127.0.0.11", ALL)
    assert text == (
        "upstream a {\n"
        "    zone a 64k;\n"
        "    resolver 127.0.0.11 valid=2s ipv6=off;\n"
        "    least_conn;\n"
        "    server b:1 weight=2 max_fails=3 fail_timeout=5s resolve;\n"
        "    keepalive 16;\n"
        "    keepalive_timeout 2s;\n"
        "}\n"
    )
    assert parse_upstreams(text) == {"a": [{"host": "b", "port": 1, "weight": 2}]}
    assert options_in(text, ["A"]) == [("a", {key: str(value) for key, value in ALL.items()}, ["server ... weight=2"])]


@pytest.mark.parametrize("balance", [None, "round_robin"])
def test_round_robin_is_nginx_s_own_way(balance):
    options = effective_options({"balance": balance}, OLD)
    assert render_upstream("a", [{"host": "b", "port": 1}], None, options) == "upstream a {\n    server b:1;\n}\n"


def test_a_file_with_options_is_followed_and_shared_out_as_one_without():
    upstream = {"name": "a", "targets": [{"host": "blue", "port": 1}], "options": ALL}
    text = app_text("shop", "blue", "v1", [upstream], "127.0.0.11")
    assert followed_names(text) == {"blue:1"}
    known = resolved_at_load(text)
    assert "server blue:1 max_fails=3 fail_timeout=5s;\n    server blue:1 max_fails=3 fail_timeout=5s resolve" in known
    green = dict(upstream, active_targets=upstream["targets"], targets=[{"host": "green", "port": 1}])
    canary = with_canary(text, 10, [dict(green, addresses=[1, 1])], "127.0.0.11")
    assert "server green:1 weight=1" not in canary and "server green:1 max_fails=3" in canary
    assert "least_conn;" in canary and "keepalive 16;" in canary
    assert without_canary(canary) == text


def test_what_a_block_of_the_users_has():
    text = (
        "http { upstream was { hash $uri; server b:1 max_fails=2 backup; server c:1; ip_hash; keepalive 8 local;"
        " keepalive_requests 100; zone z 64k; } upstream other { least_conn; } }"
    )
    assert options_in(text, ["was"]) == [
        (
            "was",
            {"max_fails": "2", "balance": "ip_hash", "keepalive": "8"},
            ["hash $uri", "server ... backup", "keepalive_requests 100"],
        )
    ]
