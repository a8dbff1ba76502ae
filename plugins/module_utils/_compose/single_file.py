# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Compose file for both colors: which part of it each color runs, and which part both share. Pure.

Compose gives a service its own name on every network that it is on. On a network with both colors, ``web`` would mean
either color. So a color's file has no such network. The role connects its containers there by the Engine's API, with
names that contain the color, and connects shared services to each color's own networks. ``JOINS`` in the file lists
these connections.
"""

from __future__ import annotations

import copy

from .._errors import ComposeError
from .._names import LABEL, alias, project_name
from .render import config_hash, shared_volumes

FIRST = "0-"
"""If a color's own network begins with this, its name sorts before that of nginx's network."""

_ONE_NETWORK_ONLY = ("com.docker.network.bridge.name", "parent")
"""Options of network drivers whose value only one network of a host can have."""

ADDRESSES = ("ipv4_address", "ipv6_address")
ENDPOINT = ("mac_address", "link_local_ips", "driver_opts", "gw_priority", "interface_name")
"""Settings that Compose applies to a service on a network, but the role does not when it connects the container."""

JOINS = "x-hotswap-joins"
SHARED = "shared"
"""In the project name of the shared services, this takes the place of the color."""


def refuse_unknown_services(config, variable, names):
    """Raise ComposeError if a variable names a service that the user's files don't have."""
    known = config.get("services") or {}
    for name in names:
        if name not in known:
            raise ComposeError(
                "bluegreen_{}: the Compose files have no service {}, only {}; correct the name, or activate its "
                "profile "
                "with COMPOSE_PROFILES in bluegreen_env".format(variable, name, ", ".join(sorted(known)) or "none")
            )


def color_part(config, app, color, services, shared, exclusive, network):
    """Return ``(file, warnings)``: the part of the user's files, as Compose rendered them, that a color runs.

    ``services``: from named_services, those that take traffic; ``shared``: names of the shared services; ``exclusive``:
    names of those that never run in both colors; ``network``: the one that nginx is on, None if nginx runs on the host.
    Raises ComposeError.
    """
    result = copy.deepcopy(config)
    defined = result["services"]
    apart = {name: defined.pop(name) for name in shared}
    outside = networks_outside(result, network)
    traffic = [service["name"] for service in services]
    joined = {(name, network): set() for name in traffic if network}
    warnings = _unpublished(defined, traffic) + _without_hostname(defined)
    for name, service in defined.items():
        _refuse_address(name, service)
        _refuse_endpoint(name, service, outside)
        _forget(name, service, shared)
        for place, aliases in _leave(service, outside):
            joined.setdefault((name, place), set()).update(aliases)
        _go_by_network(service)
    result["networks"] = _own_networks(result, _network_prefix(project_name(app, color), outside, network), outside)
    joins = [
        join_outside(name, place, alias(app, color, name), sorted(aliases), name in exclusive, network)
        for (name, place), aliases in sorted(joined.items())
    ]
    result[JOINS] = joins + _joins_of_shared(apart, result["networks"], config)
    return result, warnings


def moving_aliases(joins):
    """Return those of a color's joins that have aliases of the active color only, as _docker/aliases.py takes them."""
    return [join for join in joins if "moving" in join]


def names_left(config, shared, network):
    """Return a warning for each service on an outside network, because no color has there the names that Compose would
    give it.

    ``config``, ``network``: as for color_part(). nginx's own network causes no warning, because others call nginx
    there.
    """
    called = {key: place for key, place in networks_outside(config, network).items() if place != network}
    warnings = []
    for name, service in sorted(config["services"].items()):
        networks = service.get("networks") or {}
        for key in sorted(set(networks) & set(called)) if name not in shared else ():
            names = {name, service.get("container_name"), service.get("hostname")} - {None}
            names -= set((networks[key] or {}).get("aliases") or [])
            if names:
                warnings.append(
                    f"others on network {called[key]} can't reach service {name} by the name "
                    f"{' or '.join(sorted(names))}; if they use that name, add it to networks.{key}.aliases of the "
                    "service, and the active color gets it"
                )
    return warnings


