# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Release v2 (deploy d2, green) was to take the traffic over from v1 (d1, blue) when its run was killed."""

from __future__ import annotations

import itertools
import os

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import recoverer as recoverer_module
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.recoverer import Recoverer
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.recovery import BACK, FINISH, KEEP, UNDO
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError, EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import app_text, with_marks
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.canary import with_canary
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._state.history import read_history
from ansible_collections.hotswap.compose.tests.unit.stand_ins import (
    HOST_SERVICES,
    RESTARTS,
    SERVICES,
    STAYS_STOPPED,
    StandInHost,
    inspected_service,
)

OLD, NEW = (1, 26, 3), (1, 30, 6)
DECISIONS = (FINISH, BACK, UNDO, KEEP)
HOWS = ("create", "start", "warm", "promote")
RUNS = [(how, rollback) for rollback in (False, True) for how in HOWS if not (rollback and how == "promote")]
PARAMS = {
    "probe_headers": "e30=",
    "network": "edge",
    "nginx_mode": "container",
    "health_timeout": 120,
    "drain_timeout": 30,
    "retire": "stop",
    "keep_releases": 3,
}
RETIRED = {"state": "exited", "policy": STAYS_STOPPED}
STATES = {
    FINISH: {"cron-green": RETIRED},
    BACK: {"was-green": {"state": "exited"}},
    UNDO: {"cron-green": RETIRED},
    KEEP: {"was-green": {"state": "exited"}, "was-blue": {"state": "exited"}},
}
"""Of those containers that aren't as CONTAINERS has them: a state of the target that leads to the decision."""

CONTAINERS = {
    "was-blue": {"deploy": "d1", "address": "10.0.0.2"},
    "signal-blue": {"deploy": "d1", "address": "10.0.0.3"},
    "cron-blue": {"deploy": "d1", "exclusive": True, **RETIRED},
    "was-green": {"deploy": "d2", "address": "10.0.0.4"},
    "signal-green": {"deploy": "d2", "address": "10.0.0.5"},
    "cron-green": {"deploy": "d2", "exclusive": True},
    "init-green": {"deploy": "d2", "health": None, **RETIRED},  # a one-shot that has completed
    "leftover-green": {"deploy": "d0"},  # of an earlier deploy
}


def content(color, down=None):
    """nginx's file with the traffic at ``color``; ``down``: a color that gets none yet."""
    upstreams = []
    for service in SERVICES:
        targets = [{"host": f"shop-{color}-{service['base']}", "port": service["port"]}]
        if down:
            targets.append({"host": f"shop-{down}-{service['base']}", "port": service["port"], "down": True})
        upstreams.append({"name": service["upstream"], "targets": targets})
    return app_text("shop", color, "v1", upstreams, None)


def canary():
    """nginx's file with the traffic at blue, but for some requests."""
    targets = {color: [{"host": f"shop-{color}-was", "port": 3000}] for color in ("blue", "green")}
    upstream = {"name": "shop-was", "active_targets": targets["blue"], "targets": targets["green"], "addresses": [1, 1]}
    return with_canary(content("blue"), 10, [upstream], None)


def record(deploy, color, outcome="deployed", **more):
    return dict(
        {
            "release": deploy.replace("d", "v"),
            "color": color,
            "deploy": deploy,
            "deployed_at": "2026-01-31T23:59:59Z",
            "images": {},
            "containers": [f"was-{color}-{deploy}", f"signal-{color}-{deploy}", f"cron-{color}-{deploy}"],
            "config_hash": "",
            "outcome": outcome,
            "rollback": False,
        },
        **more,
    )


IMAGE = {"ref": "was:v2", "id": "sha256:was-d2", "digest": None}


def unfinished(how="create", rollback=False, **more):
    images = {"images": {"was-green": dict(IMAGE, brought=True)}}
    create = {"refs": {"was-green": "was:v2"}, "ids_before": {"was:v2": None}}
    promote = dict(images, ids_before={})
    return dict(
        {
            "deploy": "d2",
            "release": "v2",
            "color": "green",
            "how": how,
            "rollback": rollback,
            "services": SERVICES,
            "started": ["was-green-d2"] if how == "start" else [],
            "previous": ["was-blue-d1", "signal-blue-d1", "cron-blue-d1"],
            "previous_exclusive": ["cron-blue-d1"],
            "exclusive_containers": ["cron-green-d2"],
            "endpoints": ["10.0.0.2:3000", "10.0.0.3:3001"],
            "begun_at": "2026-01-31T23:59:59Z",
            "by": {"user": "root", "controller": "ci", "job": "17"},
            "config_hash": "c0ffee",
            "swap": {"from": content("blue")},
        },
        **(images if rollback else promote if how == "promote" else create),
        **more,
    )


