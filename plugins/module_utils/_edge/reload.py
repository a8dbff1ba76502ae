# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether nginx has reloaded. Pure."""

from __future__ import annotations


def has_reloaded(before, now):
    """Return whether nginx serves a new configuration: a new worker is there, and every worker of before is leaving.

    ``before``, ``now``: ``{(pid, start time): leaving?}``, as Edge.workers() reads them.
    """
    new = any(not leaving for worker, leaving in now.items() if worker not in before)
    staying = any(not leaving for worker, leaving in now.items() if worker in before)
    return new and not staying


def refusal_in_log(log):
    """Return what nginx's log says of a reload that is lost, or None while it may still succeed.

    A port that is taken is tried five times over 2.5 s, so only the last word on that counts; the port is in a line
    before.
    """
    port = ""
    for line in log.splitlines():
        if "[emerg]" not in line:
            continue
        if "bind() to" in line:
            port = line.strip() + "; "
        else:
            return (port if "still could not bind" in line else "") + line.strip()
    return None
