# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._screen import show


class ActionModule(ControllerAction):
    """Print a text unchanged and in one piece, so that the texts of several hosts don't mix."""

    options = {"text": {"type": "str", "required": True}}

    def act(self, given, task_vars):
        show(given["text"].rstrip())
        return {}
