# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options by which the role's modules select an nginx, and that nginx."""

from __future__ import annotations

from .container import ContainerEdge
from .host import HostEdge

# Documented in the fragment hotswap.compose._app.edge.
EDGE_ARGUMENTS = {
    "nginx_mode": {"type": "str", "choices": ["container", "host"], "default": "container"},
    "nginx_container": {"type": "str", "default": "nginx"},
    "nginx_conf_dir": {"type": "str", "required": True},
    "network": {"type": "str", "default": "edge"},
}


def edge_for(engine, params, state):
    """Return the Edge that a module's options select. Raises EdgeError if it can't be used."""
    if params["nginx_mode"] == "host":
        return HostEdge(params["nginx_conf_dir"], state.scratch)
    return ContainerEdge(engine, params["nginx_container"], params["network"], params["nginx_conf_dir"], state.scratch)
