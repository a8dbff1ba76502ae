# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deploy of v2 to green, beside v1 in blue, by what its tasks have registered."""

from __future__ import annotations

import types

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils._run import Run

PLAN = {
    "release": "v2",
    "previous_release": "v1",
    "color": "green",
    "active_color": "blue",
    "how": "create",
    "project": "shop-green",
    "services": ["was"],
    "exclusive": ["worker"],
    "traffic_services": ["was"],
    "expected": {"was": 1},
    "probes": [],
    "steps": ["migrate", "start", "gate", "before_swap", "ask", "swap", "bake", "drain", "retire", "record"],
    "outcome": "deployed",
    "awaits_promotion": False,
}
SETTINGS = {"services": [{"name": "was-{color}"}], "keep_releases": 3, "max_restarts": 1, "bake_failures": 2}


def stamp(phase, began, ended=None, run="r1"):
    return {"stamp": {"run": run, "phase": phase, "began": float(began), "ended": float(ended or began + 1)}}


def a_run(**results):
    named = {f"__bluegreen_{name}": result for name, result in results.items()}
    known = {
        "__bluegreen_kind": "deploy",
        "__bluegreen_validated": {"run_id": "r1", "settings": SETTINGS},
        "__bluegreen_planned": {"plan": PLAN, **stamp("detect", 0)},
    }
    return Run({**known, **named})


def container(service="was", **more):
    return {"name": f"{service}-1", "service": service, **more}


FAILED = {"stamp": {"run": "r1"}, "phase": "gate", "hook": "", "why": "no", "module": "x", "evidence": {}}


@pytest.mark.parametrize(
    "result",
    [
        {"phase": "gate", **stamp("gate", 5, run="r0")},  # of an earlier run in the same play
        {"changed": False, "skipped": True},
        {"changed": False, "failed": True, "msg": "no"},  # its evidence is with the failure
        None,
    ],
)
def test_what_is_not_of_this_run_is_not_there(result):
    run = a_run(started=result)
    assert run.of("started") == {} == run.gate()
    assert list(run.phases()) == ["detect"]


def test_a_phase_lasts_until_the_next_one_begins():
    run = a_run(pulled=stamp("prepare", 2), started=stamp("start", 5, 9))
    assert run.phases() == {"detect": 2.0, "prepare": 3.0, "start": 4.0}
    assert (run.last_phase(), run.ended()) == ("start", 9.0)


def test_a_task_may_have_several_phases():
    """The way to the target and back belongs to the first of them."""
    finished = {**stamp("drain", 10, 20), "phases": {"drain": 6.0, "retire": 2.0, "record": 1.0}}
    assert a_run(swapped=stamp("swap", 8), finished=finished).phases() == {
        "detect": 8.0,
        "swap": 2.0,
        "drain": 7.0,
        "retire": 2.0,
        "record": 1.0,
    }


def test_a_phase_that_has_failed_has_its_seconds():
    evidence = {**stamp("drain", 10, 14), "phases": {"drain": 3.0}}
    run = a_run(
        swapped=stamp("swap", 8),
        failure={**FAILED, "phase": "drain", "evidence": evidence, "failed_stamp": evidence["stamp"]},
        undone={**stamp("undo", 15, 20), "phases": {"undo": 3.0, "record": 1.0}},
    )
    assert run.phases() == {"detect": 8.0, "swap": 2.0, "drain": 5.0, "undo": 4.0, "record": 1.0}


def test_the_plans_before_the_last_one_count():
    planned = {"plan": PLAN, "plans": [{**stamp("detect", 0), "warnings": ["slow"]}], "warnings": ["old"]}
    run = a_run(planned={**planned, **stamp("prepare", 5)}, pulled=stamp("prepare", 2), built=stamp("build", 3))
    assert run.phases() == {"detect": 2.0, "prepare": 2.0, "build": 2.0}
    assert run.warnings() == ["slow", "old"]


