# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several tests stand in for: containers, as inspected and as summarized, and the Engine that has them."""

from __future__ import annotations

import copy
import json
import pathlib

from ansible_collections.hotswap.compose.plugins.module_utils._docker import containers
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services

FIXTURES = pathlib.Path(__file__).parent / "plugins" / "module_utils" / "fixtures" / "containers"

SERVICES = named_services("shop", [{"name": "was-{color}", "port": 3000}, {"name": "signal-{color}", "port": 3001}])


HOST_SERVICES = named_services(
    "shop",
    [
        {"name": "was-{color}", "port": 3000, "publish": {"blue": 13000, "green": 23000}},
        {"name": "signal-{color}", "port": 3001, "publish": {"blue": 13001, "green": 23001}},
    ],
)


def container(service, *addresses, ours=True, **changes):
    """A summary as containers.summarize() makes it. ``service``: such as "was-blue"; ``addresses``: on the network
    edge."""
    base, color = service.rsplit("-", 1)
    names = [service] + ([f"shop-{color}-{base}"] if ours else [])
    return dict(
        {
            "id": f"{service}-id",
            "name": f"{'shop-' + color if ours else 'legacy'}-{service}-1",
            "service": service,
            "state": "running",
            "health": "healthy",
            "exit_code": 0,
            "image_id": "sha256:1",
            "app": "shop" if ours else None,
            "release": "v1" if ours else None,
            "config": "c0ffee" if ours else None,
            "exclusive": False,
            "restart_policy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
            "networks": {"edge": {"addresses": list(addresses), "names": names}},
            "published": {},
            "volumes": {},
        },
        **changes,
    )


def stack(color, **changes):
    return [container(f"was-{color}", "10.0.0.2", **changes), container(f"signal-{color}", "10.0.0.3", **changes)]


def inspected(name):
    return json.loads((FIXTURES / (name + ".json")).read_text())


def summary(name, **changes):
    return dict(containers.summarize(inspected(name)), **changes)


class StandInEngine:
    """Has the fixtures' containers, and notes what it is told to do."""

    def __init__(self, *names):
        self.api = self
        self.told = []
        self._all = {container["Id"]: container for container in map(inspected, names)}

    def list_containers(self, labels):
        def labelled(container):
            return all(label in container["Config"]["Labels"] for label in labels)

        found = [each for each in self._all.values() if labelled(each)]
        return [{"Id": each["Id"], "Labels": each["Config"]["Labels"]} for each in found]

    def inspect(self, container_id):
        return copy.deepcopy(self._all.get(container_id))

    def forget(self, name):
        self._all = {key: each for key, each in self._all.items() if each["Name"] != "/" + name}

    def call(self, function, *args, **options):
        return function(*args, **options)

    def __getattr__(self, name):
        return lambda container_id, **options: self.told.append((name, container_id, options))


RESTARTS = {"Name": "unless-stopped", "MaximumRetryCount": 0}
STAYS_STOPPED = {"Name": "no", "MaximumRetryCount": 0}


def inspected_service(service, deploy=None, address="", **changes):
    """What ``docker inspect`` has of the one container of a service of the app shop, such as "was-blue".

    Without ``deploy``, somebody started it by hand. ``address``: on the network edge. ``changes``: ``state``,
    ``health``, ``image_id``, ``policy`` (a restart policy), ``exclusive``.
    """
    base, color = service.rsplit("-", 1)
    labels = {"com.docker.compose.project": f"shop-{color}", "com.docker.compose.service": service}
    if deploy:
        ours = {"app": "shop", "color": color, "deploy": deploy, "release": deploy.replace("d", "v")}
        ours["exclusive"] = "true" if changes.get("exclusive") else "false"
        labels.update({f"hotswap.compose.{key}": value for key, value in ours.items()})
    names = [service] + ([f"shop-{color}-{base}"] if deploy else [])
    return {
        "Id": f"{service}-{deploy}",
        "Name": f"/shop-{color}-{service}-{deploy}",
        "Image": changes.get("image_id", f"sha256:{base}-{deploy}"),
        "Config": {"Image": f"shop-{base}", "Labels": labels},
        "State": {"Status": changes.get("state", "running"), "Health": {"Status": changes.get("health", "healthy")}},
        "HostConfig": {"RestartPolicy": dict(changes.get("policy", RESTARTS))},
        "NetworkSettings": {"Networks": {"edge": {"IPAddress": address, "Aliases": names}}},
    }


class StandInHost(StandInEngine):
    """Has containers and images, which change as it is told. ``containers``: as inspected; ``tags``: ``{reference:
    image id}``; ``digests``: ``{image id: digest}``."""

    def __init__(self, containers=(), tags=None):
        super().__init__()
        self._all = {each["Id"]: copy.deepcopy(each) for each in containers}
        self.tags = dict(tags or {})
        self.images = set(self.tags.values())  # with a name or without
        self.digests = {}

    def list_containers(self, labels):
        return [dict(each, ImageID=self._all[each["Id"]]["Image"]) for each in super().list_containers(labels)]

    def image_id(self, name):
        assert name  # the Docker SDK refuses an empty one
        return self.tags.get(name) or (name if name in self.images else None)

    def image_ids(self):
        return set(self.images)

    def digest(self, image_id, reference):
        return self.digests.get(image_id)

    def tag(self, image_id, reference):
        self.told.append(("tag", image_id, {"reference": reference}))
        self.tags[reference] = image_id

    def remove_image(self, name):
        self.told.append(("remove_image", name, {}))
        image_id = self.tags.pop(name, name)
        if name == image_id:
            self.tags = {reference: each for reference, each in self.tags.items() if each != image_id}
        if image_id not in self.tags.values():
            self.images.remove(image_id)

    def start(self, container_id):
        self.told.append(("start", container_id, {}))
        self._all[container_id]["State"]["Status"] = "running"

    def stop(self, container_id, timeout):
        self.told.append(("stop", container_id, {"timeout": timeout}))
        self._all[container_id]["State"]["Status"] = "exited"

    def update_container(self, container_id, restart_policy):
        self.told.append(("update_container", container_id, {"restart_policy": restart_policy}))
        self._all[container_id]["HostConfig"]["RestartPolicy"] = dict(restart_policy)

    def remove_container(self, container_id, v, force):
        self.told.append(("remove_container", container_id, {"v": v, "force": force}))
        del self._all[container_id]
