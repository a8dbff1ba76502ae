# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._progress import Progress
from ansible_collections.hotswap.compose.plugins.plugin_utils import _progress_narrator
from ansible_collections.hotswap.compose.plugins.plugin_utils._progress_follower import (
    GONE,
    STEP,
    Follower,
    command,
    parsed,
)
from ansible_collections.hotswap.compose.plugins.plugin_utils._progress_narrator import Narrator


def on_target(text):
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
    return {"rc": done.returncode, "stdout": done.stdout}


def by_terminal(text):
    answer = on_target(text)
    return dict(answer, stdout="sudo: unable to resolve host web1\r\n" + answer["stdout"].replace("\n", "\r\n"))


def until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


class Screen:
    """What any of several processes has shown."""

    def __init__(self, path):
        self.path = path
        path.touch()

    def show(self, text):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(text + "\n")

    @property
    def lines(self):
        return self.path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def screen(tmp_path):
    return Screen(tmp_path / "screen")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a progress")


def follower(path, screen, run=on_target, transport="local"):
    return Follower(run, transport, path, Narrator(time.monotonic(), "all"), screen.show)


@pytest.mark.parametrize("run", [on_target, by_terminal])
def test_each_line_is_shown_as_it_comes_and_once(path, screen, run):
    following = follower(path, screen, run)
    with following, Progress(path) as progress:
        for number in range(3):
            progress.say(f"{number} →")
            until(lambda count=number + 1: len(screen.lines) == count)
        progress.say("the last")
    following.show_rest(progress.lines)
    assert screen.lines == ["0 →", "1 →", "2 →", "the last"]


def test_where_nothing_can_be_followed_all_is_shown_at_the_end(path, screen):
    following = follower(path, screen, transport="ansible.netcommon.network_cli")
    with following, Progress(path) as progress:
        progress.say("a")
        time.sleep(0.5)
        assert screen.lines == []
    following.show_rest(progress.lines)
    assert screen.lines == ["a"]


def test_silence_is_broken(path, screen, monkeypatch):
    monkeypatch.setattr(_progress_narrator, "SILENCE", 0.3)
    with follower(path, screen), Progress(path) as progress:
        until(lambda: screen.lines)
        assert re.fullmatch("still waiting after [0-9] s: all", screen.lines[0])
        progress.wait("was", 60)
        until(lambda: screen.lines[-1].endswith("s more at most: was"))


def test_a_connection_that_fails_is_tried_again(path, screen, monkeypatch, tmp_path):
    monkeypatch.setattr(_progress_narrator, "SILENCE", 0.2)

    def failing(text):
        if not (tmp_path / "failed").exists():
            (tmp_path / "failed").touch()
            raise RuntimeError("no route to host")
        return on_target(text)

    with follower(path, screen, failing, "ssh"), Progress(path) as progress:
        progress.say("a")
        until(lambda: "a" in screen.lines)


def test_looks_that_bring_no_line_are_not_made_without_a_pause(path, screen, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for stdout in ("sudo: unable to resolve host web1\r\n", '{"says": "a'):
        assert follower(path, screen, lambda text, stdout=stdout: {"rc": 0, "stdout": stdout})._look(0, 5) == []
    assert slept == [STEP, STEP]


def test_the_end_waits_for_no_look(path, screen):
    began = time.monotonic()
    with follower(path, screen, lambda text: time.sleep(60)):
        time.sleep(0.2)
    assert time.monotonic() - began < 2


# Where the file has gone, the child ends by itself; else it still looks.
@pytest.mark.parametrize("ended", [True, False])
def test_a_group_that_can_not_be_ended_loses_no_result(path, screen, monkeypatch, ended):
    def killpg(group, number):
        raise PermissionError

    monkeypatch.setattr(os, "killpg", killpg)
    began = time.monotonic()
    with follower(path, screen, lambda text: {"rc": GONE} if ended else time.sleep(60)) as following:
        child = following._child
        if ended:
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ChildProcessError):
        os.waitpid(child, os.WNOHANG)
    assert time.monotonic() - began < 30


# Once the child follows, and before it has taken a step.
@pytest.mark.parametrize("late", [False, True])
def test_it_ends_with_a_run_that_was_killed(path, screen, monkeypatch, tmp_path, late):
    started, go = tmp_path / "started", tmp_path / "go"

    def look(text):
        started.touch()
        return on_target(text)

    def setpgid(pid, group, set_group=os.setpgid):
        if (pid, group) == (0, 0):  # the first that the child does
            started.touch()
            until(go.exists)
        set_group(pid, group)

    if late:
        monkeypatch.setattr(os, "setpgid", setpgid)
    run = os.fork()
    if not run:
        with follower(path, screen, look):
            time.sleep(60)
        os._exit(0)
    until(started.exists)
    (child,) = children(run)
    lives = os.pidfd_open(child)  # tells its end, whoever reaps it
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    go.touch()
    try:
        assert select.select([lives], [], [], 30)[0]
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(lives, signal.SIGKILL)
        os.close(lives)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(each) for each in file.read().split()]


# A look: what the file says (None: there is none), how many lines were heard; the exit status and the output.
@pytest.mark.parametrize(
    "text, heard, rc, output",
    [
        ('{"at": 1}\n{"at": 2}\n', 0, 0, '{"at": 1}\n{"at": 2}\n'),
        ('{"at": 1}\n{"at": 2}\n', 1, 0, '{"at": 2}\n'),
        ('{"at": 1}\n', 1, 0, ""),
        ("", 0, 0, ""),
        (None, 0, 0, ""),  # not yet
        (None, 1, GONE, ""),
    ],
)
def test_a_look(tmp_path, text, heard, rc, output):
    path = tmp_path / "it's a file"
    if text is not None:
        path.write_text(text)
    answer = on_target(command(str(path), heard, 0.2))
    assert (answer["rc"], answer["stdout"]) == (rc, output)


@pytest.mark.parametrize(
    "text, lines",
    [
        ("", []),
        ('{"says": "a"}\n{"says": "b"}\n', [{"says": "a"}, {"says": "b"}]),
        ('{"says": "a"}\r\n{"says": "b"}\r\n', [{"says": "a"}, {"says": "b"}]),
        ('{"says": "a"}\n{"says": "b', [{"says": "a"}]),
        ('sudo: 1\r\n{"says": "a"}\r\nsudo: 2\r\n{"says": "b"}\r\n', [{"says": "a"}, {"says": "b"}]),
    ],
)
def test_lines_of_a_text(text, lines):
    assert parsed(text) == lines
