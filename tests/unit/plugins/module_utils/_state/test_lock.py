# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import subprocess
import threading
import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import LockHeld, StateError
from ansible_collections.hotswap.compose.plugins.module_utils._state import lock as lock_module
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._state.lock import TTL, AppLock, describe_holder

MINE, THEIRS = "a" * 32, "b" * 32
HOLDER = {"user": "ann", "controller": "ctl", "job": "", "release": "v2", "kind": "deploy"}


@pytest.fixture
def lock(tmp_path):
    AppState(str(tmp_path), "shop").create()
    return AppLock(str(tmp_path), "shop")


def take(lock, token=MINE, dead=None, **more):
    lock.take(token, dict(HOLDER, **more), dead, "/bin/echo")


def age(lock, token, seconds):
    """Let the last beat have been so many seconds ago."""
    then = time.time() - seconds
    os.utime(lock.beat(token), (then, then))


def orphan(lock):
    """Be a module at work; return what ends it."""
    descriptor = os.open(os.path.join(lock.directory, "in-flight"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return lambda: os.close(descriptor)


def test_nobody_has_it_at_first(tmp_path, lock):
    assert lock.holder() is None
    assert AppLock(str(tmp_path / "nowhere"), "shop").holder() is None


def test_whose_it_is(lock):
    take(lock)
    holder = lock.holder()
    assert {key: holder[key] for key in HOLDER} == HOLDER
    assert 0 <= holder["age"] < 5
    assert re.fullmatch(r"a deploy of v2 by ann on ctl, since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", describe_holder(holder))
    assert describe_holder(dict(holder, kind="rollback", release=None, job="7", since="T")) == (
        "a rollback of the previous release by ann on ctl, AWX job 7, since T"
    )
    assert (
        describe_holder(dict(holder, kind="promote", release=None, since="T")) == "a promotion by ann on ctl, since T"
    )
    assert describe_holder(dict(holder, kind="abort", release=None, since="T")) == "an abort by ann on ctl, since T"


def test_only_its_owner_can_look_in(lock):
    take(lock)
    modes = {stat.S_IMODE(os.stat(os.path.join(lock.directory, name)).st_mode) for name in os.listdir(lock.directory)}
    assert all(mode & 0o077 == 0 for mode in modes - {0o644}), modes
    assert stat.S_IMODE(os.stat(lock.directory).st_mode) == 0o700


def test_another_run_is_kept_out(lock):
    take(lock)
    with pytest.raises(LockHeld, match="^a deploy of v2 by ann on ctl, since"):
        take(lock, THEIRS)
    assert lock.holder()["token"] == MINE


def test_the_same_run_has_it_already(lock):
    take(lock)
    before = lock.holder()["since"], os.listdir(lock.directory)
    take(lock)
    assert (lock.holder()["since"], os.listdir(lock.directory)) == before


@pytest.mark.parametrize("way", ["given up", "no beat for long", "its beat removed", "known to be dead"])
def test_a_lock_that_nobody_keeps(way, lock):
    take(lock, THEIRS)
    if way == "given up":
        lock.release(THEIRS)
    elif way == "no beat for long":
        age(lock, THEIRS, TTL + 1)
    elif way == "its beat removed":
        os.unlink(lock.beat(THEIRS))
    take(lock, MINE, dead=THEIRS if way == "known to be dead" else None)
    assert lock.holder()["token"] == MINE
    assert sorted(os.listdir(lock.directory)) == sorted(["beat-" + MINE, "docker-" + MINE, "holder.json", "in-flight"])


def test_a_beat_of_a_moment_ago_keeps_it(lock):
    take(lock, THEIRS)
    age(lock, THEIRS, TTL - 2)
    with pytest.raises(LockHeld):
        take(lock)


def test_a_clock_that_was_set_back_does_not_keep_it_for_ever(lock):
    take(lock, THEIRS)
    age(lock, THEIRS, -3600)
    with pytest.raises(LockHeld):
        take(lock)
    assert abs(time.time() - os.stat(lock.beat(THEIRS)).st_mtime) < 5  # from here its time runs


@pytest.mark.parametrize(
    "garbage", ["", "{", "[]", "null", '{"token": 7}', '{"token": "../../etc/passwd", "user": "", "controller": ""}']
)
def test_garbage_is_nobodys(garbage, lock):
    with open(os.path.join(lock.directory, "holder.json"), "w", encoding="utf-8") as file:
        file.write(garbage)
    assert lock.holder() is None
    take(lock)
    assert lock.holder()["token"] == MINE


def test_no_module_writes_after_another_run_has_begun(lock):
    take(lock)
    with lock.acting(MINE):
        pass
    os.unlink(lock.beat(MINE))
    with lock.acting(MINE):  # its run is dead, but no other has begun
        pass
    assert not os.path.exists(lock.beat(MINE))
    take(lock, THEIRS)
    lost = "^another run has taken over the lock of shop; this task changed nothing$"
    with pytest.raises(StateError, match=lost), lock.acting(MINE):
        pytest.fail("it acted")


def test_a_module_that_is_used_alone_has_no_lock(tmp_path):
    with AppLock(str(tmp_path / "nowhere"), "shop").acting(None):
        pass


def test_a_module_at_work_renews_the_beat(lock):
    take(lock)
    age(lock, MINE, 20)
    with lock.acting(MINE):
        assert lock.holder()["age"] < 5


def test_a_module_that_lasts_longer_than_a_beat_keeps_the_lock(lock):
    """A slow plan has no watcher beside it yet: a run that waits for its end must not get the lock."""
    take(lock)
    refused = []

    def contend():
        try:
            take(lock, token=THEIRS)
        except LockHeld as error:
            refused.append(error.holder["token"])

    other = threading.Thread(target=contend)
    with lock.acting(MINE):
        age(lock, MINE, 2 * TTL)
        other.start()
        other.join(0.3)
        assert other.is_alive()  # it waits for this module to end
    other.join()
    assert refused == [MINE]


def test_a_module_that_gave_the_lock_up_leaves_no_beat(lock):
    take(lock)
    with lock.acting(MINE):
        lock.release(MINE)
    assert not os.path.exists(lock.beat(MINE))


def test_whoever_takes_it_waits_for_what_outlived_its_run(lock):
    take(lock, THEIRS)
    os.unlink(lock.beat(THEIRS))
    end, ended = orphan(lock), threading.Event()
    threading.Timer(0.3, lambda: (ended.set(), end())).start()
    take(lock)
    assert ended.is_set()


def test_what_does_not_end_is_named(lock, monkeypatch):
    monkeypatch.setattr(lock_module, "ORPHAN_PATIENCE", 0.2)
    end = orphan(lock)
    with pytest.raises(StateError, match="a module of an interrupted run of shop is still at work"):
        take(lock)
    end()


def test_only_its_own_run_gives_it_up(lock):
    take(lock)
    lock.release(THEIRS)
    assert lock.holder()["token"] == MINE
    lock.release(MINE)
    lock.release(MINE)
    assert lock.holder() is None
    assert os.listdir(lock.directory) == ["in-flight"]


def run_docker(lock, token):
    return subprocess.run([lock.docker(token), "compose", "up"], capture_output=True, text=True, check=False)


def test_docker_works_for_the_run_that_has_the_lock(lock):
    take(lock)
    done = run_docker(lock, MINE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "compose up\n", "")


def test_docker_does_nothing_for_a_run_that_lost_it(lock):
    take(lock)
    with open(os.path.join(lock.directory, "holder.json"), encoding="utf-8") as file:
        holder = json.load(file)
    with open(os.path.join(lock.directory, "holder.json"), "w", encoding="utf-8") as file:
        json.dump(dict(holder, token=THEIRS), file)
    done = run_docker(lock, MINE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "another run has taken over the lock of this app; this command changed nothing\n"


def test_a_docker_command_at_work_is_waited_for(lock, tmp_path):
    take(lock, THEIRS)
    with open(lock.docker(THEIRS), encoding="utf-8") as file:
        script = file.read()
    with open(lock.docker(THEIRS), "w", encoding="utf-8") as file:
        file.write(script.replace("/bin/echo", "/bin/sh"))
    ended = tmp_path / "ended"
    command = [lock.docker(THEIRS), "-c", f"echo at work; sleep 0.5; touch '{ended}'"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as working:
        working.stdout.readline()
        os.unlink(lock.beat(THEIRS))
        take(lock)
        assert ended.exists()


def test_a_lock_that_cannot_be_opened(lock):
    os.symlink("/etc/passwd", os.path.join(lock.directory, "in-flight"))
    with pytest.raises(StateError, match=f"^the lock of shop in {re.escape(lock.directory)} can't be used: "):
        take(lock)
