# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import time
import uuid

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._deploy.request import complete_request
from ..module_utils._deploy.steps import blind_plan
from ..module_utils._text import excerpt
from ..plugin_utils._action import Action
from ..plugin_utils._controller import identity, is_dead, is_this_run, run_pid, who_runs
from ..plugin_utils._lock_keeper import keep_lock_alive
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._screen import show

LOOK_AGAIN = 2.0
"""Seconds between two checks of a lock that another run has."""

SAY_AGAIN = 10.0


class ActionModule(Action):
    """Let the module take the app's lock, wait for it if requested, and keep it while this run is alive."""

    exact = ("plan",)

    def run_module(self, task_vars):
        arguments = dict(self._task.args)
        if boolean(arguments.pop("blind", False)):
            return self._plan_blindly(arguments)
        wait = float(arguments["settings"].get("lock_wait") or 0)
        taken_here = not self._task.check_mode and not arguments.get("lock")
        if taken_here:
            arguments["lock"] = uuid.uuid4().hex
            arguments["holder"] = self._holder(task_vars)
        result = self._take(arguments, wait, task_vars)
        if taken_here and result.get("lock"):
            keep_lock_alive(self._on_target, self._connection.transport, result["beat"], run_pid())
        if "now" in result:
            result["clock_ahead"] = round(result.pop("now") - time.time(), 3)
        return result

    def _plan_blindly(self, arguments):
        request = complete_request(
            arguments["settings"], kind=arguments["kind"], recovered={}, preview={}, smoke_tests=[]
        )
        warning = "nginx does not run yet, so this check can't tell what the deploy would do"
        return {"changed": False, "plan": dataclasses.asdict(blind_plan(request)), "warnings": [warning]}

    def _take(self, arguments, wait, task_vars):
        deadline, said_at = time.monotonic() + wait, None
        while True:
            result = self._execute_module("hotswap.compose.bluegreen_plan", arguments, task_vars=task_vars)
            held = result.get("held")
            if not held:
                return result
            if arguments.get("dead") != held["token"] and self._is_dead(held, task_vars):
                arguments["dead"] = held["token"]
                continue
            now = time.monotonic()
            if now >= deadline:
                return result
            if said_at is None or now - said_at >= SAY_AGAIN:
                said_at = now
                show(f"{prefix(task_vars)}waiting for {excerpt(held['says'])}, {deadline - now:.0f} s at most")
            time.sleep(min(LOOK_AGAIN, deadline - now))

    def _is_dead(self, held, task_vars):
        # This very run may have left its lock, if the play continued after a failure.
        process = held.get("process")
        again = is_this_run(process) and held.get("host") == task_vars["inventory_hostname"]
        return again or is_dead(process)

    def _holder(self, task_vars):
        return {**who_runs(task_vars), "host": task_vars["inventory_hostname"], "process": identity(run_pid())}

    def _on_target(self, command):
        return self._low_level_execute_command(command)
