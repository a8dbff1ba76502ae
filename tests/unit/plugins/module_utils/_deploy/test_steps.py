# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import steps
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import (
    CREATE,
    PROMOTE,
    REFRESH,
    START,
    WARM,
    Plan,
)
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.request import complete_request

JOINS = [{"color": "green", "file": "compose.green.json"}]
WAITS = {"waits": [{"project": "shop-shared", "services": ["db"]}]}


def a_request(kind="deploy", **settings):
    known = {"vhost": {}, "bake_error_ratio": 2}
    more = {name: settings.pop(name, default) for name, default in (("preview", {}), ("smoke_tests", []))}
    return complete_request({**known, **settings}, kind=kind, recovered=settings.pop("recovered", {}), **more)


def a_plan(how=CREATE, **fields):
    return Plan(**{"deploy": "d2", "how": how, "active_color": "blue", "can_go_back": True, **fields})


# Each kind of run, by how its color comes up, without any setting.
PLAIN = [
    ("deploy", CREATE, "start gate swap drain retire record"),
    ("deploy", REFRESH, "ask swap record"),
    ("rollback", CREATE, "start gate swap drain retire record"),
    ("rollback", START, "start gate swap drain retire record"),
    ("rollback", WARM, "ask swap drain retire record"),
    ("promote", PROMOTE, "start gate swap drain retire record"),
    ("promote", START, "start gate swap drain retire record"),
    ("promote", WARM, "ask swap drain retire record"),
]


@pytest.mark.parametrize("kind, how, expected", PLAIN)
def test_a_run_without_settings(kind, how, expected):
    assert steps.steps_of(a_request(kind), a_plan(how)) == expected.split()


def asking(step):
    return [f"{step} ask", f"{step} ask", f"{step} ask", step, f"{step} ask"]


# Each setting or part of a plan that changes the list: the steps that it adds to a deploy, a rollback that creates
# containers, a rollback to stopped ones, a rollback to running ones and a promotion. A rollback to running ones asks
# for the swap in any case, because it has no gate that notifies the handler.
ADDED = [
    ({"smoke_tests": [{"path": "/"}]}, {}, asking("smoke")),
    ({"hooks": {"before_start": "/h.yml"}}, {}, ["before_start", "before_start", "before_start", "", ""]),
    ({"hooks": {"before_swap": "/h.yml"}}, {}, asking("before_swap")),
    (
        {"hooks": {"after_swap": "/h.yml", "after_retire": "/h.yml", "on_rollback": "/h.yml"}},
        {},
        ["after_swap after_retire", *["after_swap after_retire on_rollback"] * 3, "after_swap after_retire"],
    ),
    ({"migrate": {"command": "migrate"}}, {}, ["migrate", "", "", "", ""]),
    ({"canary_steps": [{"weight": 10, "hold": 5}]}, {}, asking("canary")),
    ({"canary_steps": [{"weight": 10, "hold": 5}]}, {"can_go_back": False}, [""] * 5),
    ({"bake_seconds": 5}, {}, ["bake"] * 5),
    ({"preview": {"header": "X-Preview"}}, {}, [""] * 5),  # nobody could use it
    (
        {"preview": {"header": "X-Preview"}, "hooks": {"before_swap": "/h.yml"}},
        {},
        ["preview before_swap ask", *asking("before_swap")[1:]],
    ),
    (
        {"preview": {"header": "X-Preview"}, "hooks": {"before_swap": "/h.yml"}},
        {"active_color": None},
        asking("before_swap"),
    ),
    ({}, {"joins": JOINS}, ["create"] * 5),
    ({}, {"exclusive": ["worker"]}, ["create exclusive", "create exclusive", "exclusive", "exclusive", "exclusive"]),
    ({}, {"pulls": ["was-green"]}, ["prepare"] * 5),
    ({}, {"builds": [{"image": "shop-was:v2"}], "plans_again": True}, ["build plan_again"] * 5),
    ({}, {"previous_exclusive": ["id"]}, ["exclusive"] * 5),
    ({}, {"shared": WAITS}, ["shared"] * 5),
    ({}, {"shared": {"waits": []}}, [""] * 5),
    ({}, {"shared": {"by_hand": {"db": ["id"]}}}, [""] * 5),
]
RUNS = [("deploy", CREATE), ("rollback", CREATE), ("rollback", START), ("rollback", WARM), ("promote", PROMOTE)]


@pytest.mark.parametrize("settings, fields, added", ADDED)
def test_what_changes_the_list(settings, fields, added):
    for (kind, how), more in zip(RUNS, added):
        plain = steps.steps_of(a_request(kind), a_plan(how))
        found = steps.steps_of(a_request(kind, **settings), a_plan(how, **fields))
        assert sorted(set(found) - set(plain)) == sorted(more.split()), (kind, how)
        assert set(plain) <= set(found), (kind, how)


EVERYTHING = {
    "smoke_tests": [{"path": "/"}],
    "hooks": dict.fromkeys(("before_start", "before_swap", "after_swap", "after_retire", "on_rollback"), "/h.yml"),
    "migrate": {"command": "migrate"},
    "canary_steps": [{"weight": 10, "hold": 5}],
    "bake_seconds": 5,
    "preview": {"header": "X-Preview"},
}
COMING = {"pulls": ["was-green"], "builds": [{"image": "shop-was:v2"}], "plans_again": True}
ALL_OF_IT = {"joins": JOINS, "exclusive": ["worker"], "shared": WAITS}


def test_everything_at_once_is_in_order():
    found = steps.steps_of(a_request(**EVERYTHING), a_plan(**ALL_OF_IT, **COMING))
    assert found == [step for step in steps.ORDER if step not in ("nginx", "await", "on_rollback")]


