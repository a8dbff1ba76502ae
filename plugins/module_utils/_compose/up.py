# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``docker compose up``, as a process that the module can end, because Compose has no time limit for ``depends_on``."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile

_NO_SUBNET = re.compile(r"non-overlapping (?:IPv4 )?address pool|predefined address pools have been fully subnetted")
"""The Engine's messages, up to version 27 and from version 28 on."""

_HOOK_FAILED = re.compile(r'service "[^"\n]*" pre_start\[\d+\] .*?(?= \(hook container \w+ retained)', re.DOTALL)
"""Compose's message about a failed pre_start hook, without its end: an undo removes the container named there."""

RECREATE = {"auto": [], "always": ["--force-recreate"], "never": ["--no-recreate"]}

TERM_TIMEOUT = 10
"""Seconds in which Compose must end before it is killed."""


def create_command(project, recreate):
    """Return the argv that creates all containers of a project and starts none. ``recreate``: as of up_command()."""
    return [*_begin(project), "--no-start", *RECREATE[recreate], "--remove-orphans"]


def up_command(project, services, options):
    """Return the argv.

    ``project``: ``{docker_cli, project_name, project_src, files}``; ``services``: to start, all if empty; ``options``:
    ``recreate`` (auto, always, never), ``remove_orphans`` and ``dependencies``.
    """
    argv = [*_begin(project), "--detach", "--no-color", *RECREATE[options["recreate"]]]
    argv += ["--remove-orphans"] if options["remove_orphans"] else []
    argv += [] if options["dependencies"] else ["--no-deps"]
    return [*argv, "--", *services]


def _begin(project):
    argv = [project["docker_cli"], "compose", "--ansi", "never", "--project-directory", project["project_src"]]
    argv += ["--project-name", project["project_name"]]
    for name in project["files"]:
        argv += ["--file", name]
    return [*argv, "up", "--quiet-pull", "--pull", "never"]


def error_line(stderr):
    """Return the last error line of Compose's stderr, which also holds its progress; of a hook that failed, all that
    Compose quotes of its output."""
    hook = _HOOK_FAILED.search(stderr)
    if hook:
        return " ".join(hook[0].split())
    lines = [line.rstrip() for line in stderr.splitlines()]
    errors = [line for line in lines if line and not line.startswith((" ", "time="))]
    return errors[-1] if errors else ""


def explained(message):
    """Return a message of Compose, with a remedy if it lacks one."""
    if not _NO_SUBNET.search(message):
        return message
    return (
        f"{message}. Docker has no subnet left for another network; add default-address-pools to "
        '/etc/docker/daemon.json, for example [{"base": "10.200.0.0/16", "size": 24}], and restart Docker, or remove '
        "unused networks with docker network prune"
    )


class ComposeUp:
    """Run Compose in its own process group, and end it with the block, as when Waiter.wait() times out."""

    def __init__(self, argv, directory, environ):
        self._command = {"args": argv, "cwd": directory, "env": environ}

    def __enter__(self):
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,
            **self._command,
        )
        return self

    def __exit__(self, *_error):
        if self.is_running():
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(TERM_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        self._stderr.close()

    def is_running(self):
        return self._process.poll() is None

    def failure(self):
        """Return why it failed, in one line. None while it runs and if it succeeded."""
        status = self._process.poll()
        if not status:
            return None
        self._stderr.seek(0)
        said = error_line(self._stderr.read().decode("utf-8", "replace"))
        return explained("docker compose up failed: {}".format(said or f"exit status {status}"))

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
