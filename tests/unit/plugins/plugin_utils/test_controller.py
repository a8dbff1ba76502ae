# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils import _controller
from ansible_collections.hotswap.compose.plugins.plugin_utils._controller import identity, is_dead, is_this_run, run_pid


def test_a_process_that_lives():
    mine = identity(os.getpid())
    assert mine["pid"] == os.getpid()
    assert not is_dead(mine)


def test_a_process_that_has_ended():
    process = subprocess.Popen(["sleep", "60"])
    its = identity(process.pid)
    assert not is_dead(its)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(its)  # a zombie, that nobody waited for yet
    process.wait()
    assert is_dead(its)


@pytest.mark.parametrize("refusal", [FileNotFoundError, PermissionError])
def test_a_process_that_proc_does_not_show(monkeypatch, refusal):
    def hidden(path, *args, **kwargs):
        if path.endswith("/stat"):
            raise refusal(path)
        return open(path, *args, **kwargs)

    process = subprocess.Popen(["sleep", "60"])
    its = identity(process.pid)
    monkeypatch.setattr(_controller, "open", hidden, raising=False)
    assert not is_dead(its)
    process.kill()
    process.wait()
    assert is_dead(its)


def test_a_process_that_no_signal_may_be_sent_to_lives(monkeypatch):
    def kill(pid, number):
        assert number == 0
        raise PermissionError

    mine = identity(os.getpid())
    monkeypatch.setattr(_controller, "_started", lambda pid: (None, None))
    monkeypatch.setattr(os, "kill", kill)
    assert not is_dead(mine)


@pytest.mark.parametrize("pid", [None, "", "self", "1", True, 1.0, 0, -1, 2**70, []])
def test_a_number_that_is_none_of_a_process_is_not_known_to_be_dead(monkeypatch, pid):
    asked = []
    monkeypatch.setattr(os, "kill", lambda pid, number, kill=os.kill: asked.append(pid) or kill(pid, number))
    assert not is_dead(dict(identity(os.getpid()), pid=pid))
    assert asked in ([], [2**70])


def test_this_very_run(monkeypatch):
    assert is_this_run(identity(os.getpid()))
    assert not is_this_run(dict(identity(os.getpid()), started=1))
    monkeypatch.setattr(_controller, "identity", lambda pid: None)  # a controller without /proc
    assert not is_this_run(None)


def test_another_process_with_its_number():
    assert is_dead(dict(identity(os.getpid()), started=1))


def test_a_process_of_another_machine_or_container_may_live():
    gone = dict(identity(os.getpid()), started=1)
    assert not is_dead(dict(gone, boot="another"))
    assert not is_dead(dict(gone, pid_ns="another"))
    assert not is_dead(None)
    assert not is_dead({})


# Forks a worker as Ansible does, and is killed before the worker asks whose it is.
KILLED = """
import multiprocessing, os, signal, time
from ansible_collections.hotswap.compose.plugins.plugin_utils._controller import run_pid

def work(parent):
    while os.getppid() == parent:
        time.sleep(0.01)
    print(run_pid(), flush=True)

if __name__ == "__main__":
    multiprocessing.get_context("fork").Process(target=work, args=(os.getpid(),)).start()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_whose_run_was_killed_still_knows_it():
    environ = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    run = subprocess.Popen([sys.executable, "-c", KILLED], env=environ, stdout=subprocess.PIPE, text=True)
    assert int(run.stdout.readline()) == run.pid
    run.wait()
    gone = identity(run.pid)
    assert gone is None or is_dead(gone)


def test_who_is_no_worker_is_the_run():
    assert run_pid() == os.getpid()
