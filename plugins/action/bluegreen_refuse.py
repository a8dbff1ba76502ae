# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._screen import show_refusal
from ..plugin_utils._task_failure import TaskFailed


class ActionModule(ControllerAction):
    """Fail with a message that is readable in each job."""

    options = {"msg": {"type": "str", "required": True}}

    def act(self, given, task_vars):
        show_refusal([given["msg"]])
        raise TaskFailed(given["msg"])
