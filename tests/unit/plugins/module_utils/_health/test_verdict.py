# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures are what Engine 26.1 said of containers that Compose 2.26 started, cut down to what the gate may look
at."""

from __future__ import annotations

import copy
import json
import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker.containers import HOOK_LABEL
from ansible_collections.hotswap.compose.plugins.module_utils._health import verdict
from ansible_collections.hotswap.compose.plugins.module_utils._health.probe import ProbeState, Reply
from ansible_collections.hotswap.compose.plugins.module_utils._health.verdict import FAILED, epoch, judge_container

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "inspect"
ONEOFF_LABEL = "com.docker.compose.oneoff"


def inspected(name, **state):
    container = json.loads((FIXTURES / (name + ".json")).read_text())
    container["State"].update(state)
    return container


def rules(**changes):
    return verdict.Rules()._replace(**changes)


def records(*containers, **changes):
    made = []
    for container in containers:
        record = verdict.Record(container)
        record.update(container, rules(**changes), 0.0, 0.0)
        made.append(record)
    return made


def traffic(*names):
    return {"traffic_services": frozenset(names)}


@pytest.mark.parametrize(
    "name, changes, status, reason",
    [
        ("healthy", {}, verdict.READY, "is healthy"),
        ("healthy", traffic("healthy"), verdict.READY, "is healthy"),
        ("starting", {}, verdict.PENDING, "is not healthy yet (not checked yet)"),
        ("defaults", {}, verdict.PENDING, "is not healthy yet (not checked yet)"),
        ("unhealthy", {}, verdict.FAILED, "is unhealthy (last health check exited with 1: connection refused)"),
        ("crashed", {}, verdict.FAILED, "exited with 3 after 1.2 s"),
        ("oneshot", {}, verdict.COMPLETED, "exited with 0 after 0.02 s"),
        ("oneshot", traffic("oneshot"), verdict.FAILED, "exited with 0 after 0.02 s, but it takes traffic"),
        ("oneshot_onfailure", {}, verdict.COMPLETED, "exited with 0 after 0.05 s"),
        (
            "oneshot_checked",
            {},
            verdict.COMPLETED,
            "exited with 0",
        ),
        ("looping", {}, verdict.FAILED, "was restarted 8 times (none allowed): it exited with 3 after 0.11 s"),
        (
            "looping",
            {"max_restarts": 7},
            verdict.FAILED,
            "was restarted 8 times (7 allowed): it exited with 3 after 0.11 s",
        ),
        ("looping", {"max_restarts": 8}, verdict.PENDING, "is restarting"),
        # The Engine calls a container unhealthy that it does not probe just now.
        ("loopingsick", {"max_restarts": 8}, verdict.PENDING, "is restarting"),
        ("oom", {}, verdict.FAILED, "ran out of memory: the kernel killed one of its processes"),
        ("paused", {}, verdict.FAILED, "is paused: it answers no requests"),
        ("created", {}, verdict.PENDING, "is created"),
        ("plain", {}, verdict.READY, "is running"),
        ("disabled", {}, verdict.READY, "is running"),
        (
            "plain",
            traffic("plain"),
            verdict.FAILED,
            "takes traffic but has neither a healthcheck nor a probe",
        ),
        (
            "disabled",
            traffic("disabled"),
            verdict.FAILED,
            "takes traffic but has neither a healthcheck nor a probe",
        ),
    ],
)
def test_judge(name, changes, status, reason):
    verdict = judge_container(inspected(name), rules(**changes), now_epoch=0.0)
    assert (verdict.status, verdict.reason, verdict.due_in) == (status, reason, None)


@pytest.mark.parametrize(
    "name, networks, changes, status",
    [
        ("healthy", ["edge", "shop_default"], dict(traffic("healthy"), network="edge"), verdict.READY),
        ("healthy", ["shop_default"], dict(traffic("healthy"), network="edge"), verdict.FAILED),
        ("starting", ["shop_default"], dict(traffic("starting"), network="edge"), verdict.FAILED),
        ("healthy", ["shop_default"], dict(traffic("was"), network="edge"), verdict.READY),  # it takes no traffic
        ("healthy", ["shop_default"], traffic("healthy"), verdict.READY),  # nginx on the host needs no network
        ("created", [], dict(traffic("created"), network="edge"), verdict.PENDING),
    ],
)
def test_judge_by_the_network_over_which_nginx_reaches_it(name, networks, changes, status):
    container = dict(inspected(name), NetworkSettings={"Networks": dict.fromkeys(networks, {})})
    found = verdict.judge_container(container, rules(**changes), 0.0)
    assert found.status == status
    if status == verdict.FAILED:
        assert found.reason == "takes traffic but is not on the network edge, so nginx can't reach it"


def test_judge_what_the_engine_could_not_start():
    verdict = judge_container(inspected("broken"), rules(), now_epoch=0.0)
    assert verdict.status == FAILED
    assert verdict.reason.startswith("could not be started: failed to create task")
    assert "/no/such/program" in verdict.reason


@pytest.mark.parametrize(
    "status, reason",
    [("dead", "is dead: the Engine could not remove it, or is about to"), ("removing", "is being removed")],
)
def test_judge_what_is_going(status, reason):
    assert verdict.judge_container(inspected("crashed", Status=status), rules(), 0.0) == (verdict.FAILED, reason, None)


def test_judge_restarted_and_running_again():
    container = inspected("healthy")
    container["RestartCount"] = 1
    assert verdict.judge_container(container, rules(max_restarts=1), 0.0).status == verdict.READY
    assert verdict.judge_container(container, rules(), 0.0) == (
        verdict.FAILED,
        "was restarted once (none allowed)",
        None,
    )


@pytest.mark.parametrize(
    "uptime, status, due_in", [(-5.0, verdict.PENDING, 10.0), (4.0, verdict.PENDING, 6.0), (10.0, verdict.READY, None)]
)
def test_judge_without_healthcheck_by_uptime(uptime, status, due_in):
    container = inspected("plain", StartedAt="2026-11-22T11:31:12Z")
    started = epoch("2026-11-22T11:31:12Z")
    verdict = judge_container(container, rules(no_healthcheck="running", **traffic("plain")), started + uptime)
    assert verdict.status == status
    assert verdict.due_in == due_in


def test_judge_shortens_a_long_probe_output():
    container = inspected("unhealthy")
    container["State"]["Health"]["Log"][-1]["Output"] = "Traceback:\n" + "x" * 4000
    reason = verdict.judge_container(container, rules(), 0.0).reason
    assert len(reason) < 300
    assert "\n" not in reason


@pytest.mark.parametrize(
    "stamp, expected",
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("1970-01-01T00:00:01.123456789Z", 1.123456789),
        ("1970-01-01T02:00:01.5+02:00", 1.5),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_epoch(stamp, expected):
    assert verdict.epoch(stamp) == expected


@pytest.mark.parametrize(
    "name, state",
    [
        ("starting", "starting"),
        ("healthy", "healthy"),
        ("unhealthy", "unhealthy"),
        ("plain", "running"),
        ("disabled", "running"),
        ("crashed", "exited (3)"),
        ("looping", "restarting (3)"),
        ("loopingsick", "restarting (4)"),
        ("paused", "paused"),
        ("created", "created"),
    ],
)
def test_state_of(name, state):
    assert verdict.state_of(inspected(name)) == state


def test_a_container_without_the_fields_that_api_1_52_leaves_out():
    container = inspected("../containers/api_1_52")
    (record,) = records(container, network="front")
    assert record.verdict.status == verdict.READY
    report = record.report()
    assert (report["name"], report["health"], report["image"]) == ("store-green-was-green-1", "healthy", "shop-was:v3")


@pytest.mark.parametrize(
    "changes, labels, covered",
    [
        ({}, {verdict.SERVICE_LABEL: "was", ONEOFF_LABEL: "False"}, True),
        ({}, {verdict.SERVICE_LABEL: "was", ONEOFF_LABEL: "True"}, False),
        ({}, {verdict.SERVICE_LABEL: "was", HOOK_LABEL: "pre_start"}, False),
        ({"services": frozenset(["was"])}, {verdict.SERVICE_LABEL: "was", HOOK_LABEL: "pre_start"}, False),
        ({"services": frozenset(["was"])}, {verdict.SERVICE_LABEL: "was"}, True),
        ({"services": frozenset(["was"])}, {verdict.SERVICE_LABEL: "worker"}, False),
        ({"services": frozenset(["was"]), **traffic("signal")}, {verdict.SERVICE_LABEL: "signal"}, True),
        (traffic("signal"), {verdict.SERVICE_LABEL: "worker"}, True),
    ],
)
def test_rules_cover(changes, labels, covered):
    assert rules(**changes).covers(labels) is covered


def test_a_recorded_one_off_is_not_covered():
    assert not rules().covers(verdict.labels_of(inspected("oneoff")))


@pytest.mark.parametrize(
    "names, changes, status, text",
    [
        (["healthy", "healthy_2"], {}, verdict.READY, "2 containers are ready"),
        (["healthy"], {}, verdict.READY, "1 container is ready"),
        (["healthy", "oneshot"], {}, verdict.READY, "2 containers are ready, 1 of them completed"),
        ([], {}, verdict.FAILED, "project shop has no containers; check that docker compose up ran under this name"),
        (["healthy"], traffic("was"), verdict.FAILED, "project shop has no container of the service was"),
        ([], traffic("was", "signal"), verdict.FAILED, "project shop has no container of the services signal, was"),
        (
            ["starting", "healthy", "created"],
            {},
            verdict.PENDING,
            "not ready yet: shop-created-1 is created; shop-starting-1 is not healthy yet (not checked yet)",
        ),
        (["starting", "crashed", "healthy"], {}, verdict.FAILED, "shop-crashed-1 exited with 3 after 1.2 s"),
        (
            ["crashed", "unhealthy", "oom"],
            {},
            verdict.FAILED,
            "shop-crashed-1 exited with 3 after 1.2 s (2 more failed)",
        ),
    ],
)
def test_judge_project(names, changes, status, text):
    judged = records(*map(inspected, names), **changes)
    assert verdict.judge_project("shop", judged, rules(**changes)) == (status, text)


def was(name, **seen):
    """What a look saw of a fixture's container."""
    container = inspected(name)
    known = {"name": name, "started_at": container["State"]["StartedAt"], "restarts": 0}
    return {"seen": {container["Id"]: dict(known, **seen)}}


