# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a reload, on a real nginx: it serves what was written, or an error is told."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time

import docker
import pytest
from sites import NGINX, until

from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ansible_collections.hotswap.compose.plugins.module_utils._edge import edge as edge_module
from ansible_collections.hotswap.compose.plugins.module_utils._edge.container import ContainerEdge
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError

MAP_LINES = 700_000  # nginx needs about 1 s to load them


class Nginx:
    """An nginx of its own. ``serve(text)``: write a file that answers with the text, and reload."""

    def __init__(self, directory):
        self.client = docker.from_env()
        self.asking = threading.Lock()
        self.conf, self.large = directory / "conf", directory / "large"
        for path in (self.conf, self.large, directory / "scratch"):
            path.mkdir()
        self.write("first")
        self.network = self.client.networks.create(f"e2e-reload-{os.urandom(3).hex()}")
        volumes = {str(self.conf): {"bind": "/etc/nginx/conf.d"}, str(self.large): {"bind": "/etc/nginx/large"}}
        self.container = self.client.containers.run(NGINX, network=self.network.name, volumes=volumes, detach=True)
        options = {name: option.get("default") for name, option in ENGINE_ARGUMENTS.items()}
        scratch = str(directory / "scratch")
        name = self.container.name
        self.edge = ContainerEdge(Engine.connect(options), name, self.network.name, str(self.conf), scratch)

    def close(self):
        self.container.remove(force=True)
        self.network.remove()
        self.client.close()

    @property
    def master(self):
        return self.edge.processes()[0][0]

    def write(self, text, more=""):
        server = f"server {{ listen 80; location / {{ return 200 '{text}'; }} {more} }}\n"
        (self.conf / ".new").write_text(server + "include /etc/nginx/large/*.conf;\n")
        os.rename(self.conf / ".new", self.conf / "app.conf")

    def serve(self, text):
        self.write(text)
        seconds, _workers = self.edge.reload()
        assert self.answer() == text
        return seconds

    def answer(self):
        connection = http.client.HTTPConnection(self.edge.address, timeout=10)
        with self.asking, contextlib.closing(connection):
            connection.request("GET", "/")
            return connection.getresponse().read().decode()

    @contextlib.contextmanager
    def slow(self, lines=MAP_LINES):
        """Have nginx load a large configuration while the block runs."""
        with open(self.large / "map.conf", "w", encoding="ascii") as file:
            file.write("map_hash_max_size 4194304;\nmap $uri $mapped {\n")
            file.writelines(f"/{number} {number};\n" for number in range(lines))
            file.write("}\n")
        yield
        (self.large / "map.conf").unlink()
        self.edge.reload()

    @contextlib.contextmanager
    def disturbed(self, act):
        """Call ``act()`` again and again while the block runs."""
        over = threading.Event()

        def disturb():
            while not over.is_set():
                with contextlib.suppress(OSError):  # the process is gone, or the connection
                    act()
                over.wait(random.uniform(0, 0.4))

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def hang_up(self):
        """Reload nginx, as the renewal of a certificate does."""
        os.kill(self.master, signal.SIGHUP)

    def log_as_refused(self):
        """Have nginx log an error whose line says [emerg], as any client can."""
        connection = http.client.HTTPConnection(self.edge.address, timeout=10)
        with contextlib.closing(connection):
            connection.putrequest("POST", "/[emerg]")
            connection.putheader("Content-Length", "99999999")
            connection.endheaders()
            assert connection.getresponse().status == 413

    def crash_a_worker(self):
        workers = [pid for (pid, _started), leaving in self.edge.workers().items() if not leaving]
        with self.asking:  # else the worker process that answers may be the one
            os.kill(random.choice(workers), signal.SIGSEGV)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    made = Nginx(tmp_path_factory.mktemp("reload"))
    yield made
    made.close()


def serve_times(nginx, times):
    for number in range(times):
        nginx.serve(f"generation {number} of {times}")


@pytest.mark.parametrize("times", [20, pytest.param(500, marks=pytest.mark.long)])
def test_a_reload_while_somebody_else_reloads(nginx, times):
    with nginx.disturbed(nginx.hang_up):
        serve_times(nginx, times)


@pytest.mark.parametrize("times", [10, pytest.param(300, marks=pytest.mark.long)])
def test_a_reload_while_workers_crash(nginx, times):
    with nginx.disturbed(nginx.crash_a_worker):
        serve_times(nginx, times)


def test_a_reload_beside_a_slow_one_of_somebody_else(nginx):
    """The worker processes of that one are not taken for those of ours, nor a client's words for a refusal."""
    with nginx.slow(), nginx.disturbed(nginx.log_as_refused):
        nginx.hang_up()
        time.sleep(0.3)
        nginx.serve("slow")


@pytest.mark.long
def test_a_configuration_that_takes_10_s_to_load(nginx):
    shown = set()
    with nginx.slow(2_500_000):
        nginx.write("large")
        nginx.edge.reload(lambda awaits, _left: shown.add(awaits.partition(" (")[0]))
        assert nginx.answer() == "large"
    assert f"nginx's master process {nginx.master} is busy" in shown


@pytest.mark.long
@pytest.mark.parametrize("disturb", [False, True], ids=["alone", "beside others"])
def test_many_reloads_of_one_worker_process(nginx, disturb):
    (nginx.large / "one.conf").write_text("")
    subprocess.run(
        ["docker", "exec", nginx.container.name, "sed", "-i", "s/^worker_processes.*/worker_processes 1;/"]
        + ["/etc/nginx/nginx.conf"],
        check=True,
    )
    nginx.serve("one worker process")
    with nginx.disturbed(nginx.hang_up) if disturb else contextlib.nullcontext():
        serve_times(nginx, 500)


def test_a_stopped_master_process_is_told_and_never_taken_for_refused(nginx, monkeypatch):
    monkeypatch.setattr(edge_module, "RELOAD_PATIENCE", 1.0)
    nginx.serve("before")
    master = nginx.master
    nginx.write("after")
    os.kill(master, signal.SIGSTOP)
    try:
        with pytest.raises(EdgeError, match=f"nginx's master process {master} is stopped .continue it: kill -CONT "):
            nginx.edge.reload()
        assert nginx.answer() == "before"
    finally:
        os.kill(master, signal.SIGCONT)
    monkeypatch.undo()
    nginx.serve("again")


def test_a_taken_port_is_refused_by_name(nginx):
    nginx.serve("before")
    taken = (
        "import socket, time; s = socket.socket(); s.bind(('', 8181)); s.listen(); print(1, flush=True); time.sleep(99)"
    )
    command = ["nsenter", "--net", "--target", str(nginx.edge.root()), sys.executable, "-c", taken]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        nginx.write("after", more="listen 8181;")
        with pytest.raises(EdgeError, match="still serves its earlier configuration after 2 reloads") as error:
            nginx.edge.reload()
        holder.kill()
    assert "bind() to 0.0.0.0:8181 failed" in str(error.value)
    assert nginx.answer() == "before"
    nginx.serve("again")


def test_a_restart_loads_what_was_written(nginx):
    nginx.write("restarted")
    restart = threading.Thread(target=nginx.container.restart, kwargs={"timeout": 1})
    restart.start()
    with contextlib.suppress(EdgeError):  # an exec in a container that ends
        nginx.edge.reload()
    restart.join()
    until(lambda: nginx.edge.refresh() or nginx.edge.workers(), "nginx runs again", 10)
    nginx.serve("again")
