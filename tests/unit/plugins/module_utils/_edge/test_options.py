# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import options


@pytest.mark.parametrize("mode, kind", [("container", "ContainerEdge"), ("host", "HostEdge")])
def test_the_edge_that_the_options_name(monkeypatch, mode, kind):
    made = []
    for name in ("ContainerEdge", "HostEdge"):
        monkeypatch.setattr(options, name, lambda *arguments, name=name: made.append((name, arguments)) or name)
    params = {"nginx_mode": mode, "nginx_container": "nginx", "network": "edge", "nginx_conf_dir": "/srv/conf.d"}
    assert options.edge_for("engine", params, SimpleNamespace(scratch="/srv/scratch")) == kind
    expected = ("/srv/conf.d", "/srv/scratch")
    assert made == [(kind, ("engine", "nginx", "edge", *expected) if mode == "container" else expected)]


def test_only_the_conf_dir_has_no_default():
    assert [name for name, option in options.EDGE_ARGUMENTS.items() if option.get("required")] == ["nginx_conf_dir"]