def missing_joins(joins, colored, shared):
    """Return ``[(container, network, aliases)]``: the joins in a color's file that are missing.

    ``colored``: summaries of the color's containers; ``shared``: ``{service: [summary, …]}``. Raises ComposeError if
    one of them has no container.
    """
    found = []
    for join in joins:
        name = join.get("service") or join["shared"]
        containers = shared.get(name, []) if "shared" in join else [c for c in colored if c["service"] == name]
        if not containers:
            raise ComposeError(
                "service {} has no container that could join the network {}{}".format(
                    name, join["network"], "; deploy to start it" if "shared" in join else ""
                )
            )
        for container in containers:
            here = container["networks"].get(join["network"])
            if here is None or not set(join["aliases"]) <= set(here["names"]):
                found.append((container, join["network"], join["aliases"]))
    return found


def one_shot_services(config):
    """Return ``{service: dependent}``: services for whose completion another waits, and the first that does."""
    found = {}
    for dependent, service in sorted(config["services"].items()):
        for name, how in (service.get("depends_on") or {}).items():
            if how.get("condition") == "service_completed_successfully":
                found.setdefault(name, dependent)
    return found


def needed_services(service):
    """Return the names of the services that a service depends on, or is linked to."""
    return set(service.get("depends_on") or {}) | {link.partition(":")[0] for link in service.get("links") or []}


def networks_outside(config, edge):
    """Return ``{key: name}`` of the outside networks, those that are not a color's own. ``edge``: the one that nginx is
    on, or None."""
    networks = config.get("networks") or {}
    names = {key: (definition or {}).get("name", key) for key, definition in networks.items()}
    return {
        key: name for key, name in names.items() if (networks[key] or {}).get("external") or (edge and name == edge)
    }


def _leave(service, outside):
    """Remove a service from the outside networks. Return ``[(name, aliases)]`` of these."""
    networks = service.get("networks") or {}
    if "networks" in service:
        own = {key: joined for key, joined in networks.items() if key not in outside}
        service["networks"] = own or {"default": None}
    return [(outside[key], (joined or {}).get("aliases") or []) for key, joined in networks.items() if key in outside]


def join_outside(name, place, own, aliases, is_exclusive, network):
    """Return how a service joins an outside network.

    ``own``: the alias that contains the color; ``aliases``: those that the user's files give both colors; ``network``:
    the one that nginx is on. Raises ComposeError.
    """
    if is_exclusive or not aliases:  # an exclusive service never runs in both colors
        return {"service": name, "network": place, "aliases": sorted({own, *aliases})}
    if place == network:
        raise ComposeError(
            f"service {name} has the alias {' and '.join(aliases)} on network {place}, which nginx is on. Both colors "
            "join that network before the release has passed its health checks, so both would answer; remove the "
            "alias, and let clients call nginx instead"
        )
    return {"service": name, "network": place, "aliases": [own], "moving": aliases}


def _go_by_network(service):
    """Make a service's other names aliases on its color's own networks. As the name of a container or host, they would
    mean either color on every network."""
    names = {service.pop(key) for key in ("container_name", "hostname") if service.get(key)}
    service.pop("ports", None)
    for key, joined in (service.get("networks") or {}).items() if names else ():
        service["networks"][key] = dict(joined or {}, aliases=sorted(names | set((joined or {}).get("aliases") or [])))


def _network_prefix(project, outside, edge):
    """Return the prefix of the names of a color's own networks.

    On nginx's network, a stack that was started by hand has the services' own names, if the files name that network.
    The Engine looks a name up in the container's networks in the order of their names and takes the first answer. So a
    color's own networks must sort first.
    """
    return FIRST + project if edge in outside.values() and edge < project else project


def _own_networks(config, prefix, outside):
    used = {key for service in config["services"].values() for key in service.get("networks") or {}}
    return {key: _own_network(config, prefix, key, key in outside) for key in sorted(used)}


def _own_network(config, prefix, key, was_outside):
    # If the default network belongs to another project, each color gets a plain one.
    given = {} if was_outside else dict((config.get("networks") or {}).get(key) or {})
    definition = {name: value for name, value in given.items() if name != "name" and value}
    subnets = [pool["subnet"] for pool in (definition.get("ipam") or {}).get("config") or [] if pool.get("subnet")]
    if subnets:
        raise ComposeError(
            f"network {key} has the subnet {subnets[0]}, but each color creates this network for itself; remove ipam"
        )
    for option in _ONE_NETWORK_ONLY:
        value = (definition.get("driver_opts") or {}).get(option)
        if value:
            raise ComposeError(
                f"network {key} has the driver option {option} ({value}), which only one network can have, but each "
                "color creates this network for itself; remove the option, or create the network yourself and declare "
                "it external"
            )
    # A changed network gets a new name: Compose can't replace it while shared services are on it.
    suffix = "_" + config_hash(definition)[:6] if definition else ""
    return dict(definition, name=f"{prefix}_{key}{suffix}")