@pytest.mark.parametrize("chosen", list(itertools.product([False, True], repeat=3)))
def test_a_release_that_awaits_its_promotion_stops_before_the_swap(chosen):
    settings = {key: EVERYTHING[key] for key, is_in in zip(("bake_seconds", "canary_steps", "hooks"), chosen) if is_in}
    found = steps.steps_of(a_request(auto_promote=False, **settings), a_plan())
    before_start = ["before_start"] if chosen[2] else []
    assert found == [*before_start, "start", "gate", "await", "record"]


def test_a_preview_is_open_while_a_release_awaits_its_promotion():
    request = a_request(auto_promote=False, preview={"header": "X-Preview"})
    assert steps.steps_of(request, a_plan()) == ["start", "gate", "preview", "await", "record"]
    assert "preview" not in steps.steps_of(request, a_plan(active_color=None))  # a first deploy has no preview


@pytest.mark.parametrize("how", [CREATE, START, WARM, PROMOTE, REFRESH])
def test_a_request_that_is_fulfilled_has_no_steps(how):
    assert steps.steps_of(a_request(**EVERYTHING), a_plan(how, unchanged=True, **ALL_OF_IT)) == []


def test_a_request_may_be_found_fulfilled_after_the_pull_and_the_builds():
    plan = a_plan(unchanged=True, **ALL_OF_IT, **COMING)
    assert steps.steps_of(a_request(**EVERYTHING), plan) == ["prepare", "build", "plan_again"]


def test_each_step_that_few_runs_have_is_in_one_group():
    assert steps.groups_of(["start", "gate", "swap", "drain", "retire", "record"]) == []
    assert steps.groups_of(["migrate", "start", "smoke", "swap", "bake", "on_rollback"]) == list(steps.GROUPS)
    grouped = [step for group in steps.GROUPS.values() for step in group]
    assert len(grouped) == len(set(grouped))


def test_before_nginx_runs_it_is_made_and_the_run_is_planned_again():
    plan = steps.blind_plan(a_request(release="v2", **EVERYTHING))
    assert (plan.release, plan.steps, plan.groups) == ("v2", ["nginx"], ["prepare"])


@pytest.mark.parametrize("settings, how", [({}, CREATE), ({}, START), ({"bake_seconds": 5}, PROMOTE)])
def test_the_gate_notifies_the_handler_of_a_swap_that_is_next(settings, how):
    found = steps.steps_of(a_request(**settings), a_plan(how))
    assert found[found.index("gate") + 1] == "swap"


@pytest.mark.parametrize("settings, how", [(EVERYTHING, CREATE), ({}, WARM), ({}, REFRESH), (EVERYTHING, WARM)])
def test_any_other_swap_is_asked_for_directly_before_it(settings, how):
    found = steps.steps_of(a_request(**settings), a_plan(how))
    assert found[found.index("swap") - 1] == "ask"


@pytest.mark.parametrize(
    "settings, fields, expected",
    [
        ({"bake_seconds": 5, "vhost": {"server_names": ["a"]}}, {}, "d2"),
        ({"canary_steps": [{"weight": 10, "hold": 5}], "vhost": {"server_names": ["a"]}}, {}, "d2"),
        ({"vhost": {"server_names": ["a"]}}, {}, ""),
        ({"bake_seconds": 5}, {}, ""),
        ({"bake_seconds": 5, "vhost": {"server_names": ["a"]}, "bake_error_ratio": 0}, {}, ""),
        ({"bake_seconds": 5, "vhost": {"server_names": ["a"]}}, {"active_color": None}, ""),
        ({"bake_seconds": 5, "vhost": {"server_names": ["a"]}, "auto_promote": False}, {}, ""),
    ],
)
def test_when_nginx_logs_the_answers(settings, fields, expected):
    plan = a_plan(**fields)
    steps.complete_plan(a_request(**settings), plan)
    assert plan.answer_log == expected


@pytest.mark.parametrize(
    "kind, how, settings, unchanged, recovered, expected",
    [
        ("deploy", CREATE, {}, False, {}, "deployed"),
        ("deploy", CREATE, {"auto_promote": False}, False, {}, "awaiting_promotion"),
        ("deploy", REFRESH, {"auto_promote": False}, False, {}, "deployed"),
        ("deploy", CREATE, {}, True, {}, "unchanged"),
        ("deploy", CREATE, {}, True, {"decision": "undo", "gone_back_to": "v1"}, "unchanged"),
        ("deploy", CREATE, {}, True, {"decision": "finish"}, "deployed"),
        ("promote", PROMOTE, {}, False, {}, "deployed"),
        ("promote", WARM, {}, True, {"decision": "finish", "promoted": True}, "deployed"),
        ("rollback", START, {}, False, {}, "rolled_back"),
        ("rollback", WARM, {}, True, {}, "unchanged"),
        ("rollback", WARM, {}, True, {"decision": "undo", "gone_back_to": "v1"}, "rolled_back"),
        ("rollback", WARM, {}, True, {"decision": "finish"}, "unchanged"),
    ],
)
def test_outcome(kind, how, settings, unchanged, recovered, expected):
    request = dict(a_request(kind, **settings), recovered=recovered)
    assert steps.outcome_of(request, a_plan(how, unchanged=unchanged)) == expected


@pytest.mark.parametrize("auto_promote, outcome", [(True, "deployed"), (False, "awaiting_promotion")])
def test_a_plan_without_a_look(auto_promote, outcome):
    plan = steps.blind_plan(a_request(release="v2", auto_promote=auto_promote))
    assert (plan.release, plan.color, plan.unchanged, plan.outcome) == ("v2", None, False, outcome)