@pytest.mark.parametrize(
    "names, changes, status, text",
    [
        (["healthy"], was("healthy"), verdict.READY, "1 container is ready"),
        (["healthy", "healthy_2"], was("healthy"), verdict.READY, "2 containers are ready"),
        (
            ["healthy"],
            was("healthy", started_at="2026-01-01T00:00:00Z"),
            verdict.FAILED,
            "shop-healthy-1 was started again after it was ready, but not by its restart policy",
        ),
        (
            ["healthy"],
            was("healthy", started_at="2026-01-01T00:00:00Z", restarts=1),
            verdict.FAILED,
            "shop-healthy-1 was started again after it was ready, but not by its restart policy",
        ),
        (
            ["healthy"],
            was("healthy_2"),
            verdict.FAILED,
            "healthy_2 was removed or replaced after it was ready",
        ),
        (
            ["healthy"],
            {"services": frozenset(["healthy"]), "replicas": {"healthy": 3}},
            verdict.FAILED,
            "project shop has 1 of 3 containers of the service healthy",
        ),
        (["healthy"], {"replicas": {"another": 3}}, verdict.READY, "1 container is ready"),
    ],
)
def test_held_against_what_is_expected_and_was_seen(names, changes, status, text):
    judged = records(*map(inspected, names), **changes)
    assert verdict.judge_project("shop", judged, rules(**changes)) == (status, text)


