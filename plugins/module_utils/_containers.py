# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of an app's colors: what they are (pure), and finding, starting, stopping and removing them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.hotswap.compose.plugins.module_utils._compose import LABEL
from ansible_collections.hotswap.compose.plugins.module_utils._engine import EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._settings import (
    COLORS,
    PLACEHOLDER,
    is_ordinary,
    with_color,
)

COMPOSE = "com.docker.compose."


def summary(inspected):
    """Return what matters of a ``docker inspect`` of one container.

    Keys: id, name, project, service, state, health (None without a healthcheck), exit_code, image, image_id, app,
    color, release, deploy, config, shared (None where the container isn't ours), exclusive, restart_policy ({Name,
    MaximumRetryCount}), stop_timeout (s of grace), networks ({network: {addresses, names}}; IPv4 comes first, IPv6 is
    in brackets), volumes ({target: volume name}), published ({port: port of the host}), depends_on (services).
    """
    labels = inspected["Config"].get("Labels") or {}
    state = inspected["State"]
    depends_on = labels.get(COMPOSE + "depends_on") or ""
    return {
        "id": inspected["Id"],
        "name": inspected["Name"].lstrip("/"),
        "project": labels.get(COMPOSE + "project"),
        "service": labels.get(COMPOSE + "service"),
        "state": state["Status"],
        "health": (state.get("Health") or {}).get("Status"),
        "exit_code": state.get("ExitCode", 0),
        "image": inspected["Config"]["Image"],
        "image_id": inspected["Image"],
        "app": labels.get(LABEL + "app"),
        "color": labels.get(LABEL + "color"),
        "release": labels.get(LABEL + "release"),
        "deploy": labels.get(LABEL + "deploy"),
        "config": labels.get(LABEL + "config"),
        "shared": labels.get(LABEL + "shared"),
        "exclusive": labels.get(LABEL + "exclusive") == "true",
        "restart_policy": inspected["HostConfig"]["RestartPolicy"],
        "stop_timeout": 10 if inspected["Config"].get("StopTimeout") is None else inspected["Config"]["StopTimeout"],
        "networks": {
            name: {
                "addresses": _addresses(network),
                "names": sorted(set((network.get("Aliases") or []) + (network.get("DNSNames") or []))),
            }
            for name, network in inspected["NetworkSettings"]["Networks"].items()
        },
        "volumes": {
            mount["Destination"]: mount["Name"]
            for mount in inspected.get("Mounts") or []
            if mount.get("Type") == "volume"
        },
        "published": {
            int(port.split("/")[0]): int(bindings[0]["HostPort"])
            for port, bindings in (inspected["NetworkSettings"].get("Ports") or {}).items()
            if port.endswith("/tcp") and bindings
        },
        "depends_on": [entry.split(":")[0] for entry in depends_on.split(",") if entry],
    }


def _addresses(network):
    ipv6 = network.get("GlobalIPv6Address")
    return [address for address in (network.get("IPAddress"), ipv6 and f"[{ipv6}]") if address]


def is_running(container):
    """Return whether a container answers requests now: running, and healthy where it has a healthcheck."""
    return container["state"] == "running" and container["health"] in (None, "healthy")


def has_completed(container):
    """Return whether a container ended as it was meant to: a one-shot, which has neither healthcheck nor restart
    policy."""
    meant_to_end = container["health"] is None and container["restart_policy"]["Name"] in ("", "no")
    return meant_to_end and container["state"] == "exited" and container["exit_code"] == 0


def color_of(labels, app, project_src, compose_files):
    """Return the color that a container belongs to, or None: by our labels, else by the file that started it.

    ``labels`` as in ``docker ps``. A stack that somebody started by hand, under whatever project name, has the color
    whose Compose file it was started from, and the first one where there is one file for both; a one-off (``docker
    compose run``) belongs to none.
    """
    if labels.get(COMPOSE + "oneoff") == "True":
        return None
    if LABEL + "app" in labels:
        return labels.get(LABEL + "color") if labels[LABEL + "app"] == app else None
    if not project_src:
        return None
    directory = labels.get(COMPOSE + "project.working_dir") or "/"
    started_from = {
        os.path.realpath(os.path.join(directory, path))
        for path in (labels.get(COMPOSE + "project.config_files") or "").split(",")
        if path
    }
    if is_ordinary(compose_files):
        return COLORS[0] if started_from & _paths(project_src, compose_files) else None
    colored = [name for name in compose_files if PLACEHOLDER in name]
    matching = [
        color for color in COLORS if started_from & _paths(project_src, [with_color(name, color) for name in colored])
    ]
    return matching[0] if len(matching) == 1 else None


