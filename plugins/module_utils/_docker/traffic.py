# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which containers take requests, and the resulting upstreams and endpoints. Pure."""

from __future__ import annotations

from .._names import LOOPBACK, PLACEHOLDER, alias, with_color, without_color


def place_of(target):
    return "{}:{}".format(target["host"], target["port"])


def started_by_hand(containers):
    """Return whether a color was started by hand."""
    return bool(containers) and all(container["app"] is None for container in containers)


def traffic_containers(containers, services, color):
    """Return the containers of a color that nginx sends requests to."""
    names = service_names(services, color)
    return [container for container in containers if container["service"] in names]


def service_names(services, color):
    """Return the names that services have in a color's Compose file."""
    return [with_color(service["name"], color) for service in services]


def services_as_run(services, color, names):
    """Return ``services`` with their names among ``names``, the services of a color. A release runs under the names of
    its own file, such as ``was-blue``, which may differ from today's, such as ``was``."""
    own = {without_color(name): name for name in (name.replace(color, PLACEHOLDER) for name in sorted(names))}
    return [
        service
        if with_color(service["name"], color) in names
        else dict(service, name=own.get(service["base"], service["name"]))
        for service in services
    ]


def at_upstreams(services, as_run):
    """Return ``services``, each as a release ran with it: the one of ``as_run`` with the same upstream."""
    by_upstream = {service["upstream"]: service for service in as_run}
    return [by_upstream.get(service["upstream"], service) for service in services]


def upstreams_of(app, color, services, containers, mode):
    """Return the ``[{name, targets}]`` that send the traffic to ``color``.

    ``containers``: of that color, empty if they must still be created; ``mode``: where nginx runs, ``container`` or
    ``host``.
    """
    return [
        {"name": service["upstream"], "targets": [_target(app, color, service, containers, mode)]}
        for service in services
    ]


def _target(app, color, service, containers, mode):
    # Containers that were started by hand have none of the role's ports. They have one of its names only if the role
    # connected them, but always their service's own name.
    by_hand = started_by_hand(containers)
    name = with_color(service["name"], color)
    if mode == "host":
        port = service["publish"][color]
        if by_hand:
            ports = [
                container["published"].get(service["port"]) for container in containers if container["service"] == name
            ]
            port = next((published for published in ports if published), port)
        return {"host": LOOPBACK, "port": port}
    ours = alias(app, color, service["base"])
    if by_hand:
        here = [container for container in containers if container["service"] == name]
        host = ours if here and all(ours in _names_of(container) for container in here) else name
        return {"host": host, "port": service["port"], "at_load": True}
    return {"host": ours, "port": service["port"]}


def _names_of(container):
    """Return the names that a container has on any network."""
    return {name for network in container["networks"].values() for name in network["names"]}


def introduce_upstreams(previous, coming, followed):
    """Return the upstreams that name the next color while the traffic stays at the current one.

    An nginx that follows names looks a new name up only after it has loaded it, and answers 502 for these few ms. At a
    reload, it keeps the addresses of names that it already had. ``previous``, ``coming``: from upstreams_of(), with
    their options; ``followed``: the ``host:port`` that nginx already follows.
    """
    introduced = []
    for now, then in zip(previous, coming):
        targets = []
        for target in now["targets"]:
            if place_of(target) in followed:
                targets.append(target)
            else:
                known = {key: target[key] for key in ("host", "port")}
                targets += [dict(known, at_load=True), dict(known, down=True)]
        targets += [dict(target, down=True) for target in then["targets"]]
        introduced.append(dict(now, targets=targets))
    return introduced


def endpoints_of(containers, services, color, network, mode, most=None):
    """Return each ``address:port`` in ``color`` to which nginx may have an open connection. ``most``: the highest
    number of addresses for each container. With ``network`` None, the addresses on all networks."""
    if mode == "host":
        ours = upstreams_of("", color, services, containers, mode)
        return sorted({place_of(target) for upstream in ours for target in upstream["targets"]})
    places = {
        "{}:{}".format(address, service["port"])
        for service in services
        for container in traffic_containers(containers, [service], color)
        for address in _addresses(container, network)[:most]
    }
    return sorted(places)


def _addresses(container, network):
    joined = container["networks"]
    if network in joined:
        return joined[network]["addresses"]
    # nginx may share another network with a stack that was started by hand.
    everywhere = joined.values() if network is None or container["app"] is None else []
    return [address for each in everywhere for address in each["addresses"]]
