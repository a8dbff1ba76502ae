# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order a color comes up. Compose and nginx are stand-ins here; tests/e2e has the real ones."""

from __future__ import annotations

import types

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import starter as starter_module
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.starter import Starter
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError, ReleaseFailed
from ansible_collections.hotswap.compose.plugins.module_utils._progress import Progress
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.tests.unit.stand_ins import StandInHost, inspected_service

PROJECT = {"project_name": "shop-green"}
JOINS = [{"color": "green", "file": "compose.green.json"}]


class Target:
    """``acts``: what was done, in order; ``fault``: what nginx finds in its new file."""

    def __init__(self, directory, monkeypatch):
        self.directory = directory
        self.acts = []
        self.fault = None
        self.engine = StandInHost([inspected_service("was-green", "d1", state="exited")])
        AppState(str(directory), "shop").create()
        monkeypatch.setattr(starter_module, "create_containers", self._create)
        monkeypatch.setattr(starter_module, "run_up", self._up)
        monkeypatch.setattr(starter_module, "make_joins", self._join)
        monkeypatch.setattr(starter_module, "edge_for", lambda *_args: None)
        monkeypatch.setattr(starter_module, "Swap", self._swap)

    def starter(self, **params):
        given = {
            **{"app": "shop", "state_dir": str(self.directory), "lock": None, "state": "started", "project": None},
            **{"create_first": False, "recreate": "always", "containers": [], "leftovers": [], "timeout": 30},
            **{"joins": [], "by_hand": {}, "start": [], "answer_log": ""},
            **{"content": "new", "introduction": "both", "previous_content": "old"},
        }
        return Starter(self.engine, {**given, **params}, Progress())

    def _create(self, engine, project, recreate, timeout, progress):
        self.acts.append(f"create {project['project_name']}, recreate {recreate}")

    def _up(self, engine, params, began, progress):
        self.acts.append(f"up {' '.join(params['start']) or 'all'}, recreate {params['recreate']}")
        if params["start"] == ["broken"]:
            raise ReleaseFailed("broken exited", [{"name": "broken-1"}])
        return {"changed": True, "seen": {"id": 1.0}}

    def _join(self, engine, params):
        self.acts += [f"join {each['color']}" for each in params["joins"]]
        return bool(params["joins"])

    def _swap(self, *_args):
        def judge(content, introduction, previous):
            self.acts.append(f"test {content}")
            if self.fault:
                raise self.fault
            return {"changed": bool(introduction)}

        return types.SimpleNamespace(judge=judge, unprepared=False, unread=True, warning="not all files were tested")


@pytest.fixture
def target(tmp_path, monkeypatch):
    return Target(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "params, acts",
    [
        ({"project": PROJECT}, ["up all, recreate always", "test new"]),
        (
            {"project": PROJECT, "create_first": True, "joins": JOINS, "start": ["web"]},
            ["create shop-green, recreate always", "join green", "up web, recreate auto", "test new"],
        ),
        (
            {"project": PROJECT, "create_first": True, "joins": JOINS, "state": "created"},
            ["create shop-green, recreate always", "join green"],
        ),
        ({"joins": JOINS, "state": "created"}, ["join green"]),
        ({"joins": JOINS, "containers": ["was-green-d1"]}, ["join green", "test new"]),
    ],
)
def test_the_order(target, params, acts):
    starter = target.starter(**params)
    starter.start()
    assert target.acts == acts
    assert starter.is_up is ("test new" in acts)
    assert starter.result()["seen"] == ({"id": 1.0} if "project" in params and starter.is_up else {})


def test_stopped_containers_start(target):
    starter = target.starter(containers=["was-green-d1"], introduction="")
    starter.start()
    assert [verb for verb, _name, _options in target.engine.told] == ["start"]
    assert starter.result()["changed"] and not starter.result()["introduced"]
    assert [line["says"] for line in starter.progress.lines if line["says"]] == ["shop-green-was-green-d1: started"]


def test_leftovers_are_removed_first(target):
    target.starter(leftovers=["was-green-d1"], project=PROJECT).start()
    assert [verb for verb, _name, _options in target.engine.told] == ["remove_container"]


def test_nothing_changes_when_all_is_there(target):
    starter = target.starter(state="created")
    starter.start()
    assert (target.acts, starter.result()["changed"]) == ([], False)


def test_a_container_fails(target):
    starter = target.starter(project=PROJECT, start=["broken"])
    with pytest.raises(ReleaseFailed):
        starter.start()
    assert not starter.is_up


def test_nginx_refuses_its_new_file(target):
    target.fault = EdgeError("nginx refuses it")
    starter = target.starter(project=PROJECT)
    with pytest.raises(EdgeError):
        starter.start()
    assert starter.is_up


def test_a_file_that_was_not_tested_is_a_warning(target):
    starter = target.starter(project=PROJECT)
    starter.start()
    assert starter.warnings == ["not all files were tested"]