class StandInEdge:
    """An nginx with one file. ``told``: what it is told to do, shared with the Engine and the swap."""

    def __init__(self, text, told):
        self.text = text
        self.told = told
        self.drained = True

    def read(self, name):
        assert name == "bluegreen-shop.conf"
        return self.text

    def workers(self):
        return {(10, 100): True, (11, 150): True, (12, 200): False}

    def drain(self, endpoints, old_workers, proved_at, timeout, _on_wait):
        options = {"endpoints": endpoints, "old_workers": old_workers, "proved_at": proved_at, "timeout": timeout}
        self.told.append(("drain", None, options))
        return self.drained, 0 if self.drained else 3, timeout


@pytest.fixture(autouse=True)
def drain(monkeypatch):
    monkeypatch.setattr(recoverer_module, "wait_until_drained", lambda edge, *arguments: edge.drain(*arguments))


class StandInSwap:
    """Notes what it is told to do. ``errors``: what it raises instead, one a call."""

    def __init__(self, edge, state, version=NEW):
        self.edge = edge
        self.state = state
        self.on_wait = None
        self.version = version
        self.errors = []
        self.result = {"changed": True, "drained": True, "connections": 0}

    def make_sure(self, addresses):
        return self._tell("make_sure", addresses=addresses)

    def back(self, endpoints, drain_timeout):
        return self._tell("back", endpoints=endpoints, drain_timeout=drain_timeout)

    def _tell(self, call, **options):
        if self.errors:
            raise self.errors.pop()
        self.edge.told.append((call, None, options))
        return self.result


class Target:
    """What a killed run left. ``changes``: ``{service: {…}}`` of containers that aren't as CONTAINERS has them."""

    def __init__(self, directory, found, text, changes=None, releases=None, containers=None, version=NEW):
        self.directory = directory
        known = {
            service: dict(each, **(changes or {}).get(service, {}))
            for service, each in (containers or CONTAINERS).items()
        }
        inspected = [inspected_service(service, **options) for service, options in known.items()]
        self.engine = StandInHost(inspected, tags={"was:v2": "sha256:was-d2"})
        state = AppState(str(directory), "shop")
        state.create()
        awaiting = [record("d2", "green", "awaiting_promotion")] if found["how"] == "promote" else []
        state.save(releases=releases or [record("d1", "blue")] + awaiting, unfinished=found)
        self.swap = StandInSwap(StandInEdge(text, self.engine.told), state, version)
        self.releases_before = list(state.journal["releases"])

    def recoverer(self, **params):
        return Recoverer(self.engine, self.swap, dict(PARAMS, **params))

    def recover(self, check_mode=False, **params):
        """Return ``(decision, recoverer)``."""
        recoverer = self.recoverer(**params)
        return recoverer.recover(check_mode)[0], recoverer

    @property
    def acts(self):
        """What was done to nginx and to containers, in order. Containers of one act are sorted: they are stopped at
        once."""
        return [
            " ".join([verb] + sorted(each.rpartition("-")[0] for _verb, each in group if each))
            for verb, group in itertools.groupby(map(act, self.containers_told), key=lambda each: each[0])
        ]

    @property
    def containers_told(self):
        left_out = ("update_container", "remove_image", "tag")
        return [each for each in self.engine.told if each[0] not in left_out]

    def options(self, call):
        """Return what the only call of this name was made with."""
        (options,) = [options for name, _id, options in self.engine.told if name == call]
        return options

    @property
    def journal(self):
        """The journal on disk."""
        return AppState(str(self.directory), "shop").journal

    @property
    def history(self):
        return read_history(str(self.directory / "shop"))

    def files(self):
        """Return the content of all that is on disk."""
        names = [path for path in (self.directory / "shop").rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in names}