def test_restart_that_is_allowed_is_no_start_anew():
    container = dict(inspected("healthy"), RestartCount=1)
    seen = was("healthy", started_at="2026-01-01T00:00:00Z")
    (record,) = records(container, max_restarts=1, **seen)
    assert record.verdict.status == verdict.READY


@pytest.mark.parametrize("names", [[], ["healthy"], ["created"]])
def test_nothing_is_missing_while_compose_brings_it_up(names):
    judged, changes = records(*map(inspected, names)), {"services": frozenset(["healthy"]), "replicas": {"healthy": 3}}
    assert verdict.judge_project("shop", judged, rules(**changes), still_coming=True).status != verdict.FAILED


def test_one_shots():
    depends = {verdict.DEPENDS_ON_LABEL: "init:service_completed_successfully:false,db:service_healthy:true"}
    web = inspected("created")
    web["Config"]["Labels"].update(depends)
    assert verdict.one_shots_in([web, inspected("healthy")]) == {"init"}
    assert verdict.one_shots_in([]) == frozenset()


WAS_HEALTHY = {"Health": {"Status": "unhealthy", "Log": [{"Start": "", "ExitCode": 0, "Output": ""}]}}
MEANT_TO_STAY = "exited with 0, but it was healthy before, so it should keep running"


