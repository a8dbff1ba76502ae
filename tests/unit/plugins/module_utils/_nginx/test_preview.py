# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._nginx import preview
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams, render_upstream

SECRET = "cheesecake-0815-x"
HEADER = {"header": {"name": "X-Preview", "value": SECRET}}
COOKIE = {"cookie": {"name": "preview", "value": SECRET}}
LISTEN = {"listen": "127.0.0.1:8081"}
VHOST = {"server_names": ["shop.example"], "listen": ["8080"]}
NAMES = ["shop-was", "shop-signal"]
ACTIVE = "".join(render_upstream(name, [{"host": "shop-blue-" + name[5:], "port": 3000}]) for name in NAMES)
IDLE = [{"name": name, "targets": [{"host": "shop-green-" + name[5:], "port": 3000}]} for name in NAMES]


def file(given):
    return "# color: blue\n" + ACTIVE + preview.closed_preview(given, NAMES) + "# generation: c0ffee\n"


@pytest.mark.parametrize(
    "given, word",
    [
        ({}, None),
        (None, None),
        ({"header": None, "cookie": None, "listen": None}, None),
        (HEADER, None),
        (COOKIE, None),
        (LISTEN, None),
        ({"listen": "8081"}, None),
        ({**HEADER, **COOKIE}, "one of"),
        ({"header": {"name": "X Preview", "value": SECRET}}, "header.name"),
        ({"header": {"name": "X-Preview;", "value": SECRET}}, "header.name"),
        ({"cookie": {"name": "a-b", "value": SECRET}}, "cookie.name"),
        ({"header": {"name": "X-Preview", "value": "default"}}, "header.value"),
        ({"header": {"name": "X-Preview", "value": "~" + SECRET}}, "header.value"),
        ({"header": {"name": "X-Preview", "value": SECRET + '"; x'}}, "header.value"),
        ({"cookie": {"name": "preview", "value": "s" * 41}}, "cookie.value"),
        ({"listen": "8081; x"}, "listen"),
        ({"listen": "0"}, "listen"),
        ({"listen": "127.0.0.1:8080"}, "another"),
    ],
)
def test_what_is_wrong_with_one(given, word):
    found = list(preview.preview_problems(given, NAMES, VHOST))
    assert [word in each for each in found] == ([True] if word else [])
    assert SECRET not in " ".join(found)


def test_listening_takes_a_server_of_ours():
    assert ["bluegreen_vhost" in each for each in preview.preview_problems(LISTEN, NAMES, {})] == [True]


def test_upstreams_that_nginx_could_not_tell():
    assert list(preview.preview_problems(HEADER, ["shop-was", "shop.was"], VHOST))
    assert not list(preview.preview_problems(LISTEN, ["shop-was", "shop.was"], VHOST))


@pytest.mark.parametrize(
    "given, source", [(HEADER, "$http_x_preview"), (COOKIE, "$cookie_preview")], ids=["header", "cookie"]
)
def test_opened_by_a_secret(given, source):
    closed = file(given)
    opened = preview.with_preview(closed, given, IDLE, "127.0.0.11", "")
    assert (
        f'map {source} $bluegreen_shop_was {{\n    default shop-was;\n    "{SECRET}" shop-was-preview;\n}}\n' in opened
    )
    assert "server shop-green-was:3000 resolve;" in opened
    assert set(parse_upstreams(opened)) == {"shop-was", "shop-signal", "shop-was-preview", "shop-signal-preview"}
    assert opened.startswith("# color: blue\n" + ACTIVE) and opened.endswith("# generation: c0ffee\n")
    assert (preview.has_preview(opened), preview.has_preview(closed)) == (True, False)


def test_opened_at_a_port():
    opened = preview.with_preview(file(LISTEN), LISTEN, IDLE, None, "server {\n    listen 127.0.0.1:8081;\n}\n")
    assert "map " not in opened and "listen 127.0.0.1:8081;" in opened
    assert "server shop-green-was:3000;" in opened


@pytest.mark.parametrize("given", [HEADER, COOKIE, LISTEN], ids=["header", "cookie", "listen"])
def test_closed_again(given):
    closed = file(given)
    opened = preview.with_preview(closed, given, IDLE, None, "server {\n}\n" if given is LISTEN else "")
    assert preview.without_preview(opened) == closed == preview.without_preview(closed)
    assert SECRET not in closed
    assert preview.with_preview(opened, given, IDLE, None, "") == preview.with_preview(closed, given, IDLE, None, "")


def test_without_a_preview():
    assert preview.closed_preview({}, NAMES) == ""
    assert preview.without_preview(ACTIVE) == ACTIVE
    assert preview.without_preview(None) is None
    assert (preview.preview_secret({}), preview.preview_secret(LISTEN), preview.preview_secret(COOKIE)) == (
        None,
        None,
        SECRET,
    )
