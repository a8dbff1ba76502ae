# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible.plugins.action import ActionBase

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.undo import MOVES_TRAFFIC, to_put_back
from ansible_collections.hotswap.compose.plugins.plugin_utils._error import failure_of


class ActionModule(ActionBase):
    """Read in a rescue what failed. Nothing is sent anywhere."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(
            argument_spec={
                "phase": {"type": "str", "required": True},
                "hook": {"type": "str", "default": ""},
                "plan": {"type": "dict", "required": True},
                "introduced": {"type": "bool", "required": True},
                "swap_message": {"type": "str", "default": ""},
            }
        )
        phase = given["phase"]
        failure = failure_of(
            task_vars.get("ansible_failed_task") or {},
            task_vars.get("ansible_failed_result") or {},
            given["swap_message"],
        )
        result.update(
            failure,
            changed=False,
            phase=phase,
            hook=given["hook"],
            moved_traffic=phase in MOVES_TRAFFIC,
            put_back=to_put_back(phase, given["plan"], given["introduced"]),
        )
        if failure["module"] == "hotswap.compose.compose_health_wait" and phase == "gate":
            result["gate"] = failure["evidence"]
        if failure["module"] == "hotswap.compose.bluegreen_bake":
            result["baked"] = failure["evidence"]
        return result
