# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A container with its own Docker Engine, as a host, and a site of the tests on it."""

from __future__ import annotations

import io
import json
import pathlib
import sys
import tarfile
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import docker  # noqa: E402
from sites import COMPOSE, Site, output_of, until  # noqa: E402

START = 'mkdir -p /etc/docker && echo "$2" >/etc/docker/daemon.json && exec dockerd -H unix:///run/docker.sock -H "$1"'
PLUGIN = "/usr/libexec/docker/cli-plugins/docker-compose"


class Host:
    """``image``: hotswap/host:…, which has the Engine. The host mounts ``directory`` at the same path, and the Engine's
    socket is in it. ``containerd_images``: whether the Engine keeps its images in containerd. The host is removed at
    the end of the block."""

    def __init__(self, image, directory, containerd_images=False):
        self.outer = docker.from_env()
        self.name = f"matrix-{uuid.uuid4().hex[:4]}"
        self.socket = f"unix://{directory}/docker.sock"
        settings = {"features": {"containerd-snapshotter": containerd_images}}
        self.container = self.outer.containers.run(
            image,
            ["sh", "-c", START, "sh", self.socket, json.dumps(settings)],
            name=self.name,
            privileged=True,
            init=True,
            tmpfs={"/run": ""},
            volumes={self.name: {"bind": "/var/lib/docker"}, str(directory): {"bind": str(directory)}},
            detach=True,
        )
        until(lambda: self.container.exec_run(["docker", "info"]).exit_code == 0, "the Engine answers", 120)
        self.container.reload()
        self.address = self.container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        self.engine = self.client()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.engine.close()
        self.container.remove(force=True, v=True)
        self.outer.volumes.get(self.name).remove()
        self.outer.close()

    def client(self):
        return docker.DockerClient(base_url=self.socket, timeout=120)

    def load(self, *images):
        """Copy images of this machine to the host."""
        for image in images:
            self.engine.images.load(self.outer.images.get(image).save(named=image))

    def take_compose(self, image):
        """Copy Docker Compose from another host image."""
        other = self.outer.containers.create(image)
        try:
            archive, _stat = other.get_archive(PLUGIN)
            data = b"".join(archive)
        finally:
            other.remove()
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            assert tar.getnames() == [pathlib.Path(PLUGIN).name]
        self.run("mkdir", "-p", str(pathlib.Path(PLUGIN).parent))
        self.container.put_archive(str(pathlib.Path(PLUGIN).parent), data)

    def run(self, *command):
        """Run a command on the host; return its output."""
        return output_of(self.container, *command).strip()


class HostedSite(Site):
    """A site on such a host. The first ansible-playbook on ``path`` deploys to it through Docker's connection."""

    def __init__(self, name, directory, host, path):
        super().__init__(name, directory, host.client())
        self.address = host.address
        self.path = path
        self.target = {
            "ansible_connection": "community.docker.docker",
            "ansible_host": host.name,
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        for color in ("blue", "green"):
            text = self.text(COMPOSE, color).replace("      start_interval: 400ms\n", "")  # needs Engine 25 or newer
            (self.src / f"compose.{color}-deploy.yml").write_text(text)

    def variables(self, **more):
        return super().variables(**{"health_timeout": 120, **more})

    def begin(self, name, environment=None, arguments=(), hosts=None, directory="run", **more):
        environment = {"PATH": self.path, **(environment or {})}
        hosts = hosts or {"target": self.target}
        playbook = super().begin(name, environment, arguments, hosts, directory, **more)
        playbook.timeout = 900  # an Engine in a container is slow on a busy machine
        return playbook
