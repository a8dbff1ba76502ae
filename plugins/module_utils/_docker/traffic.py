# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which containers take requests, and the upstreams and endpoints that follow from them. Pure."""

from __future__ import annotations

from .._names import LOOPBACK, PLACEHOLDER, alias, with_color, without_color


def place_of(target):
    return "{}:{}".format(target["host"], target["port"])


def started_by_hand(containers):
    """Return whether somebody started a color by hand."""
    return bool(containers) and all(container["app"] is None for container in containers)


def traffic_containers(containers, services, color):
    """Return those of a color's containers that nginx sends requests to."""
    names = service_names(services, color)
    return [container for container in containers if container["service"] in names]


def service_names(services, color):
    """Return the names that services have in a color's Compose file."""
    return [with_color(service["name"], color) for service in services]


def services_as_run(services, color, names):
    """Return ``services`` with the names that they have among ``names``, the services of a color: a release runs under
    the names of its own file, which may not be those of today's, such as ``was-blue`` and ``was``."""
    own = {without_color(name): name for name in (name.replace(color, PLACEHOLDER) for name in sorted(names))}
    return [
        service
        if with_color(service["name"], color) in names
        else dict(service, name=own.get(service["base"], service["name"]))
        for service in services
    ]


def at_upstreams(services, as_run):
    """Return ``services``, each as a release ran with it: as the one of ``as_run`` that has the same upstream."""
    by_upstream = {service["upstream"]: service for service in as_run}
    return [by_upstream.get(service["upstream"], service) for service in services]


def upstreams_of(app, color, services, containers, mode):
    """Return ``[{name, targets}]`` that sends the traffic to ``color``.

    ``containers``: of that color, none where they are still to be made; ``mode``: where nginx runs, ``container`` or
    ``host``.
    """
    return [
        {"name": service["upstream"], "targets": [_target(app, color, service, containers, mode)]}
        for service in services
    ]


def _target(app, color, service, containers, mode):
    # Containers that somebody started by hand have no port of ours, and a name of ours only where they were connected
    # for this; their service's own name does.
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
    """Return the upstreams by which nginx gets to know where the traffic will go, while it goes where it goes now.

    An nginx that follows names looks a new one up only after it has loaded it, and answers 502 until then (a few ms);
    the addresses of names that it knew are handed on at a reload. ``previous``, ``coming``: from upstreams_of(),
    with their options; ``followed``: the ``host:port`` that nginx follows already.
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
    """Return ``address:port`` of all that nginx may have a connection open to in ``color``; ``most``: at so many
    addresses of each container at most. With ``network`` None, those on every network count."""
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
    # Of a stack that somebody started by hand, nginx may share another network.
    everywhere = joined.values() if network is None or container["app"] is None else []
    return [address for each in everywhere for address in each["addresses"]]
