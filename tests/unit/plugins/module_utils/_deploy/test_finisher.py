# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Release v2 (deploy d2, green) has the traffic, and v1 (d1, blue) is drained and retired."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import finisher as finisher_module
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.finisher import Finisher
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EngineError, ReleaseFailed
from ansible_collections.hotswap.compose.plugins.module_utils._progress import Progress
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._state.history import read_history
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
    "previous": ["was-blue-d1", "signal-blue-d1"],
    "endpoints": ["10.0.0.2:3000"],
    "begun_at": "2026-01-31T23:59:59Z",
    "config_hash": "c0ffee",
    "refs": {},
    "ids_before": {},
}
RUN = {"kind": "deploy", "release": "v2", "previous_release": "v1", "color": "green", "reason": None}


class StandInLook:
    """``failures``: what it finds meanwhile, none or one."""

    failures = ()

    def __init__(self, engine, params, when):
        assert when == "after the swap"

    @contextlib.contextmanager
    def following(self):
        yield self.refuse_unready

    def refuse_unready(self):
        for failure in self.failures:
            raise failure


class Target:
    """``drained``: what the drain comes to; ``waits``: how often it says what it waits for."""

    def __init__(self, directory, **changes):
        self.directory = directory
        services = {"was-blue": {}, "signal-blue": {}, **changes}
        inspected = [inspected_service(service, "d1", **more) for service, more in services.items()]
        self.engine = StandInHost([*inspected, inspected_service("was-green", "d2")])
        state = AppState(str(directory), "shop")
        state.create()
        state.save(unfinished=UNFINISHED)
        self.drained = (True, 0, 5.2)
        self.waits = 0
        self.progress = Progress()

    def finish(self, steps=("drain", "retire", "record"), **more):
        """Return the Finisher, when it has finished."""
        params = {
            "app": "shop",
            "state_dir": str(self.directory),
            "lock": None,
            "steps": list(steps),
            "project_name": "shop-green",
            "endpoints": ["10.0.0.2:3000"],
            "old_workers": [[10, 100]],
            "proved_at": 7.0,
            "drain_timeout": 30,
            "previous": UNFINISHED["previous"],
            "previous_release": "v1",
            "previous_color": "blue",
            "retire": "stop",
            "record": {
                "outcome": "deployed",
                "services": ["was-{color}"],
                "keep_releases": 3,
                "run": {**RUN, "phases": {"gate": 3.0}, "warnings": ["slow"]},
            },
            **more,
        }
        made = Finisher(self.engine, params, self.progress)
        made.finish()
        return made

    def wait(self, edge, endpoints, old_workers, proved_at, timeout, on_wait):
        assert (endpoints, old_workers, proved_at, timeout) == (["10.0.0.2:3000"], [[10, 100]], 7.0, 30)
        for _number in range(self.waits):
            on_wait("clients", 20.0)
        return self.drained

    @property
    def acts(self):
        """What was done to containers, in order; those of one act are sorted."""
        told = [(verb, name) for verb, name, _options in self.engine.told if verb != "update_container"]
        groups = itertools.groupby(told, key=lambda each: each[0])
        return [" ".join([verb, *sorted(name for _verb, name in group)]) for verb, group in groups]

    @property
    def said(self):
        return [line["says"] for line in self.progress.lines if line["says"]]

    @property
    def history(self):
        return read_history(str(self.directory / "shop"))

    @property
    def journal(self):
        return AppState(str(self.directory), "shop").journal


@pytest.fixture
def make(tmp_path, monkeypatch):
    def make(**changes):
        made = Target(tmp_path, **changes)
        monkeypatch.setattr(finisher_module, "wait_until_drained", made.wait)
        return made

    monkeypatch.setattr(finisher_module, "edge_for", lambda *_arguments: None)
    monkeypatch.setattr(finisher_module, "Look", StandInLook)
    monkeypatch.setattr(StandInLook, "failures", [])
    return make


def test_the_idle_color_is_drained_then_retired_then_the_run_is_recorded(make):
    target = make()
    target.waits = 1
    found = target.finish()
    assert target.acts == ["stop signal-blue-d1 was-blue-d1"]
    assert target.said == ["v1 in blue: drained after 5.2 s"]
    awaited = [line["awaits"] for line in target.progress.lines if line["awaits"]]
    assert list(dict.fromkeys(awaited)) == [
        "clients",
        "the previous color is being stopped",
        "the run is being recorded",
    ]
    result = found.result()
    assert (result["changed"], result["retired"], result["left_undone"]) == (True, True, [])
    assert list(result["phases"]) == ["drain", "retire", "record"]
    assert target.journal["unfinished"] is None
    (run,) = target.history
    assert (run["outcome"], run["warnings"], list(run["phases"])) == ("deployed", ["slow"], ["gate", "drain", "retire"])
    assert result["run"] == run


