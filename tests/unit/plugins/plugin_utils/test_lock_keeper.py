# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import select
import subprocess
import time

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils import _lock_keeper


def on_target(command):
    return {"rc": subprocess.run(["sh", "-c", command], check=False).returncode}


def until(true, seconds=5):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def run(monkeypatch):
    """A run that is watched, and a beat every 0.1 s."""
    monkeypatch.setattr(_lock_keeper, "BEAT", 0.1)
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def beat(tmp_path):
    file = tmp_path / "a beat"
    file.touch()
    os.utime(file, (0, 0))
    return file


def refused(pid):
    raise OSError(errno.ENOSYS, "Function not implemented")


# What tells the end of a process: None where Python was built without it.
@pytest.mark.parametrize("pidfd_open", [os.pidfd_open, refused, None])
def test_the_beat_is_renewed_until_the_run_dies(run, beat, monkeypatch, pidfd_open):
    monkeypatch.setattr(os, "pidfd_open", pidfd_open)
    if pidfd_open is None:
        monkeypatch.delattr(os, "pidfd_open")
    _lock_keeper.keep_lock_alive(on_target, "local", str(beat), run.pid)
    until(lambda: beat.stat().st_mtime > 0)
    os.utime(beat, (0, 0))
    until(lambda: beat.stat().st_mtime > 0)
    assert run.poll() is None
    run.kill()
    until(lambda: not beat.exists())


def test_a_run_that_died_before_it_was_watched(run, beat):
    run.kill()
    os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
    _lock_keeper.keep_lock_alive(on_target, "local", str(beat), run.pid)
    until(lambda: not beat.exists())


def test_it_keeps_no_file_of_the_run_also_where_the_limit_is_a_billion(run, beat, monkeypatch):
    def closerange(low, high, close=os.closerange):
        assert high < 1_000_000
        close(low, high)

    monkeypatch.setattr(os, "sysconf", lambda name: 1_000_000_000)
    monkeypatch.setattr(os, "closerange", closerange)
    read, write = os.pipe()
    _lock_keeper.keep_lock_alive(on_target, "local", str(beat), run.pid)
    os.close(write)
    assert select.select([read], [], [], 10)[0]
    os.close(read)
    until(lambda: beat.stat().st_mtime > 0)


def test_a_lock_that_was_given_up_is_left_alone(run, beat, tmp_path):
    def noted(command):
        with open(tmp_path / "asked", "a", encoding="utf-8") as file:
            file.write("x")
        return on_target(command)

    _lock_keeper.keep_lock_alive(noted, "local", str(beat), run.pid)
    until(lambda: beat.stat().st_mtime > 0)
    beat.unlink()
    asked = (tmp_path / "asked").read_text()
    time.sleep(0.5)
    assert not beat.exists()
    assert len((tmp_path / "asked").read_text()) <= len(asked) + 1


def test_a_connection_that_fails_is_tried_again(run, beat, tmp_path):
    def failing(command):
        if not (tmp_path / "failed").exists():
            (tmp_path / "failed").touch()
            raise RuntimeError("no route to host")
        return on_target(command)

    _lock_keeper.keep_lock_alive(failing, "ssh", str(beat), run.pid)
    until(lambda: beat.stat().st_mtime > 0)


def test_a_connection_that_cannot_be_shared_is_not_used(run, beat):
    _lock_keeper.keep_lock_alive(on_target, "ansible.netcommon.network_cli", str(beat), run.pid)
    time.sleep(0.3)
    assert beat.stat().st_mtime == 0
