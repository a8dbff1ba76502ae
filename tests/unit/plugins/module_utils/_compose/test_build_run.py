# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import build_run
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError

BUILDKIT = """\
#0 building with "default" instance using docker driver
#1 [web internal] load build definition from Dockerfile
#4 [web 1/3] FROM docker.io/library/python:3
#4 CACHED
#7 [web builder 3/3] RUN echo "s3cret"
#7 0.247 token is s3cret
#4 [web 1/3] FROM docker.io/library/python:3
#7 DONE 0.6s
#8 [web] exporting to image
"""
CLASSIC = """\
Step 1/2 : FROM python:3
 ---> d87866eab586
Step 2/2 : RUN make
 ---> Running in 7bbd3db8dbfb
"""


@pytest.mark.parametrize(
    "output, steps",
    [
        (
            BUILDKIT,
            [
                "[web 1/3] FROM docker.io/library/python:3",
                '[web builder 3/3] RUN echo "***"',
                "[web] exporting to image",
            ],
        ),
        (CLASSIC, ["Step 1/2 : FROM python:3", "Step 2/2 : RUN make"]),
        ("", []),
    ],
)
def test_each_step_is_told_once(output, steps):
    said = []
    build_run.run_build(["printf", "%s", output], os.environ, {"s3cret"}, said.append)
    assert said == steps


def failure_of(script, secrets=()):
    with pytest.raises(ComposeError) as caught:
        build_run.run_build(["sh", "-c", script], os.environ, set(secrets), lambda _step: None)
    return str(caught.value)


def test_failure_has_the_end_of_the_output():
    message = failure_of(
        'seq 1 50; echo "no s3cret here"; echo "failed to solve: exit code: 3" >&2; exit 17', ["s3cret"]
    )
    lines = message.splitlines()
    assert lines[0] == "the build failed: failed to solve: exit code: 3"
    assert lines[-1] == "no *** here"
    assert len(lines) == build_run.TAIL


def test_failure_without_output():
    assert failure_of("exit 3") == "the build failed: docker compose build ended with exit status 3"


def test_output_obeys_no_terminal():
    message = failure_of(r"printf '\033[2Jred\n\033]0;owned\007\n'; yes x | tr -d '\n' | head -c 5000; exit 1")
    assert "\x1b" not in message and max(map(len, message.splitlines())) < build_run.WIDTH + 30


def test_what_is_not_shown():
    config = {"services": {"web": {"build": {"args": {"KEY": 'one "two"\nthree', "NONE": None}}}}}
    found = build_run.secrets_of(config, {"PASSWORD": "p4ss", "NUMBER": 5})
    assert found == {'one "two"', 'one \\"two\\"', "three", "p4ss", "5"}


def test_command(tmp_path):
    project = {"docker_cli": "docker", "project_name": "shop-blue", "project_src": str(tmp_path), "files": ["/b.json"]}
    argv = ["docker", "compose", "--project-name", "shop-blue", "--project-directory", str(tmp_path)]
    assert build_run.build_command(project, []) == [*argv, "--file", "/b.json", "build"]
