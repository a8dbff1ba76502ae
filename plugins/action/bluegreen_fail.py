# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible import constants as C

from ..plugin_utils._action import ControllerAction
from ..plugin_utils._commands import arguments_of
from ..plugin_utils._controller import who_runs
from ..plugin_utils._failure_screen import failure_headline, failure_screen
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._run import Run
from ..plugin_utils._screen import show
from ..plugin_utils._task_failure import TaskFailed

OF_PLAN = ("release", "previous_release", "color", "active_color", "how")
OF_FAILURE = ("phase", "hook", "why", "module")


class ActionModule(ControllerAction):
    """Print the failure screen, and fail with its first line."""

    def act(self, given, task_vars):
        ways = {"arguments": arguments_of(task_vars), "job": who_runs(task_vars)["job"]}
        facts = {
            **facts_of(Run(task_vars)),
            **ways,
            "logs_in": bool(self._templar.template(task_vars.get("bluegreen_registry"))),
        }
        show(prefix(task_vars) + failure_screen(facts), color=C.COLOR_ERROR)
        raise TaskFailed(failure_headline(facts))


def facts_of(run):
    """Return the facts for the failure screen (see _failure_screen.py). ``run``: a Run."""
    undone, failure, evidence = run.of("undone"), run.failure, run.failure["evidence"]
    by_swap = failure["module"].endswith(".bluegreen_swap") and not evidence.get("containers")
    return {
        "app": run.settings["app"],
        "kind": run.kind,
        "outcome": run.outcome(),
        **{name: run.plan.get(name) or "" for name in OF_PLAN},
        **{name: failure[name] for name in OF_FAILURE},
        "probes": run.plan.get("probes") or [],
        "pulled_images": list(run.plan.get("pulled_images") or {}),
        "pull": run.settings.get("pull") or "",
        "nginx_fault": evidence.get("nginx_fault", by_swap),
        "kept_traffic": undone.get("kept_traffic", False),
        "new_keeps_it": undone.get("new_keeps_it", False),
        "containers": run.containers(),
        "put_back_error": undone.get("put_back_error", ""),
        "removed_containers": undone.get("removed_containers", []),
        "removed_images": undone.get("removed_images", []),
        "left_undone": run.left_undone(),
        "page": run.of("reported").get("page") or "",
    }
