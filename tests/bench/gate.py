# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gate's reaction with 1, 20 and 200 containers, beside ``docker compose up --wait`` and a poller.

The containers wait for a file. Once the file exists, the next health check of each container passes. The reaction lasts
from the Engine's event of the last container that turns healthy to the end of the process that waits. Of 200
containers, 180 are healthy before, because 200 containers that start would fill the machine for minutes.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import docker
from measure import APP_IMAGE, CountingProxy, at_most, median, table
from sites import COLLECTIONS

SIZES = {1: 1, 20: 20, 200: 20}  # containers: how many of them turn healthy in the wait
WAITS = 6  # s until the file exists
COMPOSE = """\
services:
  app:
    image: {image}
    entrypoint: [sleep, "3600"]
    network_mode: none
    volumes: ["{flag}:/flag:ro"]
    healthcheck:
      test: [CMD, test, -e, /flag/ready]
      interval: 1h
      start_period: 1h
      start_interval: 2s
    deploy: {{replicas: {count}}}
"""
POLLER = """\
import sys, time, docker
api = docker.from_env().api
while True:
    found = api.containers(filters={"label": "com.docker.compose.project=" + sys.argv[1]})
    if all(api.inspect_container(one["Id"])["State"]["Health"]["Status"] == "healthy" for one in found):
        break
    time.sleep(1)
"""
MODULE = "ansible_collections.hotswap.compose.plugins.modules.compose_health_wait"


class Project:
    """Containers that wait for the file ``ready``. ``turning``: how many of them are restarted before each wait."""

    def __init__(self, count, turning, directory):
        self.count, self.turning, self.directory = count, turning, directory
        self.name = f"bench-gate-{os.getpid()}-{count}"
        self.ready = directory / "flag" / "ready"
        self.ready.parent.mkdir()
        self.file = directory / "compose.yml"
        self.file.write_text(COMPOSE.format(image=APP_IMAGE, flag=self.ready.parent, count=count))
        self.compose = ["docker", "compose", "-p", self.name, "-f", str(self.file)]
        self.docker = docker.from_env(timeout=300)

    def waiters(self):
        """Return ``{name: argv}`` of those that wait for the project."""
        options = {"project_name": self.name, "replicas": {"app": self.count}, "timeout": 300}
        arguments = self.directory / "arguments.json"
        arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
        return {
            "gate": [sys.executable, "-m", MODULE, str(arguments)],
            "docker compose up --wait": [*self.compose, "up", "-d", "--wait"],
            "poller, 1 s": [sys.executable, "-c", POLLER, self.name],
        }

    def up(self):
        self.ready.touch()
        subprocess.run([*self.compose, "up", "-d", "--wait"], check=True, capture_output=True)

    def restart(self):
        """Start some containers again, so that they are not healthy."""
        self.ready.unlink(missing_ok=True)
        ids = sorted(one.id for one in self.containers())[: self.turning]
        subprocess.run(["docker", "restart", "-t", "0", *ids], check=True, capture_output=True)

    def containers(self):
        filters = {"label": f"com.docker.compose.project={self.name}"}
        return self.docker.containers.list(all=True, filters=filters, sparse=True)

    def down(self):
        ids = [one.id for one in self.containers()]
        if ids:
            subprocess.run(["docker", "rm", "-f", *ids], check=True, capture_output=True)
        self.docker.close()

    def last_healthy(self, events):
        """Return when the last container turned healthy, in s since the epoch."""
        healthy = set()
        for event in events:
            healthy.add(event["Actor"]["ID"])
            if len(healthy) == self.turning:
                return event["timeNano"] / 1e9
        return None

    def wait_once(self, argv):
        """Return what one waiter did: ``{reaction, cpu, calls, waited}``."""
        filters = {"label": f"com.docker.compose.project={self.name}", "event": "health_status: healthy"}
        events, found = self.docker.events(decode=True, filters=filters, since=time.time()), []
        listener = threading.Thread(target=lambda: found.append(self.last_healthy(events)), daemon=True)
        listener.start()
        with tempfile.TemporaryDirectory(dir=self.directory) as directory, CountingProxy(directory) as proxy:
            environ = dict(os.environ, DOCKER_HOST=proxy.url, PYTHONPATH=str(COLLECTIONS), LC_ALL="C.UTF-8")
            began = time.monotonic()
            process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                time.sleep(WAITS)
                self.ready.touch()
                said = process.stdout.read()
                _pid, status, usage = os.wait4(process.pid, 0)
                ended, waited = time.time(), time.monotonic() - began
                process.returncode = os.waitstatus_to_exitcode(status)
            finally:
                if process.returncode is None:
                    process.kill()
        assert process.returncode == 0, said
        listener.join(30)
        events.close()
        measured = {
            "reaction": ended - found[0],
            "cpu": usage.ru_utime + usage.ru_stime,
            "calls": len(proxy.requests),
            "waited": waited,
        }
        if argv[2] == MODULE:
            measured["verdict"] = json.loads(said)["reaction"]
        return measured


def main(repeats):
    rows, raw = [], {}
    for count, turning in SIZES.items():
        with tempfile.TemporaryDirectory(prefix="bench-gate-") as directory:
            project = Project(count, turning, pathlib.Path(directory))
            found = {name: [] for name in project.waiters()}
            try:
                project.up()
                for _number in range(repeats):
                    for name, argv in project.waiters().items():
                        project.restart()
                        found[name].append(project.wait_once(argv))
            finally:
                project.down()
        for name, each in found.items():
            raw[f"{count}, {name}"] = each
            reaction, cpu, calls = (median([one[key] for one in each]) for key in ("reaction", "cpu", "calls"))
            verdict = median([one["verdict"] for one in each]) if name == "gate" else None
            target = None if verdict is None else at_most(20, 1000 * verdict)
            rows.append([count, name, None if verdict is None else 1000 * verdict, target, 1000 * reaction, cpu, calls])
    titles = ["containers", "waits", "event → verdict, ms", "target ms", "event → its process ended, ms", "CPU s"]
    return {"Reaction of the gate": table([*titles, "Engine calls"], rows)}, raw
