# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible import constants as C

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._controller import who_runs
from ..plugin_utils._failure_screen import failure_headline, failure_screen
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._screen import show
from ..plugin_utils._task_failure import TaskFailed

OF_PLAN = ("release", "previous_release", "color", "active_color", "how")
OF_FAILURE = ("phase", "hook", "why", "module")
NAMES = {"type": "list", "elements": "str", "default": []}


class ActionModule(ControllerAction):
    """Print the failure screen, and fail with its first line."""

    options = {
        "app": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True},
        "outcome": {"type": "str", "required": True},
        "plan": {"type": "dict", "required": True},
        "failure": {"type": "dict", "required": True},
        "undo": {"type": "dict", "default": {}},
        "containers": {"type": "list", "elements": "dict", "default": []},
        "put_back_error": {"type": "str", "default": ""},
        "removed_containers": NAMES,
        "removed_images": NAMES,
        "left_undone": NAMES,
        "page": {"type": "str", "default": ""},
    }

    def act(self, given, task_vars):
        plan, failure, undo = (given.pop(name) for name in ("plan", "failure", "undo"))
        facts = dict(
            given,
            job=who_runs(task_vars)["job"],
            **{name: plan[name] or "" for name in OF_PLAN},
            **{name: failure[name] for name in OF_FAILURE},
            **{name: undo.get(name, False) for name in ("kept_traffic", "new_keeps_it")},
        )
        show(prefix(task_vars) + failure_screen(facts), color=C.COLOR_ERROR)
        raise TaskFailed(failure_headline(facts))
