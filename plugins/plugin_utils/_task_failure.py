# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task's failure: one of ours in one line, and what a rescue reads of any."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.utils.unsafe_proxy import wrap_var

from ._screen import sanitize

EVIDENCE = "_ansible_bluegreen"
"""Under this key a rescue finds the whole result, in ansible_failed_result; what begins so is never printed."""


class TaskFailed(AnsibleActionFail):
    """Fails a task with a message and nothing around it. ``evidence``: the result that is for the rescue alone."""

    # From ansible-core 2.19 on: no excerpt of the role's own file, which is not what is wrong.
    omit_exception_key = True

    def __init__(self, message, evidence=None):
        super().__init__(sanitize(message), result={"changed": False, EVIDENCE: sanitize(evidence or {})})
        self.result.pop("exception", None)  # before it: a traceback of this very line
        # Up to 2.18, Ansible marks what an action plugin returns as no template, but not what it raises.
        self.result.update(wrap_var(self.result))


def failure_of(task, result, otherwise=""):
    """Return what Ansible tells a rescue of a failure: ``{why, module, evidence}``.

    ``task``, ``result``: ansible_failed_task and ansible_failed_result, empty if Ansible has none; ``otherwise``: the
    reason to give if the result has none. ``evidence``: the whole result of a module of ours, else empty. Of a loop,
    the first item that failed counts.
    """
    results = result.get("results")
    if not isinstance(results, list):  # a module may return anything under this name
        results = []
    items = [item for item in results if isinstance(item, dict) and item.get("failed")]
    failed = (items or [result])[0]
    evidence = failed.get(EVIDENCE) or {}
    why = evidence.get("why") or failed.get("msg") or otherwise or "no reason was given"
    if task.get("no_log"):
        why = "the reason is hidden, because the task has no_log"
    return {"why": str(why), "module": task.get("action") or "", "evidence": evidence}
