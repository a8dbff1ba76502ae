# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import up
from ansible_collections.hotswap.compose.plugins.module_utils._compose.up import (
    ComposeUp,
    create_command,
    error_line,
    up_command,
)

PROJECT = {
    "docker_cli": "docker",
    "project_name": "shop-blue",
    "project_src": "/state/d1",
    "files": ["compose.blue.json"],
}
OPTIONS = {"recreate": "auto", "remove_orphans": False, "dependencies": True}
BEGIN = (
    "docker compose --ansi never --project-directory /state/d1 --project-name shop-blue --file compose.blue.json up "
    "--quiet-pull --pull never"
)


@pytest.mark.parametrize(
    "services, options, end",
    [
        ([], {}, "--detach --no-color --"),
        (
            ["was", "signal"],
            {"recreate": "always", "remove_orphans": True},
            "--detach --no-color --force-recreate --remove-orphans -- was signal",
        ),
        (
            ["db"],
            {"recreate": "never", "dependencies": False},
            "--detach --no-color --no-recreate --no-deps -- db",
        ),
    ],
)
def test_command(services, options, end):
    assert " ".join(up_command(PROJECT, services, dict(OPTIONS, **options))) == f"{BEGIN} {end}"


def test_the_command_that_starts_nothing():
    assert " ".join(create_command(PROJECT, "always")) == f"{BEGIN} --no-start --force-recreate --remove-orphans"


@pytest.mark.parametrize(
    "stderr, line",
    [
        ("", ""),
        (" Container a Creating\n", ""),
        (
            ' Container a Started\nservice "init" didn\'t complete successfully: exit 1\n',
            'service "init" didn\'t complete successfully: exit 1',
        ),
        (
            'dependency failed to start: a\n Container b Error\ntime="1" level=warning msg=x\n',
            "dependency failed to start: a",
        ),
        (
            ' Container shop-blue-was-1 Created\nservice "was" pre_start[0] exited with code 3: no such table: users\n'
            "run the migration first (hook container 0123456789ab retained for inspection)\n",
            'service "was" pre_start[0] exited with code 3: no such table: users run the migration first',
        ),
        (
            'service "was" pre_start[1] exited with code 1 (hook container 0123456789ab retained for inspection)\n',
            'service "was" pre_start[1] exited with code 1',
        ),
    ],
)
def test_error_line(stderr, line):
    assert error_line(stderr) == line


def process(*argv):
    return ComposeUp(list(argv), "/", dict(os.environ))


@pytest.mark.parametrize(
    "script, failure",
    [
        ("exit 0", None),
        ("echo no such image >&2; exit 1", "docker compose up failed: no such image"),
        ("exit 3", "docker compose up failed: exit status 3"),
    ],
)
def test_end(script, failure):
    with process("sh", "-c", script) as compose:
        while compose.is_running():
            time.sleep(0.01)
        assert compose.failure() == failure


@pytest.mark.parametrize(
    "said",
    [  # of Engine 26 and of Engine 28
        "failed to create network a_default: Error response from daemon: could not find an available, non-overlapping "
        "IPv4 address pool among the defaults to assign to the network",
        "Error response from daemon: all predefined address pools have been fully subnetted",
    ],
)
def test_exhausted_address_pools_have_a_remedy(said):
    assert up.explained(said).startswith(f"{said}. Docker has no subnet left")
    assert "default-address-pools to /etc/docker/daemon.json" in up.explained(said)
    assert up.explained("another error") == "another error"


@pytest.mark.parametrize("trap", ["", "trap : TERM; "])
def test_it_ends_with_the_block_and_all_that_it_started(trap, monkeypatch, tmp_path):
    monkeypatch.setattr(up, "TERM_TIMEOUT", 0.5)
    pids = tmp_path / "pids"
    script = f"{trap}sleep 100 & echo $! $$ >{pids}; {trap}while :; do sleep 0.05; done"
    with process("sh", "-c", script) as compose:
        while not pids.exists() or not pids.read_text().strip():
            time.sleep(0.01)
        assert (compose.is_running(), compose.failure()) == (True, None)
    deadline = time.monotonic() + 10  # a busy machine ends a process that was told to end later
    while any(map(runs, pids.read_text().split())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