@pytest.mark.parametrize(
    "policy, state, changes, status, reason",
    [
        ("on-failure", {}, {}, verdict.COMPLETED, "exited with 0"),
        (
            "unless-stopped",
            {},
            {},
            verdict.FAILED,
            "exited with 0, but its restart policy is unless-stopped, so it should",
        ),
        # One that others wait for completes, however it is declared.
        ("no", WAS_HEALTHY, {"one_shots": frozenset(["oneshot-checked"])}, verdict.COMPLETED, "exited with 0"),
        ("no", WAS_HEALTHY, {"replicas": {"oneshot-checked": 0}}, verdict.COMPLETED, "exited with 0"),
        ("no", WAS_HEALTHY, {"replicas": {"oneshot-checked": 1}}, verdict.FAILED, MEANT_TO_STAY),
        ("no", {"ExitCode": 1}, {"replicas": {"oneshot-checked": 0}}, verdict.FAILED, "exited with 1"),
    ],
)
def test_judge_what_exits_with_a_healthcheck(policy, state, changes, status, reason):
    container = inspected("oneshot_checked", **state)
    container["HostConfig"]["RestartPolicy"]["Name"] = policy
    found = judge_container(container, rules(**changes), 0.0)
    assert found.status == status
    assert found.reason.startswith(reason)


def test_a_one_shot_may_be_gone():
    expecting = rules(services=frozenset(["healthy", "init"]), replicas={"healthy": 1, "init": 0})
    healthy = records(inspected("healthy"))
    assert verdict.judge_project("shop", healthy, expecting).status == verdict.READY


def test_a_one_shot_that_has_completed_may_be_removed():
    record = records(inspected("oneshot"))[0]
    record.update(None, rules(), 1.0, 0.0)
    assert (record.verdict.status, record.state) == (verdict.COMPLETED, "removed")


def test_one_shot_that_runs_has_not_completed():
    container = inspected("plain")
    changes = {"one_shots": frozenset([verdict.service_of(container)])}
    assert records(container, **changes)[0].verdict == (verdict.PENDING, "has not completed yet", None)


@pytest.mark.parametrize(
    "healthcheck, timeout, warning",
    [
        (None, 1, None),
        ({"Test": ["NONE"]}, 1, None),
        ({"Test": ["CMD", "true"]}, 90, None),
        (
            {"Test": ["CMD", "true"]},
            89,
            "the healthcheck of service healthy may take 90 s to fail (start_period 0 s + interval 30 s x retries "
            "3), longer than the timeout of 89 s",
        ),
        ({"Test": ["CMD", "true"], "Interval": 10 * 10**9, "StartPeriod": 20 * 10**9, "Retries": 3}, 50, None),
        (
            {"Test": ["CMD", "true"], "Interval": 10 * 10**9, "StartPeriod": 20 * 10**9, "Retries": 3},
            49.5,
            "the healthcheck of service healthy may take 50 s to fail (start_period 20 s + interval 10 s x retries "
            "3), longer than the timeout of 49.5 s",
        ),
    ],
)
def test_timeout_warning(healthcheck, timeout, warning):
    container = inspected("healthy")
    container["Config"]["Healthcheck"] = healthcheck
    assert verdict.timeout_warning(container, timeout) == warning


def test_timeline_has_each_change_once():
    record = verdict.Record(inspected("starting"))
    again = inspected("starting")
    again["RestartCount"] = 1
    seen = [inspected("starting"), inspected("starting"), again, inspected("healthy"), None]
    changed = [record.update(one, rules(max_restarts=1), at, 0.0) for at, one in enumerate(seen)]
    assert changed == [True, False, True, True, True]
    assert record.timeline == [
        {"at": 0, "state": "starting"},
        {"at": 2, "state": "starting"},
        {"at": 3, "state": "healthy"},
        {"at": 4, "state": "removed"},
    ]
    assert record.verdict == (verdict.FAILED, "was removed during the wait", None)


