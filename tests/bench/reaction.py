# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seconds from "the app can answer" to its first answer through nginx, and from an exit to "rejected".

A release that exits at once is also measured while a load fills all cores, beside ``docker compose up`` of the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time

from deploys import Floor
from measure import FirstAnswer, at_most, median, shop, table

BOOTS = (0, 3)  # s


def served_after(site):
    """Return the seconds from the moment when the other release can answer to its first answer through nginx."""
    release = site.other()
    with FirstAnswer(site, release) as first:
        site.deploy(release).succeeded()
    return first.at - first.since


def rejected_after(site):
    """Deploy a release that exits at once. Return the seconds from the exit of its first container, and from the begin
    of the command, to the end of the command."""
    events = site.docker.events(
        decode=True, filters={"label": f"hotswap.compose.app={site.app}", "event": "die"}, since=time.time()
    )
    died = []
    thread = threading.Thread(target=lambda: died.append(next(events)["timeNano"] / 1e9), daemon=True)
    thread.start()
    run = site.deploy(site.other(), env={"BEHAVIOUR": "exit", "BOOT": "0"})
    ended = time.time()
    thread.join(10)
    events.close()
    assert run.failed().result["outcome"] == "rejected"
    return ended - died[0], run.seconds


@contextlib.contextmanager
def busy_cores():
    """Keep every core of this machine busy while the block runs."""
    children, parent = [], os.getpid()
    try:
        for _core in range(os.cpu_count()):
            child = os.fork()
            if not child:
                while os.getppid() == parent:
                    sum(range(100000))
                os._exit(0)
            children.append(child)
        yield
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)


def measure_rejected(site, floor, repeats):
    """Return ``[(s from the exit, s of the command, s of `docker compose up` of the same)]``."""
    return [(*rejected_after(site), floor.rejected()) for _number in range(repeats)]


def main(repeats):
    served, rejected, raw = [], [], {}
    for boot in BOOTS:
        with shop(f"served{boot}", boot) as site:
            raw[f"served, boots in {boot} s"] = seconds = [served_after(site) for _number in range(repeats)]
            served.append([f"boots in {boot} s", median(seconds), at_most(1.0, median(seconds))])
            if boot:
                continue
            floor, ratio = Floor(site), None
            for what, load in (("quiet", contextlib.nullcontext), ("all cores busy", busy_cores)):
                with load():
                    raw[f"rejected, {what}"] = found = measure_rejected(site, floor, repeats)
                exit_to_end, whole, up = map(median, zip(*found))
                target = at_most(up + 5 if ratio is None else up * ratio, whole)
                ratio = ratio or whole / up
                rejected.append([what, exit_to_end, whole, up, whole / up, target])
    titles = ["machine", "exit → rejected, s", "whole command s", "compose up s", "ratio", "target s"]
    return {
        "From an app that can answer to its first answer": table(["app", "s", "target s"], served),
        "From a container that exits at once to the end of the command": table(titles, rejected),
    }, raw
