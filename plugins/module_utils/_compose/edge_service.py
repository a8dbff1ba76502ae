# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx as a service of the app's own Compose files, the *edge service*. Pure.

No color contains it, and no run starts, stops or recreates it. Its container stays as it is.
"""

from __future__ import annotations

import copy

from .._errors import ComposeError
from .render import replicas_of


def edge_service(config, container_name, started_as):
    """Return the name of the service that is nginx, or None.

    ``container_name``: of nginx's container; ``started_as``: the service as which Compose started it from these files,
    or None.
    """
    services = config.get("services") or {}
    named = [name for name, service in services.items() if service.get("container_name") == container_name]
    return (named or [started_as if started_as in services else None])[0]


def refuse_named_edge(edge, request):
    """Raise ComposeError if a variable names the edge service. ``request``: from complete_request()."""
    lists = {
        "services": [service["name"] for service in request["services"]],
        "shared_services": request["shared_services"],
        "exclusive_services": request["exclusive_services"],
    }
    for variable, names in lists.items():
        if edge in names:
            raise ComposeError(
                f"bluegreen_{variable} names {edge}, which is the service of nginx itself (bluegreen_nginx_container); "
                "remove it there, because the role neither starts nor stops nginx's container"
            )


def without_edge(config, edge, stack_network=None):
    """Return what Compose rendered without the edge service, and without the volumes, configs and secrets that no other
    service uses. Services that depend on it lose that dependency, because it runs already.

    ``stack_network``: ``(key, name)`` of the network of these files that nginx is on, if the running stack created it.
    The other services then stay on that network. Raises ComposeError.
    """
    result = copy.deepcopy(config)
    service = result["services"].pop(edge)
    if replicas_of(service) > 1:
        raise ComposeError(
            f"service {edge} is nginx (bluegreen_nginx_container) and has {replicas_of(service)} replicas, but a "
            "deploy reloads only one; give it one replica"
        )
    for name, other in sorted(result["services"].items()):
        _leave_edge(name, other, edge)
    for kind in ("volumes", "configs", "secrets"):
        left = {source for other in result["services"].values() for source in _sources(other, kind)}
        alone = (_sources(service, kind) - left) & set(result.get(kind) or {})
        if alone:
            result[kind] = {key: each for key, each in result[kind].items() if key not in alone}
    if stack_network:
        key, network = stack_network
        result["networks"][key] = {"name": network, "external": True}
    return result


def stack_network(config, edge, network, project):
    """Return ``(key, name)`` of the edge service's network that is ``network`` in the stack that runs as the Compose
    project ``project``. None if the files give that network a name of its own, or if nginx is on another network."""
    for key in config["services"][edge].get("networks") or {}:
        definition = (config.get("networks") or {}).get(key) or {}
        if definition.get("name") == "{}_{}".format(config["name"], key) and network == f"{project}_{key}":
            return key, network
    return None


def _sources(service, kind):
    """Return the keys of the volumes, configs or secrets that a service uses, in its container or for its build."""
    mounts = [*(service.get(kind) or []), *((service.get("build") or {}).get(kind) or [])]
    return {mount.get("source") for mount in mounts if kind != "volumes" or mount["type"] == "volume"}


def _leave_edge(name, service, edge):
    """Remove from a service its references to the edge service."""
    uses = [f"{key} {service[key]}" for key in ("network_mode", "ipc", "pid") if service.get(key) == f"service:{edge}"]
    uses += [f"volumes_from {each}" for each in service.get("volumes_from") or [] if each.partition(":")[0] == edge]
    given = [each for each in service.get("links") or [] if each.partition(":")[0] == edge]
    uses += [f"links {each}" for each in given if each.partition(":")[2] not in ("", edge)]
    if uses:
        raise ComposeError(
            f"service {name} has {uses[0]}, but {edge} is nginx (bluegreen_nginx_container) and runs outside the "
            f"colors; remove that line, and reach nginx by the name {edge} on its network"
        )
    depends_on = {key: how for key, how in (service.pop("depends_on", None) or {}).items() if key != edge}
    links = [each for each in service.pop("links", None) or [] if each.partition(":")[0] != edge]
    service.update({key: left for key, left in (("depends_on", depends_on), ("links", links)) if left})
