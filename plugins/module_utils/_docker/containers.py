# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of an app's colors: their description (pure), and how to find, start, stop and remove them."""

from __future__ import annotations

import os

from .._names import COLORS, LABEL, is_single_file, project_name, with_color

COMPOSE_LABEL = "com.docker.compose."
HOOK_LABEL = COMPOSE_LABEL + "hook"
ENDED = ("exited", "created", "dead")
"""The states of a container without a process."""


def summarize(inspected):
    """Return the relevant parts of a ``docker inspect`` of one container.

    Keys: id, name, project, service, state, health (None without a healthcheck), was_healthy (since its last start),
    has_healthcheck, started_at (the Engine's time stamp), exit_code, image, image_id, app, color, release, deploy,
    config, shared (None if the role did not create the container), exclusive, restart_policy ({Name,
    MaximumRetryCount}), stop_timeout (seconds of grace), networks ({network: {addresses, names}}; IPv4 comes first,
    IPv6 is in brackets), volumes ({target: volume name}), binds ({target: path of the host}), published ({port: port of
    the host}), depends_on (services).
    """
    labels = inspected["Config"].get("Labels") or {}
    state = inspected["State"]
    depends_on = labels.get(COMPOSE_LABEL + "depends_on") or ""
    return {
        "id": inspected["Id"],
        "name": inspected["Name"].lstrip("/"),
        "project": labels.get(COMPOSE_LABEL + "project"),
        "service": labels.get(COMPOSE_LABEL + "service"),
        "state": state["Status"],
        "health": (state.get("Health") or {}).get("Status"),
        "was_healthy": was_healthy(inspected),
        "has_healthcheck": declares_healthcheck(inspected["Config"].get("Healthcheck")),
        "started_at": state.get("StartedAt"),
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
        "volumes": _mounted(inspected, "volume", "Name"),
        "binds": _mounted(inspected, "bind", "Source"),
        "published": {
            int(port.split("/")[0]): int(bindings[0]["HostPort"])
            for port, bindings in (inspected["NetworkSettings"].get("Ports") or {}).items()
            if port.endswith("/tcp") and bindings
        },
        "depends_on": [entry.split(":")[0] for entry in depends_on.split(",") if entry],
    }


def _mounted(inspected, kind, what):
    mounts = [each for each in inspected.get("Mounts") or [] if each.get("Type") == kind]
    return {each["Destination"]: each[what] for each in mounts}


def _addresses(network):
    ipv6 = network.get("GlobalIPv6Address")
    return [address for address in (network.get("IPAddress"), ipv6 and f"[{ipv6}]") if address]


def is_ready(container):
    """Return whether a container answers requests now. It must be running, healthy if it has a healthcheck, and if it
    was probed, it must have replied (see _health/probe_run.py)."""
    healthy = container["health"] in (None, "healthy") and not container.get("probe_problem")
    return container["state"] == "running" and healthy


def declares_healthcheck(check):
    """Return whether the healthcheck of an image or a container exists and is not disabled."""
    test = (check or {}).get("Test") or []
    return bool(test) and test[0] != "NONE"


def image_has_healthcheck(image):
    """Return whether an image, as the Engine has it, declares a healthcheck."""
    return declares_healthcheck((image.get("Config") or {}).get("Healthcheck"))


def was_healthy(inspected):
    """Return whether an inspected container has passed its healthcheck since its last start, as far back as the
    Engine's log goes. Such a container is not a one-shot that only inherited a healthcheck."""
    return any(probe["ExitCode"] == 0 for probe in (inspected["State"].get("Health") or {}).get("Log") or [])


def may_complete(restart_policy):
    """Return whether a container with this restart policy stays down after it exited with 0."""
    return restart_policy in ("", "no", "on-failure")


def has_completed(container, is_one_shot=False):
    """Return whether a container ended as intended. ``is_one_shot``: whether another service waits for its service to
    complete. The gate has the same rule (_health/verdict.py)."""
    if container["state"] != "exited" or container["exit_code"] != 0:
        return False
    return is_one_shot or (may_complete(container["restart_policy"]["Name"]) and not container["was_healthy"])


def runs_apart(labels):
    """Return whether a container isn't one of its service's replicas: a one-off (``docker compose run``), or a hook
    that Compose 5.3 and newer runs before the service starts (``pre_start``)."""
    return labels.get(COMPOSE_LABEL + "oneoff", "").lower() == "true" or HOOK_LABEL in labels


def started_as(labels):
    """Return the ``(project, service)`` as which Compose started a container, with None for what is unknown."""
    return labels.get(COMPOSE_LABEL + "project"), labels.get(COMPOSE_LABEL + "service")


