# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..module_utils._deploy.undo import MOVES_TRAFFIC, to_put_back
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._task_failure import failure_of

EVIDENCE_OF = {"hotswap.compose.compose_health_wait": "gate", "hotswap.compose.bluegreen_bake": "baked"}
"""The additional key for a module's evidence."""


class ActionModule(ControllerAction):
    """Read in a rescue which task failed."""

    options = {
        "phase": {"type": "str", "required": True},
        "hook": {"type": "str", "default": ""},
        "plan": {"type": "dict", "required": True},
        "introduced": {"type": "bool", "required": True},
        "swap_message": {"type": "str", "default": ""},
    }

    def act(self, given, task_vars):
        phase = given["phase"]
        task, result = (task_vars.get(f"ansible_failed_{each}") or {} for each in ("task", "result"))
        failure = failure_of(task, result, given["swap_message"])
        key = EVIDENCE_OF.get(failure["module"])
        if key == "baked" or (key == "gate" and phase == "gate"):
            failure[key] = failure["evidence"]
        put_back = to_put_back(phase, given["plan"], given["introduced"])
        return dict(failure, phase=phase, hook=given["hook"], moved_traffic=phase in MOVES_TRAFFIC, put_back=put_back)