def act(told):
    call, container_id, options = told
    verbs = {"remove_container": "remove with volumes" if options.get("v") else "remove"}
    return verbs.get(call, call), container_id


class Clock:
    """Time that only passes in a sleep. ``then``: ``(s of sleep, what happens after them)``."""

    def __init__(self):
        self.now, self.slept = 50.0, 0.0
        self.then = None

    def monotonic(self):
        return self.now

    def time(self):
        return 1000 + self.now

    def sleep(self, seconds):
        self.now += seconds
        self.slept += seconds
        assert self.slept < 1000
        if self.then and self.slept >= self.then[0]:
            self.then, (_moment, happen) = None, self.then
            happen()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(recoverer_module, "time", made)
    return made


@pytest.fixture
def target(tmp_path):
    """Return a function that makes the target on which this is decided."""

    def target_for(decision, how="create", rollback=False, changes=None, version=NEW, **more):
        text = content("blue" if decision == UNDO else "green")
        changes = dict(STATES[decision], **(changes or {}))
        return Target(tmp_path, unfinished(how, rollback, **more), text, changes, version=version)

    return target_for


# What is done


REMOVED = "remove with volumes cron-green init-green signal-green was-green"
ACTS = {
    FINISH: dict.fromkeys(HOWS, ["make_sure", "drain", "stop signal-blue was-blue", "start cron-green"]),
    BACK: {
        "create": ["back", "stop cron-green signal-green", REMOVED, "start cron-blue"],
        "start": ["back", "stop cron-green was-green", "start cron-blue"],
        "warm": ["back", "stop cron-green", "start cron-blue"],
        "promote": ["back", "stop cron-green signal-green", REMOVED, "start cron-blue"],
    },
    UNDO: {
        "create": ["back", "stop signal-green was-green", REMOVED, "start cron-blue"],
        "start": ["back", "stop was-green", "start cron-blue"],
        "warm": ["back", "start cron-blue"],
        "promote": ["back", "start cron-blue"],
    },
    KEEP: dict.fromkeys(HOWS, ["make_sure"]),
}
OUTCOMES = {FINISH: "deployed", BACK: "rolled_back", UNDO: "rejected", KEEP: "deployed"}


@pytest.mark.parametrize("how, rollback", RUNS)
@pytest.mark.parametrize("decision", DECISIONS)
def test_what_is_done_and_recorded(target, decision, how, rollback):
    made = target(decision, how, rollback)
    decided, recoverer = made.recover()
    assert (decided, made.acts, recoverer.warnings) == (decision, ACTS[decision][how], [])
    outcome = "awaiting_promotion" if (decision, how) == (UNDO, "promote") else OUTCOMES[decision]
    assert made.journal["unfinished"] is None
    assert made.journal["releases"][:-1] == made.releases_before
    newest = made.journal["releases"][-1]
    assert (newest["deploy"], newest["outcome"], newest["rollback"]) == ("d2", outcome, rollback)


@pytest.mark.parametrize("decision, removed", [(UNDO, True), (BACK, True), (FINISH, False), (KEEP, False)])
def test_the_containers_of_hooks_are_removed_with_the_release(target, decision, removed):
    made = target(decision)
    hook = inspected_service("was-green", state="exited", policy=STAYS_STOPPED)
    hook["Config"]["Labels"]["com.docker.compose.hook"] = "pre_start"
    made.engine.add(hook)
    made.recover()
    assert (made.engine.inspect(hook["Id"]) is None) is removed


@pytest.mark.parametrize("removed", [["was-green"], ["signal-green", "init-green", "cron-green"], []])
def test_an_abort_that_was_killed_is_finished(target, removed):
    """A part of the release must not await its promotion."""
    made = target(UNDO, "promote", given_up=True)
    for service in removed:
        made.engine.forget(f"shop-green-{service}-d2")
    assert made.recover()[0] == UNDO
    assert {each["Id"] for each in made.engine.list_containers([]) if each["Id"].endswith("-d2")} == set()
    newest = made.journal["releases"][-1]
    assert (newest["deploy"], newest["outcome"], newest["containers"]) == ("d2", "rejected", [])


