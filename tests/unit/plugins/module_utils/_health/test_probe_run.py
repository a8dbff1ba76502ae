# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import http.server
import json
import queue
import socket
import threading
import time
import types
from contextlib import nullcontext

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import ProbeError
from ansible_collections.hotswap.compose.plugins.module_utils._health import probe_run
from ansible_collections.hotswap.compose.plugins.module_utils._health.probe import HEALTHY, STARTING, UNHEALTHY
from ansible_collections.hotswap.compose.plugins.module_utils._health.probe_run import Prober, send_probe
from ansible_collections.hotswap.compose.tests.unit.stand_ins import container


class App(http.server.BaseHTTPRequestHandler):
    """Answers by the server's ``statuses``, the last one again and again."""

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, dict(self.headers)))
        if self.path == "/slow":
            time.sleep(1)
        status = server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"no database")

    def log_message(self, *args):
        pass


@pytest.fixture
def app():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    server.statuses, server.asked = [200], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def place_of(app):
    return f"127.0.0.1:{app.server_address[1]}"


def given(**changes):
    known = {"service": "was-blue", "port": 3000, "path": "/health", "status": [200], "headers": {}, "network": None}
    times = {"interval": 0.01, "timeout": 2, "healthy_after": 1, "unhealthy_after": 3}
    return {**known, **times, **changes}


def unused_place():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{sock.getsockname()[1]}"


def test_one_that_passes(app):
    reply = send_probe(place_of(app), given(headers={"Host": "shop.example", "X-Key": "secret"}))
    assert (reply.passed, reply.text) == (True, f"GET http://{place_of(app)}/health: passed")
    path, headers = app.asked[0]
    assert (path, headers["Host"], headers["X-Key"]) == ("/health", "shop.example", "secret")


def test_a_status_that_is_not_listed(app):
    app.statuses = [503]
    reply = send_probe(place_of(app), given())
    assert not reply.passed
    assert reply.text.endswith("/health: the status is 503, not 200; the answer: no database")


@pytest.mark.parametrize("status, passed", [([200], False), ([200, 301], True)])
def test_redirects_are_not_followed(app, status, passed):
    app.statuses = [301]
    assert send_probe(place_of(app), given(status=status)).passed is passed
    assert [path for path, _headers in app.asked] == ["/health"]


def test_no_answer(app):
    place = unused_place()
    assert "no answer: " in send_probe(place, given()).text
    slow = send_probe(place_of(app), given(path="/slow", timeout=0.1))
    assert slow.text.endswith("/slow: no answer: no complete answer within 0.1 s")


def test_tcp(app):
    assert send_probe(place_of(app), given(path=None)).passed
    assert app.asked == []
    place = unused_place()
    reply = send_probe(place, given(path=None))
    assert not reply.passed
    assert reply.text.startswith(f"TCP connection to {place}: no answer: ")


def test_options():
    headers = base64.b64encode(json.dumps({"was-{color}": {"X-Key": "secret"}}).encode()).decode()
    one = dict(given(), headers_of="was-{color}")
    assert probe_run.probes_in({"probes": [one], "probe_headers": headers})["was-blue"]["headers"] == {
        "X-Key": "secret"
    }
    with pytest.raises(ProbeError, match="headers of the probes can't be read"):
        probe_run.headers_of(base64.b64encode(b"{").decode())


def inspected(app, status="running", started_at="2026-01-31T12:00:00Z", service="was-blue"):
    """A container whose port 3000 is published where the app listens."""
    bindings = {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(app.server_address[1])}]}
    return {
        "Id": "c1",
        "Name": "/was",
        "Image": "sha256:1",
        "Config": {"Image": "was", "Labels": {"com.docker.compose.service": service}},
        "State": {"Status": status, "StartedAt": started_at},
        "HostConfig": {"RestartPolicy": {"Name": "no"}},
        "NetworkSettings": {"Networks": {}, "Ports": bindings},
    }


class Following:
    """Follows the app's container; ``reply()`` waits for one more."""

    def __init__(self, app, probe=None, seen=None):
        self.prober = Prober({"was-blue": probe or given()}, seen)
        self.replies = queue.Queue()
        self.prober.tell = lambda *told: self.replies.put(told)
        self.container = inspected(app)
        self.prober.follow(self.container)

    def state_after(self, count):
        for _reply in range(count):
            assert self.replies.get(timeout=5)[0] == "c1"
        return self.prober.state_of(self.container).status


