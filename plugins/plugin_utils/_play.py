# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the play with which the role could not keep its guarantees."""

from __future__ import annotations

from ansible import constants
from ansible.playbook.role_include import IncludeRole


def play_problems(task, task_vars):
    """Return the problems of the play, one sentence each: keyword, value, remedy. ``task``: one of the role's."""
    hosts = len(task_vars.get("ansible_play_batch", []))
    if hosts < 2:
        return []
    ended = {
        "any_errors_fatal": task.any_errors_fatal or constants.ANY_ERRORS_FATAL,
        "max_fail_percentage": task.get_play().max_fail_percentage,
    }
    # Ansible also ends a host's rescue when another host fails.
    return [
        f"{keyword} is {value}: with {hosts} hosts at a time, a failure on one host would stop the others during their "
        f"deploy; remove {keyword} (a failed host still fails the play), or set serial: 1"
        for keyword, value in ended.items()
        if value is not None and value is not False
    ]


def is_selected(task, task_vars):
    """Return whether --tags and --skip-tags select the tasks of the role, which inherit the tags around them.

    ``task``: one of them. Its own tags are ignored.
    """
    another = task.copy()
    another.tags = task._get_parent_attribute("tags", omit=True)
    return another.evaluate_tags(task_vars["ansible_run_tags"], task_vars["ansible_skip_tags"], task_vars)


def is_included(task):
    """Return whether the play uses the role by include_role, whose tags its tasks do not inherit."""
    include = task.get_first_parent_include()
    return isinstance(include, IncludeRole) and not include.statically_loaded
