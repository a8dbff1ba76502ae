# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inject faults into deploys and rollbacks: count what clients lost, and check whether the next run converges.

Prints the Markdown table of docs/tested.md. Needs root and a machine that serves nobody, because it restarts the Docker
Engine and fills small disks.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import docker  # noqa: E402
from registry import Registry  # noqa: E402
from sites import APP_IMAGE, DEPLOY, HERE, NGINX, ROLLBACK, Site, until  # noqa: E402
from sshd import Sshd  # noqa: E402

SECONDS = (0, 0.15, 0.4)
ENGINE_SETTINGS = pathlib.Path("/etc/docker/daemon.json")


class Trial(NamedTuple):
    dropped: int
    converged: bool
    said: str


def has_converged(site, run, release):
    """Return whether the run converged: site.converged() raises nothing."""
    try:
        site.converged(run, release)
    except (AssertionError, KeyError, OSError) as error:
        print(f"NOT CONVERGED: {error!r}\n{run.stdout[-3000:]}", file=sys.stderr)
        return False
    return True


NOTHING = "found nothing to recover"

ENDINGS = {
    "so the role finishes the run": "finished it",
    "the role removes or stops": "undid it",
    "gives the traffic back to": "sent the traffic back",
    "the role stops nothing": "left it",
}


def said_by(run):
    """Return what a run did about the interrupted run, or why it failed."""
    for warning in (run.result or {}).get("warnings", []):
        for words, ending in ENDINGS.items():
            if words in warning:
                return ending
    return run.message.splitlines()[0][:90] if run.rc else NOTHING


def try_once(site, fault, name="deploy", release=None, **more):
    """Begin a run, inject the fault, and run it again."""
    release = release or site.other()
    with site.load() as load:
        run = site.begin(name, release=release, **more)
        fault(site, run)
        run.wait()
        again = site.play(name, release=release, lock_wait=60, **more)
    return Trial(load.dropped, has_converged(site, again, release), said_by(again))


# The faults. Each function yields trials.


def killed(site, name, tasks, everything):
    for task, seconds in itertools.product(tasks, SECONDS):

        def fault(site, run, task=task, seconds=seconds):
            run.until(task, seconds)
            run.kill(everything)

        if name == "rollback":
            site.deploy("v2").succeeded()
            yield try_once(site, fault, "rollback", "v1")
        else:
            yield try_once(site, fault)


def ended(site, number):
    for task in ("start", "gate", "swap", "drain"):

        def fault(site, run, task=task):
            run.until(task, 0.1)
            run.process.send_signal(number)

        yield try_once(site, fault)


def master_killed(site):
    for task in ("judge", "gate", "swap", "drain"):

        def fault(site, run, task=task):
            run.until(task, 0.05)
            os.kill(site.nginx.attrs["State"]["Pid"], signal.SIGKILL)

        yield try_once(site, fault)


def all_restarted(site):
    def fault(site, run):
        run.until("gate")
        for container in site.containers().values():
            container.restart(timeout=2)

    yield try_once(site, fault)
    for container in site.docker.containers.list():
        if container.name.startswith(site.name) or container.labels.get("hotswap.compose.app") == site.app:
            container.restart(timeout=2)
    until(lambda: site.get()[0] == 200, "it answers again", 30)
    yield try_once(site, lambda site, run: None)


def registry_gone(site):
    """Stop the registry between the pull and the start of the containers."""
    registry = Registry(site)
    for release in ("v1", "v2"):
        registry.push(site.docker.images.get(f"{site.app}/app:{release}"), site.name, release)

    def fault(site, run):
        run.until("start")
        registry.container.stop(timeout=1)

    yield try_once(site, fault, env={"IMAGE": registry.reference(site.name)}, pull="missing")
    registry.forget(site)


@contextlib.contextmanager
def engine_with(**settings):
    """Run the block with changed settings of the Engine, whose names have ``_`` for ``-``. Restarts it twice."""
    before = ENGINE_SETTINGS.read_text() if ENGINE_SETTINGS.exists() else None
    ENGINE_SETTINGS.parent.mkdir(exist_ok=True)
    changed = {name.replace("_", "-"): value for name, value in settings.items()}
    ENGINE_SETTINGS.write_text(json.dumps(dict(json.loads(before or "{}"), **changed)))
    restart_engine()
    try:
        yield
    finally:
        ENGINE_SETTINGS.write_text(before) if before is not None else ENGINE_SETTINGS.unlink()
        restart_engine()


def restart_engine():
    for action in ("down", "up"):
        subprocess.run([ROOT / "tools" / "engine.sh", action], check=True, stdout=subprocess.DEVNULL)


def engine_restarted(site, keeps_containers):
    with engine_with(live_restore=keeps_containers):
        until(lambda: site.get()[0] == 200, "it answers", 60)
        for task in ("start", "gate", "drain"):

            def fault(site, run, task=task):
                run.until(task, 0.1)
                restart_engine()
                until(lambda: site.get()[0] == 200, "it answers again", 60)

            yield try_once(site, fault)
        restart_engine()  # after the run has ended
        until(lambda: site.get()[0] == 200, "it answers again", 60)
        release = site.release()
        states = site.states("blue"), site.states("green")
        run = site.deploy(release)
        assert {"running"} in states and {"exited"} in states, states
        yield Trial(0, has_converged(site, run, release), said_by(run))


def filled(directory):
    """Fill the disk of a directory."""
    with contextlib.suppress(OSError), open(directory / "fill", "wb") as file:
        while True:
            file.write(b"0" * 4096)
            file.flush()


