# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of a reload, from nginx's processes alone. Pure.

nginx's log decides nothing, because its lines quote clients. A reload has these steps. The master process gets HUP and
blocks it while it reads the configuration. It starts the new worker processes, and 100 ms later tells the old ones to
leave. If it can't load the configuration, it starts none. In both cases, it then unblocks HUP and sleeps.
"""

from __future__ import annotations

import signal

_SIGNALS = 1 << (signal.SIGHUP - 1) | 1 << (signal.SIGCHLD - 1)


def is_idle(status):
    """Return whether nginx's master process has handled every signal that it got.

    ``status``: the fields of ``/proc/PID/status``, read after the signal was sent.
    """
    # While the master process changes its signal mask, neither signal is blocked, but its state is not S.
    signals = int(status.get("SigBlk", "0"), 16) | int(status.get("ShdPnd", "0"), 16)
    return status.get("State", "").startswith("S") and not signals & _SIGNALS


def describe_master(pid, status):
    """Return what a master process that is not idle does, as a clause."""
    if status.get("State", "").startswith(("T", "t")):
        return f"nginx's master process {pid} is stopped (continue it: kill -CONT {pid})"
    return f"nginx's master process {pid} is busy (its state is {status.get('State') or 'gone'})"


class ReloadProof:
    """Evidence of one reload, from process snapshots. ``before``: the worker processes while the master process was
    idle, after the files were written and before the signal was sent, ``{worker: leaving?}``. ``has_spawned``: whether
    worker processes of a new configuration ran at the same time as all of those."""

    def __init__(self, before):
        self._before = dict(before)
        self._noted = {worker for worker, leaving in before.items() if not leaving}
        self._now = dict(before)
        self.has_spawned = False

    def see(self, workers):
        """Add the next snapshot of the worker processes, ``{worker: leaving?}``."""
        # Workers in both snapshots ran at the same time. While all of the earlier ones are alive, none of them has
        # crashed and been replaced, so additional ones have a new configuration.
        together = self._now.keys() & workers.keys()
        self._now = dict(workers)
        self.has_spawned |= self._noted <= together and bool(together - self._before.keys())

    @property
    def is_loaded(self):
        """Whether every worker process that takes requests has a configuration read after the signal."""
        return self.has_spawned and all(self._now.get(worker, True) for worker in self._noted)

    @property
    def is_refused(self):
        """Whether nginx still serves the earlier configuration. Valid only while the master process is idle."""
        return {worker for worker, leaving in self._now.items() if not leaving} == self._noted
