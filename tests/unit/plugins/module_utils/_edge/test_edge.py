# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every edge has: its files, and its reload."""

from __future__ import annotations

import itertools
import os
import subprocess
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import edge as edge_module
from ansible_collections.hotswap.compose.plugins.module_utils._edge.edge import LOG_READ, Edge
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError

MASTER = (1, 50)
BEFORE = {(10, 100): False, (11, 100): False}
BOTH = {**BEFORE, (12, 200): False}
AFTER = {(10, 100): True, (11, 100): True, (12, 200): False}
THIRD = {(12, 200): True, (13, 300): False}


def next_look(looks):
    return looks.pop(0) if len(looks) > 1 else looks[0]


class StandInEdge(Edge):
    """An nginx without a process."""

    name = "nginx"
    running = True

    def __init__(self, directory):
        super().__init__(str(directory / "conf"), str(directory / "scratch"))
        self.said = (True, "")
        self.looks = [BEFORE]  # at the worker processes, one after the other; the last one stays
        self.masters = [MASTER]  # likewise
        self.idle = [True]  # likewise
        self.log = []
        self.calls = []

    def processes(self):
        return next_look(self.masters), next_look(self.looks)

    def _is_idle(self, master):
        return bool(master) and next_look(self.idle)

    def run(self, argv):
        self.calls.append(argv)
        return self.said

    def judge(self, files):
        assert not files
        return True, "a dump"

    def launch(self):
        self.calls.append("launch")

    def log_tail(self):
        return self.log

    def describe_state(self):
        return "exited with 1"


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "conf").mkdir()
    return tmp_path


def test_there_is_no_edge_without_its_directory(tmp_path):
    with pytest.raises(EdgeError) as error:
        StandInEdge(tmp_path)
    assert str(error.value) == (
        f"bluegreen_nginx_conf_dir is '{tmp_path}/conf', but the target has no such directory; give the directory that "
        "nginx includes"
    )


def test_files_come_go_and_are_readable_by_nginx(directory):
    edge = StandInEdge(directory)
    assert edge.read("a.conf") is None
    edge.write({"a.conf": "a\n", "b.conf": None})
    assert edge.read("a.conf") == "a\n"
    assert os.stat(directory / "conf" / "a.conf").st_mode & 0o777 == 0o644
    edge.write({"a.conf": None})
    assert os.listdir(directory / "conf") == []


def test_a_directory_that_cannot_be_written(directory):
    edge = StandInEdge(directory)
    (directory / "conf").rmdir()
    with pytest.raises(
        EdgeError, match="which can't be written .No such file or directory.; mount it read-write on the"
    ):
        edge.write({"a": "b"})


def test_a_reload_is_proven_by_its_processes(directory):
    edge = StandInEdge(directory)
    edge.arguments = ["-c", "/srv/nginx.conf"]
    edge.looks = [BEFORE, BEFORE, BEFORE, BOTH, BOTH, AFTER]
    edge.idle = [True, False, False, False, True]
    seconds, workers = edge.reload()
    assert 0 < seconds < 4 and workers == [(10, 100), (11, 100)]
    assert edge.calls == [["nginx", "-s", "reload", "-c", "/srv/nginx.conf"]]


def test_the_signal_is_sent_while_the_master_process_is_idle(directory):
    """The workers of somebody else's reload under way would be taken for those of ours."""
    edge = StandInEdge(directory)
    edge.looks = [BEFORE, BOTH, AFTER, AFTER, {**AFTER, (13, 300): False}, {**AFTER, (13, 300): False}, THIRD]
    edge.idle = [False, False, True, False, False, True]
    _seconds, workers = edge.reload()
    assert workers == sorted(AFTER)
    assert edge.looks == [THIRD] and len(edge.calls) == 1


def test_a_reload_whose_workers_were_not_seen_in_time_is_repeated(directory):
    edge = StandInEdge(directory)
    late = {(12, 200): False}
    beside = {**late, (13, 300): False}
    edge.looks = [BEFORE, BEFORE, late, late, late, late, beside, beside, {(13, 300): False}]
    assert edge.reload()[1] == [(12, 200)]
    assert len(edge.calls) == 2


def test_a_reload_that_is_never_proven_is_not_taken_for_refused(directory, monkeypatch):
    """Each signal is followed by new worker processes alone."""
    now = itertools.count()  # one second for each call of a clock
    monkeypatch.setattr(edge_module, "time", SimpleNamespace(monotonic=lambda: next(now), sleep=lambda seconds: None))
    edge = StandInEdge(directory)
    edge.processes = lambda: (MASTER, {(10 + len(edge.calls), 100): False})
    with pytest.raises(EdgeError, match=r"^the reload of nginx in nginx is not proven after 120 s, because the old"):
        edge.reload()
    assert len(edge.calls) > 2


