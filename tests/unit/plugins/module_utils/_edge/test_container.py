# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import container


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
