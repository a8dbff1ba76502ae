# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import os
import re

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import container
from ansible_collections.hotswap.compose.plugins.module_utils._edge import edge as edge_module
from ansible_collections.hotswap.compose.plugins.module_utils._edge.container import ContainerEdge
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError, EngineError

INSIDE = "/etc/nginx/conf.d"
VERSION = b"nginx version: nginx/1.30.6\n"
GONE = EngineError("the Docker Engine refused: No such container: nginx")


class StandInEngine:
    """An Engine with nginx's container. ``told``: what it is told to change, in order.

    ``nginx``: as inspected, None where there is none; ``exit_code``, ``stdout``, ``stderr``: of every command;
    ``fails``: the call that raises an EngineError; ``others``: ``{container id: labels}``.
    """

    def __init__(self, conf_dir):
        self.api = self
        self.told = []
        self.networks_here = ["edge", "other"]
        self.exit_code, self.stdout, self.stderr = 0, b"", VERSION
        self.fails = None
        self.others = {}
        self.nginx = {
            "Id": "nginx-id",
            "Image": "sha256:nginx",
            "Config": {"Entrypoint": ["/docker-entrypoint.sh"], "Cmd": ["nginx", "-g", "daemon off;"]},
            "State": {"Status": "running", "ExitCode": 0, "Pid": 4711},
            "Mounts": [mount(conf_dir)],
            "NetworkSettings": {"Networks": {"edge": {"IPAddress": "10.0.0.9"}}},
        }

    def inspect(self, name):
        assert name == "nginx"
        return copy.deepcopy(self.nginx)

    def call(self, function, *args, **options):
        if self.fails == function.__name__:
            raise GONE
        return function(*args, **options)

    def networks(self, names):
        # The Engine returns those whose name contains it.
        return [{"Name": here} for here in self.networks_here if any(name in here for name in names)]

    def execute(self, name, argv, privileged=False):
        self.told.append(("execute", name, argv, True) if privileged else ("execute", name, argv))
        if self.fails == "execute":
            raise GONE
        return self.exit_code, self.stdout, self.stderr

    def log_tail(self, name, lines):
        return [f"{name} {lines}"]

    def list_containers(self, labels):
        wanted = [tuple(label.split("=", 1)) for label in labels]
        return [
            {"Id": key} for key, has in self.others.items() if all(has.get(name) == value for name, value in wanted)
        ]

    def create_host_config(self, **options):
        return options

    def create_container(self, image, **options):
        self.told.append(("create", image, options))
        return {"Id": "judge-id"}

    def start(self, container_id):
        self.told.append(("start", container_id))

    def wait(self, container_id):
        self.told.append(("wait", container_id))
        return {"StatusCode": self.exit_code}

    def logs(self, container_id, stdout, stderr):
        assert container_id == "judge-id"
        return self.stdout * stdout + self.stderr * stderr

    def remove_container(self, container_id, force):
        self.told.append(("remove", container_id, force))

    def restart(self, name):
        self.told.append(("restart", name))
        self.nginx["State"] = {"Status": "running", "ExitCode": 0, "Pid": 4712}


def mount(source, destination=INSIDE):
    return {"Type": "bind", "Source": str(source), "Destination": destination}


class Clock:
    """Time that only passes in a sleep."""

    def __init__(self):
        self.now = 50.0

    def monotonic(self):
        return self.now

    def time(self):
        return 1000.0

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(container, "time", made)
    return made


@pytest.fixture(autouse=True)
def workers(monkeypatch):
    """nginx's workers at each look; the last ones stay."""
    looks = [{(10, 100): False}]
    monkeypatch.setattr(ContainerEdge, "workers", lambda self: looks.pop(0) if len(looks) > 1 else looks[0])
    monkeypatch.setattr(container, "status_of", lambda pid: {"State": "S (sleeping)", "NSpid": f"{pid}\t{pid - 4700}"})
    return looks


@pytest.fixture
def conf_dir(tmp_path):
    (tmp_path / "conf.d").mkdir()
    return tmp_path / "conf.d"


@pytest.fixture
def engine(conf_dir):
    return StandInEngine(conf_dir)


@pytest.fixture
def edge_of(conf_dir, tmp_path):
    return lambda engine, directory=conf_dir: ContainerEdge(
        engine, "nginx", "edge", str(directory), str(tmp_path / "scratch")
    )


