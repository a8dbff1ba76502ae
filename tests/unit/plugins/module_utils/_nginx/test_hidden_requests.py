# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._nginx.hidden_requests import hiding_directive


def dump(inner):
    return f"# configuration file /etc/nginx/nginx.conf:\nhttp {{\n server {{\n {inner}\n }}\n}}\n"


@pytest.mark.parametrize(
    "inner, expected",
    [
        ("listen 80; location / { proxy_pass http://shop-was; }", None),
        ("listen 443 ssl;", None),
        ("listen 443 ssl http2;", "listen 443 ssl http2"),
        ("listen 443 quic reuseport;", "listen 443 quic reuseport"),
        ("http2 on;", "http2 on"),
        ("http2 off;", None),
        ("location / { auth_request /auth; }", "auth_request /auth"),
        ("location / { auth_request off; }", None),
        ("location / { ssi on; }", "ssi on"),
        ("slice 0;", None),
        ("location / { proxy_ignore_client_abort on; }", "proxy_ignore_client_abort on"),
        ("location / { fastcgi_cache pages; }", "fastcgi_cache pages"),
        ("proxy_store off;", None),
        ("proxy_cache_path /var/cache/nginx keys_zone=pages:1m;", None),
        ("location / { mirror /copy; }", "mirror /copy"),
        ("location / { access_by_lua_block { if a then b() end } }", "access_by_lua_block"),
        ("location / { js_content main.hello; }", "js_content main.hello"),
        ("add_header X http2;", None),
    ],
)
def test_what_hides_requests(inner, expected):
    assert hiding_directive(dump(inner)) == expected


def test_what_can_t_be_read_may_hide_requests():
    assert "is it truncated?" in hiding_directive("http {")
