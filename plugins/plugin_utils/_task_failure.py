# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task's failure: one of the role's modules fails in one line, and a rescue reads any failure."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.utils.unsafe_proxy import wrap_var

from ._screen import sanitize

EVIDENCE = "_ansible_bluegreen"
"""The key of the whole result in ansible_failed_result, for a rescue. Keys with this prefix are never printed."""

UNMOVED = "Traffic: this run did not move it."
"""The last line of the message of a run that is refused up front."""


class TaskFailed(AnsibleActionFail):
    """Fails a task with only a message. ``evidence``: the result for the rescue."""

    # From ansible-core 2.19 on, this prevents an excerpt of the role's own file, which is not the cause.
    omit_exception_key = True

    def __init__(self, message, evidence=None):
        super().__init__(sanitize(message), result={"changed": False, EVIDENCE: sanitize(evidence or {})})
        self.result.pop("exception", None)  # before 2.19: a traceback of this very line
        # Up to 2.18, Ansible marks an action plugin's return value as no template, but not its exception.
        self.result.update(wrap_var(self.result))


def failure_of(task, result, run_id):
    """Return a failure as a rescue sees it: ``{why, module, phase, hook, evidence, failed_stamp}``.

    ``task``, ``result``: ansible_failed_task and ansible_failed_result, empty if Ansible has none; ``run_id``: of this
    run. ``evidence``: the whole result of one of the role's modules, otherwise empty; ``phase``: empty if the result
    has none. In a loop, the first failed item counts.
    """
    results = result.get("results")
    if not isinstance(results, list):  # a module may return anything under this name
        results = []
    items = [item for item in results if isinstance(item, dict) and item.get("failed")]
    failed = (items or [result])[0]
    evidence = failed.get(EVIDENCE) or {}
    stamp = evidence.get("stamp") or {}
    if evidence and stamp.get("run") != run_id:  # an earlier run of the play has left it
        task, failed, evidence, stamp = {}, {}, {}, {}
    why = evidence.get("why") or failed.get("msg") or "no reason was given"
    if task.get("no_log"):
        why = "the reason is hidden, because the task has no_log"
    by_hook = "hook" in evidence
    return {
        "why": str(why),
        "module": evidence["module"] if by_hook else task.get("action") or "",
        "phase": evidence["phase"] if by_hook else stamp.get("phase") or "",
        "hook": evidence["hook"] if by_hook else "",
        "evidence": {} if by_hook else evidence,
        "failed_stamp": stamp if "began" in stamp else None,
    }
