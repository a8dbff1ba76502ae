# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run each supported version of ansible-core, Docker Engine, Compose and nginx: a first deploy, a swap under load, a
rejected release and a rollback. Then run ansible-lint and ansible-test sanity on each ansible-core.

ROWS has the combinations. Prints the two Markdown tables of docs/tested.md. Exits 1 if a row fails. With arguments,
runs only the rows that have one of them, as in `matrix.py 20.10`; `tools` is all of the second table.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import pathlib
import signal
import subprocess
import sys
import tempfile
import traceback
from typing import NamedTuple

import docker
from cores import CORES, check
from hosts import Host, HostedSite
from sites import APP_IMAGE, HERE, output_of

KEPT = 7
"""Kept connections of the load. nginx before 1.27.4 may drop one request of each at a swap."""

OUTPUT = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}


class Row(NamedTuple):
    """``engine``, ``compose``: tags of hotswap/host with that version; ``nginx``: a tag of hotswap/nginx;
    ``containerd_images``: whether the Engine keeps its images in containerd, as Engine 29 does by default."""

    core: str
    engine: str
    compose: str
    nginx: str
    containerd_images: bool = False


# Each version at least once. Old versions are paired with old ones, as on Debian 12, 13 and testing. Rows with the same
# Engine and image store are adjacent, because they share a host.
ROWS = [
    Row("2.17", engine="20.10", compose="26", nginx="1.22"),
    Row("2.18", engine="26", compose="28", nginx="1.26"),
    Row("2.19", engine="26", compose="26", nginx="1.30"),
    Row("2.21", engine="28", compose="28", nginx="1.30"),
    Row("2.20", engine="28", compose="28", nginx="1.30", containerd_images=True),
]


def under_load(site, step, release, color):
    """Run a step that moves the traffic to the release; return the counts of the load."""
    with site.load("--fresh=0", "--think-ms=300") as load:
        run = step()
    site.converged(run, release)
    site.serves(release, color)
    total = load.report["total"]
    assert load.releases == {"v1", "v2"}, load.report
    assert total["errors_5xx"] == total["other_non_2xx"] == 0, load.report
    return total


def scenario(site, nginx):
    """Go through the steps; return the numbers of requests and of dropped ones."""
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.start_nginx(wait=False, image=f"hotswap/nginx:{nginx}")
    site.converged(site.deploy("v1"), "v1")
    swap = under_load(site, lambda: site.deploy("v2"), "v2", "green")
    refused = site.deploy("v3", env={"BEHAVIOUR": "never-healthy"}).failed()
    assert refused.result["outcome"] == "rejected", refused.result
    site.serves("v2", "green")
    rollback = under_load(site, site.rollback, "v1", "blue")
    return [swap[name] + rollback[name] for name in ("requests", "dropped")]


def run_row(row, host, directory):
    """Return the row of the table, and whether it is ok."""
    core = CORES[row.core]
    core.make()
    host.take_compose(f"hotswap/host:{row.compose}")
    site = HostedSite("matrix", directory, host, f"{core.bin}:/usr/local/bin:/usr/bin:/bin")
    cells = [
        core.full_version(),
        core.python(),
        host.engine.version()["Version"] + (", containerd images" if row.containerd_images else ""),
        host.run("docker", "compose", "version", "--short"),
    ]
    try:
        requests, dropped = scenario(site, row.nginx)
        cells += [output_of(site.nginx, "nginx", "-v").split("/")[-1].strip()]
        cells += [requests, dropped]
        ok = dropped <= (0 if row.nginx == "1.30" else 2 * KEPT)
    except Exception:
        traceback.print_exc()
        cells += [row.nginx, "-", "-"]
        ok = False
    finally:
        site.close()
    return [*cells, "ok" if ok else "FAILED"], ok


def run_rows(rows):
    """Print the first table; return the number of failed rows."""
    say(["ansible-core", "Python", "Engine", "Compose", "nginx", "requests", "dropped", "result"], head=True)
    failed = 0
    for (engine, in_containerd), group in itertools.groupby(rows, lambda row: (row.engine, row.containerd_images)):
        image = f"hotswap/host:{engine}"
        with tempfile.TemporaryDirectory(prefix="matrix-") as name, Host(image, name, in_containerd) as host:
            group = list(group)
            host.load(APP_IMAGE, *sorted({f"hotswap/nginx:{row.nginx}" for row in group}))
            for number, row in enumerate(group):
                directory = pathlib.Path(name) / str(number)
                directory.mkdir()
                with contextlib.redirect_stdout(sys.stderr):
                    cells, ok = run_row(row, host, directory)
                say(cells)
                failed += not ok
    return failed


def run_tools(versions):
    """Print the second table; return the number of failed tools."""
    say(["ansible-core", "Python", "ansible-lint", "ansible-test sanity"], head=True)
    failed = 0
    for version in versions:
        core = CORES[version]
        core.make()
        env = core.environment()
        cells = [core.full_version(), core.python()]
        for stage, program in (("lint", "ansible-lint"), ("sanity", "ansible-test")):
            _cwd, count, commands = check.STAGES[stage]
            command = next(each for each in commands if each[0] == program)
            command = [core.bin / program, *command[1:]]
            done = subprocess.run(command, check=False, cwd=check.TREE, env=env, **OUTPUT)
            print(f"--- {version} {program}\n{done.stdout}--- {done.returncode}", file=sys.stderr, flush=True)
            counted = count(done.stdout, done.returncode == 0)
            ok = done.returncode == 0 and counted.passed > 0 == counted.failed
            cells.append("ok" if ok else "FAILED")
            failed += not ok
        say(cells)
    return failed


def say(cells, head=False):
    """Print a row of a Markdown table."""
    line = "| " + " | ".join(map(str, cells)) + " |"
    print("\n" + line + "\n" + "|---" * len(cells) + "|" if head else line, flush=True)


def main(words):
    def wanted(cells):
        return not words or any(word in cells for word in words)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the host is removed
    client = docker.from_env()
    client.images.build(path=str(HERE / "app"), tag=APP_IMAGE, rm=True)
    client.close()
    rows = [row for row in ROWS if wanted(row)]
    versions = [version for version in CORES if wanted(["tools", version])]
    print(f"Run on {datetime.date.today()}.")
    failed = run_rows(rows) if rows else 0
    failed += run_tools(versions) if versions else 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
