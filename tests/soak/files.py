# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try ordinary Compose files in the styles that people publish. Each is started by hand, adopted, deployed again and
rolled back under load, then deployed once more without a change. A PostgreSQL, a Redis or a file keeps its data.

Prints the Markdown table of docs/tested.md. Exits 1 if anything is lost or left behind. `files.py NAME …` tries only
those.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import docker  # noqa: E402
from sites import APP_LABEL, ROOT, Load, Site, output_of, until  # noqa: E402

IMAGE = "hotswap-files/app"
PROJECT = "com.docker.compose.project"
SENT_BEFORE = 5  # POSTs that the stack gets before its adoption


@dataclass
class Stack:
    """``name``: the directory in files/; ``services``: ``{name: port}`` of those that take traffic, the first of which
    counts its requests.

    ``network``: how nginx reaches the stack before its adoption: ``proxy``, an external network of the file; another
    name, a network of the stack, which nginx joins or which its own nginx (``nginx``) has; None, ``published``, a port
    of the host. ``volumes``, ``networks``: the external ones; ``alias``: ``(network, URL)``, which a neighbour calls
    all the time.
    """

    name: str
    services: dict
    shared: list = field(default_factory=list)
    exclusive: list = field(default_factory=list)
    network: str | None = None
    published: int | None = None
    nginx: str | None = None
    probe: dict | None = None
    options: dict = field(default_factory=dict)
    volumes: list = field(default_factory=list)
    networks: list = field(default_factory=list)
    alias: tuple | None = None
    file: str | None = None
    releases: tuple = ("v1", "v2", "v3")

    @property
    def source(self):
        return ROOT / "examples/shop" if self.name == "shop" else HERE / "files" / self.name


STACKS = [
    # It restarts until its database answers.
    Stack("cms", {"cms": 8000}, ["db"], published=8100, options={"max_restarts": 5}),
    Stack("cache", {"web": 8000}, published=8102),
    Stack("queue", {"web": 8000}, ["redis"], ["worker", "scheduler"], published=8101),
    Stack("oneshot", {"web": 8000}, ["db"], network="proxy"),
    Stack("init", {"web": 8000}, network="default"),
    Stack("profiles", {"web": 8000}, ["cache"], ["worker"], network="frontend"),
    Stack("build", {"web": 8000}, ["redis"], ["worker"], published=8103),
    Stack("override", {"web": 8000}, ["db"], network="default"),
    Stack("binds", {"app": 8000}, ["binds-db"], published=8105, options={"max_restarts": 5}),
    Stack("all-in-one", {"web": 8000}, ["db"], network="default", nginx="nginx"),
    Stack(
        "alias",
        {"orders": 8000},
        ["redis"],
        network="proxy",
        networks=["alias-corp"],
        alias=("alias-corp", "http://orders-api:8000"),
    ),
    Stack(
        "shop",
        {"was-{color}": 3000, "signal-{color}": 3001},
        network="proxy",
        options={"compose_files": ["compose.{color}-deploy.yml"]},
        file="compose.blue-deploy.yml",
        releases=("v1", "v2", "v1"),  # v3 is the broken one of the demo
    ),
    Stack("replicas", {"web": 8000}, ["redis"], network="default"),
    Stack("env", {"web": 8000}, ["redis"], published=8107),
    Stack("secrets", {"web": 8000}, ["db"], network="proxy"),
    Stack("probe", {"server": 8000}, published=8108, probe={"path": "/"}),
    Stack("single", {"app": 8000}, published=8117),
    Stack("names", {"web": 8000}, ["db"], network="proxy", volumes=["names_media"], options={"max_restarts": 5}),
    Stack("n8n", {"n8n": 8000}, ["postgres", "redis"], ["n8n-worker"], published=8109, probe={"path": "/"}),
    Stack("everything", {"web": 8000}, ["db", "cache"], ["worker", "scheduler"], network="front"),
]


def build(engine):
    for target, tags in (("postgres", ["latest"]), ("redis", ["latest"]), ("app", ["v1", "v2", "v3"])):
        for tag in tags:
            options = {"path": str(HERE / "files/app"), "target": target, "buildargs": {"RELEASE": tag}, "rm": True}
            engine.images.build(tag=f"hotswap-files/{target}:{tag}", **options)


