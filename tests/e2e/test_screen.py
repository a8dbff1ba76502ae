# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a person sees of a run with Ansible's own default callback, and how many tasks, programs and reloads it has:
counted, not timed.

The tests build on each other, in this order.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import NamedTuple

import pytest

SERVICES = [{"name": "web-{color}", "port": 3000}, {"name": "signal-{color}", "port": 3000}]
NAMES = ("web", "signal")
ORDINARY = [{"name": name, "port": 3000} for name in NAMES]
BEFORE = ["bluegreen_validate"]
AFTER = ["bluegreen_report", "ansible.builtin.set_fact"]
# The tasks on the target, of a deploy as of a rollback to a color that is stopped.
REMOTE = ["bluegreen_plan", "bluegreen_start", "bluegreen_swap", "bluegreen_finish"]
ACTIONS = [*BEFORE, *REMOTE, *AFTER]


COUNTS = """\
#!/bin/sh
echo "$*" >>{file}
exec {program} "$@"
"""


class Counted:
    """A program that notes each of its calls in a file, then acts as another one.

    ``seen_at``: the path of the file as the program sees it.
    """

    def __init__(self, path, program, seen_at=None):
        self.path, self.file = path, path.with_suffix(".calls")
        self.file.touch()
        path.write_text(COUNTS.format(file=seen_at or self.file, program=program))
        path.chmod(0o755)

    def take(self):
        """Return the arguments of each call since the last take()."""
        calls = self.file.read_text().splitlines()
        self.file.write_text("")
        return calls


class Counts(NamedTuple):
    python: int  # how often Ansible ran Python on the target
    nginx: Counter  # how often nginx's program was called, by its first flags
    reloads: int


# The most calls of nginx's program. Each takes the Engine about 0.05 s. The first of the two reloads lets nginx look up
# the names of the new containers before the swap.
NGINX = Counter({"-V": 4, "-T": 6, "-s reload": 2})
NGINX_OF_PLAN = Counter({"-V": 1, "-T": 1})


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The target's Python."""
    return Counted(tmp_path_factory.mktemp("python") / "python", sys.executable)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """nginx's program. The role tests a new file on a copy of all directories, so the program notes its calls in a file
    that is mounted by itself."""
    return Counted(tmp_path_factory.mktemp("nginx") / "nginx", "/usr/sbin/nginx", seen_at="/nginx.calls")


@pytest.fixture
def count(site, python, nginx):
    """Return a function that runs a play, and returns its Run and its Counts."""

    def run_counted(play, *arguments, **more):
        reloads = site.reloads()
        python.take(), nginx.take()
        hosts = {"target": {"ansible_python_interpreter": str(python.path)}}
        run = play(*arguments, services=SERVICES, hosts=hosts, **more).succeeded()
        return run, Counts(
            len(python.take()), Counter(call.partition(" -g ")[0] for call in nginx.take()), site.reloads() - reloads
        )

    return run_counted


@pytest.fixture(scope="module")
def site(site, nginx):
    """v1 serves, in two services."""
    for color in ("blue", "green"):
        path = site.src / f"compose.{color}-deploy.yml"
        before, service, after = re.split(
            r"(?<=services:\n)(.*)(?=networks:\n  edge:\n    name)", path.read_text(), flags=re.S
        )
        path.write_text(before + service + service.replace(f"web-{color}:", f"signal-{color}:") + after)
    for release in ("v1", "v2", "v3"):
        site.image(release)
    volumes = [f"{site.conf}:/etc/nginx/conf.d", f"{nginx.path}:/usr/local/sbin/nginx", f"{nginx.file}:/nginx.calls"]
    site.start_nginx(wait=False, volumes=volumes)
    site.deploy("v1", services=SERVICES).succeeded()
    return site


@pytest.fixture(scope="module")
def ordinary(make_site):
    """v1 serves from one ordinary compose.yml."""
    site = make_site("ordinary-screen")
    services = "".join(f"  {name}: {{image: '@site@/app:${{BLUEGREEN_RELEASE}}', healthcheck: *h}}\n" for name in NAMES)
    health = "x-h: &h {test: [CMD, test, -e, /tmp/healthy], interval: 1s}\n"
    (site.src / "compose.yml").write_text(site.text(f"{health}services:\n{services}"))
    for release in ("v1", "v2"):
        site.image(release)
    site.start_nginx(wait=False)
    site.deploy("v1", services=ORDINARY, compose_files=[]).succeeded()
    return site


