# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible.plugins.action import ActionBase

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.undo import acts_of, decide_undo


class ActionModule(ActionBase):
    """Decide what a failed run undoes. Nothing is sent anywhere."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(
            argument_spec={
                "phase": {"type": "str", "required": True},
                "plan": {"type": "dict", "required": True},
                "swapped": {"type": "bool", "required": True},
                "put_back_failed": {"type": "bool", "required": True},
                "put_back_changed": {"type": "bool", "required": True},
            }
        )
        put_back = {"failed": given["put_back_failed"], "changed": given["put_back_changed"]}
        decision = decide_undo(given["phase"], given["plan"], given["swapped"], put_back)
        result.update(acts_of(decision, given["phase"], given["plan"]), changed=False, decision=decision)
        return result
