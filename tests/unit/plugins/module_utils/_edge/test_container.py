# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import io
import os
import re
import subprocess
import tarfile

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
    ``fails``: the call that raises an EngineError; ``others``, ``left_images``: ``{id: labels}``.
    """

    is_rootless = False

    def __init__(self, conf_dir):
        self.api = self
        self.told = []
        self.networks_here = ["edge", "other"]
        self.exit_code, self.stdout, self.stderr = 0, b"", VERSION
        self.fails = None
        self.size = 1000
        self.others, self.left_images = {}, {}
        self.nginx = {
            "Id": "nginx-id",
            "Image": "sha256:nginx",
            "Config": {
                "Entrypoint": ["/docker-entrypoint.sh"],
                "Cmd": ["nginx", "-g", "daemon off;"],
                "Env": ["NGINX_VERSION=1.30.6"],
                "Labels": {"com.docker.compose.project": "shop"},
            },
            "HostConfig": {"NetworkMode": "edge", "ReadonlyRootfs": False},
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

    def layer_size(self, container_id):
        return self.size

    def copy_layer(self, container_id, labels):
        self.told.append(("commit", container_id, labels))
        return "sha256:layer"

    def archive(self, container_id, path):
        assert container_id == "nginx-id"
        if self.fails == "archive":
            raise GONE
        self.told.append(("archive", path))
        return tar_of({".": None, "./bank.conf": "bank\n", "./bluegreen-shop.conf": "blue\n"})

    def put_archive(self, container_id, path, data):
        self.told.append(("put", container_id, path, files_of(data)))

    def connect_container_to_network(self, container_id, network):
        self.told.append(("connect", container_id, network))

    def images(self, quiet, filters):
        wanted = tuple(filters["label"].split("=", 1))
        return [key for key, has in self.left_images.items() if wanted in has.items()]

    def remove_image(self, image, force=False):
        self.told.append(("remove image", image))

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

    def remove_container(self, container_id, force, v):
        assert force and v
        self.told.append(("remove", container_id))

    def restart(self, name):
        self.told.append(("restart", name))
        self.nginx["State"] = {"Status": "running", "ExitCode": 0, "Pid": 4712}


def mount(source, destination=INSIDE):
    return {"Type": "bind", "Source": str(source), "Destination": destination, "RW": True}


def tar_of(files):
    """A tar archive of ``{name: content, None for a directory}``."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            member.size = len(content or "")
            member.mode = 0o640
            tar.addfile(member, io.BytesIO((content or "").encode()))
    return made.getvalue()


def files_of(data):
    """``{name: (content, mode)}`` of a tar archive's files."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {each.name: (tar.extractfile(each).read().decode(), each.mode) for each in tar if each.isreg()}


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


@pytest.fixture(autouse=True)
def master(monkeypatch):
    """nginx's master process and its title; this user is not root."""
    found = {"pid": 4720, "title": "nginx: master process nginx -g daemon off;"}
    monkeypatch.setattr(ContainerEdge, "processes", lambda self: ((found["pid"], 100), {}))
    monkeypatch.setattr(container, "title_of", lambda pid: found["title"] if pid == found["pid"] else "")
    monkeypatch.setattr(container.os, "geteuid", lambda: 1000)
    return found


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
    engine.nginx["HostConfig"]["ReadonlyRootfs"] = read_only
    assert edge_of(engine).logs == logs


def test_a_container_that_is_not_there(engine, edge_of):
    engine.nginx = None
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        "bluegreen_nginx_container is 'nginx', but there is no such container; start nginx's container, or correct "
        "the name. If nginx is a service of your Compose files, create it with docker compose up --no-start "
        "--no-deps SERVICE, and the deploy starts it"
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
    engine.is_rootless = True  # the host's own network may have that address, too
    assert edge.address == ""
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
    with pytest.raises(EdgeError, match="^nginx's processes in nginx are not visible, because"):
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
        f"bluegreen_nginx_conf_dir is '{tmp_path}/conf.d', but nginx does not mount that directory, so nginx would not "
        f"see the role's files; mount the directory itself and not single files (it has {has.format(tmp_path)})"
    )


