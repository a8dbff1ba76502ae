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
