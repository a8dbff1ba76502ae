# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs as AWX runs them, in the execution environment: `make ee` builds it and runs these.

In a pod of Kubernetes, `ansible-runner transmit` sends the project, its inventory, the survey's answers and the ssh key
to a container of the execution environment, `ansible-runner worker`, which reaches the host by ssh; `ansible-runner
process` takes its events and artifacts. On an execution node, AWX's own ansible-runner starts ansible-playbook in a
container of it, with a callback plugin of its own version. The queue and the web pages of AWX are not here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest
from sites import COLLECTIONS, ROOT, until

pytestmark = pytest.mark.ee

IMAGE = "hotswap/ee"
RUNNER_OF_AWX = COLLECTIONS.parent / ".cache" / "ee" / "runner"
"""Version 2.4.0, the newest when AWX 24.6.1 came out; tools/ee.sh puts it there."""

SSHD = """
mkdir -p /run/sshd && ssh-keygen -q -A
exec /usr/sbin/sshd -D -e -p {port} -o ListenAddress=127.0.0.1 -o StrictModes=no -o AuthorizedKeysFile={key}.pub
"""
# What AWX sets for a job, and what it knows of it.
COLLECTIONS = ("/runner/requirements_collections", "~/.ansible/collections", "/usr/share/ansible/collections")
ENVIRONMENT = {
    "ANSIBLE_COLLECTIONS_PATH": ":".join(COLLECTIONS),
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_FORCE_COLOR": "True",
}
OF_AWX = {"awx_job_id": 41, "tower_job_id": 41, "awx_user_name": "ann"}


class Job:
    """What AWX knows of a job that has ended: its status, rc, events, output and artifacts."""

    def __init__(self, directory):
        self.rc = int((directory / "rc").read_text())
        self.status = (directory / "status").read_text()
        self.stdout = (directory / "stdout").read_text()
        events = [json.loads(path.read_text()) for path in (directory / "job_events").glob("*.json")]
        self.events = sorted(events, key=lambda event: event["counter"])
        (stats,) = self.named("playbook_on_stats")
        self.artifacts = stats["event_data"]["artifact_data"]
        print(self.stdout)
        self.lines = re.sub(r"\x1b\[[0-9;]*m", "", self.stdout).replace("\r", "").splitlines()
        self.check_lines()

    def check_lines(self):
        """Nothing was printed past Ansible's display, no line is blank at either end of a text, and no command is
        named, for who launches a job has no shell."""
        assert "errantly" not in self.stdout
        assert "ansible-playbook" not in self.stdout
        for event in self.named("verbose") + self.named("warning"):
            lines = event["stdout"].splitlines()
            assert lines and lines[0].strip() and lines[-1].strip(), event["stdout"]

    def named(self, name):
        return [event for event in self.events if event["event"] == name]

    @property
    def result(self):
        return self.artifacts["bluegreen_results"]["shop1"]

    @property
    def messages(self):
        """What each task that failed said."""
        return [event["event_data"]["res"]["msg"] for event in self.named("runner_on_failed")]

    def successful(self):
        assert (self.status, self.rc) == ("successful", 0), self.stdout
        return self

    def failed(self):
        assert (self.status, self.rc) == ("failed", 2), self.stdout
        return self


@pytest.fixture(scope="module")
def site(site):
    """A site on a host of its own that is reached by ssh; nginx runs, with no upstream of ours yet."""
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.start_nginx(wait=False)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", site.directory / "key"], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        site.ssh_port = free.getsockname()[1]
    site.docker.containers.run(
        "hotswap/target:1",
        ["sh", "-c", SSHD.format(port=site.ssh_port, key=site.directory / "key")],
        name=f"{site.name}-target",
        detach=True,
        privileged=True,  # a host sees the network and the processes of its containers
        network_mode="host",
        pid_mode="host",
        volumes=[f"{site.directory}:{site.directory}", "/var/run/docker.sock:/var/run/docker.sock"],
    )
    until(lambda: socket.create_connection(("127.0.0.1", site.ssh_port), 1).close() is None, "sshd listens")
    return site


@pytest.fixture(scope="module")
def launch(site):
    """Launch a job of a playbook of the project, with answers to its survey."""
    number = 0

    def run(name, answers, arguments="", on_node=False, **more):
        nonlocal number
        number += 1
        private = site.directory / f"job-{number}"
        shutil.copytree(ROOT / "examples", private / "project")
        (private / "inventory").mkdir()
        (private / "env").mkdir()
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": site.ssh_port,
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        group = {"hosts": {"shop1": host}, "vars": site.variables(**more)}
        (private / "inventory" / "hosts.json").write_text(json.dumps({"bluegreen": group}))
        (private / "env" / "extravars").write_text(json.dumps({**OF_AWX, **answers}))
        (private / "env" / "envvars").write_text(json.dumps(ENVIRONMENT))
        (private / "env" / "cmdline").write_text(arguments)
        shutil.copy(site.directory / "key", private / "env" / "ssh_key")
        if on_node:
            return run_on_node(private, name, number)
        job = ["--ident", str(number)]
        with (private / "sent").open("wb") as sent:
            subprocess.run(["ansible-runner", "transmit", private, "-p", name, *job], stdout=sent, check=True)
        worker = ["docker", "run", "--rm", "-i", "--network", "host", "--name", f"{site.name}-job-{number}", IMAGE]
        worker += ["ansible-runner", "worker", "--private-data-dir=/runner"]
        with (private / "sent").open("rb") as sent, (private / "returned").open("wb") as returned:
            # Its exit status is the job's.
            subprocess.run(worker, stdin=sent, stdout=returned, timeout=300, check=False)
        with (private / "returned").open("rb") as returned:
            process = ["ansible-runner", "process", private, *job]
            subprocess.run(process, stdin=returned, stdout=subprocess.DEVNULL, check=True)
        return Job(private / "artifacts" / str(number))

    def run_on_node(private, name, number):
        command = [sys.executable, "-m", "ansible_runner", "run", private, "-p", name, "--ident", str(number)]
        command += ["--process-isolation", "--process-isolation-executable", "docker", "--container-image", IMAGE]
        command += ["--container-option=--network=host"]
        environment = {**os.environ, "PYTHONPATH": str(RUNNER_OF_AWX)}
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=300, check=False)
        return Job(private / "artifacts" / str(number))

    return run


