# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.hotswap.compose.plugins.plugin_utils._error import TaskFailed
from ansible_collections.hotswap.compose.plugins.plugin_utils._failure import failure_headline, failure_screen
from ansible_collections.hotswap.compose.plugins.plugin_utils._progress_narrator import prefix


class ActionModule(ActionBase):
    """Print what a person needs to know of the failure, and fail with its first line. Nothing is sent anywhere."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        text = {"type": "str", "default": ""}
        names = {"type": "list", "elements": "str", "default": []}
        _validated, facts = self.validate_argument_spec(
            argument_spec={
                "app": {"type": "str", "required": True},
                "kind": {"type": "str", "required": True},
                "outcome": {"type": "str", "required": True},
                "phase": {"type": "str", "required": True},
                "hook": text,
                "why": {"type": "str", "required": True},
                "module": text,
                "release": text,
                "previous_release": text,
                "color": text,
                "active_color": text,
                "how": text,
                "containers": {"type": "list", "elements": "dict", "default": []},
                "kept_traffic": {"type": "bool", "required": True},
                "new_keeps_it": {"type": "bool", "required": True},
                "put_back_error": text,
                "removed_containers": names,
                "removed_images": names,
                "left_undone": names,
                "page": text,
            }
        )
        begin = prefix(task_vars)
        Display().display(begin + failure_screen(facts), color=C.COLOR_ERROR)
        raise TaskFailed(failure_headline(facts))