def stopped(engine, status="exited", exit_code=1):
    engine.nginx["State"] = {"Status": status, "ExitCode": exit_code, "Pid": 0}
    engine.nginx["NetworkSettings"]["Networks"]["edge"]["IPAddress"] = ""


# Its container


@pytest.mark.parametrize("read_only, logs", [(False, "/tmp"), (True, "/dev/shm")])
def test_where_it_can_log_to(engine, edge_of, read_only, logs):
    engine.nginx["HostConfig"] = {"ReadonlyRootfs": read_only}
    assert edge_of(engine).logs == logs


def test_a_container_that_is_not_there(engine, edge_of):
    engine.nginx = None
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        "bluegreen_nginx_container is 'nginx': there is no such container; start nginx's container first, or correct "
        "the name. If it is a service of your Compose files, create it alone (docker compose up --no-start --no-deps "
        "SERVICE): the deploy starts it"
    )


@pytest.mark.parametrize(
    "status, exit_code, running, described",
    [
        ("running", 0, True, "is running"),
        ("exited", 0, False, "exited with 0"),
        ("exited", 137, False, "exited with 137"),
        ("created", 0, False, "is created"),
        ("paused", 0, False, "is paused"),
        ("restarting", 1, False, "is restarting"),
    ],
)
def test_its_state_is_described(engine, edge_of, status, exit_code, running, described):
    engine.nginx["State"].update(Status=status, ExitCode=exit_code)
    edge = edge_of(engine)
    assert (edge.running, edge.describe_state()) == (running, described)


def test_its_process_its_address_and_its_log(engine, edge_of):
    edge = edge_of(engine)
    assert (edge.root(), edge.address) == (4711, "10.0.0.9")
    assert edge.log_tail() == ["nginx 50"]


@pytest.mark.parametrize(
    "looks, waited",
    [
        ([{(10, 100): False}], 0),
        ([{}, {}, {(10, 100): False}], 0.2),  # it starts
        ([{}], container.START_PATIENCE),  # it waits for a name server
    ],
)
def test_a_running_container_is_waited_for_until_nginx_has_workers(engine, edge_of, clock, workers, looks, waited):
    workers[:] = looks
    began = clock.now
    assert edge_of(engine).running
    assert clock.now - began == pytest.approx(waited, abs=0.15)


def test_processes_that_can_t_be_seen_are_refused_at_once(engine, edge_of, clock, workers, monkeypatch):
    workers[:] = [{}]
    monkeypatch.setattr(container, "status_of", lambda pid: {})
    began = clock.now
    with pytest.raises(
        EdgeError, match="^the processes of nginx in nginx can't be seen, so no reload could be proven: "
    ):
        edge_of(engine)
    assert clock.now - began < 1


LISTED = (
    b"total 0\nlrwx------ 1 root root 64 Nov 28 04:00 3 -> socket:[4711]\nl-wx------ 1 root root 64 1 -> pipe:[9]\n"
)


@pytest.mark.parametrize("code, sockets", [(0, {4712: {"4711"}, 4713: {"4711"}}), (127, None)])
def test_another_user_s_sockets_are_seen_from_inside(code, sockets, engine, edge_of, monkeypatch):
    edge = edge_of(engine)
    monkeypatch.setattr(edge_module, "sockets_of", refuse)
    engine.exit_code, engine.stdout = code, LISTED
    engine.told.clear()
    assert edge._worker_sockets([4712, 4713]) == sockets
    assert engine.told == [("execute", "nginx", ["ls", "-l", f"/proc/{pid}/fd"], True) for pid in (12, 13)]


def refuse(pid):
    raise PermissionError(13, "Permission denied")


def test_a_container_that_ends_is_not_waited_for(engine, edge_of, clock, workers):
    workers[:] = [{}]
    sleep = clock.sleep
    clock.sleep = lambda seconds: (sleep(seconds), stopped(engine))
    began = clock.now
    assert edge_of(engine).describe_state() == "exited with 1"
    assert clock.now - began == pytest.approx(0.1)


@pytest.mark.parametrize("gone", [False, True])
def test_it_is_inspected_again(engine, edge_of, gone):
    """The last state is kept where the container is gone."""
    edge = edge_of(engine)
    stopped(engine)
    engine.nginx = None if gone else engine.nginx
    assert edge.running
    edge.refresh()
    assert edge.running is gone