@pytest.mark.parametrize("how, rollback", RUNS)
@pytest.mark.parametrize("decision", DECISIONS)
def test_the_run_is_added_to_the_history(target, decision, how, rollback):
    made = target(decision, how, rollback)
    _decision, said = made.recoverer().recover(False)
    (run,) = made.history
    assert run.pop("at") >= "2026"
    outcome = "awaiting_promotion" if (decision, how) == (UNDO, "promote") else OUTCOMES[decision]
    assert run == {
        "begun_at": "2026-01-31T23:59:59Z",
        "kind": "rollback" if rollback else "promote" if how == "promote" else "deploy",
        # The release that was active lost the traffic in a rollback that was finished.
        "outcome": "rolled_back" if rollback and outcome == "deployed" else outcome,
        "release": "v2",
        "previous_release": "v1",
        "color": "green",
        "phases": {},
        "by": {"user": "root", "controller": "ci", "job": "17"},
        "images": {"was-green": IMAGE},
        "warnings": [],
        "reason": said,
    }
    assert said.startswith(f"an interrupted {'rollback' if rollback else 'deploy'} of shop to v2 in green, begun at ")


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("how", HOWS)
def test_check_mode_changes_nothing(target, decision, how):
    made = target(decision, how)
    before = made.files()
    recoverer = made.recoverer()
    decided, said = recoverer.recover(True)
    assert (decided, said.partition(",")[0]) == (decision, "an interrupted deploy of shop to v2 in green")
    assert (made.engine.told, made.files(), recoverer.warnings) == ([], before, [])


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_run_stays_unfinished_where_nginx_fails(target, decision):
    made = target(decision)
    made.swap.errors.append(EdgeError("nginx rejects the reload"))
    before = made.files()
    with pytest.raises(EdgeError, match="^nginx rejects the reload$"):
        made.recover()
    assert (made.engine.told, made.files()) == ([], before)


@pytest.mark.parametrize("decision, release", [(FINISH, "v2"), (KEEP, "v2"), (BACK, "v1"), (UNDO, "v1")])
@pytest.mark.parametrize("by_hand", [False, True])
def test_the_release_with_the_traffic_afterwards(target, decision, release, by_hand):
    made = target(decision, changes={"was-blue": {"deploy": None}} if by_hand else {}, previous=["was-blue-d1"])
    if by_hand:
        made.swap.state.journal["unfinished"]["previous"] = ["was-blue-None"]
    assert made.recoverer().release(decision) == ("" if by_hand and release == "v1" else release)


def test_a_run_of_which_the_journal_knows_less(target):
    """Its owner and its exclusive containers may be missing."""
    made = target(BACK, "warm")
    found = made.swap.state.journal["unfinished"]
    for key in ("by", "previous_exclusive", "exclusive_containers"):
        del found[key]
    assert made.recover()[0] == BACK
    assert made.acts == ["back", "stop cron-green"]
    assert made.history[-1]["by"] is None


# The decision


@pytest.mark.parametrize(
    "text, swap, decision",
    [
        (content("green"), True, FINISH),
        (with_marks(content("green"), generation="g", addresses=["10.0.0.4"]), True, FINISH),
        (content("green", down="blue"), True, FINISH),
        (content("green"), False, UNDO),
        (content("blue"), True, UNDO),
        (content("blue", down="green"), True, UNDO),
        (canary(), True, UNDO),  # some requests are not the traffic
        (app_text("shop", "green", "v2", [], None), True, UNDO),
    ],
    ids=["green", "with marks", "blue down", "never written", "blue", "green down", "canary", "nothing"],
)
def test_nginx_s_file_decides(tmp_path, text, swap, decision):
    found = unfinished()
    if not swap:
        del found["swap"]
    # Without the traffic, blue is stopped: both colors running would be undecided where no file says more.
    changes = {service: {"state": "exited"} for service in ("was-blue", "signal-blue")}
    assert Target(tmp_path, found, text, changes).recover(check_mode=True)[0] == decision


def test_containers_do_not_decide(tmp_path):
    """Only green runs, but nginx has no file of the app: it was never told of green."""
    changes = {service: {"state": "exited"} for service in ("was-blue", "signal-blue")}
    assert Target(tmp_path, unfinished(), None, changes).recover(check_mode=True)[0] == UNDO


