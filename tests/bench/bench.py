# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure the role beside the least that Docker, nginx and Ansible need.

Prints the Markdown tables of docs/benchmarks.md. ``--out`` keeps all measured values as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import docker
from measure import APP_IMAGE, ROOT
from sites import HERE, NGINX

PARTS = {
    "deploys": "deploys",
    "reaction": "reaction",
    "gate": "gate",
    "data": "data_path",
    "apps": "many_apps",
    "waiting": "waiting",
}
"""The modules of the parts."""
LOG = ROOT / ".cache" / "bench.log"


def versions():
    """Return ``{what: its version}`` of what is measured."""
    commands = {
        "Docker Engine": ["docker", "version", "--format", "{{.Server.Version}}"],
        "Compose": ["docker", "compose", "version", "--short"],
        "nginx": ["docker", "run", "--rm", "--network=none", "--entrypoint=nginx", NGINX, "-v"],
        "ansible-core": [sys.executable, "-c", "from ansible.release import __version__; print(__version__)"],
    }
    found = {}
    for name, argv in commands.items():
        run = subprocess.run(argv, check=True, capture_output=True, text=True)
        found[name] = (run.stdout or run.stderr).split()[-1].rpartition("/")[2]
    return {**found, "Python": sys.version.split()[0], "cores": os.cpu_count()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"measure only these of {', '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=5, help="each figure is the median of so many")
    parser.add_argument("--out", type=pathlib.Path, help="the file for all measured values")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: must be of {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all that was started is stopped
    raw = {"day": str(datetime.date.today()), "repeats": arguments.repeats, "versions": versions(), "seconds": {}}
    print(f"{raw['day']}, {', '.join(f'{name} {version}' for name, version in raw['versions'].items())}", flush=True)
    docker.from_env().images.build(path=str(HERE / "app"), tag=APP_IMAGE, rm=True)
    LOG.parent.mkdir(exist_ok=True)
    for name in arguments.parts or PARTS:
        began = time.monotonic()
        with LOG.open("a") as log, contextlib.redirect_stdout(log):
            tables, raw[name] = importlib.import_module(PARTS[name]).main(arguments.repeats)
        raw["seconds"][name] = round(time.monotonic() - began)
        for title, text in tables.items():
            print(f"\n## {title}\n\n{text}", flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main()