@pytest.mark.parametrize("more", [{"endpoints": []}, {"proved_at": None}])
def test_nothing_is_drained_where_no_traffic_has_moved(make, more):
    target = make()
    target.wait = None
    target.finish(["drain"], **more)
    assert target.progress.lines == []


def test_a_short_drain_is_not_told(make):
    target = make()
    target.drained = (True, 0, 0.4)
    target.finish(["drain"])
    assert target.said == []


def test_what_a_drain_cuts_is_a_warning(make):
    target = make()
    target.drained = (False, 3, 30.0)
    found = target.finish()
    assert "3 connections to the idle color were still open after 30 s" in found.warnings[0]
    assert target.said == ["v1 in blue: not drained after 30 s"]
    assert target.history[-1]["warnings"][0] == "slow" and "3 connections" in target.history[-1]["warnings"][1]


@pytest.mark.parametrize("waits", [0, 1])
def test_a_color_that_fails_during_the_drain_fails_the_run_before_anything_is_retired(make, monkeypatch, waits):
    monkeypatch.setattr(StandInLook, "failures", [ReleaseFailed("was-green exited with 5, after the swap", [])])
    target = make()
    target.waits = waits
    with pytest.raises(ReleaseFailed):
        target.finish()
    assert (target.acts, target.journal["unfinished"]["deploy"]) == ([], "d2")


def test_a_rollback_follows_no_color(make, monkeypatch):
    monkeypatch.setattr(StandInLook, "failures", [ReleaseFailed("was-green exited with 5, after the swap", [])])
    assert make().finish(project_name="").retired


@pytest.mark.parametrize(
    "retire, acts, changed",
    [
        ("stop", ["stop signal-blue-d1 was-blue-d1"], True),
        ("remove", ["stop signal-blue-d1 was-blue-d1", "remove_container signal-blue-d1 was-blue-d1"], True),
        ("keep", [], False),
    ],
)
def test_how_the_idle_color_is_retired(make, retire, acts, changed):
    target = make()
    found = target.finish(["retire"], retire=retire)
    assert (target.acts, found.changed, found.retired) == (acts, changed, True)


def test_what_is_stopped_for_good_is_left_alone(make):
    stopped = {"state": "exited", "policy": STAYS_STOPPED}
    target = make(**{"was-blue": stopped, "signal-blue": stopped})
    found = target.finish(["retire"])
    assert (target.acts, found.changed, found.retired) == ([], False, True)


def test_a_first_deploy_retires_nothing(make):
    found = make().finish(previous=[])
    assert (found.retired, found.changed) == (False, True)  # it is recorded


class Broken(Exception):
    """None of ours: a bug."""


@pytest.mark.parametrize("error", [EngineError("the Engine does not answer"), OSError("no space left"), Broken("bug")])
def test_a_failure_to_retire_is_a_warning_and_the_run_is_recorded(make, monkeypatch, error):
    def fail(*_arguments):
        raise error

    monkeypatch.setattr(finisher_module, "stop_containers", fail)
    target = make()
    found = target.finish()
    assert found.left_undone == [f"the idle color could not be retired: {error}"]
    assert (found.retired, target.journal["unfinished"]) == (False, None)
    assert target.history[-1]["warnings"] == ["slow", *found.left_undone]


@pytest.mark.parametrize("error", [EngineError("the Engine does not answer"), OSError("no space left"), Broken("bug")])
def test_a_failure_to_record_is_a_warning(make, monkeypatch, error):
    def fail(*_arguments):
        raise error

    monkeypatch.setattr(finisher_module, "close_run", fail)
    found = make().finish()
    assert found.left_undone == [f"the run could not be recorded: {error}"]
    assert "run" not in found.result()


def test_a_release_that_awaits_its_promotion_is_recorded_alone(make):
    target = make()
    record = {
        "outcome": "awaiting_promotion",
        "services": ["was-{color}"],
        "keep_releases": 3,
        "run": {**RUN, "phases": {}, "warnings": []},
    }
    target.finish(["record"], record=record)
    assert (target.acts, target.journal["releases"][-1]["outcome"]) == ([], "awaiting_promotion")
