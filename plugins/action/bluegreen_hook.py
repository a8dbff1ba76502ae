# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._run import Run


class ActionModule(ControllerAction):
    """Gather the variables of a hook."""

    options = {"name": {"type": "str", "required": True}}

    def act(self, given, task_vars):
        run = Run(task_vars)
        return {
            "hook": {
                "name": given["name"],
                "app": run.settings["app"],
                "release": run.plan["release"],
                "color": run.plan["color"],
                "previous_release": run.plan["previous_release"],
                "previous_color": run.plan["active_color"],
                "phase": run.failure.get("phase") or run.last_phase(),
                "phases": run.phases(),
                "containers": run.containers(),
                "error": run.failure.get("why"),
                "result": run.of("reported").get("result") or {},
            }
        }
