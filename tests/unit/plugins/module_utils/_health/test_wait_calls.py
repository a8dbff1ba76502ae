# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many calls of the Engine's API a wait makes: counted by an Engine that answers over a real socket."""

from __future__ import annotations

import collections
import json
import pathlib
import re
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import Engine
from ansible_collections.hotswap.compose.plugins.module_utils._health import verdict
from ansible_collections.hotswap.compose.plugins.module_utils._health.wait import Waiter

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "inspect"


class CountingEngine(socketserver.ThreadingUnixStreamServer):
    """So many containers, which turn healthy one after the other once all were inspected. ``calls``: by their kind."""

    daemon_threads = True

    def __init__(self, path, count):
        super().__init__(path, Handler)
        self.calls = collections.Counter()
        self.healthy = set()
        self.inspected = set()
        self.all_inspected = threading.Event()
        self.ids = [f"c{number:02}" for number in range(count)]
        self.lock = threading.Lock()

    def container(self, container_id):
        name = "healthy" if container_id in self.healthy else "starting"
        container = json.loads((FIXTURES / f"{name}.json").read_text())
        container.update(Id=container_id, Name=f"/shop-{container_id}")
        container["Config"]["Labels"][verdict.SERVICE_LABEL] = container_id
        return container

    def note(self, kind, container_id=None):
        with self.lock:
            self.calls[kind] += 1
            if container_id:
                self.inspected.add(container_id)
        if self.inspected.issuperset(self.ids):
            self.all_inspected.set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "a socket"

    def log_message(self, *_args):
        pass

    def do_GET(self):
        path = re.sub(r"^/v[\d.]+", "", self.path.partition("?")[0])
        engine = self.server
        inspection = re.fullmatch(r"/containers/(c\d+)/json", path)
        if path == "/version":
            engine.note("version")
            self.answer({"ApiVersion": "1.45", "MinAPIVersion": "1.24", "Version": "26.1.5"})
        elif path == "/containers/json":
            engine.note("list")
            self.answer([{"Id": one, "Labels": engine.container(one)["Config"]["Labels"]} for one in engine.ids])
        elif inspection:
            engine.note("inspect", inspection.group(1))
            self.answer(engine.container(inspection.group(1)))
        elif path == "/events":
            engine.note("events")
            self.tell_events()
        else:
            engine.note(path)
            self.send_error(404)

    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell_events(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.server.all_inspected.wait(5)
        for number, one in enumerate(self.server.ids):
            self.server.healthy.add(one)
            labels = self.server.container(one)["Config"]["Labels"]
            event = {
                "Type": "container",
                "Action": "health_status: healthy",
                "Actor": {"ID": one, "Attributes": labels},
                "timeNano": 1_800_000_000_000_000_000 + number,
            }
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        threading.Event().wait(5)  # the stream stays open, as the Engine's does


class SlowClock:
    """Time passes 100 times slower for the waiter, so that its polls add no calls on a busy machine."""

    def monotonic(self):
        return time.monotonic() / 100

    def time(self):
        return time.time()


@pytest.fixture
def counting_engine(tmp_path):
    with CountingEngine(str(tmp_path / "docker.sock"), 20) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_wait_inspects_each_container_once_and_again_at_its_event(counting_engine):
    engine = Engine.connect({"docker_host": f"unix://{counting_engine.server_address}"}, {})
    outcome = Waiter(engine, "shop", verdict.Rules(), timeout=10, clock=SlowClock()).wait()
    assert outcome.status == verdict.READY
    assert counting_engine.calls == {"version": 1, "events": 1, "list": 1, "inspect": 2 * 20}