@pytest.fixture
def following(app):
    made = []

    def follow(**more):
        made.append(Following(app, **more))
        return made[-1]

    yield follow
    for each in made:
        each.prober.close()


def test_it_becomes_healthy(app, following):
    app.statuses = [503, 503, 200]
    follows = following()
    assert follows.state_after(3) == HEALTHY


def test_it_becomes_unhealthy(app, following):
    app.statuses = [200, 503]
    follows = following()
    follows.state_after(4)
    assert follows.prober.state_of(follows.container).status == UNHEALTHY


def test_one_that_an_earlier_look_saw_pass(app, following):
    app.statuses = [503]
    seen = {"c1": {"started_at": "2026-01-31T12:00:00Z", "probed": True}}
    follows = following(seen=seen)
    assert follows.prober.state_of(follows.container).status == HEALTHY
    assert follows.state_after(3) == UNHEALTHY


def test_it_begins_anew_with_each_start(app, following):
    app.statuses = [200, 503]
    seen = {"c1": {"started_at": "2026-01-31T11:00:00Z", "probed": True}}
    follows = following(seen=seen)
    assert follows.state_after(1) == HEALTHY
    again = inspected(app, started_at="2026-01-31T13:00:00Z")
    follows.prober.follow(again)
    follows.state_after(4)
    assert follows.prober.state_of(again).status == STARTING


@pytest.mark.parametrize("again", [False, True], ids=["last", "replaced"])
def test_no_thread_is_left_when_it_is_closed(app, following, again):
    """A fork beside a thread can hang."""
    follows = following(probe=given(path="/slow"))
    while not app.asked:
        time.sleep(0.01)
    assert "probe" in [each.name for each in threading.enumerate()]
    if again:
        follows.prober.follow(inspected(app, status="exited"))
    follows.prober.close()
    assert "probe" not in [each.name for each in threading.enumerate()]


def test_what_does_not_run_or_has_no_probe_is_not_asked(app, following):
    follows = following()
    follows.state_after(1)
    stopped = inspected(app, status="exited")
    follows.prober.follow(stopped)
    time.sleep(0.05)
    count = len(app.asked)
    time.sleep(0.1)
    assert len(app.asked) == count
    other = dict(inspected(app, service="db"), Id="c2")
    follows.prober.follow(other)
    assert follows.prober.state_of(other) is None


@pytest.mark.parametrize("statuses, count", [([200], 1), ([503, 200], 2), ([503], 3)])
def test_one_look_waits_for_what_its_probes_come_to(app, following, statuses, count):
    app.statuses = list(statuses)
    follows = following(probe=given(interval=0.05))
    follows.prober.settle()
    assert len(app.asked) == count


@pytest.mark.parametrize(
    "statuses, patient, asked, passes",
    [
        ([200], True, 1, True),
        ([503, 200], True, 2, True),
        ([503, 200], False, 1, False),
        ([503], True, 3, False),
    ],
)
def test_summaries_are_probed(app, statuses, patient, asked, passes):
    app.statuses = list(statuses)
    running = container("was-blue", published={3000: app.server_address[1]})
    (found,) = probe_run.with_replies([running], {"was-blue": given()}, patient)
    assert (found["probe_problem"] is None) is passes
    assert len(app.asked) == asked


def test_only_what_runs_and_has_a_probe_and_an_address_is_asked():
    stopped, other = container("was-blue", state="exited"), container("signal-blue")
    assert probe_run.with_replies([stopped, other], {"was-blue": given()}) == [stopped, other]
    lost = container("was-blue", networks={})
    assert probe_run.with_replies([lost], {"was-blue": given()})[0]["probe_problem"] == "it has no address"


@pytest.mark.parametrize(
    "rootless, network, refused", [(True, "edge", True), (True, None, False), (False, "edge", False)]
)
def test_probe_that_would_ask_a_stranger_is_refused(rootless, network, refused):
    """nginx on the host asks published ports, which a rootless Engine has on the host as well."""
    engine = types.SimpleNamespace(is_rootless=rootless)
    probes = [given(network=network, headers_of="was-{color}")]
    message = r"^service was-\{color\} has a probe, but the Docker Engine is rootless"
    with pytest.raises(ProbeError, match=message) if refused else nullcontext():
        probe_run.refuse_unreachable(engine, probes)
