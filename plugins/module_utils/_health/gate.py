# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: wait until all containers of a project are ready."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from .probe_run import Prober, probes_in
from .verdict import READY, Rules
from .wait import Waiter, evidence, timeout_warnings

GATE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "stable_for": {"type": "float", "default": 0},
    "no_healthcheck": {"type": "str", "choices": ["fail", "running"], "default": "fail"},
    "min_uptime": {"type": "float", "default": 10},
}


class GateResult(NamedTuple):
    """``result``: ``{ready, verdict, elapsed, reaction, seen, containers}``, as compose_health_wait documents it."""

    result: dict[str, Any]
    warnings: list[str]


def nothing_seen() -> dict[str, Any]:
    """Return the result of a gate that has looked at no container."""
    return {"ready": False, "elapsed": 0.0, "reaction": None, "containers": [], "seen": {}}


def wait_until_ready(engine: Any, params: Mapping[str, Any], progress: Any, once: bool = False) -> GateResult:
    """Wait until the project is ready or has failed. Raises EngineError, ProbeError.

    ``params``: the options of compose_health_wait; ``progress``: a Progress; ``once``: whether to look only once.
    """
    rules = Rules(
        services=frozenset(params["services"]),
        traffic_services=frozenset(params["traffic_services"]),
        replicas=params["replicas"],
        seen=params["seen"],
        no_healthcheck=params["no_healthcheck"],
        min_uptime=params["min_uptime"],
        max_restarts=params["max_restarts"],
        network=params["network"],
    )
    waiter = Waiter(
        engine,
        params["project_name"],
        rules,
        params["timeout"],
        params["stable_for"],
        on_change=progress.say,
        on_wait=progress.wait,
        began=params["began"],
        prober=Prober(probes_in(params), params["seen"]),
    )
    outcome = waiter.look_once() if once else waiter.wait()
    records = list(waiter.records.values())
    result = {
        "ready": outcome.status == READY,
        "verdict": outcome.text,
        "elapsed": waiter.elapsed,
        "reaction": waiter.reaction,
        "seen": waiter.seen(),
        "containers": evidence(engine, records, outcome, params["log_tail"]),
    }
    return GateResult(result, timeout_warnings(records, params["timeout"]))