def test_a_file_is_mounted_where_the_conf_dir_should_be(engine, edge_of, tmp_path):
    (tmp_path / "nginx.conf").touch()
    engine.nginx["Mounts"] = [{"Destination": "/tmp"}, mount(tmp_path / "nginx.conf", INSIDE)]
    expected = f" (it has None at /tmp, {tmp_path}/nginx.conf at /etc/nginx/conf.d)"
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
        f"nginx mounts the single file {destination}, so nginx would not see a replaced file; remove that mount, and "
        "mount the directory itself"
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
        "bluegreen_network is 'edge', but there is no such network; create it (docker network create edge) and "
        "connect nginx to it"
    )


@pytest.mark.parametrize("joined, on", [(["other", "bridge"], "bridge, other"), ([], "none")])
def test_a_network_that_nginx_is_not_on(engine, edge_of, joined, on):
    engine.nginx["NetworkSettings"]["Networks"] = {name: {"IPAddress": ""} for name in joined}
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        f"bluegreen_network is 'edge', but nginx is on {on} instead, so nginx can't reach the app; connect it (docker "
        "network connect edge nginx) or correct the name"
    )


@pytest.mark.parametrize(
    "mode, has",
    [("host", "network_mode: host"), ("none", "network_mode: none"), ("container:4f2a", "another container's network")],
)
def test_a_network_that_docker_lets_nobody_leave(engine, edge_of, mode, has):
    """Docker refuses to connect such a container to another network."""
    engine.nginx["HostConfig"]["NetworkMode"] = mode
    engine.nginx["NetworkSettings"]["Networks"] = {mode: {"IPAddress": ""}} if mode != "container:4f2a" else {}
    with pytest.raises(EdgeError) as error:
        edge_of(engine)
    assert str(error.value) == (
        f"nginx has {has}, so nginx can't find the app's containers; give its service 'ports' and 'networks: [edge]' "
        "instead and recreate it (docker compose up -d), or run nginx on the target itself with "
        "bluegreen_nginx_mode: host"
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
        "nginx was stopped or replaced during 'nginx -s reload': the Docker Engine refused: No such container: nginx"
    )


@pytest.mark.parametrize("status, told", [("running", ["execute"]), ("exited", ["create", "start", "wait", "remove"])])
def test_the_version_of_nginx(engine, edge_of, status, told):
    """In a container that does not run, nothing can be executed: a throw-away container is asked."""
    engine.nginx["State"]["Status"] = status
    assert edge_of(engine).version() == (1, 30, 6)
    assert [each[0] for each in engine.told] == told
    asked = engine.told[0][2]
    assert (asked if status == "running" else asked["command"]) == ["nginx", "-V"]
    assert status == "running" or engine.told[0][1] == "sha256:nginx"


@pytest.mark.parametrize("status", ["running", "exited"])
@pytest.mark.parametrize("exit_code, stderr", [(0, b" tengine \n"), (127, b" nginx: not found\n"), (1, VERSION)])
def test_an_nginx_that_does_not_say_its_version(engine, edge_of, status, exit_code, stderr):
    engine.nginx["State"]["Status"] = status
    engine.exit_code, engine.stderr = exit_code, stderr
    with pytest.raises(EdgeError) as error:
        edge_of(engine).version()
    assert str(error.value) == (
        "'nginx -V' in nginx shows no version of nginx, OpenResty or Angie, the supported servers; it shows: "
        + stderr.decode().strip()
    )


# Its program


@pytest.mark.parametrize(
    "entrypoint, command",
    [(["nginx", "-p"], ["/srv"]), (["nginx", "-p", "/srv"], None), (None, ["nginx", "-p", "/srv"])],
)
def test_nginx_s_arguments_are_those_of_its_container(engine, edge_of, entrypoint, command):
    engine.nginx["Config"].update(Entrypoint=entrypoint, Cmd=command)
    assert edge_of(engine).nginx("-T") == ["nginx", "-T", "-p", "/srv"]


