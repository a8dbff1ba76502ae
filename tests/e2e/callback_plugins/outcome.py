# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import pathlib

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: outcome
type: aggregate
short_description: Write what a playbook did to a file, for the tests
description:
  - Writes the tasks' results, the numbers a host and the custom stats, as JSON, to the file that E(E2E_OUTCOME) names.
  - Adds a line for each task that begins to the file that E(E2E_PROGRESS) names, C(phase module). The phase is the
    name of the task's file; C(handlers) for a handler.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "outcome"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.tasks = []
        self.facts = {}  # bluegreen_result by host, which check mode does not publish as a custom stat

    def v2_runner_on_start(self, host, task):
        with open(os.environ["E2E_PROGRESS"], "a", encoding="utf-8") as file:
            file.write(f"{phase_of(task)} {task.action.rpartition('.')[2]}\n")

    def v2_runner_on_ok(self, result):
        self._note(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note(result, "failed")

    def v2_runner_on_unreachable(self, result):
        self._note(result, "unreachable")

    def v2_playbook_on_stats(self, stats):
        summary = {host: stats.summarize(host) for host in stats.processed}
        outcome = {"tasks": self.tasks, "summary": summary, "custom": stats.custom.get("_run", {}), "facts": self.facts}
        with open(os.environ["E2E_OUTCOME"], "w", encoding="utf-8") as file:
            json.dump(outcome, file, default=str)

    def _note(self, result, status):
        details = result._result
        found = (details.get("ansible_facts") or {}).get("bluegreen_result")
        if found:
            self.facts[result._host.get_name()] = found
        self.tasks.append(
            {
                "host": result._host.get_name(),
                "task": result._task.get_name(),
                "phase": phase_of(result._task),
                "action": result._task.action,
                "status": status,
                "changed": bool(details.get("changed")),
                "msg": str(details.get("msg", "")),
                "keys": [key for key in details if not key.startswith("_ansible_")],
            }
        )


def phase_of(task):
    """Return the phase that a task belongs to; the name of its directory for a file ``main.yml``."""
    path = pathlib.Path(task.get_path().rpartition(":")[0])
    return path.parent.name if path.stem == "main" else path.stem