@pytest.mark.parametrize(
    "results, phase",
    [
        ({}, "migrate"),
        ({"migrated": stamp("migrate", 2)}, "start"),
        ({"started": stamp("gate", 2)}, "swap"),  # what is between them is no phase
        ({"swapped": stamp("swap", 5)}, "bake"),
        ({"baked": stamp("bake", 6)}, "drain"),
        ({"finished": stamp("drain", 7)}, "drain"),
    ],
)
def test_a_failure_that_tells_no_phase_counts_to_the_next_one(results, phase):
    assert a_run(**results).next_phase() == phase


def test_the_containers_are_those_of_the_last_look():
    was, worker = container(verdict="ready"), container("worker", verdict="ready")
    started = {**stamp("gate", 3), "gate": {"containers": [was]}}
    assert a_run(started=started).containers() == [was]
    after = {**stamp("exclusive", 6), "containers": [was, worker]}
    assert a_run(started=started, exclusive_gate=after).containers() == [was, worker]
    baked = {**stamp("bake", 8), "containers": [dict(was, restarts=1), worker]}
    assert a_run(started=started, exclusive_gate=after, baked=baked).containers() == [dict(was, restarts=1), worker]


def test_those_that_failed_are_last():
    failing = container("db", verdict="failed")
    evidence = {"containers": [failing], "gate": {}}
    failure = {**FAILED, "phase": "start", "module": "hotswap.compose.bluegreen_start", "evidence": evidence}
    assert a_run(failure=failure).containers() == [failing]
    assert a_run(failure=failure).gate() == {}


def test_a_gate_that_was_not_passed():
    failing = container(verdict="failed")
    evidence = {"containers": [failing], "gate": {"elapsed": 3.0}}
    run = a_run(failure={**FAILED, "module": "hotswap.compose.bluegreen_start", "evidence": evidence})
    assert run.gate() == {"elapsed": 3.0, "containers": [failing]}
    assert run.containers() == [failing]


def test_a_result_has_the_warnings_of_the_run_once_each():
    run = a_run(
        planned={"plan": PLAN, "warnings": ["slow"], **stamp("detect", 0)},
        started={**stamp("gate", 3), "warnings": ["slow", "short"]},
        finished={**stamp("drain", 7), "warnings": ["cut"], "left_undone": ["it could not be retired"]},
        tolerated_failures={"stamp": {"run": "r1"}, "left_undone": ["the hook after_retire failed: no"]},
    )
    assert run.warnings() == ["slow", "short", "cut", "it could not be retired", "the hook after_retire failed: no"]


def test_a_warning_may_be_an_object():
    """From ansible-core 2.19 on."""
    slow = types.SimpleNamespace(event=types.SimpleNamespace(msg="slow"))
    assert a_run(started={**stamp("gate", 3), "warnings": [slow, "short"]}).warnings() == ["slow", "short"]


def test_a_migration_is_not_undone():
    settings = {**SETTINGS, "migrate": {"command": "manage migrate"}}
    migrated = {**stamp("migrate", 2), "rc": 0}
    more = {"validated": {"run_id": "r1", "settings": settings}, "migrated": migrated}
    assert a_run(**more).left_undone() == []
    assert a_run(**more, failure=FAILED).left_undone() == ["the migration (manage migrate) has been run"]


@pytest.mark.parametrize(
    "results, outcome, color, release",
    [
        ({}, "deployed", "green", "v2"),
        ({"kind": "abort"}, "rejected", "blue", "v1"),
        ({"failure": FAILED}, "rejected", "blue", "v1"),  # nothing could be undone
        ({"failure": FAILED, "undone": {**stamp("undo", 9), "outcome": "rejected"}}, "rejected", "blue", "v1"),
        ({"failure": FAILED, "undone": {**stamp("undo", 9), "outcome": "rolled_back"}}, "rolled_back", "blue", "v1"),
        (
            {"failure": FAILED, "undone": {**stamp("undo", 9), "outcome": "rejected", "new_keeps_it": True}},
            *("rejected", "green", "v2"),
        ),
    ],
)
def test_who_has_the_traffic(results, outcome, color, release):
    found = a_run(**results).result()
    assert (found["outcome"], found["active_color"], found["release"]) == (outcome, color, release)
    assert found["previous_release"] == "v1"


