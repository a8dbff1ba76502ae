# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a run's lock alive from the controller, and releases it as soon as the run is dead."""

from __future__ import annotations

import os
import select
import shlex
import signal

from ansible.utils.display import Display

from ._controller import identity, is_dead

BEAT = 5.0
"""Seconds from one beat to the next."""

# Here, each command is a process of its own, so a fork may use the connection together with the playbook.
CONNECTIONS = ("local", "ssh", "community.docker.docker")


def keep_lock_alive(run, transport, beat, pid):
    """Fork a process that renews the file ``beat`` on the target until the file is gone or the process ``pid`` has
    died, and then removes it.

    ``run(command)``: runs a shell command on the target and returns a dict with its ``rc``; ``transport``: the
    connection's name. If the connection can't be shared, this does nothing, and only running modules keep the lock
    alive.
    """
    process = identity(pid)
    if transport not in CONNECTIONS or process is None:
        return
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _detach()
            _follow(run, shlex.quote(beat), process)
    finally:
        os._exit(0)


def _detach():
    """Detach from the playbook: from its signals, and from its files, for whose end others wait."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    # Up to the limit, which may be a billion, this takes minutes in a Python without close_range.
    os.closerange(3, max(map(int, os.listdir("/proc/self/fd"))) + 1)
    display = Display()
    display._final_q = None  # the worker's way to the playbook, closed now
    display.verbosity = 0


def _follow(run, beat, process):
    try:
        lives = [os.pidfd_open(process["pid"])]
    except (AttributeError, OSError):  # not every Python has it, and not every kernel allows it: check once a beat
        lives = []
    while not is_dead(process) and not select.select(lives, [], [], BEAT)[0]:
        if _told(run, f"touch -c {beat} && test -e {beat}") is False:
            return  # released by the run itself, or by unlock
    _told(run, f"rm -f {beat}")


def _told(run, command):
    """Return whether a command succeeded on the target. None if unknown."""
    try:
        return run(command)["rc"] == 0
    except Exception:  # of any connection: the next beat may succeed
        return None
