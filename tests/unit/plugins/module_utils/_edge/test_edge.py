# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is the same of every edge: its files, its turns, and the reload that deploys share."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import edge as edge_module
from ansible_collections.hotswap.compose.plugins.module_utils._edge.edge import Edge, _boot
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError, RefusedReload

BEFORE = {(10, 100): False, (11, 100): False}
AFTER = {(10, 100): True, (11, 100): True, (12, 200): False}
LOST = "2026/11/22 11:57:24 [emerg] 1#1: still could not bind()"


class StandInEdge(Edge):
    """An nginx without a process."""

    name = "nginx"
    running = True

    def __init__(self, directory):
        super().__init__(str(directory / "conf"), str(directory / "scratch"))
        self.said = (True, "")
        self.workers_then = [BEFORE, AFTER]  # one look after the other; the last one stays
        self.calls = []
        self.tested = {}

    def workers(self):
        return self.workers_then.pop(0) if len(self.workers_then) > 1 else self.workers_then[0]

    def run(self, argv):
        self.calls.append(argv)
        return self.said

    def test(self, tree):
        for name in sorted(os.listdir(tree)):
            with open(os.path.join(tree, name), encoding="utf-8") as file:
                self.tested[name] = file.read()
        return True, "a dump"

    def log_mark(self):
        return 0

    def log_since(self, mark):
        return ""


class ReloadingEdge(StandInEdge):
    """Counts its reloads. ``fails``: what the next one ends in."""

    def __init__(self, directory):
        super().__init__(directory)
        self.reloads = 0
        self.fails = None

    def _reload(self):
        self.reloads += 1
        failure, self.fails = self.fails, None
        if failure:
            raise failure
        return 0.16


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "conf").mkdir()
    return tmp_path


def test_there_is_no_edge_without_its_directory(tmp_path):
    with pytest.raises(EdgeError) as error:
        StandInEdge(tmp_path)
    assert str(error.value) == (
        f"bluegreen_nginx_conf_dir is '{tmp_path}/conf': there is no such directory on the target; name the directory "
        "that nginx reads"
    )


def test_files_come_go_and_are_readable_by_nginx(directory):
    edge = StandInEdge(directory)
    assert edge.read("a.conf") is None
    edge.write({"a.conf": "a\n", "b.conf": None})
    assert edge.read("a.conf") == "a\n"
    assert os.stat(directory / "conf" / "a.conf").st_mode & 0o777 == 0o644
    edge.write({"a.conf": None})
    assert os.listdir(directory / "conf") == []


def test_a_candidate_is_judged_in_a_copy(directory):
    edge = StandInEdge(directory)
    edge.write({"bank.conf": "bank\n", "shop.conf": "blue\n", "bluegreen.conf": "shared\n"})
    with edge.turn("write"), edge.turn("reload"):
        assert edge.judge({"shop.conf": "green\n", "bluegreen.conf": None}) == (True, "a dump")
    assert edge.tested == {"bank.conf": "bank\n", "shop.conf": "green\n"}  # and none of the locks
    assert edge.read("shop.conf") == "blue\n"
    assert sorted(os.listdir(directory)) == ["conf"]


@pytest.mark.parametrize(
    "act",
    [
        lambda edge: edge.write({"a": "b"}),
        lambda edge: edge.turn("write").__enter__(),
        lambda edge: edge.reload_after(0),
    ],
)
def test_a_directory_that_cannot_be_written(act, directory):
    edge = ReloadingEdge(directory)
    (directory / "conf").rmdir()
    with pytest.raises(EdgeError, match="it can't be written .No such file or directory.; mount it read-write on the"):
        act(edge)
    assert edge.reloads == 0


@pytest.mark.parametrize("what, other, waits", [("write", "write", True), ("write", "reload", False)])
def test_one_turn_at_a_time(what, other, waits, directory):
    edge = StandInEdge(directory)
    had_its_turn = threading.Event()

    def take():
        with edge.turn(other):
            had_its_turn.set()

    with ThreadPoolExecutor(1) as pool:
        with edge.turn(what):
            taken = pool.submit(take)
            assert had_its_turn.wait(0.2 if waits else 5) is not waits
        taken.result(5)


