# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A site of its own for each module of tests: a network, an nginx, an app, and ansible-playbook run against them."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import uuid

import docker

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# make runs the tests in the copy that tools/tree.sh made; a checkout's own copy is below .collections.
COLLECTIONS = ROOT.parents[2] if ROOT.parents[1].name == "ansible_collections" else ROOT / ".collections"
sys.path.insert(0, str(COLLECTIONS))  # for the collection's own modules

from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import Engine  # noqa: E402

LOAD = ROOT / "tools" / "load.py"
NGINX = "hotswap/nginx:1.30"
APP_IMAGE = "hotswap-e2e/app:base"
APP_LABEL = "hotswap.compose.app"
WORKER = "nginx: worker process"

COMPOSE = """\
services:
  web-@color@:
    image: ${IMAGE:-@site@/app}:${TAG:-${BLUEGREEN_RELEASE}}
    restart: unless-stopped
    stop_grace_period: 2s
    networks: [edge]
    environment:
      BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE}
      BLUEGREEN_COLOR: ${BLUEGREEN_COLOR:-@color@}
      BEHAVIOUR: ${BEHAVIOUR:-healthy}
      GREETING: ${GREETING:-}
    healthcheck:
      test: [CMD, test, -e, /tmp/healthy]
      start_interval: 400ms
      start_period: 800ms
      interval: 2s
      timeout: 2s
      retries: 2
networks:
  edge:
    name: @network@
    external: true
"""

# The role's tasks on the target: the file of the task and the module, as the callback plugin "outcome" writes them.
TASKS = {
    "plan": "begin bluegreen_plan",
    "build": "prepare bluegreen_build",
    "start": "phases bluegreen_start",
    "canary": "canary_step bluegreen_swap",
    "swap": "handlers bluegreen_swap",
    "exclusive": "exclusive bluegreen_color",
    "drain": "phases bluegreen_finish",
    "undo": "handle_failure bluegreen_undo",
}
# The modules that are run on the controller alone. The role uses no module of others on the target.
ON_CONTROLLER = (
    "bluegreen_fail",
    "bluegreen_failed_task",
    "bluegreen_hook",
    "bluegreen_refuse",
    "bluegreen_report",
    "bluegreen_show",
    "bluegreen_validate",
)
# What begins within a task: that task, and what its module then waits for.
WITHIN = {
    "judge": ("start", "nginx tests its new file"),
    "gate": ("start", "the health checks run"),
    "retire": ("drain", "the previous color is being stopped"),
    "record": ("drain", "the run is being recorded"),
}
DEPLOY = ("plan", "start", "judge", "gate", "swap", "drain", "retire", "record")
ROLLBACK = ("plan", "start", "judge", "gate", "swap", "drain", "retire", "record")

SERVER = """\
server {
    listen 80;
    server_name @host@;
    proxy_connect_timeout 4s;
    location / {
        proxy_pass http://@upstream@;
    }
}
"""


class Run:
    """What one ansible-playbook did. ``result`` is the host's bluegreen_results, or in check mode its bluegreen_result;
    None if there is none."""

    def __init__(self, rc, stdout, stderr, outcome, seconds):
        self.rc = rc
        self.stdout = stdout
        self.stderr = stderr
        self.seconds = seconds
        self.tasks = outcome.get("tasks", [])
        self.summary = outcome.get("summary", {})
        self.results = outcome.get("custom", {}).get("bluegreen_results") or outcome.get("facts", {})

    @property
    def result(self):
        return self.results.get("target")

    @property
    def changed(self):
        return self.summary["target"]["changed"]

    def messages(self, host="target"):
        """What each task that failed on the host said."""
        return [task["msg"] for task in self.tasks if task["status"] == "failed" and task["host"] == host]

    @property
    def message(self):
        """What ended the play: the screen, or the last message where none was shown."""
        return self.screen or self.messages()[-1]

    @property
    def screen(self):
        """The screen that the play of one host ended with; empty where none was shown."""
        title = next((task["task"] for task in self.tasks if task["action"] == "hotswap.compose.bluegreen_fail"), None)
        if title is None:
            return ""
        _before, _title, after = self.stdout.rpartition(f"TASK [{title}] ")
        return after.partition("\n")[2].partition("\nfatal: ")[0]

    @property
    def remote(self):
        """How many of the tasks were run on the targets."""
        actions = [task["action"].rpartition(".") for task in self.tasks]
        return sum(prefix == "hotswap.compose" and name not in ON_CONTROLLER for prefix, _dot, name in actions)

    def ran(self, action):
        """How often tasks of a module of ours were run."""
        return sum(task["action"] == f"hotswap.compose.{action}" for task in self.tasks)

    def succeeded(self):
        assert self.rc == 0, self.stdout + self.stderr
        assert "template error" not in self.stderr and "DEPRECATION" not in self.stderr, self.stderr
        return self

    def failed(self):
        assert self.rc != 0, self.stdout
        assert self.message, self.stdout
        for task in self.tasks:
            if task["status"] == "failed" and ": " in task["task"] and task["action"].startswith("hotswap.compose."):
                printed = set(task["keys"]) - {"results"}  # of a loop, each result is printed alone
                assert printed <= {"changed", "msg", "warnings"}, f"{task['task']} prints {task['keys']}"
        assert "Traceback" not in self.stdout + self.stderr, self.stderr
        assert "Origin: " not in self.stderr or not self.screen, self.stderr
        return self