def test_a_refused_reload_is_repeated_then_told(directory):
    edge = StandInEdge(directory)
    edge.log = [
        "2026/11/22 11:57:24 [emerg] 1#1: bind() to 0.0.0.0:81 failed (98: Address already in use)",
        "2026/11/22 11:57:24 [error] 46#46: *1 [emerg] a client's words",
        "2026/11/22 11:57:24 [emerg] 1#1: still could not bind()",
    ]
    edge.looks = [BEFORE]
    with pytest.raises(EdgeError) as error:
        edge.reload()
    assert str(error.value) == (
        "nginx in nginx still serves its earlier configuration after 2 reloads, though 'nginx -t' accepts the new "
        "one: 1#1: bind() to 0.0.0.0:81 failed (98: Address already in use) 1#1: still could not bind()"
    )
    assert len(edge.calls) == 2


def test_an_nginx_that_was_started_anew_has_loaded_what_is_on_disk(directory):
    edge = StandInEdge(directory)
    edge.looks = [BEFORE, BEFORE, {}, THIRD]
    edge.masters = [MASTER, MASTER, None, (2, 500)]
    assert edge.reload()[1] == [(10, 100), (11, 100)]


def test_an_nginx_that_ends_is_told(directory):
    edge = StandInEdge(directory)
    edge.looks = [BEFORE, BEFORE, {}]
    edge.masters = [MASTER, MASTER, None]
    edge.refresh = lambda: setattr(edge, "running", False)
    with pytest.raises(EdgeError, match=r"^nginx in nginx no longer runs:  \(exited with 1\)$"):
        edge.reload()


def test_nginx_refuses_to_send_the_signal(directory):
    edge = StandInEdge(directory)
    edge.said = (False, "nginx: [emerg] unknown directive\n")
    with pytest.raises(EdgeError, match=r"^nginx rejects the reload: nginx: \[emerg\] unknown directive$"):
        edge.reload()


@pytest.mark.parametrize(
    "look, idle, expected",
    [
        (BEFORE, False, "nginx's master process 1 is busy (its state is R (running))"),
        ({(9, 1): True}, True, "nginx has no worker process that takes requests"),
    ],
)
def test_a_busy_nginx_is_told_and_never_taken_for_refused(look, idle, expected, directory, monkeypatch):
    monkeypatch.setattr(edge_module, "RELOAD_PATIENCE", 0.1)
    monkeypatch.setattr(edge_module, "status_of", lambda pid: {"State": "R (running)"})
    edge = StandInEdge(directory)
    edge.looks, edge.idle, shown = [look], [idle], set()
    with pytest.raises(EdgeError) as error:
        edge.reload(lambda awaits, left: shown.add((awaits, 0 < left <= 0.1)))
    assert str(error.value) == f"the reload of nginx in nginx is not proven after 0.1 s: {expected}"
    assert shown == {(expected, True)} and edge.calls == []


def test_a_start_is_proven(directory):
    edge = StandInEdge(directory)
    edge.looks, edge.idle = [{}, BEFORE, BEFORE], [False, True]
    assert 0 < edge.start() < 4
    assert edge.calls == ["launch"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("nginx: [emerg] a\nnginx: configuration file test failed\n", "nginx: [emerg] a"),
        ("x\n [alert] b \n[emerg] c", "[alert] b [emerg] c"),
        ("no such\n file", "no such file"),
        ("", ""),
    ],
)
def test_what_nginx_is_quoted_with(text, expected):
    assert edge_module.quoted(text) == expected


LOGGED = "d1 green 200 10.0.0.2:3000\n"


class ShellEdge(StandInEdge):
    """Runs what it is told to. ``limit``: shell commands before that."""

    limit = ":"

    def run(self, argv):
        done = subprocess.run(["sh", "-c", f'{self.limit}; exec "$@"', "sh", *argv], capture_output=True, check=False)
        return done.returncode == 0, (done.stderr + done.stdout).decode()


@pytest.fixture
def logging(directory):
    edge = ShellEdge(directory)
    edge.logs = str(directory)
    return edge, directory / "bluegreen-shop.log"


def test_the_log_of_answers_is_emptied_as_it_is_read(logging):
    edge, path = logging
    path.write_text(LOGGED * 2 + "d1 green 2")
    with open(path, "a", encoding="ascii") as nginx:
        assert edge.take_answers("shop") == LOGGED * 2
        nginx.write(LOGGED)
    assert edge.take_answers("shop").strip() == LOGGED.strip()
    assert path.read_text() == "\n"


def test_the_end_is_read_of_a_log_that_nobody_has_emptied_for_long(logging):
    edge, path = logging
    path.write_text(LOGGED * (2 * LOG_READ // len(LOGGED)))
    assert LOG_READ - len(LOGGED) <= len(edge.take_answers("shop")) <= LOG_READ
    assert path.stat().st_size == 1


def test_a_log_that_is_gone_is_an_error(logging):
    with pytest.raises(EdgeError, match="bluegreen-shop.log in nginx: .*No such file"):
        logging[0].take_answers("shop")


def test_a_log_that_has_no_room_is_an_error(logging):
    edge, path = logging
    path.write_text(LOGGED)
    edge.limit = "trap '' XFSZ; ulimit -f 0"
    with pytest.raises(EdgeError, match="bluegreen-shop.log in nginx: "):
        edge.take_answers("shop")