def _paths(directory, names):
    return {os.path.realpath(os.path.join(directory, name)) for name in names}


def stop_order(containers):
    """Return lists of containers to stop one list after the other: nobody is stopped before those that depend on it."""
    left = list(containers)
    waves = []
    while left:
        needed = {service for container in left for service in container["depends_on"]}
        wave = [container for container in left if container["service"] not in needed] or left
        waves.append(wave)
        left = [container for container in left if container not in wave]
    return waves


def edge_addresses(containers, network, app, color):
    """Return the addresses of the containers that have a name of ours on nginx's network."""
    prefix = f"{app}-{color}-"
    joined = [container["networks"][network] for container in containers if network in container["networks"]]
    own = [entry["addresses"] for entry in joined if any(name.startswith(prefix) for name in entry["names"])]
    return sorted({address for addresses in own for address in addresses})


def is_retired(container):
    """Return whether a container is stopped, and stays so when the Docker daemon restarts."""
    return container["state"] in ("exited", "created", "dead") and container["restart_policy"]["Name"] in ("", "no")


def find(engine, app, project_src=None, compose_files=()):
    """Return ``{"blue": [summary, …], "green": […]}`` of every container of the app, the stopped ones included."""
    return find_all(engine, app, project_src, compose_files)[0]


def find_all(engine, app, project_src=None, compose_files=(), shared=()):
    """Return ``(colors, {service: [summary, …]})``: what find() returns, and the containers of the shared services, by
    whomever they were started."""
    colors = {color: [] for color in COLORS}
    apart = {name: [] for name in shared}
    for listed in engine.list_containers([COMPOSE + "project"]):
        labels = listed.get("Labels") or {}
        color = color_of(labels, app, project_src, compose_files)
        one_off = labels.get(COMPOSE + "oneoff") == "True"
        name = labels.get(LABEL + "shared") if labels.get(LABEL + "app") == app and not one_off else None
        if color and LABEL + "app" not in labels and labels.get(COMPOSE + "service") in apart:
            name = labels[COMPOSE + "service"]
        group = apart.get(name) if name else colors.get(color)
        inspected = engine.inspect(listed["Id"]) if group is not None else None
        if inspected is not None:
            group.append(summary(inspected))
    for containers in [*colors.values(), *apart.values()]:
        containers.sort(key=lambda container: container["name"])
    return colors, apart


def by_id(engine, ids):
    """Return the containers with these ids, those left out that are gone."""
    inspected = [engine.inspect(container_id) for container_id in ids]
    return [summary(container) for container in inspected if container is not None]


def of_run(engine, app, unfinished):
    """Return the containers that an unfinished run, as the journal has it, made or started."""
    made = [
        container for container in find(engine, app)[unfinished["color"]] if container["deploy"] == unfinished["deploy"]
    ]
    return made or by_id(engine, unfinished.get("containers", []))  # of a stack that somebody started by hand


def start(engine, containers, policies):
    """Start containers again, each after those it depends on, with the restart policy it had; ``policies``: ``{id:
    policy}``."""
    for container in [container for wave in reversed(stop_order(containers)) for container in wave]:
        if container["id"] in policies:
            engine.call(engine.api.update_container, container["id"], restart_policy=policies[container["id"]])
        engine.call(engine.api.start, container["id"])


def stop(engine, containers):
    """Stop containers with their own grace periods, so that they stay stopped when the Docker daemon restarts."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        for wave in stop_order(containers):
            list(pool.map(lambda container: _stop_for_good(engine, container), wave))


def _stop_for_good(engine, container):
    try:
        _never_restart(engine, container)
    except EngineError:  # so it is refused where the process ends this instant, as in a crash loop: stopped it takes it
        engine.call(engine.api.stop, container["id"], timeout=container["stop_timeout"])
        _never_restart(engine, container)
    else:
        engine.call(engine.api.stop, container["id"], timeout=container["stop_timeout"])


def _never_restart(engine, container):
    engine.call(engine.api.update_container, container["id"], restart_policy={"Name": "no", "MaximumRetryCount": 0})


def remove(engine, containers, volumes):
    """Remove stopped containers, with their anonymous volumes where ``volumes``."""
    for container in containers:
        engine.call(engine.api.remove_container, container["id"], v=volumes, force=True)
