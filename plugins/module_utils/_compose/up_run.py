# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``docker compose up``, and follow the containers meanwhile."""

from __future__ import annotations

import os
import time

from .._docker.containers import COMPOSE_LABEL, runs_apart
from .._errors import ComposeError, ReleaseFailed
from .._health.look import LOG_TAIL, prober_of, rules_of
from .._health.verdict import FAILED
from .._health.wait import CREATED, Waiter
from .._text import format_seconds
from .up import ComposeUp, create_command, up_command

ENDED = ("exited", "dead")

PAUSE = 0.05
"""s between two looks at a Compose that creates containers."""


def create_containers(engine, project, recreate, timeout, progress):
    """Create all containers of a project and start none. Raises ComposeError.

    ``recreate``: as of up_command(); ``timeout``: in s; ``progress``: a Progress.
    """
    ends = time.monotonic() + timeout
    with _compose(engine, project, create_command(project, recreate)) as compose:
        while compose.is_running():
            left = ends - time.monotonic()
            if left <= 0:
                raise ComposeError(
                    f"Compose has not created the containers within {format_seconds(timeout)}; raise "
                    "bluegreen_health_timeout"
                )
            progress.wait("the containers are being created", left)
            time.sleep(PAUSE)
        why = compose.failure()
        if why:
            raise ComposeError(why)


def run_up(engine, params, began, progress):
    """Return ``{changed, seen}``. Raises ReleaseFailed if a container or Compose fails; EngineError.

    ``params``: the options of the module bluegreen_up; ``began``: s by the monotonic clock; ``progress``: a Progress.
    """
    project = params["project"]
    before = _start_times(engine, project["project_name"])

    def tell(change):
        if is_news(change):
            progress.say(change)

    with _compose(engine, project, up_command(project, params["start"], params)) as compose:
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
    if outcome.status == FAILED:
        raise ReleaseFailed(outcome.text, waiter.evidence(outcome, LOG_TAIL))
    return {"changed": _start_times(engine, project["project_name"]) != before, "seen": waiter.seen()}


def is_news(change):
    """Return whether a Change is printed. A new container is printed once it starts. A container that has ended when it
    is first seen is not printed: Compose will replace it, or the failure screen shows it."""
    return change.state != CREATED and (change.before is not None or not change.state.startswith(ENDED))


def _compose(engine, project, argv):
    return ComposeUp(argv, project["project_src"], dict(os.environ, DOCKER_HOST=engine.host))


def _start_times(engine, project_name):
    """Return the project's containers, each with the moment when it was started last."""
    listed = engine.list_containers([f"{COMPOSE_LABEL}project={project_name}"])
    inspected = [engine.inspect(each["Id"]) for each in listed if not runs_apart(each.get("Labels") or {})]
    return {each["Id"]: each["State"]["StartedAt"] for each in inspected if each}
