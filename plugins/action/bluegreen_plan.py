# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import uuid

from ..module_utils._text import excerpt
from ..plugin_utils._action import FollowedAction
from ..plugin_utils._controller import identity, is_dead, is_this_run, run_pid, who_runs
from ..plugin_utils._lock_keeper import keep_lock_alive
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._run import Run
from ..plugin_utils._screen import show
from ..plugin_utils._summary import plan_line
from ..plugin_utils._task_failure import UNMOVED

LOOK_AGAIN = 2.0
"""Seconds between two checks of a lock that another run has."""

SAY_AGAIN = 10.0

OF_RECOVERY = ("app", "state_dir", "nginx_mode", "network", "nginx_container", "nginx_conf_dir", "docker_host")
OF_SETTINGS = ("health_timeout", "drain_timeout", "retire", "keep_releases")

FOUND = ("decision", "promoted", "gone_back_to")
"""The results of a recovery that the plan needs."""


class ActionModule(FollowedAction):
    """Let the module take the app's lock, wait for it if requested, and keep it while this run is alive. If an earlier
    run was interrupted, finish or undo it, and plan again."""

    exact = ("plan",)

    def run_module(self, task_vars):
        run = Run(task_vars)
        arguments = dict(self._task.args)
        arguments["recovered"] = run.planned.get("recovered") or {}
        lock = run.planned.get("lock")
        if lock:  # this run plans again
            arguments["lock"] = lock
        else:
            arguments.pop("lock", None)
        taken_here = not self._task.check_mode and not lock
        if taken_here:
            arguments["lock"] = uuid.uuid4().hex
            arguments["holder"] = self._holder(task_vars)
        wait = float(arguments["settings"].get("lock_wait") or 0)
        app = arguments["settings"].get("app")
        result = self._take(arguments, wait, task_vars)
        if taken_here and result.get("lock"):
            keep_lock_alive(self._on_target, self._connection.transport, result["beat"], run_pid())
        if result.get("failed") and not lock:  # later, or after a recovery, the traffic may have moved
            result["msg"] = f"{result.get('msg') or 'no reason was given'}\n{UNMOVED}"
        elif result.get("unfinished") and not self._task.check_mode:
            result = self._recover(arguments, result, task_vars)
        result.setdefault("recovered", arguments["recovered"])
        result["plans"] = [*run.planned.get("plans", []), *([brief(run.planned)] if run.planned else [])]
        if "now" in result:
            result["clock_ahead"] = round(result.pop("now") - time.time(), 3)
        line = plan_line(app, result.get("plan"))
        if line and not self._task.check_mode and line != plan_line(app, run.plan):
            show(prefix(task_vars) + line)
        return result

    def _recover(self, arguments, planned, task_vars):
        """End the run that was killed, and return the plan that follows, with ``recovered``."""
        options = {name: arguments[name] for name in OF_RECOVERY if name in arguments}
        options.update((name, arguments["settings"][name]) for name in OF_SETTINGS if name in arguments["settings"])
        options.update(lock=planned["lock"], docker_host=planned["docker_host"])
        if "probe_headers" in arguments:
            options["probe_headers"] = arguments["probe_headers"]
        name = "hotswap.compose.bluegreen_recover"
        recovered = self.follow(
            task_vars,
            "the role finishes or undoes an interrupted run",
            lambda: self._execute_module(name, options, task_vars=task_vars),
        )
        if recovered.get("failed"):
            return recovered
        found = {key: recovered[key] for key in FOUND if key in recovered}
        arguments = dict(arguments, lock=planned["lock"], recovered=found)
        result = self._execute_module("hotswap.compose.bluegreen_plan", arguments, task_vars=task_vars)
        warnings = [*recovered.get("warnings", []), *result.get("warnings", [])]
        return dict(result, recovered=found, changed=True, warnings=warnings)

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


def brief(planned):
    """Return the part of a plan that stays when the same run plans again."""
    return {key: planned[key] for key in ("stamp", "warnings") if key in planned}