def color_of(labels, app, project_src, compose_files):
    """Return the color that a container belongs to, or None: from the role's labels, or from the file that started it.

    ``labels`` as in ``docker ps``. A stack that was started by hand, under any project name, has the color whose
    Compose file started it. With one file for both colors, it is the first color. A container that
    runs_apart() belongs to no color. Neither does a stack of another project that shares a file.
    """
    if runs_apart(labels):
        return None
    if LABEL + "app" in labels:
        return labels.get(LABEL + "color") if labels[LABEL + "app"] == app else None
    if not project_src:
        return None
    directory = labels.get(COMPOSE_LABEL + "project.working_dir") or "/"
    paths = [path for path in (labels.get(COMPOSE_LABEL + "project.config_files") or "").split(",") if path]
    colored = {color: [with_color(name, color) for name in compose_files] for color in COLORS}
    if not _is_of_project(directory, paths, project_src, sum(colored.values(), [])):
        return None
    started_from = _real_paths(directory, paths)
    if is_single_file(compose_files):
        return COLORS[0] if started_from & _real_paths(project_src, compose_files) else None
    matching = [
        color
        for color, names in colored.items()
        if started_from & _real_paths(project_src, set(names) - set(compose_files))
    ]
    return matching[0] if len(matching) == 1 else None


def _is_of_project(directory, paths, project_src, names):
    """Return whether a stack belongs to the project, and not to another one that shares a file with it.

    ``directory``: from which Compose started it with ``paths``; ``names``: the project's files. By default, Compose
    uses the directory of the first file, so a common file may come first.
    """
    source = os.path.realpath(project_src)
    if os.path.realpath(directory) == source:
        return True
    # A link to a common file is a file of the project that has the link.
    theirs, ours = [_place(directory, path) for path in paths], {_place(project_src, name) for name in names}
    return ours.issuperset(theirs) or (theirs[0] in ours and theirs[0].startswith(os.path.join(source, "")))


def _place(directory, name):
    """Return the path of a file without links to directories."""
    parent, base = os.path.split(os.path.join(directory, name))
    return os.path.join(os.path.realpath(parent), base)


def _real_paths(directory, names):
    return {os.path.realpath(os.path.join(directory, name)) for name in names}


def edge_addresses(containers, network, app, color):
    """Return the addresses of the containers that have one of the role's names on nginx's network."""
    prefix = f"{app}-{color}-"
    joined = [container["networks"][network] for container in containers if network in container["networks"]]
    own = [entry["addresses"] for entry in joined if any(name.startswith(prefix) for name in entry["names"])]
    return sorted({address for addresses in own for address in addresses})


def is_retired(container):
    """Return whether a container is stopped and stays stopped when the Docker daemon restarts."""
    return container["state"] in ENDED and container["restart_policy"]["Name"] in ("", "no")


def find_containers(engine, app, project_src=None, compose_files=()):
    """Return ``{"blue": [summary, …], "green": […]}`` of all containers of the app, including stopped ones."""
    return find_all_containers(engine, app, project_src, compose_files)[0]


def find_all_containers(engine, app, project_src=None, compose_files=(), shared=(), edge=None):
    """Return ``(colors, {service: [summary, …]})``: the result of find_containers(), and the containers of the shared
    services, including those that were started by hand.

    ``edge``: the id of nginx's container. It belongs to neither, even if the app's own files define it.
    """
    colors = {color: [] for color in COLORS}
    apart = {name: [] for name in shared}
    for listed in engine.list_containers([COMPOSE_LABEL + "project"]):
        labels = listed.get("Labels") or {}
        color = color_of(labels, app, project_src, compose_files)
        is_ours = labels.get(LABEL + "app") == app and not runs_apart(labels)
        name = labels.get(LABEL + "shared") if is_ours else None
        if color and LABEL + "app" not in labels and labels.get(COMPOSE_LABEL + "service") in apart:
            name = labels[COMPOSE_LABEL + "service"]
        group = apart.get(name) if name else colors.get(color)
        inspected = engine.inspect(listed["Id"]) if group is not None and listed["Id"] != edge else None
        if inspected is not None:
            group.append(summarize(inspected))
    for containers in [*colors.values(), *apart.values()]:
        containers.sort(key=lambda container: container["name"])
    return colors, apart


def find_hooks(engine, app, color):
    """Return the containers of a color's hooks: they remain if the hook fails or Compose is killed."""
    listed = engine.list_containers([f"{COMPOSE_LABEL}project={project_name(app, color)}", HOOK_LABEL])
    return containers_by_id(engine, [each["Id"] for each in listed])


def find_color_with_hooks(engine, app, color):
    """Return all containers that go if a color is removed."""
    return find_containers(engine, app)[color] + find_hooks(engine, app, color)


def containers_by_id(engine, ids):
    """Return the containers with these ids that exist."""
    inspected = [engine.inspect(container_id) for container_id in ids]
    return [summarize(container) for container in inspected if container is not None]


def containers_of_run(engine, app, unfinished):
    """Return the containers that an unfinished run, as the journal has it, created or started."""
    made = [
        container
        for container in find_containers(engine, app)[unfinished["color"]]
        if container["deploy"] == unfinished["deploy"]
    ]
    return made or containers_by_id(
        engine, unfinished.get("containers", [])
    )  # of a stack that somebody started by hand
