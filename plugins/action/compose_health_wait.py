# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..plugin_utils._action import FollowedAction
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._run import Run
from ..plugin_utils._screen import show
from ..plugin_utils._summary import traffic_line

AWAITS = {
    "bluegreen_bake": "the target has not answered yet",
    "bluegreen_build": "Docker builds the images",
    "bluegreen_finish": "the target has not answered yet",
    "bluegreen_smoke": "the smoke tests run",
    "bluegreen_start": "the containers start",
    "bluegreen_swap": "nginx loads the new configuration",
    "bluegreen_undo": "the run is undone",
    "bluegreen_up": "Compose starts the containers",
    "compose_health_wait": "the target has not answered yet",
}
"""What each module waits for until it reports that itself. The other modules in meta/runtime.yml end at once."""

LOOKS = ("bluegreen_bake", "bluegreen_finish", "bluegreen_start", "bluegreen_swap", "bluegreen_up")
"""The modules that look at the new color again."""


class ActionModule(FollowedAction):
    """Print the module's progress. In the role, add the options that follow from the run so far, and fail in one
    line."""

    @property
    def awaits(self):
        return AWAITS.get(self._module)

    @property
    def _module(self):
        return self._task.action.rpartition(".")[2]

    def run_module(self, task_vars):
        if self.is_in_role():
            self._task.args = {**self._known(Run(task_vars), task_vars), **self._task.args}
        result = super().run_module(task_vars)
        if self.is_in_role() and self._module == "bluegreen_bake":
            before = self.earlier(task_vars)
            earlier = [{key: each for key, each in before.items() if key != "earlier"}] if before else []
            result["earlier"] = before.get("earlier", []) + earlier
        if self.is_in_role():
            line = traffic_line(self._module, result, Run(task_vars))
            if line and not self._task.check_mode:
                show(prefix(task_vars) + line)
        return result

    def _known(self, run, task_vars):
        """Return the options of the module that follow from the run so far."""
        known = run.look_options() if self._module in LOOKS else {}
        if self._module == "bluegreen_start":
            known.update(run.gate_options())
        if self._module in ("bluegreen_finish", "bluegreen_undo"):
            known["record"] = run.record()
        elif self._module == "bluegreen_record":
            known = run.record()
        elif self._module == "bluegreen_bake":
            known["answers"] = self.earlier(task_vars).get("answers") or {}
        elif self._module == "compose_health_wait" and task_vars.get("__bluegreen_phase") == "exclusive":
            known = {"seen": run.last_seen(), "max_restarts": run.allowed_restarts()}
        return known