def test_it_is_launched_by_a_restart(engine, edge_of):
    """A start does nothing where it crashes and restarts."""
    stopped(engine, "restarting")
    edge = edge_of(engine)
    edge.launch()
    assert engine.told == [("restart", "nginx")]
    assert (edge.running, edge.root()) == (True, 4712)


# Its mounts


@pytest.mark.parametrize(
    "mounts, inside",
    [
        ([("conf.d", INSIDE)], "/etc/nginx/conf.d"),
        ([("conf.d", INSIDE + "/")], "/etc/nginx/conf.d"),
        ([("", "/srv")], "/srv/conf.d"),  # a directory above it
        ([("link", "/linked")], "/linked"),  # a symbolic link to it
        ([("other", "/other"), ("conf.d", INSIDE)], "/etc/nginx/conf.d"),
        ([(None, "/tmp"), ("conf.d", INSIDE)], "/etc/nginx/conf.d"),  # a tmpfs
        ([("file", "/file"), ("conf.d", INSIDE)], "/etc/nginx/conf.d"),
    ],
)
def test_where_nginx_sees_the_conf_dir(engine, edge_of, tmp_path, mounts, inside):
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("conf.d")
    engine.nginx["Mounts"] = [
        {"Type": "tmpfs", "Destination": destination} if source is None else mount(tmp_path / source, destination)
        for source, destination in mounts
    ]
    assert edge_of(engine).path("bluegreen-shop.conf") == f"{inside}/bluegreen-shop.conf"


def test_the_conf_dir_may_be_a_symbolic_link(engine, edge_of, tmp_path):
    (tmp_path / "link").symlink_to("conf.d")
    assert edge_of(engine, tmp_path / "link").path("a.conf") == "/etc/nginx/conf.d/a.conf"


@pytest.mark.parametrize(
    "source, destination, has",
    [
        (None, None, "no mounts"),
        ("other", INSIDE, "{}/other at /etc/nginx/conf.d"),
        ("conf", "/conf", "{}/conf at /conf"),  # the beginning of its name
        ("conf.d/a.conf", INSIDE + "/a.conf", "{}/conf.d/a.conf at /etc/nginx/conf.d/a.conf"),
        ("conf.d/sub", INSIDE, "{}/conf.d/sub at /etc/nginx/conf.d"),
    ],
)
def test_a_conf_dir_that_is_not_mounted(engine, edge_of, tmp_path, source, destination, has):
    for directory in ("other", "conf", "conf.d/sub"):
        (tmp_path / directory).mkdir()
    (tmp_path / "conf.d" / "a.conf").touch()
    engine.nginx["Mounts"] = [mount(tmp_path / source, destination)] if source else []
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        f"bluegreen_nginx_conf_dir is '{tmp_path}/conf.d': nginx has no mount of that directory, so nginx would not "
        "see what is written there; mount the directory itself (a single file does not do: a replaced file is not "
        f"seen); it has {has.format(tmp_path)}"
    )


def test_a_file_is_mounted_where_the_conf_dir_should_be(engine, edge_of, tmp_path):
    (tmp_path / "nginx.conf").touch()
    engine.nginx["Mounts"] = [{"Destination": "/tmp"}, mount(tmp_path / "nginx.conf", INSIDE)]
    expected = f"; it has None at /tmp, {tmp_path}/nginx.conf at /etc/nginx/conf.d"
    with pytest.raises(EdgeError, match=re.escape(expected) + "$"):
        edge_of(engine)


@pytest.mark.parametrize(
    "destination, refused",
    [
        ("/etc/nginx/conf.d/bluegreen-shop.conf", True),
        ("/etc/nginx/conf.d/bluegreen.conf", True),
        ("/etc/nginx/conf.d/default.conf", False),
        ("/etc/nginx/bluegreen-shop.conf", False),
        ("/etc/nginx/conf.d/old/bluegreen-shop.conf", False),
    ],
)
def test_a_file_of_ours_that_is_a_mount_of_its_own(engine, edge_of, tmp_path, destination, refused):
    (tmp_path / "file").touch()
    engine.nginx["Mounts"].append(mount(tmp_path / "file", destination))
    if not refused:
        edge_of(engine)
        return
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        f"nginx has {destination} as a mount of a single file, so nginx would not see it replaced: take that mount "
        "away, and mount the directory itself"
    )


