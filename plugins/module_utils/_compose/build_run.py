# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``docker compose build``: runs it, reports each step as it begins, and keeps the end of its output as evidence."""

from __future__ import annotations

import collections
import json
import re
import subprocess

from .._errors import ComposeError
from .._text import cut_text, sanitize_text
from .builds import secret_values
from .render import project_command, redacted

TAIL = 20
"""Lines of the output that a failure shows."""

WIDTH = 160
"""The most characters of such a line, and of a step."""

_STEP = re.compile(r"#\d+ (\[(?!.*\binternal\]).+?\] .+)|(Step \d+/\d+ : .+)")
"""A step as BuildKit prints it, and as the classic builder does."""


def step_in(line):
    """Return the step that begins with a line of a build's output, or None."""
    found = _STEP.fullmatch(line)
    return (found.group(1) or found.group(2)) if found else None


def secrets_of(config, env):
    """Return the texts that the output must not show: the values of build arguments and of bluegreen_env, by line, also
    as they appear in a quoted string. ``config``: the file of the builds."""
    values = secret_values(config) + [str(value) for value in env.values()]
    lines = {line.strip() for value in values for line in value.splitlines()}
    return lines | {json.dumps(line)[1:-1] for line in lines}


def build_command(project, env_files):
    """Return the argv; ``project``: ``{docker_cli, project_name, project_src, files}``."""
    names = ("docker_cli", "project_name", "project_src", "files")
    return [*project_command(*(project[name] for name in names), env_files), "build"]


def run_build(argv, environ, secrets, say):
    """Run the build, and call ``say(step)`` once for each step as it begins. Raises ComposeError with the last lines of
    the output."""
    tail, said = collections.deque(maxlen=TAIL), set()
    with subprocess.Popen(  # pylint: disable=ansible-bad-function
        argv, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        for raw in process.stdout:
            line = cut_text(sanitize_text(redacted(raw.decode("utf-8", "replace").rstrip(), secrets)), WIDTH)
            step = step_in(line)
            if step and step not in said:
                said.add(step)
                say(step)
            if line.strip():
                tail.append(line)
    if process.returncode != 0:
        reason = tail.pop() if tail else f"docker compose build ended with exit status {process.returncode}"
        raise ComposeError("\n".join([f"the build failed: {reason}", *tail]))
