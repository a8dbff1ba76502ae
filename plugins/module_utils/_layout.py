# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each color runs, and what runs beside them, in either layout: a file for each color, or one ordinary file. Pure.

``params``: the options of the module bluegreen_plan; ``configs``: ``{color: what Compose rendered}``.
"""

from __future__ import annotations

from ansible_collections.hotswap.compose.plugins.module_utils import _compose, _ordinary
from ansible_collections.hotswap.compose.plugins.module_utils._settings import COLORS, is_ordinary, with_color


def split(params, services, configs, volumes):
    """Return ``(colors, shared, warnings)``: ``{color: config}``, the file of what runs once, and what a person should
    know. Raises ComposeError.

    ``services``: from named_services; ``volumes``: as in _compose.colored.
    """
    for color, config in configs.items():
        exclusive = [with_color(name, color) for name in params["exclusive_services"]]
        _ordinary.refuse_unknown(config, "exclusive_services", exclusive)
        _refuse_dependents(config, exclusive)
    if not is_ordinary(params["compose_files"]):
        return configs, {"services": {}}, []
    app, shared = params["app"], params["shared_services"]
    _ordinary.refuse_unknown(configs[COLORS[0]], "shared_services", shared)
    _ordinary.refuse_unknown(configs[COLORS[0]], "services", [service["name"] for service in services])
    colors, warnings = {}, []
    for color, config in configs.items():
        colors[color], said = _ordinary.of_color(
            config, app, color, services, shared, params["exclusive_services"], _network(params)
        )
        warnings += [line for line in said if line not in warnings]
    # Of one color, always the same, so that it does not change with each deploy.
    return colors, _ordinary.of_shared(configs[COLORS[0]], app, shared, volumes), warnings


def reach(params, color):
    """Return the way nginx finds a color's services, for _compose.colored."""
    if not _network(params):
        return _compose.by_port(color)
    if is_ordinary(params["compose_files"]):
        return _compose.by_join
    return _compose.by_name(params["network"], params["app"], color)


def _network(params):
    return params["network"] if params["nginx_mode"] == "container" else None


def _refuse_dependents(config, exclusive):
    for name, service in sorted((config.get("services") or {}).items()):
        needed = sorted(set(service.get("depends_on") or {}) & set(exclusive))
        if needed and name not in exclusive:
            raise _compose.ComposeError(
                f"service {name} depends on {needed[0]}, which only starts after the swap, when that of the old color "
                "is stopped: take it out of depends_on, or out of bluegreen_exclusive_services"
            )
