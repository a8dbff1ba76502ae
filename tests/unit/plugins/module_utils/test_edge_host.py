# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _edge_host
from ansible_collections.hotswap.compose.plugins.module_utils._edge import EdgeError
from ansible_collections.hotswap.compose.plugins.module_utils._edge_host import HostEdge


class StandInHostEdge(HostEdge):
    """An nginx that only says what it is made of."""

    def run(self, argv):
        dump = "# configuration file /etc/nginx/nginx.conf:\npid /run/nginx.pid;\nhttp {"
        return True, dump if argv == ["nginx", "-T"] else "nginx version: nginx/1.26.3"


def test_a_configuration_that_can_t_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(_edge_host.os, "geteuid", lambda: 0)
    expected = r"^nginx's configuration \(nginx -T\) can't be read: /etc/nginx/nginx.conf line 2: the text ends before"
    with pytest.raises(EdgeError, match=expected):
        StandInHostEdge(str(tmp_path), str(tmp_path))
