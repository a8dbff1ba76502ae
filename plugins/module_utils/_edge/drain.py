# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the idle color is drained, and what the operator reads meanwhile. Pure."""

from __future__ import annotations

from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import KEEPALIVE_MIN_TIMEOUT
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.version import keeps_connections_on_reload


def is_drained(old_workers, connections, since_proof, nginx_version):
    """Return whether the old color has no request left and gets no more.

    ``old_workers``: of the configuration before the swap, how many still run; ``connections``: established to the old
    color; ``since_proof``: s. A neighbour's WebSocket keeps an old worker for hours, so workers alone don't decide; an
    idle client whose next request still goes to an old worker is why no connection alone doesn't either.
    """
    if old_workers == 0:
        return True
    patience = KEEPALIVE_MIN_TIMEOUT if keeps_connections_on_reload(nginx_version) else 0
    return connections == 0 and since_proof >= patience


def describe_wait_for_drain(connections):
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
