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
    """``acts``: what was done, in order; ``fault``: what nginx finds in its new file; ``verdict``: of
    the gate."""

    def __init__(self, directory, monkeypatch):
        self.directory = directory
        self.acts = []
        self.fault = None
        self.verdict = "ready"
        self.engine = StandInHost([inspected_service("was-green", "d1", state="exited")])
        AppState(str(directory), "shop").create()
        monkeypatch.setattr(starter_module, "create_containers", self._create)
        monkeypatch.setattr(starter_module, "run_up", self._up)
        monkeypatch.setattr(starter_module, "make_joins", self._join)
        monkeypatch.setattr(starter_module, "wait_until_ready", self._gate)
        monkeypatch.setattr(starter_module, "edge_for", lambda *_args: None)
        monkeypatch.setattr(starter_module, "Swap", self._swap)

    def starter(self, **params):
        given = {
            **{"app": "shop", "state_dir": str(self.directory), "lock": None, "steps": ["start", "gate"]},
            **{"project": None, "recreate": "always", "containers": [], "leftovers": [], "timeout": 30},
            **{"joins": [], "by_hand": {}, "start": [], "answer_log": "", "gate_network": "edge"},
            **{"content": "new", "introduction": "both", "previous_content": "old"},
        }
        return Starter({**given, **params}, Progress())

    def start(self, **params):
        """Return the Starter, when it has started."""
        starter = self.starter(**params)
        starter.start(self.engine)
        return starter

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

    def _gate(self, engine, params, progress):
        self.acts.append(f"wait on {params['network']}, seen {params['seen']}")
        found = {"ready": self.verdict == "ready", "verdict": self.verdict, "containers": ["web-1"]}
        return found, ["short"]

    def _swap(self, *_args):
        def judge(content, introduction, previous):
            self.acts.append(f"test {content}")
            if self.fault:
                raise EdgeError(self.fault)
            return {"changed": bool(introduction)}

        return types.SimpleNamespace(judge=judge, unprepared=False, unread=True, warning="not all files were tested")


@pytest.fixture
def target(tmp_path, monkeypatch):
    return Target(tmp_path, monkeypatch)


BOOTED = "wait on edge, seen {'id': 1.0}"


@pytest.mark.parametrize(
    "params, acts",
    [
        ({"project": PROJECT}, ["up all, recreate always", "test new", BOOTED]),
        (
            {"steps": ["create", "start", "gate"], "project": PROJECT, "joins": JOINS, "start": ["web"]},
            ["create shop-green, recreate always", "join green", "up web, recreate auto", "test new", BOOTED],
        ),
        (
            {"steps": ["create"], "project": PROJECT, "joins": JOINS},
            ["create shop-green, recreate always", "join green"],
        ),
        ({"steps": ["create"], "joins": JOINS}, ["join green"]),
        (
            {"steps": ["create", "start", "gate"], "joins": JOINS, "containers": ["was-green-d1"]},
            ["join green", "test new", "wait on edge, seen {}"],
        ),
    ],
)
def test_the_order(target, params, acts):
    starter = target.start(**params)
    assert target.acts == acts
    assert list(starter.result()["phases"]) == [
        each for each in params.get("steps", ["start", "gate"]) if each != "create"
    ]


def test_stopped_containers_start(target):
    starter = target.start(containers=["was-green-d1"], introduction="")
    assert [verb for verb, _name, _options in target.engine.told] == ["start"]
    assert starter.result()["changed"] and not starter.result()["introduced"]
    assert [line["says"] for line in starter.progress.lines if line["says"]] == ["shop-green-was-green-d1: started"]


def test_leftovers_are_removed_first(target):
    target.start(leftovers=["was-green-d1"], project=PROJECT)
    assert [verb for verb, _name, _options in target.engine.told] == ["remove_container"]


def test_nothing_changes_when_all_is_there(target):
    starter = target.start(steps=["create"])
    assert (target.acts, starter.result()["changed"]) == ([], False)


def test_a_container_fails_while_compose_starts_them(target):
    starter = target.starter(project=PROJECT, start=["broken"])
    with pytest.raises(ReleaseFailed):
        starter.start(target.engine)
    assert (list(starter.result()["phases"]), starter.result()["gate"]) == (["start"], {})


def test_nginx_refuses_its_new_file(target):
    target.fault = "nginx refuses it"
    starter = target.starter(project=PROJECT)
    with pytest.raises(EdgeError):
        starter.start(target.engine)
    assert not starter.result()["introduced"]


def test_a_release_does_not_pass_its_gate(target):
    """nginx has the new names by then, so the undo has to take them back."""
    target.verdict = "web-1 is unhealthy"
    starter = target.starter(project=PROJECT)
    with pytest.raises(ReleaseFailed) as caught:
        starter.start(target.engine)
    assert (str(caught.value), caught.value.containers) == ("web-1 is unhealthy", ["web-1"])
    assert starter.warnings == ["not all files were tested", "short"]
    result = starter.result()
    assert result["introduced"]
    assert (list(result["phases"]), result["gate"]["ready"]) == (["start", "gate"], False)


def test_the_warnings_of_nginx_and_of_the_gate(target):
    assert target.start(project=PROJECT).warnings == ["not all files were tested", "short"]