def actions(run):
    return [task["action"].replace("hotswap.compose.", "") for task in run.tasks]


def lines(run):
    """All lines, but for the reminders that a slow machine gets."""
    return [line for line in run.stdout.splitlines() if not line.startswith("still waiting ")]


def skipped(run):
    return sum(line.startswith("skipping: ") for line in lines(run))


def said(run):
    """The lines of the run's own: neither Ansible's nor empty."""
    ansibles = ("PLAY", "TASK", "RUNNING HANDLER", "ok: ", "changed: ", "skipping: ", "target  ")
    return [line for line in lines(run) if line and not line.startswith(ansibles)]


def assert_is_told(run, expected):
    found = said(run)
    assert len(found) == len(expected), found
    for line, pattern in zip(found, expected):
        assert re.fullmatch(pattern, line), (line, pattern)


def test_a_deploy(site, count):
    run, counts = count(site.deploy, "v2")
    assert (counts.python, counts.reloads) == (len(REMOTE), 2)
    assert counts.nginx["-T"] and not counts.nginx - NGINX, counts
    assert len(lines(run)) <= 60
    assert actions(run) == ACTIONS
    assert skipped(run) == 5  # the refusal of a target without hosts, and the groups of steps that few runs have
    assert "included: " not in run.stdout
    name = f"{site.name}-green"
    start, healthy = (
        sorted(rf"{name}-\w+-green-1: {state} after [\d.]+ s" for _each in SERVICES)
        for state in ("starting", "(starting → )?healthy")
    )
    assert_is_told(
        run,
        [
            f"{site.app}: v1 in blue → v2 in green",
            *start,
            *healthy,
            r"\d\d:\d\d:\d\d: v2 in green has the traffic, proven [\d.]+ s after the reload",
            rf"{site.app}: v2, in green, has the traffic\. It took [\d.]+ s, of which .*",
            r"v1 in blue is stopped, kept for a rollback: ansible-playbook .* hotswap\.compose\.rollback",
        ],
    )


def test_a_deploy_of_one_ordinary_file(ordinary):
    run = ordinary.deploy("v2", services=ORDINARY, compose_files=[]).succeeded()
    assert len(lines(run)) <= 60
    assert actions(run) == ACTIONS
    assert skipped(run) == 5


def test_a_rollback_of_one_ordinary_file(ordinary):
    run = ordinary.rollback(services=ORDINARY, compose_files=[]).succeeded()
    assert len(lines(run)) <= 60
    assert actions(run) == ACTIONS


def test_a_rejected_release(site):
    run = site.deploy("v3", services=SERVICES, env={"BEHAVIOUR": "exit"}).failed()
    assert run.result["outcome"] == "rejected"
    assert run.screen and len(lines(run)) - len(run.screen.splitlines()) <= 60
    remote = [action for action in actions(run) if action in (*REMOTE, "bluegreen_undo")]
    assert remote == ["bluegreen_plan", "bluegreen_start", "bluegreen_undo"]
    assert " has the traffic" not in run.stdout  # which never went anywhere, nor back


def test_a_rollback(site, count):
    run, counts = count(site.rollback)
    assert (counts.python, counts.reloads) == (len(REMOTE), 2)
    assert not counts.nginx - NGINX, counts
    assert len(lines(run)) <= 60
    assert actions(run) == ACTIONS
    assert f"{site.app}: v2 in green → v1 in blue\n" in run.stdout
    assert f"{site.app}: v1, in blue, has the traffic again. It took " in run.stdout
    assert re.search(r"\nv2 in green is stopped, kept for a rollback: .* -e bluegreen_release=v2\n", run.stdout)


def test_nothing_to_do(site, count):
    run, counts = count(site.deploy, "v1")
    assert (counts.python, counts.reloads) == (1, 0)
    assert not counts.nginx - NGINX_OF_PLAN, counts
    assert len(lines(run)) <= 47
    assert actions(run) == [*BEFORE, "bluegreen_plan", *AFTER]
    assert_is_told(run, [rf"{site.app}: v1, in blue, has the traffic already; there is nothing to do\."])
