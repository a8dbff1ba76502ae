# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import json
import os
import stat
import threading

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _progress
from ansible_collections.hotswap.compose.plugins.module_utils._progress import Progress


class Clock:
    now = 50.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(_progress, "PREFIX", str(tmp_path / "progress-"))
    return tmp_path / "progress-1"


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_said_is_read_at_once_and_then_gone(path, clock):
    with Progress(str(path), clock) as progress:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        progress.wait("was is starting", 120)
        clock.now += 3.2
        progress.say("was: starting → healthy after 3.2 s")
        assert read(path) == progress.lines
    assert not path.exists()
    assert progress.lines == [
        {"at": 0.0, "says": None, "awaits": "was is starting", "left": 120},
        {"at": 3.2, "says": "was: starting → healthy after 3.2 s", "awaits": "was is starting", "left": 116.8},
    ]


# s after the one before, what is waited for, the s left; whether it is written.
@pytest.mark.parametrize(
    "waits",
    [
        [(0, "a", 10, True), (5, "a", 5, False)],
        [(0, "a", 10, True), (5, "a", 9, True)],
        [(0, "a", 10, True), (5, "a", 5.5, False)],
        [(0, "a", 10, True), (0.5, "b", 9.5, False), (0.5, "b", 9, True), (0.2, "c", 9, False)],
    ],
)
def test_what_is_waited_for_is_written_where_it_is_news(clock, waits):
    progress = Progress(None, clock)
    progress._path = None
    for after, awaits, left, written in waits:
        clock.now += after
        before = len(progress.lines)
        progress.wait(awaits, left)
        assert (len(progress.lines) > before) == written


def test_nobody_follows(monkeypatch, tmp_path):
    monkeypatch.delenv(_progress.VARIABLE, raising=False)
    with Progress() as progress:
        progress.say("a")
    assert [line["says"] for line in progress.lines] == ["a"]


def test_the_file_is_named_by_the_environment(monkeypatch, path):
    monkeypatch.setenv(_progress.VARIABLE, str(path))
    with Progress() as progress:
        progress.say("a")
        assert path.exists()


def test_a_file_that_can_not_be_made_is_no_reason_to_fail(tmp_path):
    path = tmp_path / "taken"
    path.write_text("somebody else's")
    with Progress(str(path)) as progress:
        progress.say("a")
    assert path.read_text() == "somebody else's"
    with Progress("/nonexistent/file") as progress:
        progress.say("a")
    assert len(progress.lines) == 1


def test_what_a_killed_module_left_goes_and_what_another_writes_stays(path, tmp_path):
    left, held = tmp_path / "progress-left", tmp_path / "progress-held"
    left.touch()
    held.touch()
    descriptor = os.open(held, os.O_WRONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with Progress(str(path)):
        assert sorted(tmp_path.iterdir()) == [path, held] if path < held else [held, path]
    os.close(descriptor)
    assert list(tmp_path.iterdir()) == [held]


def test_a_file_that_another_run_removed_is_no_reason_to_fail(path):
    with Progress(str(path)) as progress:
        path.unlink()
        progress.say("a")
    assert [line["says"] for line in progress.lines] == ["a"]


def test_a_fifo_that_nobody_reads_holds_nobody(path, tmp_path):
    fifo = tmp_path / "progress-fifo"
    os.mkfifo(fifo)

    def work():
        with Progress(str(path)):
            pass

    working = threading.Thread(target=work, daemon=True)
    working.start()
    working.join(10)
    held = working.is_alive()
    if held:
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))  # lets it go
    assert not held
    assert list(tmp_path.iterdir()) == [fifo]
