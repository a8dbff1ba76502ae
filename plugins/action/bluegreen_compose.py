# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..module_utils._compose.up import explained
from ..module_utils._deploy.migration import migration_failure
from ..plugin_utils._action import FollowedAction

COLLECTION = "community.docker"


class ActionModule(FollowedAction):
    """Run a module of community.docker in the same way as the role's own modules."""

    speaks = False
    brief = True  # Compose prints a line for each image, and a command may print many

    def execute(self, task_vars):
        _validated, given = self.validate_argument_spec(
            argument_spec={
                "module": {"type": "str", "required": True},
                "project": {"type": "dict", "required": True},
                "arguments": {"type": "dict", "required": True},
                "awaits": {"type": "str", "required": True},
                "docker_host": {"type": "str"},
            }
        )
        engine = {"docker_host": given["docker_host"]} if given["docker_host"] else {}
        arguments = {**engine, **given["project"], **given["arguments"]}
        name = f"{COLLECTION}.{given['module']}"
        result = self._execute_module(module_name=name, module_args=arguments, task_vars=task_vars)
        result.pop("containers", None)  # in another form than the role's own
        if result.get("failed") and result.get("msg"):
            result["msg"] = explained(result["msg"])
        if given["module"] == "docker_compose_v2_run":
            why = migration_failure(arguments["command"], result)
            result.update({"failed": True, "msg": why} if why else {})
        return result

    @property
    def awaits(self):
        return self._task.args.get("awaits")
