# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The common parts of the action plugins."""

from __future__ import annotations

import time
import uuid

from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction

from ..module_utils._progress import PREFIX, VARIABLE
from ..module_utils._text import excerpt, first_line
from ._progress_follower import Follower
from ._progress_narrator import Narrator, prefix
from ._run import PREFIX as OURS
from ._run import run_id, text_of_warning
from ._screen import sanitize_result, show, show_refusal, warn
from ._task_failure import TaskFailed

ROLE = "hotswap.compose.bluegreen"

AROUND = {"changed", "exception", "failed", "invocation", "msg"}
"""The keys of every result, in addition to those of its module."""


def stamp(task_vars, began, earlier=None, run=None, phases=None):
    """Return ``{run, phase, began, ended}`` for a result of the role (see _run.py). ``earlier``: the task's previous
    result; if it is of the same phase, the task began then. ``phases``: those that the task has timed; it ended in the
    last one."""
    phase = list(phases)[-1] if phases else task_vars.get(OURS + "phase")
    before = (earlier or {}).get("stamp") or {}
    if before and before["phase"] == phase:
        began = before["began"]
    return {"run": run or run_id(task_vars), "phase": phase, "began": began, "ended": time.time()}


def earlier_result(task, task_vars):
    """Return the result that this run has already registered under the name of a task. Empty if there is none."""
    # From ansible-core 2.21 on, ``register`` is a mapping of names to expressions.
    name = task.register if isinstance(task.register, str) else next(iter(task.register or {}), "")
    found = task_vars.get(name)
    before = found.get("stamp") if isinstance(found, dict) else None
    return found if before and before["run"] == run_id(task_vars) else {}


class ControllerAction(ActionBase):
    """Acts on the controller only, and sends nothing to the target.

    ``options``: its argument spec; ``exact``: the keys of its result that later tasks use, such as a file's content.
    They are not sanitized.
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    options = {}
    exact = ()

    def run(self, tmp=None, task_vars=None):
        began = time.time()
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(argument_spec=self.options)
        result.update({"changed": False, **self.act(given, task_vars)})
        result["stamp"] = stamp(task_vars, began, run=result.get("run_id"))
        return sanitize_result(result, self.exact)

    def act(self, given, task_vars):
        """Return the task's result without ``changed``. ``given``: the task's options."""


class Action(NormalAction):
    """Runs the module. In the role, it fails in one line, because the role has a failure screen.

    ``brief``: whether the first line of a message is enough before that screen; ``exact``: as in ControllerAction.
    """

    brief = False
    exact = ()

    def run(self, tmp=None, task_vars=None):
        began = time.time()
        result = sanitize_result(self.run_module(task_vars), self.exact)
        if not self.is_in_role():
            return result
        result["stamp"] = stamp(task_vars, began, self.earlier(task_vars), phases=result.get("phases"))
        if result.get("failed") and not self._task.failed_when:
            warnings = [text_of_warning(warning) for warning in result.get("warnings", [])]
            for warning in warnings:
                warn(warning)
            message = result.get("msg") or "no reason was given"
            found = {key: value for key, value in result.items() if key not in AROUND and not key.startswith("_")}
            evidence = {"containers": [], **found, "why": message, "warnings": warnings}
            if task_vars.get("__bluegreen_phase", "detect") == "detect":  # a later failure has a screen of its own
                show_refusal(message.splitlines(), prefix(task_vars))
            raise TaskFailed(first_line(message)[0] if self.brief else message, evidence)
        return result

    def earlier(self, task_vars):
        """Return the task's previous result in this run, such as in a loop. Empty if there is none."""
        return earlier_result(self._task, task_vars)

    def is_in_role(self):
        """Return whether the task belongs to the role."""
        role = self._task._role
        return bool(role) and role.get_name() == ROLE

    def run_module(self, task_vars):
        return self.execute(task_vars)

    def execute(self, task_vars):
        return super().run(None, task_vars)


class FollowedAction(Action):
    """Shows the module's progress, and at least every 10 seconds what it waits for.

    ``awaits``: what it waits for until the module reports that, as a clause. None for a module that is not followed;
    ``speaks``: whether the module reports progress.
    """

    awaits = "the target has not answered yet"
    speaks = True

    def run_module(self, task_vars):
        return self.follow(task_vars, self.awaits, lambda: self.execute(task_vars))

    def follow(self, task_vars, awaits, execute):
        """Return the result of ``execute()``, which runs a module, and show the module's progress."""
        if awaits is None or self._task.check_mode or self._task.async_val:
            return self._heard(execute())
        path = PREFIX + uuid.uuid4().hex if self.speaks else None
        environment = self._task.environment
        if path:
            self._task.environment = [*(environment or []), {VARIABLE: path}]
        begin = prefix(task_vars)
        follower = Follower(
            self._on_target,
            self._connection.transport,
            path,
            Narrator(time.monotonic(), awaits),
            lambda text: show(begin + excerpt(text)),
        )
        with follower:
            result = execute()
        self._task.environment = environment
        follower.show_rest(result.get("progress") or [])
        return self._heard(result)

    def _heard(self, result):
        result.pop("progress", None)
        return result

    def _on_target(self, command):
        return self._low_level_execute_command(command)