class Trial:
    """One stack on its own site. ``totals``: what clients have seen."""

    def __init__(self, stack, directory, stay):
        """``stay``: an ExitStack that removes everything when it closes."""
        self.stack, self.stay = stack, stay
        self.site = site = Site(stack.name, directory)
        self.totals = {"requests": 0, "lost": 0, "posts": 0}
        self.mounted = set()  # all volumes that containers of the stack have used
        site.docker.networks.get(site.network).remove()
        site.src = directory / site.name  # Compose names the project after it
        shutil.copytree(stack.source, site.src)
        if stack.nginx:
            site.conf = site.src / "conf.d"
            site.conf.mkdir()
        stay.callback(self.clean)
        # Joining it does not change the default gateway of a container, because the stack's own network sorts first.
        site.network = f"proxy-{site.name}"
        for name in stack.networks + ([site.network] if stack.network in (None, "proxy") else []):
            network = site.docker.networks.create(name)
            stay.callback(network.remove)
        for name in stack.volumes:
            stay.callback(site.docker.volumes.create(name).remove)
        stay.callback(self.remove)  # before the networks and the volumes
        with open(site.src / ".env", "a") as file:
            file.write(f"PROXY_NETWORK={site.network}\n")
        for path in site.src.glob("compose.*-deploy.yml"):
            path.write_text(path.read_text().replace("external: true", f"external: true\n    name: {site.network}"))
        self.model = json.loads(self.compose("config", "--format=json"))
        self.project = self.model["name"]
        self.prefixes = tuple({site.name, self.project})
        if stack.nginx:
            site.nginx_container = f"{self.project}-{stack.nginx}-1"

    def compose(self, *words):
        """Run docker compose as the user would; return its output."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("BLUEGREEN_", "COMPOSE_"))}
        files = ["--file", self.stack.file] if self.stack.file else []
        command = ["docker", "compose", *files, *words]
        environ["BLUEGREEN_RELEASE"] = self.stack.releases[0]
        run = subprocess.run(
            command, cwd=self.site.src, env=environ, capture_output=True, text=True, timeout=300, check=False
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def clean(self):
        """Remove images and the site, after the containers."""
        for tag in self.site.tags():
            if tag.startswith(self.site.name):
                self.site.docker.images.remove(tag, force=True)
        self.site.close()

    def remove(self):
        site = self.site
        for container in site.docker.containers.list(all=True, ignore_removed=True):
            if self.is_mine(container):
                container.remove(force=True, v=True)
        self.compose("--profile=*", "down", "--volumes", "--remove-orphans")

    # Names

    def base(self, service):
        return service.replace("-{color}", "")

    def host(self, service):
        """Return the host name of a service's requests through nginx."""
        first = service == next(iter(self.stack.services))
        return self.site.host if first else f"{self.base(service)}.{self.site.host}"

    def write_server(self, by_hand):
        """Write nginx's file as a user has it; ``by_hand``: with the upstream blocks that the first deploy replaces."""
        text = "keepalive_min_timeout 5s;\n"
        for service, port in self.stack.services.items():
            upstream = f"{self.site.app}-{self.base(service)}"
            place = f"host.docker.internal:{self.stack.published}"
            if self.stack.network:
                place = f"{service.replace('{color}', 'blue')}:{port}"
            if by_hand:
                text += f"upstream {upstream} {{ server {place}; }}\n"
            text += f"server {{ listen 80; server_name {self.host(service)}; proxy_connect_timeout 4s;\n"
            text += f"    location / {{ proxy_pass http://{upstream}; }}\n}}\n"
        self.site.write("site.conf", text)

    @property
    def variables(self):
        services = [{"name": name, "port": port} for name, port in self.stack.services.items()]
        if self.stack.probe:
            services = [dict(service, probe=self.stack.probe) for service in services]
        given = {"compose_files": None, "services": services, "health_timeout": 120}
        given.update(shared_services=self.stack.shared, exclusive_services=self.stack.exclusive)
        return dict(given, **self.stack.options)

    # Steps

    def start(self):
        """Start the stack and nginx as a user would."""
        site, stack = self.site, self.stack
        options = {"extra_hosts": {"host.docker.internal": "host-gateway"}} if stack.published else {}
        self.write_server(by_hand=True)
        self.compose("up", "--detach", "--build")
        if stack.network and stack.network != "proxy":
            site.network = self.model["networks"][stack.network]["name"]
        if not stack.nginx:
            site.start_nginx(**options)
        for service in stack.services:  # a service may boot later than the others; 404 is an answer
            until(lambda service=service: self.ask(service=service)[0] < 500, f"{service} started by hand answers", 120)
        for _number in range(SENT_BEFORE):
            assert self.ask("POST", "/orders", "{}")[0] in (200, 201)
        self.write_server(by_hand=False)  # without a reload

    def ask(self, method="GET", path="/", body=None, service=None):
        """Send one request through nginx, to the first service by default.

        Return ``(status, release, the app's JSON)``.
        """
        connection = http.client.HTTPConnection(self.site.address, self.site.port, timeout=10)
        with contextlib.closing(connection):
            host = self.host(service or next(iter(self.stack.services)))
            headers = {"Host": host, "Connection": "close", "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
            return response.status, response.getheader("X-Release"), json.loads(text) if response.status == 200 else {}

    @contextlib.contextmanager
    def load(self):
        """Send requests to each service that takes traffic and to the alias; count the losses."""
        site = self.site
        with contextlib.ExitStack() as running:
            loads = []
            for number, service in enumerate(self.stack.services):
                load = Load(site, f"http://{site.address}:{site.port}", self.host(service), "--think-ms=300")
                load.out = load.out.with_suffix(f".{number}")
                load.command[-1] = f"--out={load.out}"
                loads.append(running.enter_context(load))
            neighbour = self.start_neighbour() if self.stack.alias else None
            yield
            for load in loads:
                load.stop.touch()
        for load in loads:
            total = load.report["total"]
            self.totals["requests"] += total["requests"]
            self.totals["lost"] += total["dropped"] + total["errors_5xx"]
        kinds = loads[0].report["kinds"]
        self.totals["posts"] += sum(kinds[name]["requests"] - kinds[name]["dropped"] for name in ("post", "upload"))
        if self.totals["lost"]:
            self.print_logs()
        if neighbour:
            neighbour.stop()
            seen = json.loads(neighbour.logs(stderr=False))
            print(f"neighbour: {seen}\n{neighbour.logs(stdout=False).decode()}")
            self.totals["requests"] += seen["requests"]
            self.totals["lost"] += seen["lost"]
            neighbour.remove()

    def print_logs(self):
        for container in self.site.docker.containers.list(all=True, ignore_removed=True):
            if self.is_mine(container):
                print(f"--- {container.name}\n{container.logs(tail=40).decode(errors='replace')}")

    def start_neighbour(self):
        network, url = self.stack.alias
        name = f"{self.site.name}-neighbour"
        command = ["python3", "/app.py", "call", url]
        return self.site.docker.containers.run(f"{IMAGE}:v1", command, name=name, network=network, detach=True)

    def deploy(self, release):
        if (self.site.src / "release").exists():
            (self.site.src / "release").write_text(f"{release}\n")
        return self.site.deploy(release, **self.variables).succeeded()

    def rollback(self):
        return self.site.rollback(**self.variables).succeeded()

    def serves(self, release):
        seen = {self.ask()[:2] for _number in range(6)}
        assert seen == {(200, release)}, f"{release} is to answer, and there are {seen}"

    def run(self):
        """Go through all steps; return the figures of the row."""
        self.start()
        first, second, third = self.stack.releases
        self.serves(first)
        began, before = self.ask()[2].get("first"), self.found()
        for act, release in (
            (lambda: self.deploy(second), second),
            (lambda: self.deploy(third), third),
            (self.rollback, second),
        ):
            with self.load():
                act()
            self.serves(release)
            self.found()
        again = self.deploy(second)
        assert (again.result["outcome"], again.changed) == ("unchanged", 0), (again.result["outcome"], again.changed)
        assert second in self.site.play("status", **self.variables).succeeded().stdout
        said = self.ask()[2]
        return {
            **self.totals,
            "kept": said["count"] - SENT_BEFORE if "count" in said else None,
            "before": said.get("first") == began,
            "clashes": self.clashes(),
            "left": self.left_behind(before),
        }

    # State of the host

    def clashes(self):
        """Return how often two workers ran at the same time."""
        for container in self.site.docker.containers.list(ignore_removed=True):
            if self.is_mine(container) and "redis" in (container.image.tags or [""])[0]:
                return int(output_of(container, "redis-cli", "get", "clashes").strip() or 0)
        return 0

    def is_mine(self, container):
        labels = container.labels
        return (
            container.name.startswith(self.prefixes)
            or labels.get(APP_LABEL) == self.site.app
            or labels.get(PROJECT) == self.project
        )

    def found(self):
        """Return the objects of the stack, the app and nginx on the host: ``{kind: {name: object}}``."""
        engine = self.site.docker
        containers = [c for c in engine.containers.list(all=True, ignore_removed=True) if self.is_mine(c)]
        mounted = {mount.get("Name") for container in containers for mount in container.attrs["Mounts"]}
        self.mounted |= mounted
        named = re.compile("(0-)?(" + "|".join(map(re.escape, self.prefixes)) + ")")
        return {
            "containers": {each.name: each for each in containers},
            "networks": {each.name: each for each in engine.networks.list() if named.match(each.name)},
            "volumes": {
                each.name: each for each in engine.volumes.list() if named.match(each.name) or each.name in self.mounted
            },
            "images": {tag: tag for tag in self.site.tags() if named.match(tag)},
        }

    def left_behind(self, before):
        """Return the names of objects that belong neither to the stack, nor to its colors, nor to its releases' images.

        ``before``: the objects of the stack before the first deploy.
        """
        app, now = self.site.app, self.found()
        services = {name.replace("-blue", color) for name in self.model["services"] for color in ("-blue", "-green")}
        projects = {f"{app}-{part}" for part in ("blue", "green", "shared")}
        containers = [container.attrs for container in now["containers"].values()]
        used = {name for each in containers for name in each["NetworkSettings"]["Networks"]}
        used |= {mount.get("Name") for each in containers for mount in each["Mounts"]}
        now = {kind: {name: now[kind][name] for name in now[kind].keys() - before[kind].keys()} for kind in now}
        left = []
        for name, container in now["containers"].items():
            service, oneoff = (container.labels.get(f"com.docker.compose.{key}") for key in ("service", "oneoff"))
            if container.labels.get(PROJECT) not in projects or service not in services or oneoff == "True":
                left.append(name)
        left += [name for name in now["networks"] if name not in used]
        # A color uses the stack's volumes, and anonymous volumes of its own while it has containers.
        left += [name for name in now["volumes"] if name.startswith(self.prefixes) or name not in used]
        left += [tag for tag in now["images"] if tag.rpartition(":")[2] not in self.stack.releases]
        return sorted(left)


def row(trial, seen):
    stack, services = trial.stack, set(trial.model["services"])
    colored = sorted(services - {*stack.shared, *stack.exclusive, stack.nginx})
    colored = [name.replace("-blue", "") for name in colored]
    data = "-" if seen["kept"] is None else f"{seen['kept']} of {seen['posts']}"
    before = "-" if seen["kept"] is None else "yes" if seen["before"] else "no"
    cells = [stack.name, len(services), ", ".join(colored), ", ".join(stack.shared), ", ".join(stack.exclusive)]
    cells += [seen["requests"], seen["lost"], data, before, seen["clashes"], ", ".join(seen["left"]) or "nothing"]
    return f"| {' | '.join(map(str, cells))} |"


def is_good(seen):
    counted = seen["kept"] in (None, seen["posts"]) and seen["before"]
    return counted and not (seen["lost"] or seen["clashes"] or seen["left"])


HEADS = [
    "file",
    "services",
    "in each color",
    "shared",
    "exclusive",
    "requests",
    "lost",
    "POSTs kept",
    "earlier data",
    "two at once",
    "left behind",
]


def main():
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(1))  # so that the ExitStack removes everything
    build(docker.from_env())
    failed = []
    print(f"| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|", flush=True)
    for stack in STACKS:
        if len(sys.argv) > 1 and stack.name not in sys.argv[1:]:
            continue
        with contextlib.ExitStack() as stay:
            directory = pathlib.Path(stay.enter_context(tempfile.TemporaryDirectory(prefix="files-")))
            stay.enter_context(contextlib.redirect_stdout(sys.stderr))
            try:
                trial = Trial(stack, directory, stay)
                seen = trial.run()
                print(row(trial, seen), file=sys.__stdout__, flush=True)
                if not is_good(seen):
                    failed.append(stack.name)
            except Exception:  # try the others too
                traceback.print_exc()
                print(f"| {stack.name} | failed |", file=sys.__stdout__, flush=True)
                failed.append(stack.name)
    if failed:
        print(f"files: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
