# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several tests stand in for: containers, as inspected and as summarized, the Engine that has them, and a target
on which runs are planned."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import types

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import planner
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.request import complete_request
from ansible_collections.hotswap.compose.plugins.module_utils._docker import containers
from ansible_collections.hotswap.compose.plugins.module_utils._names import COLORS, LABEL, named_services, project_name
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import with_marks
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._state.lock import AppLock

COMPOSE_FIXTURE = pathlib.Path(__file__).parent / "plugins" / "module_utils" / "fixtures" / "compose" / "config.json"
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
            "project": f"shop-{color}" if ours else "legacy",
            "state": "running",
            "health": "healthy",
            "was_healthy": False,
            "has_healthcheck": True,
            "started_at": "2026-01-31T12:00:00Z",
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
            "binds": {},
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
        self.networks = []
        self._all = {container["Id"]: container for container in map(inspected, names)}

    def list_containers(self, labels):
        def labelled(container):
            given = container["Config"]["Labels"]
            return all(
                label in given or label in [f"{key}={value}" for key, value in given.items()] for label in labels
            )

        found = [each for each in self._all.values() if labelled(each)]
        return [{"Id": each["Id"], "Labels": each["Config"]["Labels"]} for each in found]

    def inspect(self, container_id):
        return copy.deepcopy(self._all.get(container_id))

    def add(self, container):
        self._all[container["Id"]] = container

    def forget(self, name):
        self._all = {key: each for key, each in self._all.items() if each["Name"] != "/" + name}

    def call(self, function, *args, **options):
        return function(*args, **options)

    def project_networks(self, project):
        return [name for name in self.networks if name.startswith(project + "_")]

    def remove_network(self, name):
        self.networks.remove(name)

    def leave_network(self, container_id, network):
        self.told.append(("leave_network", container_id, network))

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

    def leave_network(self, container_id, network):
        super().leave_network(container_id, network)
        if container_id in self._all:
            self._all[container_id]["NetworkSettings"]["Networks"].pop(network, None)

    def join_network(self, container_id, network, aliases):
        self.told.append(("join_network", container_id, network))
        joined = {"IPAddress": "10.1.0.9", "Aliases": aliases}
        self._all[container_id]["NetworkSettings"]["Networks"][network] = joined

    def named_on(self, network):
        """Return ``{container id: its aliases}`` of those on a network."""
        networks = {key: each["NetworkSettings"]["Networks"] for key, each in self._all.items()}
        return {key: sorted(joined[network]["Aliases"]) for key, joined in networks.items() if network in joined}


def rendered(color, release):
    """What ``docker compose config`` printed of the app shop, for a color and a release."""
    text = COMPOSE_FIXTURE.read_text().replace("store-", "shop-").replace("front", "edge")
    return json.loads(text.replace("green", color).replace(":v2", ":" + release))


def nginx(*networks, service=None, project=None, directory="/srv/edge"):
    """What ``docker inspect`` has of nginx's container, nginx-1, on ``networks``, by default edge.

    ``service``, ``project``: as Compose started it, from compose.yml in ``directory``.
    """
    compose = {"service": service, "project": project, "project.working_dir": directory}
    compose["project.config_files"] = f"{directory}/compose.yml"
    return {
        "Id": "nginx-id",
        "Name": "/nginx-1",
        "Config": {"Labels": {f"com.docker.compose.{key}": value for key, value in compose.items()} if service else {}},
        "NetworkSettings": {"Networks": {name: {} for name in networks or ["edge"]}},
    }


class StandInStorage:
    """What a Storage looks up. ``volumes``: ``{name: what the Engine has of it}``. ``/srv/link`` leads to
    ``/srv/data``, and what lies in ``/run`` is no data."""

    volumes_directory = "/var/lib/docker/volumes"

    def __init__(self, volumes=None):
        self.volume = (volumes or {}).get

    def real_directory(self, path):
        return None if path.startswith("/run/") else os.path.normpath(path).replace("/srv/link", "/srv/data")


