# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import json
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker
import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker import engine
from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import (
    EVENT,
    LONGEST_LOG,
    LOST,
    SUBSCRIBED,
    Engine,
    connection_settings,
    explain,
)
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EngineError


@pytest.mark.parametrize(
    "options, environ, expected",
    [
        ({}, {}, {"host": "unix:///var/run/docker.sock", "version": "auto", "timeout": 60, "tls": None}),
        (
            {"api_timeout": 5.0},
            {"DOCKER_HOST": "unix:///run/other.sock", "DOCKER_API_VERSION": "1.44", "DOCKER_TLS_VERIFY": "1"},
            {"host": "unix:///run/other.sock", "version": "1.44", "timeout": 5.0, "tls": None},
        ),
        (
            {"docker_host": "tcp://192.0.2.1:2376", "tls": True},
            {"DOCKER_HOST": "unix:///run/other.sock"},
            {
                "host": "tcp://192.0.2.1:2376",
                "version": "auto",
                "timeout": 60,
                "tls": {"verify": False, "ca_cert": None, "client_cert": None},
            },
        ),
        (
            {"docker_host": "tcp://192.0.2.1:2376", "ca_cert": "/mine/ca.pem"},
            {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"},
            {
                "host": "tcp://192.0.2.1:2376",
                "version": "auto",
                "timeout": 60,
                "tls": {
                    "verify": True,
                    "ca_cert": "/mine/ca.pem",
                    "client_cert": ("/certs/cert.pem", "/certs/key.pem"),
                },
            },
        ),
        (
            {"docker_host": "tcp://192.0.2.1:2375", "tls_verify": False},
            {"DOCKER_TLS_VERIFY": "1"},
            {"host": "tcp://192.0.2.1:2375", "version": "auto", "timeout": 60, "tls": None},
        ),
    ],
)
def test_connection_settings(options, environ, expected):
    assert connection_settings(options, environ) == expected


def wrapped(number):
    """An error as requests wraps it: in the arguments of one that is in the arguments of another."""
    try:
        raise ConnectionError("Connection aborted.", OSError(number, "told by the kernel"))
    except ConnectionError as inner:
        try:
            raise RuntimeError("Error while fetching server API version") from inner
        except RuntimeError as outer:
            return outer


@pytest.mark.parametrize(
    "number, text",
    [
        (
            errno.ENOENT,
            "no Docker Engine answers at unix:///x (No such file or directory); start it, or set docker_host (in "
            "the role: bluegreen_docker_host)",
        ),
        (
            errno.ECONNREFUSED,
            "no Docker Engine answers at unix:///x (Connection refused); start it, or set docker_host (in the "
            "role: bluegreen_docker_host)",
        ),
        (
            errno.EACCES,
            "no permission to use the Docker Engine at unix:///x; run the task with become, or add the user (uid ",
        ),
    ],
)
def test_explain(number, text):
    assert explain(wrapped(number), "unix:///x").startswith(text)


def test_explain_anything_else():
    assert explain(ValueError("odd"), "unix:///x") == "the Docker Engine at unix:///x can't be used: odd"
    assert explain(ValueError("Read timed out. (3)"), "unix:///x").startswith(
        "the Docker Engine at unix:///x did not answer in time"
    )


def test_connect_says_what_to_install(monkeypatch):
    monkeypatch.setattr(engine, "SDK_IMPORT_ERROR", ImportError("No module named 'docker'"))
    with pytest.raises(
        EngineError, match="the Docker SDK for Python is missing on .*No module named 'docker'.*install the package"
    ):
        Engine.connect({})


needs_sdk = pytest.mark.skipif(engine.SDK_IMPORT_ERROR is not None, reason="the Docker SDK for Python is not installed")


@needs_sdk
def test_connect_where_no_engine_listens(tmp_path):
    with pytest.raises(
        EngineError, match=r"no Docker Engine answers at unix://.*/none.sock \(No such file or directory\)"
    ):
        Engine.connect({"docker_host": f"unix://{tmp_path}/none.sock"}, {})


@needs_sdk
def test_connect_where_the_engine_died(tmp_path):
    path = str(tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(path)
    with pytest.raises(EngineError, match="Connection refused"):
        Engine.connect({"docker_host": "unix://" + path, "api_version": "1.44"}, {})


@needs_sdk
def test_connect_where_the_engine_hangs(tmp_path):
    path = str(tmp_path / "hung.sock")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        with pytest.raises(EngineError, match="did not answer in time"):
            Engine.connect({"docker_host": "unix://" + path, "api_timeout": 0.05}, {})


class ExecServer(BaseHTTPRequestHandler):
    """An Engine that runs a command: its output comes in one piece with the answer's headers, as on a busy machine."""

    output = b""

    def do_POST(self):
        if self.path.endswith("/exec"):
            self.answer(b'{"Id": "e1"}')
        elif "Upgrade" in self.headers:
            self.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + self.output)
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + self.output)

    def do_GET(self):
        self.answer(b'{"ExitCode": 3}')

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def engine_of(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = docker.APIClient(f"tcp://127.0.0.1:{server.server_port}", version="1.41")
        yield Engine(api, "tcp://x", 60)
        server.shutdown()


@pytest.mark.parametrize(
    "output, stdout, stderr",
    [
        (b"", b"", b""),
        (b"\x02\0\0\0\0\0\0\x04nope", b"", b"nope"),
        (b"\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\x01!\x01\0\0\0\0\0\x01\0" + b"c" * 256, b"ab" + b"c" * 256, b"!"),
    ],
)
def test_all_that_a_command_prints_is_there(output, stdout, stderr):
    with engine_of(type("Handler", (ExecServer,), {"output": output})) as engine:
        assert engine.execute("nginx", ["nginx", "-v"]) == (3, stdout, stderr)


def test_a_command_that_cannot_be_run():
    class Broken(ExecServer):
        def do_POST(self):
            if self.path.endswith("/start"):
                self.send_error(500)
            else:
                super().do_POST()

    with engine_of(Broken) as engine, pytest.raises(EngineError, match="500"):
        engine.execute("nginx", ["nginx", "-v"])


class AskedServer(ExecServer):
    """An Engine that gives each question the same answer, and remembers the questions."""

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        self.asked.append((address.path, dict(urllib.parse.parse_qsl(address.query))))
        if self.output is None:
            self.send_error(500)
        else:
            self.answer(self.output)


def answering(output, questions):
    return type("Handler", (AskedServer,), {"output": output, "asked": questions})


def frame(text, stream=1):
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


LONG_LINE = [b"x" * 16384] * 40  # as the Engine sends one


@pytest.mark.parametrize(
    "tty, output, expected",
    [
        (False, frame(b"one\n") + frame(b"two\n", 2) + frame(b"three\n"), ["two", "three"]),
        (True, b"one\r\ntwo\r\n", ["one", "two"]),
        (False, b"", []),
        (False, b"".join(map(frame, LONG_LINE)) + frame(b"\n\xff\n"), ["x" * (LONGEST_LOG - 3), "\ufffd"]),
        (True, b"".join(LONG_LINE), ["x" * LONGEST_LOG]),
        (True, b"\r" * 100_000, ["", ""]),
    ],
)
def test_the_end_of_a_log(tty, output, expected):
    questions = []

    class Handler(answering(output, questions)):
        def do_GET(self):
            if self.path.endswith("/json"):
                self.answer(json.dumps({"Config": {"Tty": tty}}).encode())
            else:
                super().do_GET()

    with engine_of(Handler) as engine:
        assert engine.log_tail("c1", 2) == expected
        assert engine.log_tail("c1", 0) == []
    assert questions == [("/v1.41/containers/c1/logs", {"stdout": "1", "stderr": "1", "tail": "2"})]


@pytest.mark.parametrize("codes, last", [([], None), ([1, 3], 3)])
def test_with_what_a_container_last_exited(codes, last):
    ends = [{"status": "die", "Actor": {"ID": "c1", "Attributes": {"exitCode": str(code)}}} for code in codes]
    questions = []
    with engine_of(answering(b"".join(json.dumps(end).encode() + b"\n" for end in ends), questions)) as engine:
        assert engine.last_exit_code("c1", 1769904000.5) == last
    ((path, question),) = questions
    assert (path, question["since"], question["until"]) == ("/v1.41/events", "0", "1769904000.500000000")
    assert json.loads(question["filters"]) == {"container": ["c1"], "event": ["die"]}


def test_a_container_s_layer_and_its_files():
    questions, bodies = [], []

    class Handler(answering(b'{"Id": "sha256:4f", "SizeRw": 4711}', questions)):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

    with engine_of(Handler) as engine:
        assert engine.layer_size("c1") == 4711
        assert engine.copy_layer("c1", {"a": "b"}) == "sha256:4f"
        assert engine.archive("c1", "/etc/.") == b'{"Id": "sha256:4f", "SizeRw": 4711}'
    assert questions == [
        ("/v1.41/containers/c1/json", {"size": "1"}),
        ("/v1.41/commit", {"container": "c1", "pause": "0"}),
        ("/v1.41/containers/c1/archive", {"path": "/etc/."}),
    ]
    assert bodies == [{"Labels": {"a": "b"}}]


class FakeApi:
    """Hands out one stream of events a subscription; a stream that is an error is raised."""

    def __init__(self, *streams):
        self.streams = list(streams)
        self.timeout = 60
        self.asked = []

    def events(self, decode, filters):
        self.asked.append(filters)
        stream = self.streams.pop(0)
        if isinstance(stream, Exception):
            raise stream
        return iter(stream)


def test_event_stream_subscribes_again(monkeypatch):
    monkeypatch.setattr(engine, "FIRST_BACKOFF", 0.001)
    api = FakeApi([{"n": 1}], OSError(errno.ECONNREFUSED, "told by the kernel"), [{"n": 2}])
    stream = Engine(api, "unix:///x", 60).events(["a=b"], ["die"])
    notices = [stream.next(5) for dummy in range(7)]
    stream._closed.set()
    refused = (
        "no Docker Engine answers at unix:///x (Connection refused); start it, or set docker_host (in the role: "
        "bluegreen_docker_host)"
    )
    assert notices == [
        (SUBSCRIBED, None),
        (EVENT, {"n": 1}),
        (LOST, "the Engine ended the stream of events"),
        (LOST, refused),
        (SUBSCRIBED, None),
        (EVENT, {"n": 2}),
        (LOST, "the Engine ended the stream of events"),
    ]
    assert api.asked[0] == {"type": "container", "label": ["a=b"], "event": ["die"]}


def test_event_stream_next_without_a_notice():
    stream = engine.EventStream(Engine(FakeApi(), "unix:///x", 60), {})
    assert stream.next(0) is None
    assert stream.next(-1) is None
    assert stream.next(0.001) is None


def test_answer_within_never_exceeds_the_option():
    engine = Engine(FakeApi(), "unix:///x", 60)
    engine.answer_within(3)
    assert engine.api.timeout == 3
    engine.answer_within(300)
    assert engine.api.timeout == 60


class FakeImages:
    def __init__(self, image):
        self.image = image

    def inspect_image(self, _name):
        return self.image


@pytest.mark.parametrize(
    "names, digest",
    [
        ({"RepoDigests": ["other@sha256:1", "registry.example/was@sha256:2"]}, "sha256:2"),
        ({"RepoDigests": ["other@sha256:1"]}, "sha256:1"),
        ({"RepoDigests": []}, None),
        ({"RepoDigests": None}, None),
        ({}, None),  # from API 1.52 on, empty fields may be left out
    ],
)
def test_the_digest_of_an_image(names, digest):
    images = FakeImages({"Id": "sha256:0", **names})
    assert Engine(images, "unix:///x", 60).digest("sha256:0", "registry.example/was:v1") == digest


class FakeNetworks:
    """The Engine's API as far as it is about networks. ``attached``: ``{network: [container id]}``."""

    def __init__(self, **attached):
        self.attached = attached
        self.told = []

    def inspect_network(self, name):
        if name not in self.attached:
            raise docker.errors.NotFound("no such network")
        return {"Containers": {each: {} for each in self.attached[name]}}

    def inspect_container(self, container_id):
        networks = {name: {} for name, attached in self.attached.items() if container_id in attached}
        return {"NetworkSettings": {"Networks": networks}}

    def __getattr__(self, name):
        return lambda *arguments, **options: self.told.append((name, *arguments, *options.values()))


def test_a_network_is_removed_whoever_is_on_it():
    api = FakeNetworks(shop=["c1", "c2"])
    engine = Engine(api, "unix:///x", 60)
    engine.remove_network("shop")
    engine.remove_network("gone")
    assert api.told == [
        ("disconnect_container_from_network", "c1", "shop", True),
        ("disconnect_container_from_network", "c2", "shop", True),
        ("remove_network", "shop"),
    ]


def test_a_container_leaves_a_network_that_it_is_on():
    api = FakeNetworks(shop=["c1"])
    engine = Engine(api, "unix:///x", 60)
    engine.leave_network("c1", "shop")
    engine.leave_network("c2", "shop")
    assert api.told == [("disconnect_container_from_network", "c1", "shop")]