def answers(release=None, target="bluegreen"):
    given = {"bluegreen_target": target}
    return given if release is None else {"bluegreen_release": release, **given}


def test_a_job_deploys(site, launch):
    job = launch("deploy.yml", answers("v1")).successful()
    assert (job.result["outcome"], job.result["release"]) == ("deployed", "v1")
    site.serves("v1", "blue")
    assert [event["counter"] for event in job.events] == list(range(1, len(job.events) + 1))
    kinds = [event["event"] for event in job.events if event["event"] != "verbose"]
    assert (kinds[0], kinds[-1]) == ("playbook_on_start", "playbook_on_stats")
    ran = [event["event_data"]["task_action"] for event in job.named("runner_on_ok")]
    actions = (
        "hotswap.compose.bluegreen_start",
        "hotswap.compose.bluegreen_swap",
        "hotswap.compose.bluegreen_report",
    )
    at = [len(ran) - 1 - ran[::-1].index(action) for action in actions]
    assert at == sorted(at)


def test_check_mode_starts_nothing(site, launch):
    before = site.snapshot()
    job = launch("deploy.yml", answers("v2"), arguments="--check --diff").successful()
    assert "+release: v2" in job.stdout
    assert any(line.endswith("nothing was changed.") for line in job.lines)
    assert job.artifacts == {}  # or a later job would take the release for deployed
    assert site.snapshot() == before


@pytest.mark.parametrize("on_node", [False, True])
def test_a_refused_release_fails_the_job_and_its_artifacts_say_why(site, launch, on_node):
    job = launch("deploy.yml", answers("v2"), on_node=on_node, env={"BEHAVIOUR": "exit"}).failed()
    assert (job.result["outcome"], job.result["release"]) == ("rejected", "v1")
    (container,) = job.result["containers"]
    assert container["verdict"] == "failed" and container["reason"] in job.messages[-1]
    (screen,) = [event["stdout"] for event in job.named("verbose") if "Traffic: " in event["stdout"]]
    assert container["reason"] in screen and "Traffic: v1 (blue) keeps it." in screen
    assert "then launch the job template of deploy.yml with the release v2" in screen
    site.serves("v1", "blue")


def test_a_workflow_that_is_approved(site, launch):
    waiting = launch("deploy.yml", {**answers("v2"), "bluegreen_auto_promote": False}).successful()
    assert waiting.result["outcome"] == "awaiting_promotion"
    assert any("launch the job template of promote.yml or abort.yml" in line for line in waiting.lines)
    site.serves("v1")
    promoted = launch("promote.yml", {**answers("v2"), **waiting.artifacts}).successful()
    assert (promoted.result["outcome"], promoted.result["release"]) == ("deployed", "v2")
    way_back = "v1 in blue is stopped, kept for a rollback: launch the job template of rollback.yml"
    assert way_back in promoted.lines
    site.serves("v2")


def test_a_workflow_that_is_denied(site, launch):
    waiting = launch("deploy.yml", {**answers("v3"), "bluegreen_auto_promote": False}).successful()
    aborted = launch("abort.yml", {**answers("v3"), **waiting.artifacts}).successful()
    assert (aborted.result["outcome"], aborted.result["release"]) == ("rejected", "v2")
    site.serves("v2")


def test_a_rollback_whose_release_was_left_empty_goes_to_the_one_before(site, launch):
    job = launch("rollback.yml", answers("")).successful()
    assert (job.result["outcome"], job.result["release"]) == ("rolled_back", "v1")
    site.serves("v1")


@pytest.mark.parametrize(
    "name, given, said",
    [
        ("deploy.yml", answers(""), "bluegreen_release is ''"),
        ("deploy.yml", answers("v2 "), "bluegreen_release is 'v2 '"),
        ("deploy.yml", answers("v2\n"), "bluegreen_release is 'v2\\n'"),
        ("rollback.yml", answers(" v1"), "bluegreen_release is ' v1'"),
        ("deploy.yml", answers("v2", "nowhere"), "bluegreen_target is 'nowhere': no host of the inventory"),
        ("promote.yml", answers(target=""), "bluegreen_target is '': no host of the inventory"),
        ("abort.yml", answers(target="  "), "bluegreen_target is '  ': no host of the inventory"),
    ],
)
@pytest.mark.parametrize("on_node", [False, True])
def test_an_odd_answer_is_refused_with_one_clear_message(site, launch, name, given, said, on_node):
    before = site.snapshot()
    job = launch(name, given, on_node=on_node).failed()
    assert all(said in message for message in job.messages)
    if on_node:  # whose results are JSON
        assert any(line.startswith(said) for line in job.lines)
    else:
        assert "FAILED! => {" not in job.stdout
    assert "Traceback" not in job.stdout
    assert job.artifacts == {}
    assert site.snapshot() == before