def test_what_is_recorded():
    run = a_run(started={**stamp("gate", 2, 5), "warnings": ["short"]})
    assert run.record() == {
        "outcome": "deployed",
        "services": ["was-{color}"],
        "keep_releases": 3,
        "run": {
            "kind": "deploy",
            "release": "v2",
            "previous_release": "v1",
            "color": "green",
            "phases": {"detect": 2.0, "gate": 3.0},
            "warnings": ["short"],
            "reason": None,
        },
    }
    waits = {"plan": {**PLAN, "awaits_promotion": True}, **stamp("detect", 0)}
    assert a_run(planned=waits).record()["outcome"] == "awaiting_promotion"
    assert a_run(failure=FAILED).record()["run"]["reason"] == "no"


@pytest.mark.parametrize(
    "results, expected",
    [
        ({}, {"services": ["was"], "max_restarts": 1, "seen": {}}),
        (
            {"started": {**stamp("gate", 3), "gate": {"seen": {"a": 1}}}},
            {"services": ["was"], "max_restarts": 1, "seen": {"a": 1}},
        ),
        (
            {
                "started": {**stamp("gate", 3), "gate": {"seen": {"a": 1}}},
                "exclusive_gate": {**stamp("exclusive", 5), "seen": {"b": 1}},
            },
            {"services": ["was", "worker"], "max_restarts": 1, "seen": {"b": 1}},
        ),
        (
            {
                "started": {**stamp("gate", 3), "gate": {"seen": {"a": 1}}},
                "baked": {**stamp("bake", 5), "seen": {"c": 1}},
            },
            {"services": ["was"], "max_restarts": 3, "seen": {"c": 1}},  # a restart that the bake allowed
        ),
        ({"planned": {"plan": {**PLAN, "how": "warm"}, **stamp("detect", 0)}}, {"max_restarts": -1}),
        ({"planned": {"plan": {**PLAN, "how": "refresh"}, **stamp("detect", 0)}}, {"project_name": ""}),
    ],
)
def test_what_the_color_must_still_be(results, expected):
    found = a_run(**results).look_options()
    assert {key: found[key] for key in expected} == expected
    assert set(found) == {
        *("project_name", "services", "traffic_services", "replicas", "max_restarts", "seen", "probes")
    }


BY_START = {**FAILED, "module": "hotswap.compose.bluegreen_start"}


@pytest.mark.parametrize(
    "results, failure, introduced",
    [
        ({}, FAILED, False),
        ({"started": {**stamp("gate", 2), "introduced": True}}, FAILED, True),
        ({"started": {**stamp("gate", 2), "introduced": False}}, FAILED, False),
        ({}, {**BY_START, "evidence": {"introduced": True}}, True),  # the gate failed after that
        ({}, {**BY_START, "evidence": {"introduced": False}}, False),
        ({}, BY_START, True),  # the module died
        ({"previewed": {**stamp("preview", 2), "changed": True}}, FAILED, True),
        ({"started": {**stamp("gate", 2, run="r0"), "introduced": True}}, FAILED, False),
    ],
)
def test_whether_nginx_was_told_of_the_new_color(results, failure, introduced):
    assert a_run(**results).is_introduced(failure) is introduced


GATE = {"health_timeout": 60, "health_stable_for": 2, "no_healthcheck": "fail", "min_uptime": 10, "network": "edge"}


@pytest.mark.parametrize(
    "mode, release, network",
    [("container", "v2", "edge"), ("host", "v2", None), ("container", None, None)],
)
def test_what_the_gate_asks_for(mode, release, network):
    settings = {**SETTINGS, **GATE, "nginx_mode": mode}
    run = a_run(
        validated={"run_id": "r1", "settings": settings},
        planned={"plan": {**PLAN, "release": release}, **stamp("detect", 0)},
    )
    asked = {"timeout": 60, "stable_for": 2, "no_healthcheck": "fail", "min_uptime": 10}
    assert run.gate_options() == {**asked, "gate_network": network}