def test_deploys_that_wait_together_share_a_reload(directory):
    edge = ReloadingEdge(directory)
    with ThreadPoolExecutor(2) as pool:
        with edge.turn("reload"):
            waiting = [pool.submit(edge.reload_after, time.monotonic()) for _number in range(2)]
            time.sleep(0.1)
        seconds = sorted(each.result(5) for each in waiting)
    assert seconds == [0.0, 0.16]
    assert edge.reloads == 1


def test_what_was_written_after_a_reload_began_needs_another(directory):
    edge = ReloadingEdge(directory)
    before = time.monotonic()
    assert edge.reload_after(before) == 0.16
    assert edge.reload_after(before) == 0.0
    assert edge.reload_after(time.monotonic()) == 0.16
    assert edge.reloads == 2


def test_a_file_written_while_nginx_reloads_is_not_taken_for_loaded(directory):
    edge = ReloadingEdge(directory)
    written = []
    reload_now = edge._reload
    edge._reload = lambda: (written.append(time.monotonic()), time.sleep(0.01), reload_now())[-1]
    edge.reload_after(time.monotonic())
    assert edge.reload_after(written[0]) == 0.16


@pytest.mark.parametrize("failure", [RefusedReload("taken"), EdgeError("no new worker"), KeyboardInterrupt()])
def test_a_reload_that_failed_serves_nobody(failure, directory):
    edge = ReloadingEdge(directory)
    edge.fails = failure
    moment = time.monotonic()
    with pytest.raises(type(failure)):
        edge.reload_after(moment)
    assert edge.reload_after(moment) == 0.16


@pytest.mark.parametrize(
    "stamp",
    ["", "{boot}", "{boot} 1e12 more", "another-boot 1e12", "{boot} 0.0"],
    ids=["none", "cut", "longer", "of another boot", "too early"],
)
def test_a_stamp_that_says_nothing(stamp, directory):
    edge = ReloadingEdge(directory)
    (directory / "conf" / ".bluegreen.reload").write_text(stamp.format(boot=_boot()))
    assert edge.reload_after(time.monotonic()) == 0.16
    assert edge.reload_after(0.0) == 0.0  # the stamp is a good one now


def test_a_reload_is_proven_by_its_workers(directory):
    edge = StandInEdge(directory)
    edge.arguments = ["-c", "/srv/nginx.conf"]
    edge.workers_then = [BEFORE, BEFORE, AFTER]
    assert 0 < edge.reload_after(time.monotonic()) < 4
    assert edge.calls == [["nginx", "-s", "reload", "-c", "/srv/nginx.conf"]]


def test_no_worker_no_proof(directory):
    edge = StandInEdge(directory)
    edge.workers_then = [{(9, 1): True}]
    with pytest.raises(EdgeError, match="^no worker of nginx in nginx can be seen from here") as error:
        edge.reload_after(time.monotonic())
    assert not isinstance(error.value, RefusedReload)
    assert edge.calls == []


def test_nginx_says_no_at_once(directory):
    edge = StandInEdge(directory)
    edge.said = (False, "nginx: [emerg] unknown directive\n")
    with pytest.raises(RefusedReload, match=r"^nginx refuses to reload: nginx: \[emerg\] unknown directive$"):
        edge.reload_after(time.monotonic())


def test_nginx_says_no_in_its_log(directory, monkeypatch):
    edge = StandInEdge(directory)
    edge.workers_then = [BEFORE]
    monkeypatch.setattr(edge, "log_since", lambda mark: LOST)
    with pytest.raises(RefusedReload, match="kept its old configuration over a reload: .* still could not bind"):
        edge.reload_after(time.monotonic())


def test_nginx_says_nothing(directory, monkeypatch):
    monkeypatch.setattr(edge_module, "PROOF_PATIENCE", 0.1)
    edge = StandInEdge(directory)
    edge.workers_then = [BEFORE]
    with pytest.raises(EdgeError, match=r"^nginx has not reloaded: no new worker within 0.1 s$") as error:
        edge.reload_after(time.monotonic())
    assert not isinstance(error.value, RefusedReload)  # it may still come


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