@pytest.mark.parametrize(
    "changes, given_up, decision",
    [
        ({}, False, FINISH),
        ({}, True, BACK),
        ({"was-blue": {"state": "exited"}}, True, FINISH),
        ({"signal-green": {"health": "unhealthy"}}, False, BACK),
        ({"signal-green": {"health": "unhealthy"}, "signal-blue": {"health": "unhealthy"}}, False, KEEP),
        ({"cron-green": {"state": "exited"}}, False, FINISH),  # it takes no traffic
        ({"leftover-green": {"state": "exited"}}, False, FINISH),
    ],
)
def test_containers_that_take_traffic_decide(tmp_path, changes, given_up, decision):
    found = unfinished(**({"given_up": True} if given_up else {}))
    assert Target(tmp_path, found, content("green"), changes).recover(check_mode=True)[0] == decision


COMPLETE = {"was-green": 1, "signal-green": 1, "cron-green": 1, "init-green": 1}


@pytest.mark.parametrize(
    "expected, changes, decision",
    [
        (COMPLETE, {}, FINISH),
        (COMPLETE, {"cron-green": {"state": "exited"}}, FINISH),  # it starts after the swap
        ({**COMPLETE, "was-green": 2}, {}, BACK),
        ({**COMPLETE, "worker-green": 1}, {}, BACK),
        ({**COMPLETE, "worker-green": 1}, {"was-blue": {"state": "exited"}}, KEEP),
    ],
)
def test_release_is_finished_if_all_of_it_is_there(tmp_path, expected, changes, decision):
    found = unfinished(expected=expected)
    assert Target(tmp_path, found, content("green"), changes).recover(check_mode=True)[0] == decision


def test_previous_color_is_judged_by_the_services_that_it_ran_with(tmp_path):
    """v2 runs from one ordinary file, in which was-green is was."""
    services = [dict(service, name=service["base"]) for service in SERVICES]
    found = unfinished(services=services, previous_services=SERVICES, given_up=True)
    assert Target(tmp_path, found, content("green")).recover(check_mode=True)[0] == BACK


BOOTS, SICK, ENDED = {"health": "starting"}, {"health": "unhealthy"}, {"state": "exited"}


@pytest.mark.parametrize(
    "told, changes, health, decision, waited",
    [
        ("green", {"was-green": BOOTS}, {"was-green": "healthy"}, FINISH, 1.0),
        ("green", {"was-green": BOOTS}, {"was-green": "unhealthy"}, BACK, 1.0),
        ("green", {"was-green": BOOTS}, {}, BACK, 2.0),
        ("green", {"was-green": {"state": "restarting"}}, {}, BACK, 2.0),
        ("green", {"was-green": ENDED, "was-blue": BOOTS}, {"was-blue": "healthy"}, BACK, 1.0),
        ("green", {"was-green": ENDED, "was-blue": BOOTS}, {"was-blue": "unhealthy"}, KEEP, 1.0),
        ("green", {"was-green": ENDED, "was-blue": BOOTS}, {}, KEEP, 2.0),
        ("green", {"was-green": SICK}, {}, BACK, 0.0),
        ("green", {"was-blue": BOOTS}, {}, FINISH, 0.0),
        ("blue", {"was-green": BOOTS}, {}, UNDO, 0.0),
    ],
)
def test_containers_that_boot_are_waited_for(tmp_path, clock, told, changes, health, decision, waited):
    made = Target(tmp_path, unfinished(), content(told), changes)

    def change():
        for service, word in health.items():
            made.engine._all[f"{service}-{CONTAINERS[service]['deploy']}"]["State"]["Health"]["Status"] = word

    clock.then = (1.0, change)
    assert made.recover(check_mode=True, health_timeout=2)[0] == decision
    assert clock.slept == waited


# nginx


@pytest.mark.parametrize("decision", [FINISH, KEEP])
@pytest.mark.parametrize("version, addresses", [(NEW, []), (OLD, ["10.0.0.4", "10.0.0.5"])])
def test_an_old_nginx_is_made_sure_of_with_the_addresses(target, decision, version, addresses):
    made = target(decision, version=version)
    made.recover()
    assert made.options("make_sure") == {"addresses": addresses}


