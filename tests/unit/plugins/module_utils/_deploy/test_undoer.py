# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of release v2 (deploy d2, green) has failed; v1 (d1, blue) had the traffic before it."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import undoer as undoer_module
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.undoer import Undoer
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError, EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._progress import Progress
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._state.history import read_history
from ansible_collections.hotswap.compose.plugins.module_utils._state.lock import AppLock
from ansible_collections.hotswap.compose.tests.unit.stand_ins import (
    SERVICES,
    STAYS_STOPPED,
    StandInHost,
    inspected_service,
)

UNFINISHED = {
    "deploy": "d2",
    "release": "v2",
    "color": "green",
    "how": "create",
    "rollback": False,
    "services": SERVICES,
    "started": [],
    "previous": ["was-blue-d1", "signal-blue-d1", "cron-blue-d1"],
    "previous_exclusive": ["cron-blue-d1"],
    "endpoints": ["10.0.0.2:3000"],
    "begun_at": "2026-01-31T23:59:59Z",
    "config_hash": "c0ffee",
    "refs": {},
    "ids_before": {},
    "expected": {"was-green": 1, "signal-green": 1},
}
PLAN = {
    "deploy": "d2",
    "how": "create",
    "color": "green",
    "can_go_back": True,
    "steps": ["start", "gate", "swap", "exclusive", "drain", "retire", "record"],
    "containers": ["was-green-d2"],
    "exclusive": ["cron-green"],
    "exclusive_containers": ["cron-green-d2"],
    "previous_exclusive": ["cron-blue-d1"],
}
RUN = {"kind": "deploy", "release": "v2", "previous_release": "v1", "color": "green", "reason": "no"}
NOTHING = {"changed": False}
HAD_NONE = {"changed": True}
MOVED = {"changed": True, "drained": True, "connections": 0, "swapped_at": 107.0}
TOKEN = "a1"
REMOVED = ["stop cron-green-d2 was-green-d2", "remove_container cron-green-d2 was-green-d2"]


class Target:
    """``back``: what the swap back returns or raises, HAD_NONE by default; ``containers``: ``{service: how it is
    inspected}``."""

    def __init__(self, directory, back=None, **containers):
        self.directory = directory
        self.back = back or HAD_NONE
        known = {
            **{"was-blue": {}, "signal-blue": {}, "cron-blue": {"exclusive": True, **RETIRED}},
            **{"was-green": {}, "cron-green": {"exclusive": True}},
            **containers,
        }
        deploys = {"blue": "d1", "green": "d2"}
        inspected = [inspected_service(name, deploys[name.split("-")[1]], **more) for name, more in known.items()]
        self.engine = StandInHost(inspected)
        state = AppState(str(directory), "shop")
        state.create()
        state.save(unfinished=UNFINISHED)
        holder = {"user": "root", "controller": "ci", "kind": "deploy", "release": "v2"}
        self.lock = AppLock(str(directory), "shop")
        self.lock.take(TOKEN, holder, None, "/usr/bin/docker")
        self.went_back = []

    def undo(self, phase, put_back=True, swapped=False, **plan):
        """Return the Undoer, when it has undone the run."""
        params = {
            "app": "shop",
            "state_dir": str(self.directory),
            "lock": TOKEN,
            "phase": phase,
            "plan": {**PLAN, **plan},
            "put_back": put_back,
            "swapped": swapped,
            "drain_timeout": 30,
            "probe_headers": "e30=",
            "network": "edge",
            "nginx_mode": "container",
            "record": {
                "outcome": "deployed",
                "services": ["was-{color}"],
                "keep_releases": 3,
                "run": {**RUN, "phases": {"gate": 3.0}, "warnings": ["slow"]},
            },
        }
        made = Undoer(self.engine, params, Progress())
        made.undo()
        return made

    def swap_back(self, endpoints, drain_timeout):
        self.went_back.append(endpoints)
        if isinstance(self.back, Exception):
            raise self.back
        return self.back

    @property
    def acts(self):
        told = [(verb, name) for verb, name, _options in self.engine.told if verb != "update_container"]
        groups = itertools.groupby(told, key=lambda each: each[0])
        return [" ".join([verb, *sorted(name for _verb, name in group)]) for verb, group in groups]

    @property
    def history(self):
        return read_history(str(self.directory / "shop"))

    @property
    def journal(self):
        return AppState(str(self.directory), "shop").journal

    def is_recorded(self, outcome):
        """Whether the run is closed with this outcome, and its lock is free."""
        newest = self.journal["releases"][-1:]
        return (
            self.journal["unfinished"] is None
            and [record["outcome"] for record in newest] == [outcome]
            and [run["outcome"] for run in self.history] == [outcome]
            and self.lock.holder() is None
        )

    def is_left_to_the_next_run(self):
        return self.journal["unfinished"] and not self.history and self.lock.holder() is None


RETIRED = {"state": "exited", "policy": STAYS_STOPPED}


@pytest.fixture
def make(tmp_path, monkeypatch):
    def make(*arguments, **containers):
        made = Target(tmp_path, *arguments, **containers)

        class StandInSwap:
            check_mode = False

            def __init__(self, _edge, state, *_arguments, **_options):
                self.state = state
                self.back = made.swap_back

        monkeypatch.setattr(undoer_module, "Swap", StandInSwap)
        return made

    monkeypatch.setattr(undoer_module, "edge_for", lambda *_arguments: None)
    return make


