# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The CPU of controller and target while a deploy waits at the gate, in the bake or in the drain, beside a task that
sleeps. All runs of one kind wait at the same time, each for a shop of its own, over ssh."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import tempfile
import time

from measure import Shop, at_most, median, table
from sites import TASKS, until
from sshd import Sshd

MEASURED = 60  # s
BEGINS = 30  # s until all runs wait
LASTS = MEASURED + BEGINS + 5  # s that each run waits
KINDS = {"a task that sleeps": "sleep", "gate": "gate", "bake": "bake", "drain": "drain"}
SLEEP = f"""\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: sleep {LASTS}
      changed_when: false
"""
TICKS = os.sysconf("SC_CLK_TCK")


class Waiting:
    """A shop, an ssh server of its own, and a run that waits."""

    def __init__(self, number, directory, stack):
        directory = directory / str(number)
        (directory / "ssh").mkdir(parents=True)
        self.site = Shop(f"waits{number}", directory)
        stack.callback(self.site.close)
        self.sshd = Sshd(directory / "ssh")
        stack.callback(self.sshd.stop, everything=True)
        self.site.first_deploy("v1")
        self.run = self.connection = None

    def sleep(self):
        path = self.site.directory / "sleep.yml"
        path.write_text(SLEEP)
        self.run = self.site.begin(str(path), hosts=self.sshd.hosts)

    def gate(self):
        self._deploy(env={"BOOT": str(LASTS)})

    def bake(self):
        self._deploy(bake_seconds=LASTS)

    def drain(self):
        """Have a response that takes long, for which the drain waits."""
        self.connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=2 * LASTS)
        self.connection.request("GET", f"/slow?seconds={LASTS + BEGINS}", headers={"Host": self.site.host})
        self._deploy(drain_timeout=LASTS)

    def waits(self, kind):
        """Return whether the run has begun the wait."""
        task = {"sleep": " command", "gate": TASKS["start"], "bake": " bluegreen_bake", "drain": TASKS["drain"]}[kind]
        return task in self.run.progress.read_text()

    def end(self):
        self.run.wait().succeeded()
        if self.connection:
            self.connection.close()
            self.connection = None

    def _deploy(self, **more):
        self.run = self.site.begin("deploy", hosts=self.sshd.hosts, release=self.site.other(), **more)

    def cpu(self, table_of_processes):
        """Return the CPU seconds of the controller and of the target so far, with those of processes that ended."""
        mine = set(self.run.processes())
        trees = {"controller": mine, "target": {self.sshd.process.pid}}
        return {name: sum(cpu_below(roots, table_of_processes)) for name, roots in trees.items()}


def processes():
    """Return ``{pid: (parent, CPU seconds with those of the children that it waited for)}``."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            found[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
    return found


def cpu_below(roots, found):
    """Give the CPU seconds of each process that is one of the roots or descends from one."""
    for pid, (_parent, seconds) in found.items():
        while pid and pid not in roots:
            pid = found.get(pid, (0, 0))[0]
        if pid:
            yield seconds


def measure(kind, each):
    """Begin a run of one kind for each shop. Return ``{"controller": [share of a core], "target": […]}``."""
    began = time.monotonic()
    for waiting in each:
        getattr(waiting, kind)()
    until(lambda: all(waiting.waits(kind) for waiting in each), f"all runs wait in the {kind}", BEGINS)
    time.sleep(3)  # until the module has begun to wait
    found, first = processes(), time.monotonic()
    before = [waiting.cpu(found) for waiting in each]
    time.sleep(MEASURED)
    found, last = processes(), time.monotonic()
    after = [waiting.cpu(found) for waiting in each]
    assert last - began < LASTS, "the runs may have ended before the end of the measurement"
    for waiting in each:
        waiting.end()
    return {
        side: [(one[side] - other[side]) / (last - first) for one, other in zip(after, before)]
        for side in ("controller", "target")
    }


def main(repeats):
    raw, rows = {}, []
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-waits-")))
        each = [Waiting(number, directory, stack) for number in range(repeats)]
        for name, kind in KINDS.items():
            raw[name] = measure(kind, each)
    base = {side: median(shares) for side, shares in raw["a task that sleeps"].items()}
    for name, sides in raw.items():
        for side, shares in sides.items():
            percent, beyond = 100 * median(shares), 100 * (median(shares) - base[side])
            target = None if name == "a task that sleeps" else at_most(2.0, beyond)
            rows.append([name, side, percent, None if target is None else beyond, target])
    titles = ["waits in", "on the", "% of a core", "beyond the task that sleeps, %", "target %"]
    return {"CPU of a run that waits": table(titles, rows)}, raw