@pytest.mark.parametrize("decision", [BACK, UNDO])
@pytest.mark.parametrize(
    "mode, endpoints",
    [("container", ["10.0.0.4:3000", "10.0.0.5:3001"]), ("host", ["127.0.0.1:23000", "127.0.0.1:23001"])],
)
def test_the_color_that_loses_the_traffic_is_drained_when_it_goes_back(target, decision, mode, endpoints):
    made = target(decision, services=HOST_SERVICES)
    made.recover(nginx_mode=mode, drain_timeout=7)
    assert made.options("back") == {"endpoints": endpoints, "drain_timeout": 7}


def test_the_previous_color_is_drained_before_it_is_stopped(target, clock):
    made = target(FINISH)
    made.recover(drain_timeout=7)
    assert made.options("drain") == {
        "endpoints": ["10.0.0.2:3000", "10.0.0.3:3001"],
        "old_workers": [(10, 100), (11, 150)],  # those that are leaving
        "proved_at": clock.monotonic(),
        "timeout": 7,
    }


@pytest.mark.parametrize("decision", [FINISH, BACK, UNDO])
def test_a_drain_that_times_out_becomes_a_warning(target, decision):
    made = target(decision)
    made.swap.edge.drained = False
    made.swap.result = {"changed": True, "drained": False, "connections": 3}
    _decision, recoverer = made.recover(drain_timeout=7)
    assert recoverer.warnings == made.history[-1]["warnings"]
    assert [line.partition(" (")[0] for line in recoverer.warnings] == [
        "3 connections to the idle color were still open after 7 s"
    ]
    assert made.acts == ACTS[decision]["create"]


def test_no_drain_no_warning(target):
    """The traffic was there all the time."""
    made = target(UNDO)
    made.swap.result = {"changed": False}
    assert made.recover()[1].warnings == []


# Containers


CRON_RUNS = {"cron-blue": {"state": "running", "policy": RESTARTS}}
ALL_RETIRED = {"was-blue": RETIRED, "signal-blue": RETIRED}


@pytest.mark.parametrize(
    "retire, changes, acts",
    [
        ("stop", {}, ["stop signal-blue was-blue"]),
        ("stop", CRON_RUNS, ["stop cron-blue signal-blue was-blue"]),
        ("stop", ALL_RETIRED, []),
        ("stop", {"was-blue": ENDED, "signal-blue": RETIRED}, ["stop was-blue"]),  # it would restart with the daemon
        ("keep", {}, []),
        ("keep", CRON_RUNS, ["stop cron-blue"]),
        ("remove", {}, ["stop signal-blue was-blue", "remove cron-blue signal-blue was-blue"]),
        ("remove", ALL_RETIRED, ["remove cron-blue signal-blue was-blue"]),
    ],
)
def test_the_previous_color_is_retired(target, retire, changes, acts):
    made = target(FINISH, changes=changes)
    made.recover(retire=retire)
    assert made.acts == ["make_sure", "drain", *acts, "start cron-green"]


def test_previous_containers_that_are_gone_are_left_out(target):
    made = target(FINISH)
    for container_id in ("was-blue-d1", "cron-blue-d1"):
        del made.engine._all[container_id]
    made.recover()
    assert made.acts == ["make_sure", "drain", "stop signal-blue", "start cron-green"]


@pytest.mark.parametrize(
    "decision, started", [(FINISH, "cron-green-d2"), (BACK, "cron-blue-d1"), (UNDO, "cron-blue-d1")]
)
@pytest.mark.parametrize("runs", [False, True])
def test_exclusive_containers_of_the_color_with_the_traffic_run_again(target, decision, started, runs):
    """With the restart policy that they had before they were stopped."""
    service = started.rpartition("-")[0]
    made = target(decision, changes={service: {"state": "running"} if runs else RETIRED})
    policy = {"Name": "on-failure", "MaximumRetryCount": 5}
    made.swap.state.save(restart_policies={started: policy})
    made.recover()
    assert [act for act in made.acts if act.startswith("start")] == ([] if runs else [f"start {service}"])
    inspected = made.engine.inspect(started)
    assert inspected["State"]["Status"] == "running"
    assert runs or inspected["HostConfig"]["RestartPolicy"] == policy
    assert (started in made.journal["restart_policies"]) is runs


