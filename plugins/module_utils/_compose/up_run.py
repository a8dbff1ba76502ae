# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``docker compose up``, and follow the containers meanwhile."""

from __future__ import annotations

import os

from .._docker.containers import COMPOSE_LABEL, runs_apart
from .._health.look import LOG_TAIL, prober_of, rules_of
from .._health.verdict import FAILED
from .._health.wait import CREATED, Waiter
from .up import ComposeUp, up_command

ENDED = ("exited", "dead")


def run_up(engine, params, began, progress):
    """Return ``(outcome, result)``: the Outcome of the wait, and ``{changed, seen, containers}``. Raises EngineError.

    ``params``: the options of the module bluegreen_up; ``began``: s by the monotonic clock; ``progress``: a Progress.
    """
    project = params["project"]
    before = _start_times(engine, project["project_name"])

    def tell(change):
        if is_news(change):
            progress.say(change)

    argv = up_command(project["docker_cli"], project, params["start"], params)
    with ComposeUp(argv, project["project_src"], dict(os.environ, DOCKER_HOST=engine.host)) as compose:
        waiter = Waiter(
            engine,
            project["project_name"],
            rules_of(params),
            params["timeout"],
            on_change=tell,
            on_wait=progress.wait,
            objection=compose.failure,
            coming=compose.is_running,
            began=began,
            prober=prober_of(params),
        )
        outcome = waiter.wait()
    containers = waiter.evidence(outcome, LOG_TAIL) if outcome.status == FAILED else []
    changed = _start_times(engine, project["project_name"]) != before
    return outcome, {"changed": changed, "seen": waiter.seen(), "containers": containers}


def is_news(change):
    """Return whether a Change is printed. A new container is printed once it starts. A container that has ended when it
    is first seen is not printed: Compose will replace it, or the failure screen shows it."""
    return change.state != CREATED and (change.before is not None or not change.state.startswith(ENDED))


def _start_times(engine, project_name):
    """Return the project's containers, each with the moment when it was started last."""
    listed = engine.list_containers([f"{COMPOSE_LABEL}project={project_name}"])
    inspected = [engine.inspect(each["Id"]) for each in listed if not runs_apart(each.get("Labels") or {})]
    return {each["Id"]: each["State"]["StartedAt"] for each in inspected if each}
