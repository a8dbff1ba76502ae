# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold before a stack that was started by hand becomes the active color: nginx finds its containers, and the
user's own configuration sends the requests to an upstream. Pure except for the class.

``containers``: summaries of that stack's containers; ``services``: from named_services().
"""

from __future__ import annotations

from .._docker.containers import summarize
from .._docker.traffic import traffic_containers
from .._errors import PlanError
from .._names import COLORS, LOOPBACK, alias, project_name, with_color


def missing_connections(app, color, containers, services, network, nginx_networks):
    """Return ``[(container, name)]``: the containers that nginx can't find, and the name that each needs on
    ``network``. ``nginx_networks``: the names of nginx's networks.

    nginx uses one name for each service. A service's own name may also be another app's on nginx's network, so no
    container gets it there. It is only used if another container of the service already has it there.
    """
    missing = []
    for service in services:
        here = traffic_containers(containers, [service], color)
        seen = [
            {name for each in nginx_networks for name in container["networks"].get(each, {}).get("names", [])}
            for container in here
        ]
        own, ours = with_color(service["name"], color), alias(app, color, service["base"])
        name = own if any(own in names for names in seen) and not all(ours in names for names in seen) else ours
        missing += [(container, name) for container, names in zip(here, seen) if name not in names]
    return missing


def keeps_gateway(joined, network):
    """Return whether a container keeps its default gateway when it joins ``network``.

    The Engine uses the gateway of the network with the highest priority or, if several are equal, of the one whose name
    sorts first. It publishes the container's ports there. ``joined``: ``NetworkSettings.Networks`` of the container.
    """
    ranks = [(-(each.get("GwPriority") or 0), name) for name, each in joined.items() if each.get("Gateway")]
    return bool(ranks) and min(ranks) < (0, network)


def refuse_moved_gateway(container, name, network):
    """Raise PlanError: a person must connect this container."""
    raise PlanError(
        "nginx shares no network with {0}, which runs service {1} and was started by hand. If the role connected it to "
        "{2}, its default gateway would move, so its published ports would close for a moment and those that Docker "
        "chose would change; at a good time, run docker network connect --alias {3} {2} {0}, then deploy".format(
            container["name"], container["service"], network, name
        )
    )


def refuse_nameless(container, name, network):
    """Raise PlanError: the Engine can't give a container another name on a network that it is already on."""
    raise PlanError(
        "{0}, which runs service {1} and was started by hand, is on network {2} without the alias {3}, so nginx can't "
        "find it; at a good time, run docker network disconnect {2} {0} and docker network connect --alias {3} {2} "
        "{0}, "
        "then deploy".format(container["name"], container["service"], network, name)
    )


def refuse_direct_proxy(hosts, containers, services, color, upstreams):
    """Raise PlanError if nginx's configuration sends requests directly to a container that this deploy stops.

    ``hosts``: from proxied_hosts(); ``upstreams``: names of the app's upstreams from this deploy on. A container may
    have the same name as an upstream. nginx then uses the upstream if no port is written.
    """
    own = {name.lower() for name in upstreams}
    for service in services:
        for container in traffic_containers(containers, [service], color):
            names = {container["service"], container["name"]}
            names |= {name for network in container["networks"].values() for name in network["names"]}
            places = {f"{name}:{service['port']}" for name in names}
            published = container["published"].get(service["port"])
            if published:
                places |= {f"{name}:{published}" for name in (LOOPBACK, "localhost", "host.docker.internal")}
            for file, line, host in hosts:
                if host not in own and (host if ":" in host else f"{host}:80") in places:
                    raise PlanError(
                        f"{file}:{line} sends requests to {host}, a container started by hand that this deploy would "
                        f"stop; use the upstream there instead (proxy_pass http://{service['upstream']};), do not "
                        "reload nginx, and deploy again"
                    )


def refuse_colors_project(app, containers):
    """Raise PlanError if a container that must keep running belongs to the Compose project of a color, because Compose
    would remove it as an orphan. ``containers``: ``[(name, project)]``."""
    for name, project in containers:
        if project in [project_name(app, color) for color in COLORS]:
            raise PlanError(
                f"{name} belongs to the Compose project {project}, which is the name of a color's project, so Compose "
                "would remove the container as an orphan; set bluegreen_app to another name"
            )


class Adoption:
    """The connections to nginx's network that a stack needs if it was started by hand.

    Created with a ``planner``, after the files are rendered. Raises PlanError if a person must act first. After that,
    the Situation's summaries have the new names.
    """

    def __init__(self, engine, planner):
        self.engine = engine
        self.planner = planner
        self.now = planner.now
        self.network = planner.request["network"]
        color, containers, services = self.now.active, self.now.active_containers, planner.active_services
        upstreams = [service["upstream"] for service in planner.services]
        refuse_direct_proxy(self.now.proxied, containers, services, color, upstreams)
        nginx = self.now.edge.container
        on = nginx["NetworkSettings"]["Networks"] if nginx else None
        self.missing = missing_connections(planner.app, color, containers, services, self.network, on) if nginx else []
        for container, name in self.missing:
            if self.network in container["networks"]:
                refuse_nameless(container, name, self.network)
            joined = engine.inspect(container["id"])["NetworkSettings"]["Networks"]
            if not keeps_gateway(joined, self.network):
                refuse_moved_gateway(container, name, self.network)
        for container, name in self.missing:
            container["networks"][self.network] = {"addresses": [], "names": [name]}
            planner.warnings.append(
                f"{container['name']} was started by hand and shares no network with nginx, so the role connects it to "
                f"{self.network} as {name}"
            )

    @property
    def connected(self):
        """The connections, as in the journal."""
        return [{"id": container["id"], "network": self.network} for container, _name in self.missing]

    def connect(self):
        """Connect the containers, which the journal already has, and read their new addresses."""
        for container, name in self.missing:
            self.engine.join_network(container["id"], self.network, [name])
            container["networks"] = summarize(self.engine.inspect(container["id"]))["networks"]
        if self.missing:
            endpoints = self.planner.contents.active_endpoints()
            self.now.state.save(unfinished=dict(self.now.state.unfinished, endpoints=endpoints))