@pytest.mark.parametrize("decision", [BACK, UNDO])
def test_exclusive_containers_that_were_stopped_before_stay_stopped(target, decision):
    made = target(decision, previous_exclusive=[])
    made.recover()
    assert "start cron-blue" not in made.acts


def test_the_journal_has_the_restart_policies_of_what_was_stopped(target):
    made = target(FINISH)
    made.recover()
    assert made.journal["restart_policies"] == {"was-blue-d1": RESTARTS, "signal-blue-d1": RESTARTS}
    for container_id in ("was-blue-d1", "signal-blue-d1"):
        assert made.engine.inspect(container_id)["HostConfig"]["RestartPolicy"] == STAYS_STOPPED


BY_HAND = {
    "was-blue": {},
    "signal-blue": {},
    "cron-blue": {},
    **{service: each for service, each in CONTAINERS.items() if service.endswith("green")},
}
BY_HAND_IDS = ["was-blue-None", "signal-blue-None", "cron-blue-None"]


@pytest.mark.parametrize(
    "told, changes, decision, acts",
    [
        (
            "blue",
            {"cron-blue": RETIRED},
            FINISH,
            ["make_sure", "drain", "stop cron-green signal-green was-green", "start cron-blue"],
        ),
        ("blue", {"was-blue": SICK}, BACK, ["back", "stop cron-blue was-blue"]),
        ("green", {}, UNDO, ["back", "stop cron-blue was-blue"]),
        ("blue", {"was-blue": SICK, "was-green": SICK}, KEEP, ["make_sure"]),
    ],
)
def test_a_rollback_to_a_stack_started_by_hand(tmp_path, told, changes, decision, acts):
    """Its containers are those of the journal: they carry no label, not even of an exclusive service."""
    found = unfinished(
        "start",
        rollback=True,
        deploy="adopted",
        release="",
        color="blue",
        containers=BY_HAND_IDS,
        started=["was-blue-None"],
        exclusive_containers=["cron-blue-None"],
        previous=["was-green-d2", "signal-green-d2", "cron-green-d2"],
        previous_exclusive=["cron-green-d2"],
    )
    upstreams = [
        {"name": each["upstream"], "targets": [{"host": each["name"].format(color=told), "port": each["port"]}]}
        for each in SERVICES
    ]
    text = app_text("shop", told, "v1", upstreams, None)
    releases = [record("adopted", "blue"), record("d2", "green")]
    made = Target(tmp_path, found, text, changes, releases=releases, containers=BY_HAND)
    assert made.recover()[0] == decision
    assert made.acts == acts
    newest = made.journal["releases"][-1]
    assert (newest["deploy"], newest["containers"]) == ("adopted", BY_HAND_IDS)
    assert made.history[-1]["release"] is None


# The record


@pytest.mark.parametrize("keep, removed", [(2, ["was:v0"]), (3, [])])
def test_images_of_old_releases_go(tmp_path, keep, removed):
    # It was here before, but is the app's own: its service takes traffic.
    old = record("d0", "green", images={"was-green": {"ref": "was:v0", "id": "sha256:w0", "brought": False}})
    made = Target(tmp_path, unfinished(), content("green"), releases=[old, record("d1", "blue")])
    made.engine.tags["was:v0"] = "sha256:w0"
    made.engine.images.add("sha256:w0")
    made.recover(keep_releases=keep)
    assert [name for call, name, _options in made.engine.told if call == "remove_image"] == removed


def test_an_image_that_can_t_be_removed_becomes_a_warning(target, monkeypatch):
    made = target(UNDO)

    def refuse(name):
        raise EngineError("the Docker Engine refused: it is used")

    monkeypatch.setattr(made.engine, "remove_image", refuse)
    warning = "the image was:v2 could not be removed: the Docker Engine refused: it is used"
    assert made.recover()[1].warnings == made.history[-1]["warnings"] == [warning]


def test_a_history_that_can_t_be_written_becomes_a_warning(target, tmp_path):
    made = target(FINISH)
    os.mkdir(tmp_path / "shop" / "history.jsonl")
    (warning,) = made.recover()[1].warnings
    assert warning.endswith("lacks this run, because it can't be written: Is a directory")
    assert made.journal["unfinished"] is None