class StandInTarget:
    """A target on which runs of the app shop are planned; nginx runs in a container.

    Tests change the attributes: ``render(color, release)`` is what Compose makes of the user's files; ``images``:
    ``{reference or id: id}``; ``declared``: ``{reference: [mount target]}`` by VOLUME; ``volumes``: ``{name: what the
    Engine has of it}``; ``colors``, ``shared``, ``active``, ``text``, ``nginx_version`` and ``connect_timeouts``: as in
    a Situation. It is the Engine, too.
    """

    data_root = "/no/such/directory"
    is_rootless = False

    def __init__(self, directory, monkeypatch):
        self.source = directory / "source"
        self.source.mkdir()
        for color in COLORS:
            (self.source / f"compose.{color}.yml").touch()
        self.state_dir = directory / "state"
        self.render = rendered
        self.said_by_compose = ""
        self.images = {}
        self.unchecked = set()  # ids of images without a healthcheck
        self.add_images("cache:1", "shop-signal:v1", "shop-was:v1", "shop-signal:v2", "shop-was:v2")
        self.add_images("shop/was:v1", "shop/was:v2")  # as the role names what it builds
        self.declared = {}
        self.volumes = {}
        self.colors = {color: [] for color in COLORS}
        self.shared = {}
        self.active = None
        self.text = None
        self.nginx_version = (1, 30, 6)
        self.connect_timeouts = []
        self.edge = types.SimpleNamespace(
            resolver="127.0.0.11", address="172.18.0.2", running=True, sees_sockets=lambda: True, container=nginx()
        )
        self.proxied = []
        self.networks = []
        self.inspected = {}
        self.told = []
        monkeypatch.setattr(planner, "Situation", self._situation)
        monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # a third of the time of these tests

    @property
    def state(self):
        """The state directory as it is on the disk now."""
        return AppState(str(self.state_dir), "shop")

    @property
    def unfinished(self):
        return self.state.journal["unfinished"]

    def files(self):
        """Return the paths of everything in the state directory, relative to it."""
        return sorted(str(path.relative_to(self.state_dir)) for path in self.state_dir.rglob("*"))

    def add_images(self, *references, suffix=""):
        """Have an image by each reference and by its id; a ``suffix`` makes it another image."""
        for reference in references:
            image_id = f"sha256:{reference}{suffix}"
            self.images.update({reference: image_id, image_id: image_id})

    def planner(self, kind="deploy", check_mode=False, recovered=None, deploy=None, env=None, **settings):
        """Return the Planner of a run with these settings."""
        known = {
            "services": [{"name": "was-{color}", "port": 3000}, {"name": "signal-{color}", "port": 3001}],
            "project_src": str(self.source),
            "compose_files": ["compose.{color}.yml"],
            "shared_services": [],
            "exclusive_services": [],
            "vhost": {},
            "edge_url": {},
            "no_healthcheck": "running",
        }
        more = {
            name: settings.pop(name, default)
            for name, default in (("preview", {}), ("smoke_tests", []), ("loaded_files", []))
        }
        place = {"app": "shop", "state_dir": str(self.state_dir), "network": "edge", "nginx_mode": "container"}
        place["probe_headers"] = "e30="
        place.update({name: settings.pop(name) for name in list(settings) if name in place})
        request = complete_request(
            {**known, **settings}, **place, **more, kind=kind, recovered=recovered or {}, deploy=deploy, env=env or {}
        )
        return planner.Planner(self, request, self.run, "docker", "docker-logged-in", check_mode)

    def plan(self, *args, **settings):
        """Return the plan of a run, a dict."""
        return self.planner(*args, **settings).result()["plan"]

    def complete(self, plan, outcome="deployed"):
        """Have a planned run end well: its containers run, nginx has loaded its file, and the journal has its record.
        The containers of the color before still run."""
        with open(os.path.join(plan["directory"], plan["file"]), encoding="utf-8") as file:
            self.colors[plan["color"]] = self._started(json.load(file), plan["color"])
        state = self.state
        more = {}
        if outcome == "deployed":
            self.active, self.text = plan["color"], with_marks(plan["content"], generation=plan["deploy"])
            more = {"proved": plan["deploy"]}
        record = self._record(state.journal["unfinished"], self.colors[plan["color"]], outcome)
        state.save(releases=[*state.journal["releases"], record], unfinished=None, **more)
        return record

    def deploy(self, release="v1", outcome="deployed", **settings):
        """Deploy a release; return its record."""
        return self.complete(self.plan(release=release, **settings), outcome)

    def forget_new_keys(self):
        """Have the records be as an older version wrote them."""
        releases = self.state.journal["releases"]
        older = [{key: each[key] for key in each if key not in ("services", "expected")} for each in releases]
        self.state.save(releases=older)

    def change(self, color, *services, **changes):
        """Change containers of a color: all of them, or those of ``services``."""
        for each in self.colors[color]:
            if not services or each["service"] in services:
                each.update(changes)

    # What docker, and nginx in it, answer

    def run(self, argv, environ):
        if argv[:3] == ["docker", "compose", "version"]:
            return 0, "2.40.3", ""
        config = self.render(environ["BLUEGREEN_COLOR"], environ["BLUEGREEN_RELEASE"])
        return 0, json.dumps(config), self.said_by_compose

    def image_id(self, reference):
        return self.images.get(reference)

    def image(self, reference):
        if reference not in self.images:
            return None
        config = {"Volumes": dict.fromkeys(self.declared.get(reference, ()), {})}
        if self.images[reference] not in self.unchecked:
            config["Healthcheck"] = {"Test": ["CMD", "true"]}
        return {"Id": self.images[reference], "Config": config}

    def volume(self, name):
        return self.volumes.get(name)

    def list_containers(self, _labels):
        return []

    def inspect(self, container_id):
        return self.inspected.get(container_id)

    def project_networks(self, project):
        return [name for name in self.networks if name.startswith(project + "_")]

    def join_network(self, container_id, network, aliases):
        self.told.append(("join_network", container_id, network, aliases))
        joined = {"IPAddress": "10.0.9.9", "Aliases": aliases}
        self.inspected[container_id]["NetworkSettings"]["Networks"][network] = joined

    def _situation(self, _engine, _request, _services, server, may_judge):
        self.may_judge = may_judge
        return types.SimpleNamespace(
            state=self.state,
            edge=self.edge,
            nginx_version=self.nginx_version,
            text=self.text,
            colors=self.colors,
            shared=self.shared,
            active=self.active,
            active_containers=self.colors[self.active] if self.active else [],
            proxied=self.proxied,
            server=server,
            connect_timeouts=self.connect_timeouts,
        )

    def _started(self, config, color):
        started = []
        for number, (name, service) in enumerate(sorted(config["services"].items())):
            labels = service["labels"]
            deploy = labels[LABEL + "deploy"]
            here = container(
                name if name.endswith(color) else f"{name}-{color}",
                f"10.0.{COLORS.index(color)}.{number + 2}",
                id=f"{name}-{deploy}",
                name=f"shop-{color}-{name}-1",
                project=project_name("shop", color),
                deploy=deploy,
                release=labels[LABEL + "release"],
                config=labels[LABEL + "config"],
                exclusive=labels.get(LABEL + "exclusive") == "true",
                image=service["image"],
                image_id=self.images[service["image"]],
            )
            on_edge = {} if "edge" in service["networks"] else {"networks": {}}
            started.append(dict(here, service=name, **on_edge))
        return started

    def _record(self, unfinished, started, outcome):
        fields = {key: unfinished[key] for key in ("release", "color", "deploy", "config_hash", "ids_before")}
        images = {each["service"]: {"ref": each["image"], "id": each["image_id"], "brought": False} for each in started}
        ids = [each["id"] for each in started]
        at = "2026-01-31T23:59:59Z"
        noted = {key: unfinished[key] for key in ("services", "expected", "files") if key in unfinished}
        return dict(fields, deployed_at=at, images=images, containers=ids, outcome=outcome, rollback=False, **noted)


def holder_of_the_lock(state_dir, **holder):
    """Have a run hold the lock of the app shop. ``holder``: ``user``, ``controller`` and ``job``."""
    lock = AppLock(str(state_dir), "shop")
    os.makedirs(lock.directory, exist_ok=True)
    lock.take("c0ffee", holder, None, "docker")
