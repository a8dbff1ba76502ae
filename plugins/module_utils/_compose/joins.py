# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connect containers to the networks that no Compose file names (see single_file.py)."""

from __future__ import annotations

import json

from .._docker.aliases import join_network
from .._docker.containers import containers_by_id, find_all_containers
from .._state.lock import AppLock
from .single_file import JOINS, missing_joins

JOIN_ARGUMENTS = {
    "joins": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "color": {"type": "str", "choices": ["blue", "green"], "required": True},
            "file": {"type": "path", "required": True},
        },
    },
    "by_hand": {"type": "dict", "default": {}},
}


def make_joins(engine, params):
    """Return whether a container had to be connected. Raises ComposeError, EngineError, OSError.

    ``params``: JOIN_ARGUMENTS and APP_ARGUMENTS.
    """
    missing = _find_missing(engine, params) if params["joins"] else []
    if missing:
        with AppLock(params["state_dir"], params["app"]).acting(params["lock"]):
            for join in missing:
                join_network(engine, *join)
    return bool(missing)


def _find_missing(engine, params):
    """Return ``[(container, network, aliases)]``."""
    found = []
    for each in params["joins"]:
        with open(each["file"], encoding="utf-8") as file:
            joins = json.load(file).get(JOINS, [])
        names = [join["shared"] for join in joins if "shared" in join]
        colors, shared = find_all_containers(engine, params["app"], shared=names)
        by_hand = {name: containers_by_id(engine, ids) for name, ids in params["by_hand"].items()}
        found += missing_joins(joins, colors[each["color"]], {**shared, **by_hand})
    return found
