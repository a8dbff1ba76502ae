# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the benchmarks share: a shop with two services, timed commands, counted calls of the Engine, and tables."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from sites import Site, Watching  # noqa: E402

COMPOSE = """\
services:
  web-@color@:
    image: @site@/app:${BLUEGREEN_RELEASE}
    stop_grace_period: 2s
    networks: [edge]
    environment: &environment
      BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE}
      BLUEGREEN_COLOR: @color@
      BEHAVIOUR: ${BEHAVIOUR:-healthy}
      BOOT: ${BOOT:-0}
    healthcheck: &healthcheck
      test: [CMD, test, -e, /tmp/healthy]
      start_interval: 200ms
      start_period: 90s
      interval: 2s
  api-@color@:
    image: @site@/app:${BLUEGREEN_RELEASE}
    stop_grace_period: 2s
    networks: [edge]
    environment: *environment
    healthcheck: *healthcheck
networks:
  edge:
    name: @network@
    external: true
"""
ENGINE = "/var/run/docker.sock"
APP_IMAGE = "hotswap-bench/app:base"  # the tests may build theirs again while a benchmark runs


class Shop(Site):
    """A site whose app has two services, and the releases v1 and v2. ``boot``: s until the app can answer."""

    app_image = APP_IMAGE

    def __init__(self, name, directory, boot=0.0):
        self.boot = boot
        self.runs = []
        super().__init__(f"bench-{name}", directory)
        for release in ("v1", "v2"):
            self.image(release)

    def begin(self, *arguments, **more):
        self.runs.append(super().begin(*arguments, **more))
        return self.runs[-1]

    def close(self):
        for run in self.runs:
            if run.process.poll() is None:  # after a failure
                run.kill(everything=True)
        super().close()

    def write_compose_files(self):
        for color in ("blue", "green"):
            (self.src / f"compose.{color}-deploy.yml").write_text(self.text(COMPOSE, color))

    def variables(self, **more):
        more = {"drain_timeout": 0, "health_timeout": 150, "env": {"BOOT": str(self.boot)}, **more}
        more.setdefault("services", [{"name": f"{name}-{{color}}", "port": 3000} for name in ("web", "api")])
        return super().variables(**more)


@contextlib.contextmanager
def shop(name, boot=0.0):
    """Give a Shop with v1 deployed, and remove it after the block."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as directory:
        site = Shop(name, pathlib.Path(directory), boot)
        try:
            site.first_deploy("v1")
            yield site
        finally:
            site.close()


class FirstAnswer(Watching):
    """Asks nginx every 10 ms until a release answers.

    ``at``: when it did, ``since``: from when on the app could answer, both in s since the epoch.
    """

    def __init__(self, site, release):
        super().__init__()
        self.site, self.release = site, release
        self.port = site.port
        self.at = self.since = None

    def run(self):
        while not self.stopped.wait(0.01):
            with contextlib.suppress(OSError):
                _status, said = self.site.get(port=self.port)
                if said.get("BLUEGREEN_RELEASE") == self.release:
                    self.at, self.since = time.time(), said["SINCE"]
                    return


def timed(*argv, ok=True, **options):
    """Run a command, which succeeds if ``ok`` and fails otherwise; return its seconds."""
    began = time.monotonic()
    done = subprocess.run(argv, check=False, capture_output=True, text=True, **options)
    seconds = time.monotonic() - began
    assert (done.returncode == 0) == ok, (argv, done.stdout, done.stderr)
    return seconds


class CountingProxy(threading.Thread):
    """A socket that hands everything on to the Docker Engine and counts the requests. ``url``: its DOCKER_HOST."""

    REQUEST = re.compile(rb"^(?:GET|POST|PUT|HEAD|DELETE) (\S+) HTTP/1\.1\r\n", re.MULTILINE)

    def __init__(self, directory):
        super().__init__(daemon=True)
        path = os.path.join(directory, "docker.sock")
        self.url = f"unix://{path}"
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)  # close() alone does not end accept()
        self.listener.close()
        self.join()

    def run(self):
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(ENGINE)
            for source, sink, counts in ((client, engine, True), (engine, client, False)):
                threading.Thread(target=self._hand_on, args=(source, sink, counts), daemon=True).start()

    def _hand_on(self, source, sink, counts):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if counts:
                    self.requests += self.REQUEST.findall(data)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


median = statistics.median


def at_most(limit, value):
    """Return the cell of a target that is an upper limit."""
    return f"≤ {_cell(limit)}" if value <= limit else f"**≤ {_cell(limit)}, missed**"


def at_least(limit, value):
    """Return the cell of a target that is a lower limit."""
    return f"≥ {_cell(limit)}" if value >= limit else f"**≥ {_cell(limit)}, missed**"


def table(titles, rows):
    """Return a Markdown table; floats have two decimals."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def _cell(value):
    return f"{value:,.2f}" if isinstance(value, float) else "-" if value is None else str(value)
