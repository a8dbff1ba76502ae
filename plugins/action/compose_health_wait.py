# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._action import FollowedAction

AWAITS = {
    "bluegreen_bake": "the target has not answered yet",
    "bluegreen_build": "Docker builds the images",
    "bluegreen_drain": "the target has not answered yet",
    "bluegreen_recover": "the role finishes or undoes an interrupted run",
    "bluegreen_smoke": "the smoke tests run",
    "bluegreen_swap": "nginx loads the new configuration",
    "bluegreen_up": "Compose starts the containers",
    "compose_health_wait": "the target has not answered yet",
}
"""What each module waits for until it reports that itself. The other modules in meta/runtime.yml end at once."""


class ActionModule(FollowedAction):
    """Print the module's progress. In the role, fail in one line."""

    @property
    def awaits(self):
        return AWAITS.get(self._task.action.rpartition(".")[2])
