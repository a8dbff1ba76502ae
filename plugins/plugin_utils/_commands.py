# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that screens name. They have the inventory and the hosts of this run, so that they can be pasted."""

from __future__ import annotations

import shlex

from ansible import constants, context

TARGET = "bluegreen_target"


def arguments_of(task_vars):
    """Return the arguments that give another ansible-playbook the same hosts and variables as this run.

    They leave out the variables that ``-e`` sets one by one, because these may be secret or only for this run.
    """
    sources = [str(source) for source in task_vars.get("ansible_inventory_sources") or []]
    if sources == list(constants.DEFAULT_HOST_LIST):
        sources = []  # the configuration finds them again
    found = [argument for source in sources for argument in ("-i", source)]
    limit = task_vars.get("ansible_limit")
    if limit:
        found += ["--limit", str(limit)]
    files = [each for each in context.CLIARGS.get("extra_vars") or () if str(each).startswith("@")]
    found += [argument for each in files for argument in ("-e", str(each))]
    if task_vars.get(TARGET):
        found += ["-e", f"{TARGET}={task_vars[TARGET]}"]
    return found


def how_to_run(playbook, run, release=None):
    """Return how to start one of the collection's playbooks: a command or, in AWX, the job template of that playbook,
    because nobody has a shell there.

    ``run``: ``arguments``, from arguments_of(), and ``job``, the number of the AWX job, empty outside of AWX.
    """
    if run["job"]:
        return f"launch the job template of {playbook}.yml" + (f" with the release {release}" if release else "")
    more = ["-e", f"bluegreen_release={release}"] if release else []
    return shlex.join(["ansible-playbook", *run["arguments"], f"hotswap.compose.{playbook}", *more])
