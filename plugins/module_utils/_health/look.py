# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a color again after its gate: it must still have the same containers, and these must still be ready."""

from __future__ import annotations

import contextlib
import math

from .._errors import ReleaseFailed
from .probe_run import PROBE_ARGUMENTS, Prober, probes_in
from .verdict import FAILED, READY, Rules
from .wait import Waiter

LOG_TAIL = 50

# Documented in the fragment hotswap.compose._app.look.
LOOK_ARGUMENTS = {
    "project_name": {"type": "str"},
    "services": {"type": "list", "elements": "str", "default": []},
    "traffic_services": {"type": "list", "elements": "str", "default": []},
    "replicas": {"type": "dict", "default": {}},
    "max_restarts": {"type": "int", "default": 0},
    "seen": {"type": "dict", "default": {}},
    **PROBE_ARGUMENTS,
}


def rules_of(params, more_restarts=0):
    """Return the demands on the color. ``params``: LOOK_ARGUMENTS."""
    limit = params["max_restarts"]
    return Rules(
        services=frozenset(params["services"]),
        traffic_services=frozenset(params["traffic_services"]),
        replicas=params["replicas"],
        seen=params["seen"],
        no_healthcheck="running",
        min_uptime=0,
        max_restarts=math.inf if limit < 0 else limit + more_restarts,
    )


def prober_of(params):
    """Return the Prober of the color. ``params``: LOOK_ARGUMENTS. Raises ProbeError."""
    return Prober(probes_in(params), params["seen"])


class Look:
    """``params``: LOOK_ARGUMENTS; ``when``: the clause that ends the error message, such as "after the swap"."""

    def __init__(self, engine, params, when):
        self._when = when
        self._waiter = Waiter(engine, params["project_name"], rules_of(params), prober=prober_of(params))

    def refuse_unready(self):
        """Check once. Raises ReleaseFailed unless the whole color is ready."""
        outcome = self._waiter.look_once()
        if outcome.status != READY:
            self._refuse(outcome)

    @contextlib.contextmanager
    def following(self):
        """Follow the color while the block runs. The block gets a function that raises ReleaseFailed after a
        failure."""
        with self._waiter.following() as look:

            def refuse_failed():
                outcome = look()
                if outcome.status == FAILED:
                    self._refuse(outcome)

            yield refuse_failed

    def _refuse(self, outcome):
        raise ReleaseFailed(f"{outcome.text}, {self._when}", self._waiter.evidence(outcome, LOG_TAIL))