def _joins_of_shared(apart, networks, config):
    links = _links(config)
    joins = []
    for name, service in sorted(apart.items()):
        for key, joined in sorted((service.get("networks") or {}).items()):
            if key in networks:
                names = {name, *((joined or {}).get("aliases") or []), *links.get(name, [])}
                joins.append({"shared": name, "network": networks[key]["name"], "aliases": sorted(names)})
    return joins


def _links(config):
    """Return ``{service: [names]}`` that links give services."""
    names = {}
    for service in config["services"].values():
        for link in service.get("links") or []:
            target, _colon, other = link.partition(":")
            names.setdefault(target, []).append(other or target)
    return names


def _forget(name, service, shared):
    """Remove references to the shared services, which Compose would look for in the same project. They are healthy
    before a color starts."""
    for key in ("network_mode", "ipc", "pid"):
        kind, _colon, other = (service.get(key) or "").partition(":")
        if kind == "service" and other in shared:
            raise ComposeError(
                f"service {name} has {key} {service[key]}, but {other} is a shared service and runs outside the "
                f"colors; add {name} to bluegreen_shared_services, or remove {other} from it"
            )
    for other in [each.partition(":")[0] for each in service.get("volumes_from") or []]:
        if other in shared:
            raise ComposeError(
                f"service {name} has volumes_from {other}, but {other} is a shared service and runs outside the "
                "colors; mount its volumes by name instead"
            )
    depends_on = {name: how for name, how in (service.pop("depends_on", None) or {}).items() if name not in shared}
    links = [link for link in service.pop("links", None) or [] if link.partition(":")[0] not in shared]
    service.update({key: left for key, left in (("depends_on", depends_on), ("links", links)) if left})


def _refuse_address(name, service):
    for key, joined in (service.get("networks") or {}).items():
        for address in ADDRESSES:
            if (joined or {}).get(address):
                raise ComposeError(
                    f"service {name} has the address {joined[address]} on network {key}, but both colors run at the "
                    f"same time and only one can have it; remove {address}, and use the service's name"
                )


def _refuse_endpoint(name, service, outside):
    for key, joined in (service.get("networks") or {}).items():
        lost = [each for each in ENDPOINT if (joined or {}).get(each)] if key in outside else []
        if lost:
            raise ComposeError(
                f"service {name} has {lost[0]} on network {key}, but the role connects it there with aliases only; "
                "remove that key"
            )


def _unpublished(services, traffic):
    """Return a warning for each service that loses its host ports."""
    return [
        f"service {name} publishes no host port, because both colors run at the same time and only one could have it"
        for name, service in sorted(services.items())
        if service.get("ports") and name not in traffic
    ]


def _without_hostname(services):
    """Return a warning for each service whose own host name differs in a color."""
    return [
        f"service {name} runs without its hostname {service['hostname']}, because the hostname is a DNS name and both "
        "colors would answer to it. Other services of its color still find it by that name; if its own software reads "
        "the hostname, pass the name in an environment variable"
        for name, service in sorted(services.items())
        if service.get("hostname")
    ]


def shared_part(config, app, shared, volumes):
    """Return the file that the shared services run from. ``config``: as rendered for a color, always the same one;
    ``volumes``: as for color_file(). Raises ComposeError."""
    result = copy.deepcopy(config)
    project = project_name(app, SHARED)
    services = {name: result["services"][name] for name in shared}
    for name, service in services.items():
        colored = sorted(needed_services(service) - set(shared))
        if colored:
            raise ComposeError(
                "shared service {} depends on {}, which each color runs for itself; add that service to "
                "bluegreen_shared_services too".format(name, " and ".join(colored))
            )
    result["services"] = services
    used = {key for service in services.values() for key in service.get("networks") or {}}
    networks = {key: dict((result.get("networks") or {}).get(key) or {}) for key in sorted(used)}
    for key, definition in networks.items():
        if definition.get("name") == "{}_{}".format(config["name"], key):
            definition["name"] = f"{project}_{key}"
    result.update(name=project, networks=networks, volumes=shared_volumes(config, app, volumes))
    for name, service in services.items():
        service.pop("profiles", None)
        labels = {"app": app, SHARED: name, "config": config_hash(service)}
        service.setdefault("labels", {}).update({LABEL + key: value for key, value in labels.items()})
    return result