def disk_full(site, directory):
    """Fill the disk before a run, which is refused, and during a run, which is undone or continues."""
    release = site.other()
    with site.load() as load:
        filled(directory)
        refused = site.deploy(release)
        (directory / "fill").unlink()
        again = site.deploy(release)
    assert refused.rc != 0
    yield Trial(load.dropped, has_converged(site, again, release), said_by(refused))
    for task in ("judge", "swap", "record"):

        def fault(site, run, task=task):
            run.until(task)
            filled(directory)
            run.wait()
            (directory / "fill").unlink()

        yield try_once(site, fault)


def data_root_full(directory):
    """Use a site of its own, because an Engine with another data root has no images and containers."""
    client = docker.from_env()
    images = [b"".join(client.images.get(name).save(named=True)) for name in (NGINX, APP_IMAGE)]
    with small_disk(directory / "docker", "1g"), engine_with(data_root=str(directory / "docker")):
        for image in images:
            client.images.load(image)
        site = Site("full", directory)
        with contextlib.closing(site):
            for release in ("v1", "v2"):
                site.image(release)
            site.first_deploy("v1")
            yield from disk_full(site, directory / "docker")


@contextlib.contextmanager
def clock_an_hour_back():
    """Set the clock of this machine back while the block runs."""
    began, now = time.monotonic(), time.time()
    time.clock_settime(time.CLOCK_REALTIME, now - 3600)
    try:
        yield
    finally:
        time.clock_settime(time.CLOCK_REALTIME, now + time.monotonic() - began)


def clock_set_back(site):
    """Set the clock back during a run, which continues or is killed. Its files then have times in the future."""
    for task, kills in itertools.product(("gate", "swap", "drain"), (False, True)):
        with contextlib.ExitStack() as stack:

            def fault(site, run, task=task, kills=kills, stack=stack):
                run.until(task, 0.1)
                stack.enter_context(clock_an_hour_back())
                if kills:
                    run.kill(True)

            yield try_once(site, fault)


def controller_gone(site, sshd):
    for task in DEPLOY:

        def fault(site, run, task=task):
            run.until(task, 0.2)
            run.kill(True)  # processes on the target survive: they have the environment of the login, not of the run

        yield try_once(site, fault, hosts=sshd.hosts)


def unreachable(site, sshd):
    for task in ("start", "gate", "swap", "drain"):

        def fault(site, run, task=task):
            run.until(task, 0.2)
            sshd.stop()
            run.wait()
            sshd.start()
            time.sleep(1)

        yield try_once(site, fault, hosts=sshd.hosts)


def rows(site, sshd):
    yield "kill -9 of `ansible-playbook`, deploy", killed(site, "deploy", DEPLOY, False)
    yield "kill -9 of `ansible-playbook` and its child processes, deploy", killed(site, "deploy", DEPLOY, True)
    yield "kill -9 of `ansible-playbook`, rollback", killed(site, "rollback", ROLLBACK, False)
    yield "kill -9 of `ansible-playbook` and its child processes, rollback", killed(site, "rollback", ROLLBACK, True)
    yield "SIGINT", ended(site, signal.SIGINT)
    yield "SIGTERM", ended(site, signal.SIGTERM)
    yield "controller lost, over ssh", controller_gone(site, sshd)
    yield "target unreachable, over ssh", unreachable(site, sshd)
    yield "disk of the state directory full", disk_full(site, site.state)
    yield "disk of the conf dir full", disk_full(site, site.conf)
    yield "disk of Docker's data root full", data_root_full(site.directory / "full")
    yield "registry down after the pull", registry_gone(site)
    yield "kill -9 of nginx's master process", master_killed(site)
    yield "all containers restarted", all_restarted(site)
    yield "clock set back by an hour", clock_set_back(site)
    yield "dockerd restarted", engine_restarted(site, False)
    # Must be last: an Engine that starts without live-restore kills the containers that survived and leaves them dead.
    yield "dockerd restarted, with live-restore", engine_restarted(site, True)


@contextlib.contextmanager
def small_disk(directory, size="512k"):
    """Mount a small disk at a directory while the block runs."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run only the faults whose name matches this regular expression")
    only = parser.parse_args().only
    client = docker.from_env()
    client.images.build(path=str(HERE / "app"), tag=APP_IMAGE, rm=True)
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        site = SmallDisks("soak", directory / "site", stack)
        stack.callback(site.close)
        (directory / "ssh").mkdir()
        sshd = Sshd(directory / "ssh")
        stack.callback(sshd.stop)
        with contextlib.redirect_stdout(sys.stderr):
            for release in ("v1", "v2"):
                site.image(release)
            site.start_nginx(wait=False, restart_policy={"Name": "unless-stopped"})
            site.deploy("v1").succeeded()
            site.deploy("v2").succeeded()
        print("| fault | trials | dropped | converged | the next run |\n|---|---|---|---|---|", flush=True)
        failed = 0
        for name, trials in rows(site, sshd):
            if not re.search(only, name):
                continue
            with contextlib.redirect_stdout(sys.stderr):
                done = list(trials)
            failed += sum(not trial.converged for trial in done)
            said = " or ".join(sorted({trial.said for trial in done} - {NOTHING})) or NOTHING
            dropped, converged = sum(trial.dropped for trial in done), sum(trial.converged for trial in done)
            print(f"| {name} | {len(done)} | {dropped} | {converged} | {said} |", flush=True)
    return 1 if failed else 0


class SmallDisks(Site):
    """A site whose conf dir and state directory each have a small disk."""

    def __init__(self, name, directory, stack):
        directory.mkdir()
        self.stack = stack
        super().__init__(name, directory)

    def write(self, name, text):
        for disk in (self.conf, self.state):
            if not disk.is_mount():
                self.stack.enter_context(small_disk(disk))
        super().write(name, text)


if __name__ == "__main__":
    sys.exit(main())
