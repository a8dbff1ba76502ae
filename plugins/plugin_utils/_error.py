# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A failure that is said in one line."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail

EVIDENCE = "_ansible_bluegreen"
"""Under this key a rescue finds the whole result, in ansible_failed_result; what begins so is never printed."""


class TaskFailed(AnsibleActionFail):
    """Fails a task with a message and nothing around it. ``evidence``: the result that is for the rescue alone."""

    # From ansible-core 2.19 on: no excerpt of the role's own file, which is not what is wrong.
    omit_exception_key = True

    def __init__(self, message, evidence=None):
        super().__init__(message, result={"changed": False, EVIDENCE: evidence or {}})
        self.result.pop("exception", None)  # before it: a traceback of this very line