def test_report():
    (record,) = records(inspected("crashed"))
    report = record.report()
    assert report.pop("id") == inspected("crashed")["Id"]
    assert report.pop("image_id") == inspected("crashed")["Image"]
    assert report == {
        "name": "shop-crashed-1",
        "service": "crashed",
        "replica": 1,
        "image": "probe:1",
        "state": "exited",
        "health": None,
        "exit_code": 3,
        "oom_killed": False,
        "restarts": 0,
        "verdict": "failed",
        "reason": "exited with 3 after 1.2 s",
        "timeline": [{"at": 0.0, "state": "exited (3)"}],
        "probes": [],
        "log": [],
    }


def test_replicas_are_in_numeric_order():
    tenth = copy.deepcopy(inspected("healthy_2"))
    tenth["Config"]["Labels"][verdict.REPLICA_LABEL] = "10"
    ordered = verdict.sort_records(records(tenth, inspected("healthy_2"), inspected("healthy")))
    assert [record.report()["replica"] for record in ordered] == [1, 2, 10]


def test_what_failed_is_explained_before_what_is_awaited():
    def explained(*names):
        return [record.name for record in verdict.records_to_explain(records(*map(inspected, names)))]

    assert explained("starting", "crashed", "healthy") == ["shop-crashed-1"]
    assert explained("starting", "healthy") == ["shop-starting-1"]
    assert explained("healthy", "oneshot") == ["shop-healthy-1"]


def replied(*passed, status):
    replies = tuple(
        Reply(each, f"GET http://10.0.0.2:3000/: reply {number}", 0.0) for number, each in enumerate(passed)
    )
    return ProbeState(status, len(passed), replies, any(passed))


PASSED = replied(True, status="healthy")
NOT_YET = "has not passed its probe yet (not probed yet)"


@pytest.mark.parametrize(
    "name, probe, status, reason, state",
    [
        ("plain", ProbeState(), verdict.PENDING, NOT_YET, "starting"),
        # An earlier look saw it pass, and this one has not asked yet.
        ("plain", ProbeState("healthy"), verdict.PENDING, NOT_YET, "healthy"),
        (
            "plain",
            replied(False, status="starting"),
            verdict.PENDING,
            "has not passed its probe yet (GET http://10.0.0.2:3000/: reply 0)",
            "starting",
        ),
        ("plain", replied(True, status="healthy"), verdict.READY, "passes its probe", "healthy"),
        ("disabled", replied(True, status="healthy"), verdict.READY, "passes its probe", "healthy"),
        (
            "plain",
            replied(False, False, status="unhealthy"),
            verdict.FAILED,
            "failed its probe 2 times in a row (GET http://10.0.0.2:3000/: reply 1)",
            "unhealthy",
        ),
        # Beside a healthcheck, both must pass.
        ("healthy", replied(True, status="healthy"), verdict.READY, "passes its probe", "healthy"),
        ("healthy", ProbeState(), verdict.PENDING, NOT_YET, "starting"),
        (
            "starting",
            replied(True, status="healthy"),
            verdict.PENDING,
            "is not healthy yet (not checked yet)",
            "starting",
        ),
        (
            "unhealthy",
            replied(True, status="healthy"),
            verdict.FAILED,
            "is unhealthy (last health check exited with 1: connection refused)",
            "unhealthy",
        ),
        # What does not run is no matter of probes.
        ("crashed", replied(True, status="healthy"), verdict.FAILED, "exited with 3 after 1.2 s", "exited (3)"),
    ],
)
@pytest.mark.parametrize("no_healthcheck", ["fail", "running"])
def test_judge_by_a_probe(name, probe, status, reason, state, no_healthcheck):
    container = inspected(name)
    changes = {**traffic(name), "no_healthcheck": no_healthcheck}
    found = judge_container(container, rules(**changes), 0.0, probe=probe)
    assert (found.status, found.reason) == (status, reason)
    assert verdict.state_of(container, probe) == state


def test_the_replies_to_a_probe_are_evidence():
    record = verdict.Record(inspected("plain"))
    record.update(
        inspected("plain"), rules(**traffic("plain")), 0.0, 0.0, probe=replied(True, False, status="starting")
    )
    assert record.report()["health"] == "starting"
    assert verdict.probes_of(record.container, record.probe) == [
        {"start": "1970-01-01T00:00:00.000000Z", "exit_code": 0, "output": "GET http://10.0.0.2:3000/: reply 0"},
        {"start": "1970-01-01T00:00:00.000000Z", "exit_code": None, "output": "GET http://10.0.0.2:3000/: reply 1"},
    ]