@pytest.mark.parametrize(
    "title, expected",
    [
        (
            "nginx: master process /usr/sbin/nginx -g daemon off; -c /srv/n.conf",
            ["/usr/sbin/nginx", "-c", "/srv/n.conf"],
        ),
        ("nginx: master process openresty -g daemon off;", ["openresty"]),
        ("angie: master process v1.7.0 #6 [/usr/sbin/angie -c /etc/a.conf]", ["/usr/sbin/angie", "-c", "/etc/a.conf"]),
        ("nginx: master process web", ["nginx"]),
    ],
)
def test_what_a_script_starts_is_seen_in_the_title(engine, edge_of, master, title, expected):
    engine.nginx["Config"].update(Entrypoint=["/start.sh"], Cmd=None)
    master["title"] = title
    assert edge_of(engine).nginx() == expected
    stopped(engine)
    assert edge_of(engine).nginx() == ["nginx"]


@pytest.mark.parametrize(
    "command, expected",
    [
        (["nginx"], ("nginx", [])),
        (["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"], ("nginx", ["-g", "daemon off;"])),
        (["nginx", "-c", "/n.conf", "-g", "daemon off;"], ("nginx", ["-c", "/n.conf", "-g", "daemon off;"])),
        (["/usr/sbin/nginx", "-p", "/srv", "-c", "n.conf"], ("/usr/sbin/nginx", ["-p", "/srv", "-c", "n.conf"])),
        (
            ["/usr/local/openresty/bin/openresty", "-g", "daemon off;"],
            ("/usr/local/openresty/bin/openresty", ["-g", "daemon off;"]),
        ),
        (["angie", "-e", "/dev/stderr"], ("angie", ["-e", "/dev/stderr"])),
        (["sh", "-c", "envsubst </t >/etc/nginx/nginx.conf && exec nginx -g 'daemon off;'"], None),
        (["sh", "-c", "exec /usr/sbin/nginx"], None),
        (["confd", "/etc/nginx"], None),
        (["sh", "-c", 'exec "$@"', "sh", "nginx", "-c", "/n.conf"], ("nginx", ["-c", "/n.conf"])),
        (["nginx", "-c"], ("nginx", [])),
        ([], None),
    ],
)
def test_the_program_and_what_every_call_of_it_needs(command, expected):
    assert container.program_and_arguments(command) == expected


# A candidate

FILES = {"bluegreen-shop.conf": "green\n", "bluegreen.conf": None}


class Beside:
    """In the place of run_in_private_root(): ``root``, of the copy; ``answer`` or ``fails``: what becomes of a call."""

    def __init__(self):
        self.calls = []
        self.root = ""
        self.answer = (0, b"# a dump\n", b"[warn]\n")
        self.fails = []

    def __call__(self, pid, argv, environ, prepare):
        self.calls.append((pid, argv, environ))
        for error in self.fails:
            raise error
        prepare(self.root)
        return self.answer


@pytest.fixture
def beside(monkeypatch):
    """The user is root, who tests beside nginx."""
    made = Beside()
    monkeypatch.setattr(container, "run_in_private_root", made)
    monkeypatch.setattr(container.os, "geteuid", lambda: 0)
    return made


@pytest.mark.parametrize("code", [0, 1])
def test_root_tests_a_candidate_beside_nginx(engine, edge_of, beside, tmp_path, code):
    beside.root = str(tmp_path / "root")
    beside.answer = (code, *beside.answer[1:])
    os.makedirs(beside.root + INSIDE)
    assert edge_of(engine).judge(FILES) == (code == 0, "[warn]\n# a dump\n")
    environ = {"NGINX_VERSION": "1.30.6", "PATH": container.DEFAULT_PATH}
    assert beside.calls == [(4720, ["nginx", "-T", "-g", "daemon off;"], environ)]
    assert os.listdir(beside.root + INSIDE) == ["bluegreen-shop.conf"]
    assert engine.told == []


