# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This run on the controller: its user and its process, from which another run can see whether this one is alive."""

from __future__ import annotations

import getpass
import multiprocessing
import os
import socket


def run_pid():
    """Return the process id of the ansible-playbook whose worker this is, even if it has died. getppid() would then
    return 1, which is a process that never dies."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent else os.getpid()


def identity(pid):
    """Return ``{"boot", "pid_ns", "pid", "started"}`` of a process, or None if this system does not provide it."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        return {
            "boot": boot,
            "pid_ns": os.readlink("/proc/self/ns/pid"),
            "pid": pid,
            "started": _started(pid)[1],
        }
    except (OSError, TypeError):
        return None


def is_this_run(process):
    """Return whether a process, as from identity(), is the ansible-playbook whose worker this is."""
    return process is not None and process == identity(run_pid())


def is_dead(process):
    """Return whether a process, as from identity(), was one of this machine and has ended."""
    here = identity(os.getpid())
    if not here or not isinstance(process, dict) or any(process.get(key) != here[key] for key in ("boot", "pid_ns")):
        return False
    pid = process.get("pid")
    # The pid comes from another run's file, and a signal to 0 or below goes to many processes.
    if not isinstance(pid, int) or isinstance(pid, bool) or pid < 1:
        return False
    state, started = _started(pid)
    if state is None:
        return not _may_be_there(pid)
    return state == "Z" or started != process.get("started")


def _started(pid):
    """Return ``(state, start in clock ticks)`` of a process; both None if it is not visible."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return None, None
    return fields[0], int(fields[19])


def _may_be_there(pid):
    """Return False if there is no such process. A /proc with hidepid hides another user's processes."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def who_runs(task_vars):
    """Return ``{"user", "controller", "job"}``. In AWX, these are the job's user and its number."""
    return {
        "user": str(task_vars.get("awx_user_name") or getpass.getuser()),
        "controller": socket.gethostname(),
        "job": str(task_vars.get("awx_job_id") or task_vars.get("tower_job_id") or ""),
    }
