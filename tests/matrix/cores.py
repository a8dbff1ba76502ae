# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install each ansible-core of the matrix: in a venv of this machine's Python or, if that is too old, in a container
with a newer one. The container has no network, so its packages are downloaded here."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check  # noqa: E402

CACHE = ROOT / ".cache" / "matrix"
IMAGE = "hotswap/controller:1"
CONTAINER_PYTHON = "3.13"
NEEDED = ["ansible-lint", "docker", "jmespath"]

# Runs a program of the venv in the container. It mounts this machine's Docker socket, the project and the working
# directory.
OUTSIDE = """\
#!/bin/sh
options=$(env | sed -n 's/^\\(\\(ANSIBLE\\|E2E\\)_[A-Z_]*\\|HOME\\|LC_ALL\\|NO_COLOR\\)=.*/--env \\1/p')
exec docker run --rm --network none --volume /run/docker.sock:/run/docker.sock $options \\
    --volume {root}:{root} --volume "$PWD:$PWD" --workdir "$PWD" \\
    --env PATH={venv}/bin:/usr/bin:/bin {image} {program} "$@"
"""


class Core(NamedTuple):
    """``version``: of ansible-core, without the patch; ``oldest``, ``newest``: versions of Python."""

    version: str
    oldest: tuple
    newest: tuple

    @property
    def here(self):
        return self.oldest <= sys.version_info[:2] <= self.newest

    @property
    def venv(self):
        return CACHE / f"core-{self.version}"

    @property
    def bin(self):
        """The directory of its programs, for this machine to run."""
        return self.venv / ("bin" if self.here else "outside")

    def make(self):
        """Install it, unless it is installed."""
        done = self.venv / "done"
        if done.exists():
            return
        self.venv.mkdir(parents=True, exist_ok=True)
        wanted = [f"ansible-core~={self.version}.0", *NEEDED]
        if self.here:
            subprocess.run([sys.executable, "-m", "venv", self.venv], check=True)
            subprocess.run([self.venv / "bin/pip", "install", "--quiet", *wanted], check=True)
        else:
            self.make_outside(wanted)
        done.touch()

    def make_outside(self, wanted):
        wheels = self.venv / "wheels"
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", wheels, "--only-binary=:all:"]
        download += ["--python-version", CONTAINER_PYTHON]
        subprocess.run([*download, *wanted], check=True)
        install = f"python3 -m venv {self.venv} && {self.venv}/bin/pip install --quiet --no-index --find-links {wheels}"
        command = ["docker", "run", "--rm", "--network", "none", "--volume", f"{self.venv}:{self.venv}", IMAGE]
        subprocess.run([*command, "sh", "-c", f'{install} "$@"', "sh", *wanted], check=True)
        # ansible-test installs these, each test into its own venv.
        for requirements in self.venv.glob("lib/python*/site-packages/ansible_test/_data/requirements/sanity.*.txt"):
            subprocess.run([*download, "--requirement", requirements], check=True)
        self.bin.mkdir(exist_ok=True)
        for program in ("ansible-playbook", "ansible-lint", "ansible-test"):
            script = self.bin / program
            script.write_text(OUTSIDE.format(root=ROOT, venv=self.venv, image=IMAGE, program=program))
            script.chmod(0o755)

    def environment(self):
        """Return the environment of a check, with its own home directory."""
        home = CACHE / f"home-{self.version}"
        check.write_home(home, self.venv)
        if not self.here:
            lines = ["[global]", "no-index = true", f"find-links = {self.venv / 'wheels'}"]
            (home / ".config/pip/pip.conf").write_text("\n".join(lines) + "\n")
        return check.environment(home, self.bin)

    def full_version(self):
        return re.search(r"\[core (\S+)\]", self._about()).group(1)

    def python(self):
        return re.search(r"python version = (\S+)", self._about()).group(1)

    def _about(self):
        command = [self.bin / "ansible-playbook", "--version"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


CORES = {
    core.version: core
    for core in (
        Core("2.17", (3, 10), (3, 12)),
        Core("2.18", (3, 11), (3, 13)),
        Core("2.19", (3, 11), (3, 13)),
        Core("2.20", (3, 12), (3, 14)),
        Core("2.21", (3, 12), (3, 14)),
    )
}
