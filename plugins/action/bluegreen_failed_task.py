# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..module_utils._deploy.undo import to_put_back
from ..plugin_utils._action import ControllerAction, earlier_result
from ..plugin_utils._run import PREFIX, Run
from ..plugin_utils._task_failure import TaskFailed, failure_of


class ActionModule(ControllerAction):
    """Read in a rescue which task failed. If a hook failed, fail again with its message, or tolerate the failure."""

    options = {
        "hook": {"type": "str", "default": ""},
        "tolerated": {"type": "str", "default": ""},
    }

    def act(self, given, task_vars):
        run = Run(task_vars)
        task, result = (task_vars.get(f"ansible_failed_{each}") or {} for each in ("task", "result"))
        failure = failure_of(task, result, run.id)
        if given["hook"]:
            failure.update(hook=given["hook"], phase=run.last_phase(), evidence={})
        if given["tolerated"]:
            before = earlier_result(self._task, task_vars).get("left_undone") or []
            return {"left_undone": [*before, f"{given['tolerated']}: {failure['why']}"]}
        if given["hook"]:
            raise TaskFailed(failure["why"], dict(failure, stamp={"run": run.id}))
        swapped = task_vars.get(PREFIX + "swapped") or {}
        if swapped.get("failed") and not failure["phase"]:
            # Up to ansible-core 2.18, a rescue is not told of a failure in flush_handlers.
            failure = dict(failure_of({}, swapped, run.id), phase="swap", module="hotswap.compose.bluegreen_swap")
        phase = failure["phase"] or run.next_phase()
        put_back = to_put_back(phase, run.plan, run.is_introduced(failure))
        return dict(failure, phase=phase, put_back=put_back, swapped=bool(run.of("swapped")))
