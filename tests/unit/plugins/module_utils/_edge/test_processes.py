# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import processes

MASTER = """
import subprocess, sys
def start(title):
    return subprocess.Popen([title], executable="/bin/cat", stdin=subprocess.PIPE)
children = [start(title) for title in sys.argv[1:]]
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
[child.kill() for child in children]
"""


TITLES = ("nginx: worker process", "nginx: worker process is shutting down", "nginx: cache manager process")


@pytest.fixture
def tree():
    """Process ids: of what runs nginx, of its master process, and of that one's children."""
    command = 'python=$1; shift; (exec -a "nginx: master process nginx" "$python" -c "$@"); true'
    runs = subprocess.Popen(
        ["bash", "-c", command, "bash", sys.executable, MASTER, *TITLES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    children = [int(pid) for pid in runs.stdout.readline().split()]
    master = int(processes.status_of(children[0])["PPid"])
    while not processes.title_of(children[2]).startswith("nginx"):
        pass
    yield runs.pid, master, children
    runs.communicate()


def test_the_processes_of_an_nginx(tree):
    root, master, (worker, leaving, _cache) = tree
    for start in (root, master):
        found, workers = processes.find_processes(start)
        assert found[0] == master
        assert {pid: value for (pid, _started), value in workers.items()} == {worker: False, leaving: True}
    assert processes.find_processes(None) == (None, {})
    assert processes.find_processes(worker)[0] is None


@pytest.mark.parametrize(
    "title, expected",
    [
        ("nginx: master process nginx -g daemon off;", ("master", False)),
        ("nginx: worker process", ("worker", False)),
        ("nginx: worker process is shutting down", ("worker", True)),
        ("nginx: cache manager process", (None, False)),
        ("angie: master process v1.7.0 #6 [/usr/sbin/angie -c /etc/angie/angie.conf]", ("master", False)),
        ("angie: worker process #6", ("worker", False)),
        ("angie: worker process is shutting down #5", ("worker", True)),
        ("angie: cache loader process #6", (None, False)),
        ("tail -f nginx: worker process", (None, False)),
        ("", (None, False)),
    ],
)
def test_what_a_title_says(title, expected):
    assert processes.parse_title(title) == expected


def test_a_process_s_sockets():
    reader, writer = os.pipe()
    mine = processes.sockets_of(os.getpid())
    assert all(inode.isdigit() for inode in mine)
    os.close(reader)
    os.close(writer)
    text = "lrwx------ 1 root root 64 Nov 28 04:00 3 -> socket:[4711]\nlr-x------ 1 root root 64 4 -> pipe:[12]"
    assert processes.socket_inodes(text) == {"4711"}


def test_which_processes_still_run():
    runs, zombie = subprocess.Popen(["sleep", "60"]), subprocess.Popen(["true"])
    until_ended = os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    started = {each.pid: int(processes._stat(each.pid)[19]) for each in (runs, zombie)}
    assert until_ended.si_pid == zombie.pid
    reused = (runs.pid, started[runs.pid] - 1)
    assert processes.still_running({*started.items(), reused}) == {(runs.pid, started[runs.pid])}
    runs.kill()
    runs.wait()
    zombie.wait()
    assert processes.still_running(set(started.items())) == set()


def test_a_process_that_is_gone():
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert (processes.title_of(gone.pid), processes.status_of(gone.pid)) == ("", {})
    assert processes.sockets_of(gone.pid) == set()
