# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seconds of a deploy, and of nginx's reload, with 1, 5 and 20 apps behind one nginx."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import time

from deploys import Floor
from measure import Shop, at_most, median, shop, table

COUNTS = (1, 5, 20)


def reload_seconds(site):
    """Return the seconds from the signal until new worker processes run."""
    before, began = site.workers(), time.monotonic()
    site.nginx.kill("HUP")
    while site.workers() <= before:
        time.sleep(0.005)
    return time.monotonic() - began


def add(site, number, directory, stack):
    """Deploy another shop behind the nginx of a site."""
    (directory / str(number)).mkdir()
    neighbour = Shop(f"many{number}", directory / str(number))
    stack.callback(neighbour.close)
    neighbour.behind(site).deploy("v1").succeeded()


def main(repeats):
    rows, raw = [], {}
    with shop("many") as site, contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-many-")))
        floor, apps = Floor(site), 1
        for count in COUNTS:
            for number in range(apps, count):
                add(site, number, directory, stack)
            apps = count
            found = {"deploy": [], "floor": [], "reload": []}
            for _number in range(repeats):
                found["deploy"].append(site.deploy(site.other()).succeeded().seconds)
                found["floor"].append(floor.measure(["deploy"])["deploy"])
                found["reload"].append(reload_seconds(site))
            raw[f"{count} apps"] = found
            seconds, least, reload = map(median, found.values())
            rows.append([count, seconds, least, seconds - least, at_most(least + 4, seconds), reload])
    titles = ["apps", "deploy s", "floor s", "over it s", "target s", "nginx's reload s"]
    return {"Apps behind one nginx": table(titles, rows)}, raw