@pytest.mark.parametrize(
    "error, status",
    [
        (subprocess.SubprocessError("Exception occurred in preexec_fn."), "running"),
        (FileNotFoundError(2, "/proc/4720/ns/net"), "running"),
        (None, "exited"),
    ],
)
def test_a_throw_away_container_tests_where_that_can_t_be(engine, edge_of, beside, error, status):
    beside.fails = [error] if error else []
    engine.nginx["State"]["Status"] = status
    assert edge_of(engine).judge(FILES)[0]
    assert len(beside.calls) == bool(error)
    assert engine.told[0][0] == "commit"


@pytest.mark.parametrize("status, network", [("running", "container:nginx-id"), ("exited", "edge")])
def test_another_user_tests_a_candidate_in_a_container_like_nginx_s(engine, edge_of, tmp_path, status, network):
    engine.nginx["State"]["Status"] = status
    engine.nginx["NetworkSettings"]["Networks"]["monitoring"] = {"IPAddress": ""}
    engine.stdout = b"# a dump\n"
    engine.stderr = b"[warn]\n"
    assert edge_of(engine).judge(FILES) == (True, "[warn]\n# a dump\n")
    labels = {"com.docker.compose.project": "", "hotswap.compose.judge": str(tmp_path / "scratch")}
    (_create, image, options), put = engine.told[2], ("put", "judge-id", INSIDE, FILES_THERE)
    assert image == "sha256:layer"
    assert options.pop("host_config")["NetworkMode"] == network
    assert options == {"command": ["nginx", "-T", "-g", "daemon off;"], "entrypoint": [], "labels": labels}
    joined = [("connect", "judge-id", "monitoring")] if status == "exited" else []
    assert engine.told[:2] + engine.told[3:] == [
        ("commit", "nginx-id", labels),
        ("archive", INSIDE + "/."),
        *joined,
        put,
        ("start", "judge-id"),
        ("wait", "judge-id"),
        ("remove", "judge-id"),
        ("remove image", "sha256:layer"),
    ]


FILES_THERE = {"./bank.conf": ("bank\n", 0o640), "bluegreen-shop.conf": ("green\n", 0o644)}


@pytest.mark.parametrize("content, mode", [("upstream", 0o644), ("# preview: open\n", 0o600)])
def test_a_preview_s_file_is_closed_to_others(content, mode):
    made = container.with_files(tar_of({".": None}), {"a.conf": content}, [])
    assert files_of(made) == {"a.conf": (content, mode)}


def test_what_is_mounted_in_the_conf_dir_is_not_written_to():
    here = tar_of({".": None, "./a.conf": "", "./sub": None, "./sub/b.conf": "", "./subs.conf": "", "./c.conf": ""})
    made = container.with_files(here, {}, ["../nginx.conf", "a.conf", "sub"])
    assert sorted(files_of(made)) == ["./c.conf", "./subs.conf"]


HOST_CONFIG = {
    "NetworkMode": "edge",
    "Binds": ["/srv/conf.d:/etc/nginx/conf.d:ro"],
    "Mounts": [{"Type": "tmpfs", "Target": "/scratch"}, {"Type": "volume", "Source": "logs", "Target": "/logs"}],
    "Tmpfs": {"/cache": ""},
    "ReadonlyRootfs": True,
    "ExtraHosts": ["host.docker.internal:host-gateway"],
    "Dns": ["10.0.0.1"],
    "CapDrop": ["ALL"],
    "PortBindings": {"80/tcp": [{"HostPort": "80"}]},
    "RestartPolicy": {"Name": "always"},
    "AutoRemove": True,
    "LogConfig": {"Type": "journald"},
}
MOUNTS = [
    {"Type": "bind", "Source": "/srv/conf.d", "Destination": INSIDE + "/", "RW": False},
    {"Type": "bind", "Source": "/srv/nginx.conf", "Destination": "/etc/nginx/nginx.conf", "RW": False},
    {"Type": "volume", "Name": "logs", "Source": "/var/lib/docker/volumes/logs", "Destination": "/logs", "RW": True},
    {"Type": "tmpfs", "Source": "", "Destination": "/scratch", "RW": True},
]