@pytest.mark.parametrize("phase", ["prepare", "build", "shared"])
def test_before_a_container_starts_nothing_is_taken_down(make, phase):
    target = make()
    found = target.undo(phase, put_back=False)
    assert (target.went_back, target.acts, found.decision) == ([], [], "undo")
    assert target.is_recorded("rejected")


@pytest.mark.parametrize("phase", ["start", "gate", "smoke", "preview"])
def test_before_the_swap_the_release_is_removed(make, phase):
    target = make()
    found = target.undo(phase)
    assert (target.acts, found.decision, len(target.went_back)) == (REMOVED, "undo", 1)
    assert sorted(found.taken_down) == ["shop-green-cron-green-d2", "shop-green-was-green-d2"]
    assert target.is_recorded("rejected")
    (run,) = target.history
    assert (run["reason"], run["warnings"], list(run["phases"])) == ("no", ["slow"], ["gate", "undo"])


def test_the_containers_of_hooks_are_removed_with_the_release(make):
    target = make()
    hook = inspected_service("was-green", state="exited", policy=STAYS_STOPPED)
    hook["Config"]["Labels"]["com.docker.compose.hook"] = "pre_start"
    target.engine.add(hook)
    assert hook["Name"][1:] in target.undo("start").taken_down
    assert target.engine.inspect(hook["Id"]) is None


@pytest.mark.parametrize("phase", ["canary", "swap", "exclusive", "bake", "drain"])
def test_from_the_swap_on_the_traffic_goes_back(make, phase):
    target = make(MOVED)
    found = target.undo(phase, swapped=True)
    assert (target.acts, found.decision) == ([*REMOVED, "start cron-blue-d1"], "back")
    assert (found.result()["back_at"], found.result()["outcome"]) == (107.0, "rolled_back")
    assert target.is_recorded("rolled_back")


def test_a_release_that_never_had_traffic_is_rejected(make):
    """nginx refused to load the new file, so that there is nothing to put back."""
    target = make(NOTHING)
    found = target.undo("swap")
    assert (found.decision, found.result()["back_at"]) == ("undo", None)
    assert target.is_recorded("rejected")


@pytest.mark.parametrize("how", ["start", "warm"])
def test_containers_that_were_there_before_are_stopped(make, how):
    target = make()
    target.undo("smoke", how=how)
    assert target.acts == ["stop cron-green-d2 was-green-d2"]


def test_traffic_that_cannot_be_put_back_leaves_all_to_the_next_run(make):
    target = make(EdgeError("nginx does not reload"))
    found = target.undo("drain", swapped=True)
    assert (target.acts, found.decision) == ([], "unsure")
    assert found.result()["put_back_error"] == "nginx does not reload"
    assert target.is_left_to_the_next_run()


@pytest.mark.parametrize("state", [{"state": "exited"}, {"health": "unhealthy"}])
def test_traffic_does_not_go_back_to_a_color_that_is_not_healthy(make, state):
    target = make(MOVED, **{"was-blue": state})
    found = target.undo("drain", swapped=True)
    assert (target.went_back, target.acts, found.decision) == ([], [], "unsure")
    assert "is no longer healthy" in found.result()["put_back_error"]
    assert target.is_left_to_the_next_run()


@pytest.mark.parametrize("state", [{"state": "exited"}, {"health": "unhealthy"}])
def test_before_the_swap_it_does_not_matter_whether_the_active_color_is_healthy(make, state):
    """It has the traffic, whatever it is."""
    target = make(**{"was-blue": state})
    assert target.undo("gate").decision == "undo"
    assert target.is_recorded("rejected")


def test_without_a_way_back_the_release_keeps_the_traffic(make):
    target = make()
    found = target.undo("bake", put_back=False, swapped=True, can_go_back=False)
    assert (target.acts, found.decision, found.result()["new_keeps_it"]) == ([], "keep", True)
    assert target.is_left_to_the_next_run()


def failing(*_arguments, **_options):
    raise EngineError("the Engine does not answer")


def test_containers_that_cannot_be_removed_are_left_undone(make, monkeypatch):
    monkeypatch.setattr(undoer_module, "give_up", failing)
    target = make()
    found = target.undo("gate")
    assert found.left_undone == ["the new containers still run: the Engine does not answer"]
    assert (found.taken_down, target.is_recorded("rejected")) == ([], True)


def test_exclusive_services_that_do_not_start_are_left_to_the_next_run(make, monkeypatch):
    monkeypatch.setattr(undoer_module, "start_containers", failing)
    target = make(MOVED)
    found = target.undo("bake", swapped=True)
    assert found.left_undone == ["the exclusive services of the active color do not run: the Engine does not answer"]
    assert target.is_left_to_the_next_run()


def test_a_run_that_could_not_make_nginx_leaves_one_that_was_killed_alone(make):
    target = make()
    found = target.undo("detect", put_back=False, deploy="", steps=["nginx"])
    assert (target.acts, found.decision, target.journal["unfinished"]["deploy"]) == ([], "undo", "d2")
    assert [run["outcome"] for run in target.history] == ["rejected"]
    assert target.lock.holder() is None


def test_a_run_that_cannot_be_recorded_is_left_undone(make, monkeypatch):
    monkeypatch.setattr(undoer_module, "close_run", failing)
    found = make().undo("gate")
    assert found.left_undone == ["the run was not recorded: the Engine does not answer"]