@pytest.mark.parametrize(
    "path, on_target",
    [
        ("/etc/nginx/conf.d/shop.conf", "{}/conf.d/shop.conf"),
        ("/etc/nginx/conf.d", "{}/conf.d"),
        ("/etc/nginx/conf.d/../shop.conf", "{}/shop.conf"),
        ("/certs/shop.pem", "{}/letsencrypt/shop.pem"),
        ("/certs-of-bank/shop.pem", None),
        ("/tmp/shop.pem", None),  # a tmpfs
        ("/etc/nginx/nginx.conf", None),
    ],
)
def test_where_the_target_has_what_nginx_sees(engine, edge_of, tmp_path, path, on_target):
    engine.nginx["Mounts"] += [{"Destination": "/tmp"}, mount(tmp_path / "letsencrypt", "/certs/")]
    assert edge_of(engine).on_target(path) == (on_target and on_target.format(tmp_path))


# Its network


@pytest.mark.parametrize("here", [[], ["other"], ["edge-2", "my-edge"]])
def test_a_network_that_is_not_there(engine, edge_of, here):
    engine.networks_here = here
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        "bluegreen_network is 'edge': there is no such network; create it (docker network create edge) and put nginx "
        "on it"
    )


@pytest.mark.parametrize("joined, on", [(["other", "bridge"], "bridge, other"), ([], "none")])
def test_a_network_that_nginx_is_not_on(engine, edge_of, joined, on):
    engine.nginx["NetworkSettings"]["Networks"] = {name: {"IPAddress": ""} for name in joined}
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        f"bluegreen_network is 'edge': nginx is not on it but on {on}, so it could not reach the app; connect it "
        "(docker network connect edge nginx) or correct the name"
    )


# Commands in it


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_command_runs_in_it(engine, edge_of, exit_code):
    """Errors come first: they would stand in the middle of a dump."""
    engine.exit_code, engine.stdout, engine.stderr = exit_code, b"# a dump \xff\n", b"[warn]\n"
    assert edge_of(engine).run(["nginx", "-T"]) == (exit_code == 0, "[warn]\n# a dump \ufffd\n")
    assert engine.told == [("execute", "nginx", ["nginx", "-T"])]


def test_a_command_in_a_container_that_went_away(engine, edge_of):
    engine.fails = "execute"
    with pytest.raises(EdgeError) as error:
        edge_of(engine).run(["nginx", "-s", "reload"])
    assert str(error.value) == (
        "nginx went away, or was replaced, during 'nginx -s reload': the Docker Engine refused: No such container: "
        "nginx"
    )


@pytest.mark.parametrize("status, told", [("running", ["execute"]), ("exited", ["create", "start", "wait", "remove"])])
def test_the_version_of_nginx(engine, edge_of, status, told):
    """In a container that does not run, nothing can be executed: a throw-away container is asked."""
    engine.nginx["State"]["Status"] = status
    assert edge_of(engine).version() == (1, 30, 6)
    assert [each[0] for each in engine.told] == told
    asked = engine.told[0][2]
    assert (asked if status == "running" else asked["command"]) == ["nginx", "-v"]
    assert status == "running" or asked["host_config"]["binds"] is None


@pytest.mark.parametrize("status", ["running", "exited"])
@pytest.mark.parametrize("exit_code, stderr", [(0, b" openresty \n"), (127, b" nginx: not found\n"), (1, VERSION)])
def test_an_nginx_that_does_not_say_its_version(engine, edge_of, status, exit_code, stderr):
    engine.nginx["State"]["Status"] = status
    engine.exit_code, engine.stderr = exit_code, stderr
    with pytest.raises(EdgeError) as error:
        edge_of(engine).version()
    assert str(error.value) == f"nginx does not say its version by 'nginx -v': {stderr.decode().strip()}"


# The throw-away container


@pytest.mark.parametrize("status, network", [("running", "container:nginx-id"), ("exited", "edge")])
def test_a_candidate_is_tested_in_a_container_like_nginx_s(engine, edge_of, tmp_path, status, network):
    engine.nginx["State"]["Status"] = status
    engine.nginx["Config"] = {"Entrypoint": None, "Cmd": ["nginx", "-c", "/srv/nginx.conf"]}
    engine.stdout = b"# a dump\n"
    engine.stderr = b"[warn]\n"
    assert edge_of(engine).test("/scratch/conf") == (True, "[warn]\n# a dump\n")
    options = {
        "command": ["nginx", "-T", "-c", "/srv/nginx.conf"],
        "entrypoint": [],
        "host_config": {
            "volumes_from": ["nginx-id:ro"],
            "network_mode": network,
            "binds": ["/scratch/conf:/etc/nginx/conf.d:ro"],
            "log_config": {"Type": "json-file", "Config": {}},
        },
        "labels": {"hotswap.compose.judge": str(tmp_path / "scratch")},
    }
    assert engine.told == [
        ("create", "sha256:nginx", options),
        ("start", "judge-id"),
        ("wait", "judge-id"),
        ("remove", "judge-id", True),
    ]