@pytest.mark.parametrize("noted", [True, False])
def test_a_killed_adoption_is_undone_before_nginxs_file_exists(tmp_path, noted):
    """Both colors run, nginx has no file of the app, and no release is on record."""
    found = unfinished("create")
    if not noted:
        del found["swap"]
    target = Target(tmp_path, found, None)
    target.swap.state.save(releases=[])
    assert target.recover()[0] == UNDO


# Aliases on a network of others, which only the active color has


BLUE, GREEN = ["shop-blue-was"], ["shop-green-was"]
BLUE_CALLED, GREEN_CALLED = ["orders-api", *BLUE], ["orders-api", *GREEN]
MOVING = {
    key: [{"service": f"was-{color}", "network": "corp", "aliases": [f"shop-{color}-was"], "moving": ["orders-api"]}]
    for key, color in (("moving_aliases", "green"), ("previous_moving_aliases", "blue"))
}


@pytest.mark.parametrize(
    "decision, how, retire, blue, green, blue_then, green_then",
    [
        # Before nginx's file is written: the release gets the aliases.
        (UNDO, "create", "stop", BLUE_CALLED, GREEN_CALLED, BLUE_CALLED, None),
        (UNDO, "create", "stop", BLUE_CALLED, None, BLUE_CALLED, None),  # disconnected, not yet connected
        (UNDO, "start", "stop", BLUE_CALLED, GREEN_CALLED, BLUE_CALLED, GREEN),
        (UNDO, "start", "stop", BLUE_CALLED, None, BLUE_CALLED, GREEN),
        (UNDO, "warm", "keep", BLUE_CALLED, GREEN_CALLED, BLUE_CALLED, GREEN),
        (UNDO, "promote", "stop", BLUE_CALLED, GREEN_CALLED, BLUE_CALLED, GREEN),
        # Between that file and the proof, or before blue is retired.
        (FINISH, "create", "stop", BLUE_CALLED, GREEN_CALLED, BLUE, GREEN_CALLED),
        (FINISH, "create", "keep", BLUE_CALLED, GREEN_CALLED, BLUE, GREEN_CALLED),
        (FINISH, "create", "remove", BLUE_CALLED, GREEN_CALLED, None, GREEN_CALLED),
        (FINISH, "warm", "keep", BLUE_CALLED, None, BLUE, GREEN_CALLED),
        # While blue is retired.
        (FINISH, "create", "stop", None, GREEN_CALLED, BLUE, GREEN_CALLED),
        (FINISH, "create", "keep", None, GREEN_CALLED, BLUE, GREEN_CALLED),
        # Green has failed since.
        (BACK, "create", "stop", BLUE_CALLED, GREEN_CALLED, BLUE_CALLED, None),
        (BACK, "start", "stop", BLUE, GREEN_CALLED, BLUE_CALLED, GREEN),
        (BACK, "start", "stop", None, GREEN_CALLED, BLUE_CALLED, GREEN),
        (KEEP, "create", "stop", BLUE, None, BLUE, GREEN_CALLED),
    ],
)
def test_the_next_run_moves_the_aliases(target, decision, how, retire, blue, green, blue_then, green_then):
    made = target(decision, how, **MOVING)
    for service, names in (("was-blue-d1", blue), ("was-green-d2", green)):
        if names is not None:
            made.engine.join_network(service, "corp", names)
    del made.engine.told[:]
    assert made.recover(retire=retire)[0] == decision
    expected = {"was-blue-d1": blue_then, "was-green-d2": green_then}
    assert made.engine.named_on("corp") == {key: names for key, names in expected.items() if names is not None}
    assert made.journal["unfinished"] is None


@pytest.mark.parametrize("decision, color", [(FINISH, "green"), (UNDO, "blue")])
def test_somebody_answers_to_the_aliases_at_any_time(target, monkeypatch, decision, color):
    made = target(decision, "start", **MOVING)
    made.engine.join_network("was-blue-d1", "corp", BLUE_CALLED)
    made.engine.join_network("was-green-d2", "corp", GREEN_CALLED)
    called = []
    leave = made.engine.leave_network

    def noted(container_id, network):
        leave(container_id, network)
        called.append([key for key, names in made.engine.named_on(network).items() if "orders-api" in names])

    monkeypatch.setattr(made.engine, "leave_network", noted)
    made.recover()
    assert called and all(f"was-{color}" in each[0] for each in called)
