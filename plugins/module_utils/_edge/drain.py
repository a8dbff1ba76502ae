# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drain: wait until nginx has no request left at the idle color."""

from __future__ import annotations

import time

from .._nginx.app_file import KEEPALIVE_MIN_TIMEOUT
from .._nginx.version import keeps_connections_on_reload

_POLL = 0.1


def wait_until_drained(edge, endpoints, old_workers, proved_at, timeout, on_wait=None):
    """Wait at most ``timeout`` s. Return ``(drained, connections left, s waited)``.

    ``endpoints``: the idle color's ``address:port``; ``old_workers``: nginx's before the swap, which was proven at
    ``proved_at`` (s since the epoch); ``on_wait``: called all the time with what is waited for and the s left.
    """
    began = time.monotonic()
    old = {tuple(worker) for worker in old_workers}
    version = edge.version()
    while True:
        left = len(old & set(edge.workers()))
        connections = edge.established(endpoints)
        waited = time.monotonic() - began
        since_proof = max(waited, time.time() - proved_at)  # also if the clock was set back meanwhile
        if is_drained(left, connections, since_proof, version):
            return True, connections, waited
        if waited >= timeout:
            return False, connections, waited
        if on_wait:
            on_wait(describe_wait(connections), timeout - waited)
        time.sleep(_POLL)


def is_drained(old_workers, connections, since_proof, nginx_version):
    """Return whether the idle color has no request left and gets no more.

    ``old_workers``: how many worker processes of the configuration before the swap still run; ``connections``:
    established to the idle color; ``since_proof``: s since the swap was proven. A neighbour's WebSocket keeps an old
    worker for hours, so the workers alone don't decide. An idle client may send its next request to an old worker, so
    the connections alone don't decide either.
    """
    if old_workers == 0:
        return True
    patience = KEEPALIVE_MIN_TIMEOUT if keeps_connections_on_reload(nginx_version) else 0
    return connections == 0 and since_proof >= patience


def describe_wait(connections):
    """Return what a drain waits for, a clause."""
    if connections:
        return f"nginx has connections open to the old color ({connections})"
    return "a client that is connected to nginx may still come back to the old color"


def cut_warning(connections, timeout):
    """Return the warning that a color is stopped with so many connections open to it, after ``timeout`` s."""
    return (
        f"{connections} connections to the color that gave up the traffic were still open after {timeout} s "
        "(bluegreen_drain_timeout); they are cut when it is stopped"
    )