@pytest.mark.parametrize("status", ["running", "exited"])
def test_a_container_like_nginx_s_sees_what_nginx_does_and_is_reached_by_nobody(status):
    live = {"Id": "nginx-id", "State": {"Status": status}, "HostConfig": HOST_CONFIG, "Mounts": MOUNTS}
    made = container.host_config_like(live, "edge", INSIDE)
    assert made.pop("Mounts") == [
        {"Type": "bind", "Source": "/srv/nginx.conf", "Target": "/etc/nginx/nginx.conf", "ReadOnly": True},
        {"Type": "volume", "Source": "logs", "Target": "/logs", "ReadOnly": False},
        {"Type": "tmpfs", "Target": "/scratch"},
        {"Type": "volume", "Target": INSIDE, "VolumeOptions": {"NoCopy": True}},
    ]
    kept = {name: made[name] for name in ("Tmpfs", "ReadonlyRootfs", "CapDrop")}
    assert kept == {name: HOST_CONFIG[name] for name in kept}
    assert (made["ExtraHosts"], made["Dns"]) == (
        (None, None) if status == "running" else (HOST_CONFIG["ExtraHosts"], HOST_CONFIG["Dns"])
    )
    assert made["NetworkMode"] == ("container:nginx-id" if status == "running" else "edge")
    assert (made["Binds"], made["PortBindings"], made["AutoRemove"]) == (None, None, False)
    assert (made["RestartPolicy"], made["LogConfig"]["Type"]) == ({"Name": "no"}, "json-file")


def test_a_large_layer_is_not_copied(engine, edge_of):
    engine.size = 2_300_000_000
    with pytest.raises(EdgeError) as error:
        edge_of(engine).judge(FILES)
    assert str(error.value) == (
        "nginx has written 2.3 GB outside its mounts, and each test of a new file would copy that; mount a volume "
        "for its caches and logs, or run with become while nginx runs"
    )
    assert engine.told == []


def test_a_conf_dir_that_the_engine_can_t_copy(engine, edge_of):
    engine.fails = "archive"
    with pytest.raises(EdgeError) as error:
        edge_of(engine).judge(FILES)
    assert str(error.value) == (
        f"/etc/nginx/conf.d of nginx can't be copied to test a new file ({GONE}); run with become while nginx runs, "
        "because the test then needs no copy"
    )
    assert engine.told[-1] == ("remove image", "sha256:layer")


def test_a_candidate_that_nginx_refuses(engine, edge_of):
    engine.exit_code, engine.stderr = 1, b"nginx: [emerg] unknown directive\n"
    assert edge_of(engine).judge(FILES) == (False, "nginx: [emerg] unknown directive\n")


@pytest.mark.parametrize(
    "fails, container_removed", [("create_container", 0), ("start", 1), ("wait", 1), ("logs", 1), ("put_archive", 1)]
)
def test_what_tests_a_candidate_is_removed_whatever_fails(engine, edge_of, fails, container_removed):
    edge = edge_of(engine)
    engine.fails = fails
    with pytest.raises(EngineError, match="No such container"):
        edge.judge(FILES)
    assert engine.told.count(("remove", "judge-id")) == container_removed
    assert engine.told[-1] == ("remove image", "sha256:layer")


def test_what_killed_calls_left_is_removed(engine, edge_of, conf_dir, tmp_path):
    """The containers and images of this app's tests, and its temporary files."""
    label = "hotswap.compose.judge"
    engine.others = {
        "ours-1": {label: str(tmp_path / "scratch")},
        "ours-2": {label: str(tmp_path / "scratch"), "maintainer": "nginx"},
        "another-app": {label: str(tmp_path / "bank")},
        "another": {},
    }
    engine.left_images = {"layer-1": {label: str(tmp_path / "scratch")}, "layer-2": {label: str(tmp_path / "bank")}}
    for name in (".bluegreen-shop.conf.x1", ".bluegreen-bank.conf.x1", "bluegreen-shop.conf"):
        (conf_dir / name).touch()
    edge_of(engine).tidy("shop")
    assert engine.told == [("remove", "ours-1"), ("remove", "ours-2"), ("remove image", "layer-1")]
    assert sorted(os.listdir(conf_dir)) == [".bluegreen-bank.conf.x1", "bluegreen-shop.conf"]


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