@pytest.mark.parametrize(
    "entrypoint, command",
    [(["nginx", "-p"], ["/srv"]), (["nginx", "-p", "/srv"], None), (None, ["nginx", "-p", "/srv"])],
)
def test_nginx_s_arguments_are_those_of_its_container(engine, edge_of, entrypoint, command):
    engine.nginx["Config"] = {"Entrypoint": entrypoint, "Cmd": command}
    assert edge_of(engine).arguments == ["-p", "/srv"]


def test_a_candidate_that_nginx_refuses(engine, edge_of):
    engine.exit_code, engine.stderr = 1, b"nginx: [emerg] unknown directive\n"
    assert edge_of(engine).test("/scratch/conf") == (False, "nginx: [emerg] unknown directive\n")
    assert engine.told[-1] == ("remove", "judge-id", True)


@pytest.mark.parametrize("fails, removed", [("create_container", 0), ("start", 1), ("wait", 1), ("logs", 1)])
def test_the_throw_away_container_is_removed_whatever_fails(engine, edge_of, fails, removed):
    edge = edge_of(engine)
    engine.fails = fails
    with pytest.raises(EngineError, match="No such container"):
        edge.test("/scratch/conf")
    assert engine.told.count(("remove", "judge-id", True)) == removed


def test_what_killed_calls_left_is_removed(engine, edge_of, conf_dir, tmp_path):
    """The containers of this app's tests, and its temporary files."""
    label = "hotswap.compose.judge"
    engine.others = {
        "ours-1": {label: str(tmp_path / "scratch")},
        "ours-2": {label: str(tmp_path / "scratch"), "maintainer": "nginx"},
        "another-app": {label: str(tmp_path / "bank")},
        "another": {},
    }
    for name in (".bluegreen-shop.conf.x1", ".bluegreen-bank.conf.x1", "bluegreen-shop.conf"):
        (conf_dir / name).touch()
    edge_of(engine).tidy("shop")
    assert engine.told == [("remove", "ours-1", True), ("remove", "ours-2", True)]
    assert sorted(os.listdir(conf_dir)) == [".bluegreen-bank.conf.x1", "bluegreen-shop.conf"]


@pytest.mark.parametrize(
    "command, expected",
    [
        (["nginx", "-g", "daemon off;"], []),
        (["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"], []),
        (["nginx", "-c", "/srv/nginx.conf", "-g", "daemon off;"], ["-c", "/srv/nginx.conf"]),
        (["/usr/sbin/nginx", "-p", "/srv", "-c", "n.conf"], ["-p", "/srv", "-c", "n.conf"]),
        (["sh", "-c", "envsubst </t >/etc/nginx/nginx.conf && exec nginx -g 'daemon off;'"], []),
        (["sh", "-c", "exec /usr/sbin/nginx"], []),
        (["sh", "-c", 'exec "$@"', "sh", "nginx", "-c", "/n.conf"], ["-c", "/n.conf"]),
        (["nginx", "-c"], []),
        ([], []),
    ],
)
def test_what_every_call_of_nginx_needs(command, expected):
    assert container.config_arguments(command) == expected


@pytest.mark.parametrize("swapped", [False, True])
def test_of_nested_mounts_the_inner_one_counts(engine, edge_of, tmp_path, swapped):
    """The Engine says nothing of their order."""
    parent, inner = mount(tmp_path, "/srv"), mount(tmp_path / "conf.d")
    certificates = [mount(tmp_path / "nginx", "/etc/nginx"), mount(tmp_path / "certs", "/etc/nginx/certs")]
    mounts = [parent, inner, *certificates]
    engine.nginx["Mounts"] = mounts[::-1] if swapped else mounts
    edge = edge_of(engine)
    assert edge.path("shop.conf") == "/etc/nginx/conf.d/shop.conf"
    assert edge.on_target("/etc/nginx/certs/shop.pem") == f"{tmp_path}/certs/shop.pem"
    assert edge.on_target("/etc/nginx/mime.types") == f"{tmp_path}/nginx/mime.types"