def playbook(directory, name, variables=None, hosts=None, environment=None, arguments=()):
    """Run ansible-playbook; ``hosts`` is ``{host: its variables}``, ``name`` a playbook of the collection or a path."""
    return Playbook(directory, name, variables, hosts, environment, arguments).wait()


class Playbook:
    """An ansible-playbook that runs; the arguments are those of playbook()."""

    timeout = 180  # s

    def __init__(self, directory, name, variables=None, hosts=None, environment=None, arguments=()):
        directory.mkdir(parents=True, exist_ok=True)
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {host: {**local, **more} for host, more in (hosts or {"target": {}}).items()}
        inventory, self.outcome = directory / "inventory.json", directory / "outcome.json"
        self.progress = directory / "progress"
        inventory.write_text(json.dumps({"all": {"children": {"bluegreen": {"hosts": hosts}}}}))
        self.outcome.unlink(missing_ok=True)
        self.progress.write_text("")
        self.variables = variables
        self.command = ["ansible-playbook", "-i", str(inventory), name if "/" in name else f"hotswap.compose.{name}"]
        if variables:
            (directory / "variables.json").write_text(json.dumps(variables))
            self.command += ["-e", f"@{directory}/variables.json"]
        foreign = ("ANSIBLE_", "DOCKER_", "COMPOSE_", "BLUEGREEN_")
        environ = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        self.mark = f"E2E_RUN={uuid.uuid4().hex}"  # what all that the run starts has in its environment
        environ.update(
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback_plugins"),
            ANSIBLE_CALLBACKS_ENABLED="outcome",
            ANSIBLE_HOME=str(directory / "home"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_PIPELINING="1",
            E2E_OUTCOME=str(self.outcome),
            E2E_PROGRESS=str(self.progress),
            LC_ALL="C.UTF-8",
            PATH=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
            **dict([self.mark.split("=")]),
        )
        environ.update(environment or {})
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.command + list(arguments),
            cwd=directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self):
        """Return the Run, once it has ended."""
        stdout, stderr = self.process.communicate(timeout=self.timeout)
        seconds = time.monotonic() - self.began
        print(f"--- {' '.join(self.command[3:])} {self.variables}\n{stdout}{stderr}--- {seconds:.1f} s")
        outcome = json.loads(self.outcome.read_text()) if self.outcome.exists() else {}
        return Run(self.process.returncode, stdout, stderr, outcome, seconds)

    def until(self, task, seconds=0.0):
        """Wait until a task of TASKS has begun, or what is WITHIN one, and so long after."""
        task, awaits = WITHIN.get(task, (task, None))
        until(lambda: TASKS[task] in self.progress.read_text() or self.process.poll() is not None, f"{task} begins", 90)
        assert TASKS[task] in self.progress.read_text(), self.wait().stdout
        if awaits:
            until(lambda: self._says() or self.process.poll() is not None, f"{task} shows progress", 90, pause=0.01)
            path = self._says()
            # The file of a module that has ended is gone, which is soon enough: the run itself still goes on.
            until(lambda: not path.exists() or awaits in path.read_text(), f"{task}: {awaits}", 90, pause=0.002)
            assert self.process.poll() is None, self.wait().stdout
        time.sleep(seconds)

    def _says(self):
        """The file in which the module that this run follows now shows its progress; None if there is none."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace").split("\0")
                paths = [each.partition("=")[2] for each in variables if each.startswith("BLUEGREEN_PROGRESS=")]
                if paths and os.path.exists(paths[0]):
                    return pathlib.Path(paths[0])
        return None

    def kill(self, everything):
        """kill -9 it; ``everything``: and each process that it started, on this machine as on the target."""
        if everything:
            while processes := list(self.processes()):
                for pid in processes:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        else:
            self.process.kill()
        return self.wait()

    def processes(self):
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if entry.name.isdigit() and state != "Z" and self.mark.encode() in (entry / "environ").read_bytes():
                    yield int(entry.name)


class Watching(threading.Thread):
    """A thread that runs while the block runs. Its run() ends when ``stopped`` is set."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopped = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()


