# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the play around the role must not ask for, because the role could not keep its promise there."""

from __future__ import annotations

from ansible import constants
from ansible.playbook.role_include import IncludeRole


def play_problems(task, task_vars):
    """Return what is wrong with the play, each one sentence: keyword, value, remedy. ``task``: one of the role's."""
    hosts = len(task_vars.get("ansible_play_batch", []))
    if hosts < 2:
        return []
    ended = {
        "any_errors_fatal": task.any_errors_fatal or constants.ANY_ERRORS_FATAL,
        "max_fail_percentage": task.get_play().max_fail_percentage,
    }
    # Ansible ends a host's rescue too as soon as another host fails.
    return [
        f"{keyword} is {value}: with {hosts} hosts at a time, a failure on one host would stop the others during their "
        f"deploy; remove {keyword} (a failed host still fails the play), or set serial: 1"
        for keyword, value in ended.items()
        if value is not None and value is not False
    ]


def is_selected(task, task_vars):
    """Return whether --tags and --skip-tags select the tasks of the role, which have the tags of what is around them.

    ``task``: one of them, whatever tags of its own it has.
    """
    another = task.copy()
    another.tags = task._get_parent_attribute("tags", omit=True)
    return another.evaluate_tags(task_vars["ansible_run_tags"], task_vars["ansible_skip_tags"], task_vars)


def is_included(task):
    """Return whether the play has the role by include_role, whose tags its tasks do not have."""
    include = task.get_first_parent_include()
    return isinstance(include, IncludeRole) and not include.statically_loaded
