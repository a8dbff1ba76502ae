# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, stop and remove the containers of a color. The journal keeps the restart policies that a stop changes.
``containers``: summaries (see containers.py)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .._errors import EngineError
from .aliases import take_aliases
from .containers import is_retired


def to_start(containers):
    """Return the containers that do not run."""
    return [container for container in containers if container["state"] != "running"]


def to_stop(containers):
    """Return the containers that run, or that would run again when the Docker daemon restarts."""
    return [container for container in containers if not is_retired(container)]


def start_containers(engine, state, containers):
    """Start those that do not run, each with its previous restart policy. Return them."""
    ended = to_start(containers)
    if ended:
        policies = state.journal["restart_policies"]
        start_in_order(engine, ended, policies)
        state.save(restart_policies=_without(policies, ended))
    return ended


def stop_containers(engine, state, containers):
    """Stop those that to_stop() returns, so that they stay stopped when the Docker daemon restarts. Return them."""
    running = to_stop(containers)
    if running:
        # Before any change, so that a stop that is killed does not lose what a rollback restores.
        policies = {container["id"]: container["restart_policy"] for container in running}
        state.save(restart_policies=dict(policies, **state.journal["restart_policies"]))
        # Others must only reach the active color, also while these containers stop and when a rollback starts them
        # again.
        take_aliases(engine, running, state.unfinished)
        stop_in_order(engine, running)
    return running


def remove_containers(engine, state, containers, volumes):
    """Stop and remove containers, with their anonymous volumes if ``volumes``."""
    running = [container for container in containers if container["state"] == "running"]
    take_aliases(engine, running, state.unfinished)
    stop_in_order(engine, running)
    remove_all(engine, containers, volumes)
    state.save(restart_policies=_without(state.journal["restart_policies"], containers))


def give_up(engine, state, containers, volumes):
    """Remove the containers of a release that a run gives up, as remove_containers().

    The journal records this first. If the run is killed, the next run removes the rest, and no part of a release awaits
    its promotion.
    """
    if state.unfinished:
        state.save(unfinished=dict(state.unfinished, given_up=True))
    remove_containers(engine, state, containers, volumes)


def _without(policies, containers):
    gone = {container["id"] for container in containers}
    return {key: policy for key, policy in policies.items() if key not in gone}


def stop_order(containers):
    """Return lists of containers to stop, one list after the other. No container stops before those that depend on
    it."""
    left = list(containers)
    waves = []
    while left:
        needed = {service for container in left for service in container["depends_on"]}
        wave = [container for container in left if container["service"] not in needed] or left
        waves.append(wave)
        left = [container for container in left if container not in wave]
    return waves


def start_in_order(engine, containers, policies):
    """Start containers again in the order of their dependencies, each with its previous restart policy. ``policies``:
    ``{id: policy}``."""
    for container in [container for wave in reversed(stop_order(containers)) for container in wave]:
        if container["id"] in policies:
            engine.call(engine.api.update_container, container["id"], restart_policy=policies[container["id"]])
        engine.call(engine.api.start, container["id"])


def stop_in_order(engine, containers):
    """Stop containers with their own grace periods, so that they stay stopped when the Docker daemon restarts."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        for wave in stop_order(containers):
            list(pool.map(lambda container: _stop_for_good(engine, container), wave))


def _stop_for_good(engine, container):
    try:
        _never_restart(engine, container)
    except EngineError:  # the Engine rejects it while a process ends, as in a crash loop, but accepts it after the stop
        engine.call(engine.api.stop, container["id"], timeout=container["stop_timeout"])
        _never_restart(engine, container)
    else:
        engine.call(engine.api.stop, container["id"], timeout=container["stop_timeout"])


def _never_restart(engine, container):
    engine.call(engine.api.update_container, container["id"], restart_policy={"Name": "no", "MaximumRetryCount": 0})


def remove_all(engine, containers, volumes):
    """Remove stopped containers, with their anonymous volumes if ``volumes``."""
    for container in containers:
        engine.call(engine.api.remove_container, container["id"], v=volumes, force=True)