class Processes(Watching):
    """For as long as the block runs, notes every command line on this machine that has one of the words."""

    def __init__(self, words):
        super().__init__()
        self.words = words
        self.found, self.seen = set(), set()

    def run(self):
        while not self.stopped.wait(0.02):
            for entry in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    line = (entry / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
                except OSError:
                    continue
                self.seen.add(line.split(" ")[0])
                if any(word in line for word in self.words):
                    self.found.add(line)


class Load:
    """tools/load.py for as long as the block runs; ``report`` is there after it."""

    def __init__(self, site, url, host, *arguments):
        self.stop = site.directory / "load.stop"
        self.out = site.directory / "load.json"
        self.stop.unlink(missing_ok=True)
        clients = [
            "--get=4",
            "--post=2",
            "--fresh=1",
            "--slow=1",
            "--slow-seconds=1",
            "--upload=6",
            "--upload-seconds=3",
            "--websocket=0",
            "--think-ms=100",
        ]
        self.command = [sys.executable, str(LOAD), "--url", url, "--host", host, *clients, "--think-ms=100", *arguments]
        self.command += ["--duration=900", f"--stop-file={self.stop}", f"--out={self.out}"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(0.5)  # so that the keep-alive connections are open before anything happens
        return self

    def __exit__(self, *_):
        self.stop.touch()
        said, _errors = self.process.communicate(timeout=60)
        print(said)
        self.report = json.loads(self.out.read_text())

    @property
    def releases(self):
        return set(self.report["releases"])

    @property
    def dropped(self):
        return self.report["total"]["dropped"]

    def lost_nothing(self):
        total = self.report["total"]
        assert total["requests"] > 50, total
        assert (total["dropped"], total["errors_5xx"], total["other_non_2xx"]) == (0, 0, 0), self.report


class Site:
    """``app`` behind an nginx of its own. Everything has a name that begins with ``name``, and goes with close().

    ``engine``: the client of its Engine, this machine's by default; ``address``: where nginx's port is published.
    """

    address = "127.0.0.1"
    app_image = APP_IMAGE

    def __init__(self, name, directory, engine=None):
        self.name = f"e2e-{name}-{uuid.uuid4().hex[:4]}"
        self.app = self.name
        self.host = f"{self.app}.example"
        self.directory = directory
        self.docker = engine or docker.from_env()
        self.conf, self.src, self.state = directory / "conf.d", directory / "src", directory / "state"
        self.conf.mkdir()
        self.src.mkdir()
        self.network = self.name
        self.nginx_container = f"{self.name}-nginx"
        self.docker.networks.create(self.network, labels={"hotswap.e2e": self.name})
        self.write_compose_files()
        self.write("site.conf", self.text(SERVER))

    def behind(self, site):
        """Put the app behind the nginx of another site."""
        self.docker.networks.get(self.network).remove()
        self.network, self.nginx_container, self.conf = site.network, site.nginx_container, site.conf
        self.write_compose_files()
        return self

    def write_compose_files(self):
        """Write one Compose file for each color."""
        for color in ("blue", "green"):
            (self.src / f"compose.{color}-deploy.yml").write_text(self.text(COMPOSE, color))

    def text(self, template, color=""):
        """Fill a template of this module."""
        fill = {
            "site": self.name,
            "network": self.network,
            "host": self.host,
            "upstream": f"{self.app}-web",
            "color": color,
        }
        for word, value in fill.items():
            template = template.replace(f"@{word}@", value)
        return template

    def write(self, name, text):
        (self.conf / name).write_text(text)

    @contextlib.contextmanager
    def compose_file(self, name, text):
        """Have another file in the project directory."""
        (self.src / name).write_text(text)
        yield
        (self.src / name).unlink()

    def close(self):
        mine = re.compile("(0-)?" + re.escape(self.name))  # as single_file.FIRST
        for container in self.docker.containers.list(all=True, ignore_removed=True):
            if mine.match(container.name) or container.labels.get(APP_LABEL, "").startswith(self.name):
                with contextlib.suppress(docker.errors.APIError):
                    container.remove(force=True, v=True)
        for volume in self.docker.volumes.list():
            if mine.match(volume.name):
                volume.remove(force=True)
        for network in self.docker.networks.list():
            if mine.match(network.name):
                network.remove()
        for tag in self.tags():
            if mine.match(tag.rpartition("/")[0].rpartition("/")[2]):
                self.docker.images.remove(tag, force=True)
        shutil.rmtree(self.state, ignore_errors=True)
        self.docker.close()

    # What the app is made of

    def image(self, tag, content="", repository="app"):
        """Make a release's image; another ``content`` makes another image. Return its id."""
        name = f"{self.name}/{repository}:{tag}"
        dockerfile = f"FROM {self.app_image}\nLABEL e2e.site={self.name} e2e.tag={tag} e2e.content={content or tag}\n"
        image, _log = self.docker.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=name, rm=True)
        return image.id

    def tags(self):
        """Every image on the host, by each of its names: ``{name: id}``, in one call, whatever comes and goes."""
        return {name: image["Id"] for image in self.docker.api.images() for name in image["RepoTags"] or []}

    def has_image(self, name):
        try:
            return bool(self.docker.images.get(name))
        except docker.errors.ImageNotFound:
            return False

    def first_deploy(self, release, **more):
        """Bring up nginx with the user's server block, which names an upstream that the first deploy writes."""
        self.start_nginx(wait=False)
        return self.deploy(release, **more).succeeded()

    def start_nginx(self, wait=True, image=NGINX, name=None, configs=None, **options):
        """Start nginx as a user would, with the conf dir mounted. ``configs``: ``{path: text}`` of inline ``configs``,
        which Compose copies into the container before it starts."""
        options.setdefault("volumes", {str(self.conf): {"bind": "/etc/nginx/conf.d", "mode": "rw"}})
        container = self.docker.containers.create(
            image,
            name=name or self.nginx_container,
            network=self.network,
            ports={"80/tcp": (self.address, None)},
            **options,
        )
        if configs:
            container.put_archive("/", archive(configs))
        container.start()
        container.reload()
        if wait:
            until(self.workers, "nginx has workers")
        return container

    @property
    def nginx(self):
        return self.docker.containers.get(self.nginx_container)

    def reloads(self):
        """How often nginx has read its configuration again."""
        return self.nginx.logs().decode().count("(SIGHUP) received")

    def upstream_file(self):
        return (self.conf / f"bluegreen-{self.app}.conf").read_text()

    def workers(self):
        """The process ids of nginx's workers: a reload, and nothing else here, changes them."""
        processes = self.nginx.top()["Processes"] or []
        return {row[1] for row in processes if row[-1] == WORKER}

    # What a user does

    def variables(self, **more):
        return {
            "bluegreen_app": self.app,
            "bluegreen_project_src": str(self.src),
            "bluegreen_compose_files": ["compose.{color}-deploy.yml"],
            "bluegreen_services": [{"name": "web-{color}", "port": 3000}],
            "bluegreen_network": self.network,
            "bluegreen_nginx_container": self.nginx_container,
            "bluegreen_nginx_conf_dir": str(self.conf),
            "bluegreen_state_dir": str(self.state),
            "bluegreen_pull": "never",
            "bluegreen_health_timeout": 30,
            "bluegreen_drain_timeout": 20,
            **{f"bluegreen_{key}": value for key, value in more.items()},
        }

    def play(self, name, environment=None, arguments=(), hosts=None, **more):
        """Run a playbook with the site's variables, ``more`` of them without their prefix."""
        return self.begin(name, environment, arguments, hosts, **more).wait()

    def begin(self, name, environment=None, arguments=(), hosts=None, directory="run", **more):
        """Begin to run one."""
        variables = {key: value for key, value in self.variables(**more).items() if value is not None}
        return Playbook(self.directory / directory, name, variables, hosts, environment, arguments)

    def deploy(self, release, **more):
        return self.play("deploy", release=release, **more)

    def rollback(self, **more):
        return self.play("rollback", **more)

    def check(self, release, **more):
        return self.play("deploy", release=release, arguments=["--check", "--diff"], **more)

    # What a client sees

    @property
    def port(self):
        return int(self.nginx.ports["80/tcp"][0]["HostPort"])

    def get(self, timeout=10, port=None, host=None):
        """Return ``(status, what the app said of itself)`` of one request through nginx."""
        connection = http.client.HTTPConnection(self.address, port or self.port, timeout=timeout)
        try:
            connection.request("GET", "/", headers={"Host": host or self.host, "Connection": "close"})
            response = connection.getresponse()
            body = response.read()
            return response.status, json.loads(body) if response.status == 200 else {}
        finally:
            connection.close()

    def serves(self, release, color=None):
        """Whether the release answers, and only it, by several requests."""
        answers = [self.get() for _number in range(4)]
        assert {status for status, _said in answers} == {200}, answers
        assert {said["BLUEGREEN_RELEASE"] for _status, said in answers} == {release}, answers
        assert color is None or {said["BLUEGREEN_COLOR"] for _status, said in answers} == {color}, answers

    def load(self, *arguments):
        return Load(self, f"http://{self.address}:{self.port}", self.host, *arguments)

    def release(self):
        """The release that answers."""
        return self.get()[1]["BLUEGREEN_RELEASE"]

    def other(self):
        """A release, v1 or v2, that does not have the traffic."""
        return "v1" if self.release() == "v2" else "v2"

    def converged(self, run, release, host="target"):
        """See that a run left the release with the traffic, all of it there, and nothing over of anything else."""
        result = run.succeeded().results[host]
        assert result["release"] == release
        active = result["active_color"]
        self.serves(release, active)
        assert self.journal()["unfinished"] is None
        assert self.journal()["proved"] in self.upstream_file()
        assert self.lock() is None
        assert self.states(active) == {"running"}
        assert self.states("green" if active == "blue" else "blue") <= {"exited"}

    # What is on the host

    def containers(self, color=None):
        """Return the app's containers by name."""
        labels = [f"{APP_LABEL}={self.app}"] + ([f"hotswap.compose.color={color}"] if color else [])
        found = self.docker.containers.list(all=True, filters={"label": labels}, ignore_removed=True)
        return {container.name: container for container in found}

    def states(self, color):
        return {container.status for container in self.containers(color).values()}

    def snapshot(self):
        """Return everything that a run which is to change nothing must leave alone."""
        containers = self.docker.containers.list(all=True, ignore_removed=True)
        mine = [c for c in containers if c.name.startswith(self.name) or c.labels.get(APP_LABEL) == self.app]
        return {
            "containers": sorted((c.id, c.name, c.status, c.attrs["State"]["StartedAt"]) for c in mine),
            "images": sorted(each for each in self.tags().items() if self.name in each[0]),
            "files": {str(path): path.read_bytes() for path in self.files()},
            "workers": self.workers() if self.nginx.status == "running" else None,
        }

    def files(self):
        """Every file of the conf dir, the project and the state directory, but the history."""
        trees = [self.conf, self.src, self.state]
        found = [path for tree in trees if tree.exists() for path in tree.rglob("*") if path.is_file()]
        ours = ("in-flight", "history.jsonl")  # empty and there for good; and what every run adds to
        return sorted(path for path in found if path.name not in ours)

    def lock(self):
        """Who has the app's lock, or None."""
        holder = self.state / self.app / "lock" / "holder.json"
        return json.loads(holder.read_text()) if holder.exists() else None

    def journal(self):
        return json.loads((self.state / self.app / "journal.json").read_text())

    def history(self):
        """How each run ended, the newest last."""
        return [json.loads(line) for line in (self.state / self.app / "history.jsonl").read_text().splitlines()]


def output_of(container, *argv):
    """Return what a command writes in a container, in which it must succeed.

    The client of the collection runs it, because exec_run of Docker's SDK loses output on a busy machine.
    """
    code, stdout, stderr = Engine(container.client.api, "the tests' Engine", 60).execute(container.id, list(argv))
    assert code == 0, (argv, code, stdout, stderr)
    return (stdout + stderr).decode()


def archive(files):
    """A tar archive of ``{path: text}``."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(text.encode()), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()


def until(true, what, seconds=15, pause=0.05):
    """Wait until ``true()``; a server that does not answer yet is no error."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if true():
                return
        assert time.monotonic() < end, f"after {seconds} s still not: {what}"
        time.sleep(pause)
