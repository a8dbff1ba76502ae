# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drain: wait until nginx has no request left at the idle color."""

from __future__ import annotations

import time

from .._nginx.app_file import KEEPALIVE_MIN_TIMEOUT
from .._nginx.hidden_requests import hiding_directive
from .._nginx.version import keeps_connections_on_reload
from .._progress import ignore
from .processes import still_running

LOOKS = 5
"""How many looks in a row must find nothing left, while old worker processes run."""

_POLL = 0.1


def wait_until_drained(edge, endpoints, old_workers, proved_at, timeout, on_wait=ignore):
    """Wait at most ``timeout`` s. Return ``(drained, connections left, s waited)``.

    ``endpoints``: the idle color's ``address:port``; ``old_workers``: nginx's worker processes before the swap, which
    was proven at ``proved_at`` (s by the target's monotonic clock); ``on_wait``: called at each poll with a clause
    (what the drain waits for) and the seconds left.
    """
    began = time.monotonic()
    old = {tuple(worker) for worker in old_workers}
    patience = KEEPALIVE_MIN_TIMEOUT if keeps_connections_on_reload(edge.version()) else 0
    hidden = None  # not checked yet
    looks = 0  # in a row without anything left
    while True:
        left = still_running(old)
        if left and hidden is None:
            ok, dump = edge.dump()
            hidden = not ok or bool(hiding_directive(dump))
        # Check clients before connections: a request that nginx forwards in between shows up as a connection.
        receiving = bool(left) and (hidden or edge.may_receive_requests(left))
        connections = edge.established(endpoints)
        now = time.monotonic()
        waited = now - began
        is_late = now >= proved_at + patience or waited >= patience  # proved_at is void after a reboot
        looks = looks + 1 if is_drained(len(left), receiving, connections, is_late) else 0
        # While nginx's "100 Continue" is on its way to a client, that looks as if it was being answered.
        if not left or looks == LOOKS:
            return True, connections, waited
        if waited >= timeout:
            return looks > 0, connections, waited
        on_wait(describe_wait(receiving, connections), timeout - waited)
        time.sleep(_POLL)


def is_drained(old_workers, receiving, connections, is_late):
    """Return whether the idle color has no request left and gets no more.

    ``old_workers``: how many worker processes of the configuration before the swap still run; ``receiving``: whether
    one of them may be receiving a request; ``connections``: to the idle color; ``is_late``: whether no idle
    client can come back to one of them any more. A neighbour's WebSocket keeps an old worker process for hours, so
    the worker processes alone don't decide.
    """
    return old_workers == 0 or (is_late and not receiving and connections == 0)


def describe_wait(receiving, connections):
    """Return what a drain waits for, a clause."""
    if connections:
        return f"nginx has connections open to the idle color ({connections})"
    if receiving:
        return "nginx may be receiving requests for the idle color"
    return "a client that is connected to nginx may still come back to the idle color"


def cut_warning(connections, timeout):
    """Return the warning that a color is stopped after ``timeout`` s though nginx may have requests for it."""
    open_ones = f"{connections} connections to the idle color were still open"
    hidden_ones = "nginx may still have been receiving requests for the idle color"
    return (
        f"{open_ones if connections else hidden_ones} after {timeout} s (bluegreen_drain_timeout); they are cut when "
        "the color is stopped"
    )
