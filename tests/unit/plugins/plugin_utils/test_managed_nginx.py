# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils import _managed_nginx


@pytest.mark.parametrize(
    "tls, certificates",
    [
        (None, []),
        ({"certificate": "/etc/ssl/a.pem", "key": "/etc/ssl/a.key"}, ["/etc/ssl:/etc/ssl:ro"]),
        ({"certificate": "/etc/ssl/a.pem", "key": "/etc/key/a"}, ["/etc/key:/etc/key:ro", "/etc/ssl:/etc/ssl:ro"]),
    ],
)
def test_what_an_nginx_of_ours_has_mounted(tls, certificates):
    volumes = _managed_nginx.nginx_volumes({"nginx_conf_dir": "/srv/conf.d", "vhost": {"tls": tls}})
    assert volumes == ["/srv/conf.d:/etc/nginx/conf.d:ro", *certificates]
