# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seconds of a deploy, a no-op, a warm and a cold rollback and a rejected release, beside their floors.

A floor is the least that Docker, Compose and nginx need for the same: one command after the other. That of a no-op is a
play without a task.
"""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import time

from measure import FirstAnswer, at_most, median, shop, table, timed
from sshd import Sshd

NOTHING = "- hosts: all\n  gather_facts: false\n  tasks: []\n"
STAMP = """\
server {
    listen 80;
    server_name floor.example;
    location / { return 200 '{"stamp": "@stamp@"}'; }
}
"""
KINDS = ("deploy", "no-op", "rollback, warm", "rollback, cold", "rejected")
PHASES = ("detect", "start", "gate", "swap", "drain", "retire", "record")
TARGETS = {
    "no-op": lambda floor: 3 * floor,
    "rollback, warm: served": lambda floor: 2.5,
    "rollback, cold: served": lambda floor: 5.0,
    "rejected": lambda floor: floor + 5,
}


class Floor:
    """The same by hand, in two colors of its own: Compose, nginx, and Compose again."""

    def __init__(self, site):
        self.site = site
        self.network = f"{site.name}-floor"
        site.docker.networks.create(self.network)
        for color in ("blue", "green", "rejected"):
            text = (site.src / "compose.blue-deploy.yml").read_text()
            text = text.replace("-blue:", f"-{color}:").replace(f"name: {site.network}\n", f"name: {self.network}\n")
            self._file(color).write_text(text)
        self._compose("blue", "up", "-d", "--wait")

    def measure(self, kinds=KINDS):
        """Return ``{what: s}`` for the kinds of runs."""
        found = {}
        create, reload, stop = self._compose("green", "up", "-d", "--wait"), self._reload(), self._stop("blue")
        found["deploy"], found["deploy: served"] = create + reload + stop, create + reload
        if "rollback, cold" in kinds:
            start, reload, stop = self._compose("blue", "up", "-d", "--wait"), self._reload(), self._stop("green")
            found["rollback, warm"], found["rollback, warm: served"] = reload + stop, reload
            found["rollback, cold"], found["rollback, cold: served"] = start + reload + stop, start + reload
        else:
            self._compose("blue", "up", "-d")
        self._compose("green", "down", "-t", "1")
        if "rejected" in kinds:
            found["rejected"] = self.rejected()
        if "no-op" in kinds:
            path = self.site.directory / "nothing.yml"
            path.write_text(NOTHING)
            found["no-op"] = self.site.play(str(path)).succeeded().seconds
        return found

    def rejected(self):
        """Return the seconds in which Compose sees that a release exits at once."""
        seconds = self._compose("rejected", "up", "-d", "--wait", behaviour="exit", ok=False)
        self._compose("rejected", "down", "-t", "1")
        return seconds

    def _file(self, color):
        return self.site.directory / f"floor.{color}.yml"

    def _compose(self, color, *argv, behaviour="healthy", ok=True):
        environ = {
            "BLUEGREEN_RELEASE": "v1",
            "BOOT": str(self.site.boot),
            "BEHAVIOUR": behaviour,
            "PATH": "/usr/bin:/bin",
        }
        command = ["docker", "compose", "-p", f"{self.site.name}-floor-{color}", "-f", str(self._file(color)), *argv]
        return timed(*command, env=environ, ok=ok)

    def _stop(self, color):
        return self._compose(color, "stop")

    def _reload(self):
        """Test the configuration, reload it, and ask until the new one answers."""
        stamp, name = str(time.time()), self.site.nginx_container
        began = time.monotonic()
        (self.site.conf / "floor.conf").write_text(STAMP.replace("@stamp@", stamp))
        timed("docker", "exec", name, "nginx", "-t")
        timed("docker", "exec", name, "nginx", "-s", "reload")
        port = self.site.port
        while True:
            with contextlib.suppress(OSError):
                if self.site.get(port=port, host="floor.example")[1].get("stamp") == stamp:
                    return time.monotonic() - began
            time.sleep(0.002)


def measure(repeats, kinds, boot, hosts=None, environment=None):
    """Return ``{what: [Run]}``, ``{what: [s]}`` and ``{what: [s of its floor]}``. The runs and their floors alternate,
    so that other work on the machine hits both."""
    runs, seconds, floors = {kind: [] for kind in kinds}, {}, {}
    how = {"hosts": hosts, "environment": environment}

    def note(kind, run):
        runs[kind].append(run)
        seconds.setdefault(kind, []).append(run.seconds)

    def served(kind, release, play):
        """Note a run, and when the release first answered through nginx."""
        with FirstAnswer(site, release) as first:
            began = time.time()
            note(kind, play().succeeded())
        seconds.setdefault(f"{kind}: served", []).append(first.at - began)

    with shop(f"boot{boot:g}", boot) as site:
        floor = Floor(site)
        for _number in range(repeats):
            release = site.other()
            served("deploy", release, lambda release=release: site.deploy(release, **how))
            if "no-op" in kinds:
                note("no-op", site.deploy("v2", **how).succeeded())
            if "rejected" in kinds:
                note("rejected", site.deploy("v1", env={"BEHAVIOUR": "exit", "BOOT": "0"}, **how).failed())
                assert site.release() == "v2"
            if "rollback, cold" in kinds:
                served("rollback, cold", "v1", lambda: site.rollback(**how))
                site.deploy("v2", retire="keep", **how).succeeded()
                served("rollback, warm", "v1", lambda: site.rollback(**how))
            for what, each in floor.measure(kinds).items():
                floors.setdefault(what, []).append(each)
    return runs, seconds, floors


def rows(label, seconds, floors, boot):
    targets = dict(TARGETS, deploy=lambda floor: floor + 4 if boot < 10 else min(floor + 4, 1.5 * floor))
    for what in sorted(seconds, key=lambda what: KINDS.index(what.partition(":")[0])):
        mine, floor = median(seconds[what]), median(floors[what])
        target = at_most(targets[what](floor), mine) if what in targets else None
        yield [label, what, mine, floor, mine - floor, mine / floor, target]


def counted(label, runs):
    """Return rows with the tasks of each kind of run."""
    for kind, each in runs.items():
        yield [label, kind, median([run.remote for run in each]), median([len(run.tasks) for run in each])]


def phases(label, runs):
    """Return rows with the median seconds of each phase, and of what is in no phase."""
    for kind, each in runs.items():
        found = [{**run.result["phases"], "sum": sum(run.result["phases"].values())} for run in each]
        if kind != "no-op":
            rest = median([run.seconds - one["sum"] for run, one in zip(each, found)])
            yield [label, kind, *(median([float(one.get(name, 0)) for one in found]) for name in PHASES), rest]


def main(repeats):
    """Measure all of it; return ``{title: Markdown table}`` and the raw data."""
    found, by_phase, tasks, raw = [], [], [], {}
    with tempfile.TemporaryDirectory(prefix="bench-sshd-") as directory:
        sshd = Sshd(pathlib.Path(directory))
        try:
            for label, kinds, boot, hosts, environment in (
                ("local, boots in 0 s", KINDS, 0, None, None),
                ("local, boots in 10 s", KINDS[:1], 10, None, None),
                ("ssh, pipelining", KINDS, 0, sshd.hosts, None),
                ("ssh, no pipelining", KINDS, 0, sshd.hosts, {"ANSIBLE_PIPELINING": "0"}),
            ):
                runs, seconds, floors = measure(repeats, kinds, boot, hosts, environment)
                found += rows(label, seconds, floors, boot)
                by_phase += phases(label, runs)
                tasks += counted(label, runs)
                raw[label] = {
                    "seconds": seconds,
                    "floors": floors,
                    "phases": {kind: [run.result["phases"] for run in each] for kind, each in runs.items()},
                }
        finally:
            sshd.stop(everything=True)
    titles = ["connection", "run", "s", "floor s", "over it s", "ratio", "target s"]
    return {
        "Seconds of a run": table(titles, found),
        "Seconds of each phase": table(["connection", "run", *PHASES, "rest"], by_phase),
        "Tasks of a run": table(["connection", "run", "remote tasks", "all tasks"], tasks),
    }, raw
