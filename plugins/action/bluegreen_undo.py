# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..module_utils._deploy.undo import acts_of, decide_undo
from ..plugin_utils._action import ControllerAction


class ActionModule(ControllerAction):
    """Decide what to undo after a failure."""

    options = {
        "phase": {"type": "str", "required": True},
        "plan": {"type": "dict", "required": True},
        "swapped": {"type": "bool", "required": True},
        "put_back_failed": {"type": "bool", "required": True},
        "put_back_changed": {"type": "bool", "required": True},
    }

    def act(self, given, task_vars):
        put_back = {"failed": given["put_back_failed"], "changed": given["put_back_changed"]}
        decision = decide_undo(given["phase"], given["plan"], given["swapped"], put_back)
        return dict(acts_of(decision, given["phase"], given["plan"]), decision=decision)
