# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import re
from contextlib import nullcontext

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import planner as planner_module
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import Plan
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError, ProbeError
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import UNUSABLE
from ansible_collections.hotswap.compose.plugins.module_utils._state.journal import AWAITING
from ansible_collections.hotswap.compose.tests.unit.stand_ins import SERVICES, StandInTarget, container, stack

VHOST = {"server_names": ["shop.example"], "listen": ["8080"]}


@pytest.fixture
def target(tmp_path, monkeypatch):
    return StandInTarget(tmp_path, monkeypatch)


SECOND_HALF = (
    *("active_color", "previous_release", "can_go_back", "previous_containers"),
    *("previous_exclusive", "previous_endpoints"),
)


def test_plan_of_a_first_deploy_has_no_active_color(target):
    plan = target.plan(release="v1")
    assert [plan[key] for key in SECOND_HALF] == [None, None, False, [], [], []]
    assert sorted(plan) == sorted(field.name for field in dataclasses.fields(Plan))


def test_plan_of_a_later_deploy_has_the_active_color(target):
    v1 = target.deploy("v1")
    target.change("blue", "cache-blue", exclusive=True)
    cache, signal, was = v1["containers"]
    plan = target.plan(release="v2")
    assert [plan[key] for key in SECOND_HALF] == [
        *["blue", "v1", True, [cache, signal, was], [cache], ["10.0.0.3:3001", "10.0.0.4:3000"]]
    ]


@pytest.mark.parametrize("kind", ["deploy", "rollback", "promote", "abort"])
def test_each_kind_of_plan_has_the_active_color(target, kind):
    target.deploy("v1")
    v2 = target.deploy("v2")
    if kind in ("promote", "abort"):
        target.deploy("v1", AWAITING, auto_promote=False)
    plan = target.plan(kind, **({"release": "v1"} if kind == "deploy" else {}))
    assert (plan["release"], plan["color"]) == ("v1", "blue")
    assert (plan["active_color"], plan["previous_release"]) == ("green", "v2")
    assert plan["previous_containers"] == v2["containers"]


@pytest.mark.parametrize(
    "state, exclusive",
    [("running", True), ("restarting", True), ("paused", True), ("exited", False), ("created", False), ("dead", False)],
)
def test_exclusive_containers_that_have_ended_are_not_stopped(target, state, exclusive):
    v1 = target.deploy("v1")
    target.change("blue", "cache-blue", exclusive=True, state=state)
    plan = target.plan(release="v2")
    assert plan["previous_exclusive"] == (v1["containers"][:1] if exclusive else [])


def test_plan_has_the_texts_the_locations_and_the_steps(target):
    target.deploy("v1", vhost=VHOST)
    plan = target.plan(release="v2", vhost=VHOST, bake_seconds=5, bake_error_ratio=2, auto_promote=True)
    assert "# color: green\n" in plan["content"]
    assert "# color: blue\n" in plan["previous_content"]
    assert "server shop-green-was:3000 resolve down;" in plan["introduction"]
    assert [each["name"] for each in plan["upstreams"]] == ["shop-was", "shop-signal"]
    assert plan["edge_url"] == {"url": "http://172.18.0.2:8080/", "host": "shop.example"}
    assert plan["locations"] == [{"path": "/", "service": "was-{color}"}]
    assert plan["steps"] == ["start", "gate", "swap", "bake", "drain", "retire", "record"]
    assert (plan["outcome"], plan["awaits_promotion"], plan["answer_log"]) == ("deployed", False, plan["deploy"])


@pytest.mark.parametrize("vhost, locations", [({}, []), (VHOST, [{"path": "/", "service": "was-{color}"}])])
def test_server_block_is_in_the_situation_and_in_the_file(target, vhost, locations):
    planner = target.planner(
        release="v1", vhost=vhost, preview={"header": {"name": "X-P", "value": "0123456789abcdef"}}
    )
    plan = planner.result()["plan"]
    assert plan["locations"] == locations
    assert "# preview: closed\n" in planner.now.server
    assert ("server_name shop.example;" in planner.now.server) == bool(vhost)
    assert plan["content"].endswith(planner.now.server)


@pytest.mark.parametrize("check_mode", [False, True])
def test_check_mode_tests_no_candidate(target, check_mode):
    target.planner(release="v1", check_mode=check_mode)
    assert target.may_judge is not check_mode


@pytest.mark.parametrize("health", ["unhealthy", "starting"])
@pytest.mark.parametrize("services, can_go_back", [(["was-blue"], False), (["cache-blue"], True)])
def test_warning_if_the_active_color_is_not_healthy(target, health, services, can_go_back):
    target.deploy("v1")
    target.change("blue", *services, health=health)
    planner = target.planner(release="v2")
    assert planner.result()["plan"]["can_go_back"] is can_go_back
    warning = (
        f"the active color blue is not healthy (shop-blue-{services[0]}-1 is {health}), so this run can't go back to it"
    )
    assert planner.warnings == ([] if can_go_back else [warning])


@pytest.mark.parametrize("kind, warned", [("deploy", True), ("rollback", False)])
def test_warning_of_a_server_block_that_waits_long(target, kind, warned):
    for release in ("v1", "v2"):
        target.deploy(release)
    target.connect_timeouts = [("/etc/nginx/conf.d/shop.conf", 8, 60)]
    warnings = target.planner(kind, **({"release": "v3"} if kind == "deploy" else {})).warnings
    assert [each.partition(" for ")[0] for each in warnings] == (["a client may wait 60 s"] if warned else [])


@pytest.mark.parametrize("running, sees, warned", [(True, True, False), (True, False, True), (False, False, False)])
def test_warning_of_sockets_that_can_t_be_seen(target, running, sees, warned):
    target.edge.running, target.edge.sees_sockets = running, lambda: sees
    warnings = target.planner(release="v1").warnings
    assert [each.partition(",")[0] for each in warnings] == (
        ["the sockets of nginx's worker processes are not visible"] if warned else []
    )


def test_color_that_is_not_healthy_gets_no_canary(target):
    target.deploy("v1")
    canary = {"canary_steps": [{"weight": 10, "hold": 5}]}
    assert "canary" in target.plan(release="v2", **canary)["steps"]
    target.change("blue", health="unhealthy")
    assert "canary" not in target.plan(release="v2", **canary)["steps"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_warning_of_a_damaged_journal(target, check_mode):
    target.deploy("v1")
    path = target.state_dir / "shop" / "journal.json"
    path.write_text("{")
    planner = target.planner(release="v2", check_mode=check_mode)
    planner.result()
    (warning,) = planner.warnings
    assert warning.startswith(f"the journal {path} is not used: it is truncated or not JSON")
    assert ". Earlier releases are unknown; the file is kept as journal.unusable.json" in warning
    assert (path.parent / UNUSABLE).exists() is not check_mode


def test_warning_of_a_journal_that_is_missing(target):
    target.deploy("v1")
    path = target.state_dir / "shop" / "journal.json"
    path.unlink()
    (warning,) = target.planner(release="v2").warnings
    assert warning.startswith(f"there is no journal at {path}, but nginx has the file of an earlier deploy of shop. ")


def test_first_deploy_has_no_warning(target):
    planner = target.planner(release="v1")
    planner.result()
    assert planner.warnings == []


# What --diff shows


def without_upstreams(text):
    return text.split("upstream ", 1)[0]


def test_diff_of_a_first_deploy(target):
    del target.images["shop-was:v1"]
    target.add_images("shop-signal:v1", suffix="-0123456789")
    result = target.planner(release="v1", pull="missing").result()
    assert result["changed"]
    assert result["diff"]["before"] == "release: None\ncolor: None\n"
    after = result["diff"]["after"]
    assert without_upstreams(after) == (
        "release: v1\ncolor: blue\nimage: cache:1 sha256:cache:1\nimage: shop-signal:v1 sha256:shop-signal:\n"
        "image: shop-was:v1 (not here yet)\n"
    )
    assert re.findall(r"server (\S+) resolve;", after) == ["shop-blue-was:3000", "shop-blue-signal:3001"]
    assert "#" not in after


def test_diff_of_a_later_deploy(target):
    target.deploy("v1")
    diff = target.planner(release="v2").result()["diff"]
    assert without_upstreams(diff["before"]) == (
        "release: v1\ncolor: blue\nimage: cache:1 sha256:cache:1\nimage: shop-signal:v1 sha256:shop-signal:\n"
        "image: shop-was:v1 sha256:shop-was:v1\n"
    )
    assert "server shop-blue-was:3000 resolve;\n" in diff["before"]
    assert without_upstreams(diff["after"]).startswith("release: v2\ncolor: green\n")
    assert "server shop-green-was:3000 resolve;\n" in diff["after"]
    assert "#" not in diff["before"] + diff["after"]


def test_diff_of_a_rollback_has_the_images_of_its_record(target):
    target.deploy("v1")
    target.deploy("v2")
    after = target.planner("rollback").result()["diff"]["after"]
    assert without_upstreams(after) == (
        "release: v1\ncolor: blue\nimage: cache:1 sha256:cache:1\nimage: shop-signal:v1 sha256:shop-signal:\n"
        "image: shop-was:v1 sha256:shop-was:v1\n"
    )


@pytest.mark.parametrize("kind", ["deploy", "rollback"])
def test_unchanged_release_has_no_diff(target, kind):
    target.deploy("v1")
    result = target.planner(kind, release="v1").result()
    assert (result["changed"], result["plan"]["unchanged"]) == (False, True)
    assert result["diff"]["before"] == result["diff"]["after"]


def test_unchanged_release_has_no_diff_before_its_pull(target):
    """Once the images are here, the plan is made again. Only that one refreshes nginx's file."""
    target.deploy("v1")
    target.text = target.text.replace("3000", "3999")
    result = target.planner(release="v1", pull="always").result()
    assert (result["changed"], result["diff"]["before"]) == (False, result["diff"]["after"])


def test_refresh_is_a_change(target):
    target.deploy("v1")
    target.text = target.text.replace("3000", "3999")
    result = target.planner(release="v1").result()
    assert result["changed"]
    assert result["diff"]["before"] == result["diff"]["after"].replace("3000", "3999")


# Which class plans which kind of run


@pytest.mark.parametrize(
    "kind, settings, asked",
    [
        ("deploy", {"release": "v2"}, ("files", "run", "docker-logged-in", "Rendering")),
        ("rollback", {}, ("rollback", None)),
        ("rollback", {"release": "v1"}, ("rollback", "v1")),
        ("rollback", {"recovered": {"gone_back_to": "v1"}}, ("rollback", "v1")),
        ("promote", {}, ("promote", False)),
        ("promote", {"recovered": {"promoted": True}}, ("promote", True)),
        ("promote", {"recovered": {"promoted": False}}, ("promote", False)),
        ("abort", {}, ("abort",)),
    ],
)
def test_kinds(target, monkeypatch, kind, settings, asked):
    seen = []

    class StandInFromFiles:
        def __init__(self, _planner, run, docker, rendering):
            seen.append(("files", run.__name__, docker, type(rendering).__name__))

        def plan(self):
            return Plan(deploy="d1", release="v1", color="blue"), {}, [], SERVICES

    class StandInFromRecord:
        def __init__(self, _planner):
            pass

        def __getattr__(self, name):
            def plan(*arguments):
                seen.append((name, *arguments))
                return Plan(deploy="d1", release="v1", color="blue"), {}, [], SERVICES

            return plan

    monkeypatch.setattr(planner_module, "FromFiles", StandInFromFiles)
    monkeypatch.setattr(planner_module, "FromRecord", StandInFromRecord)
    assert target.planner(kind, **settings).result()["plan"]["deploy"] == "d1"
    assert seen == [asked]


def test_texts_follow_from_the_containers_of_the_plan(target, monkeypatch):
    planned = Plan(deploy="adopted", release="", color="blue"), {}, stack("blue", ours=False), SERVICES
    monkeypatch.setattr(planner_module.FromRecord, "rollback", lambda _self, _release: planned)
    assert "server was-blue:3000;" in target.plan("rollback")["content"]


# What the classes that plan a run share


@pytest.mark.parametrize(
    "exclusive_services, services, expected",
    [
        ([], {}, {"services": [], "exclusive": [], "expected": {}}),
        (
            [],
            {"b": {"scale": 2}, "a": {}},
            {"services": ["a", "b"], "exclusive": [], "expected": {"a": 1, "b": 2}},
        ),
        (
            ["a-{color}"],
            {"b-green": {}, "a-green": {}},
            {"services": ["b-green"], "exclusive": ["a-green"], "expected": {"a-green": 1, "b-green": 1}},
        ),
        (["a-{color}"], {"a-blue": {}}, {"services": ["a-blue"], "exclusive": [], "expected": {"a-blue": 1}}),
        (["a"], {"a": {"scale": 0}, "b": {}}, {"services": ["b"], "exclusive": [], "expected": {"b": 1}}),
        (
            ["c"],
            {"a": {"labels": {"hotswap.compose.exclusive": "true"}}, "b": {}, "c": {}},
            {"services": ["b"], "exclusive": ["a", "c"], "expected": {"a": 1, "b": 1, "c": 1}},
        ),
    ],
)
def test_services_that_start_before_and_after_the_swap(target, exclusive_services, services, expected):
    planner = target.planner(release="v1", exclusive_services=exclusive_services)
    assert planner.services_of({"services": services}, "green") == expected


def test_containers_that_were_started_by_hand(target):
    target.colors = {
        "blue": [container("was-blue", ours=False), container("signal-blue")],
        "green": stack("green", ours=False),
    }
    planner = target.planner(release="v1")
    assert planner.started_by_hand("blue") == ["was-blue-id"]
    assert planner.started_by_hand("green") == ["was-green-id", "signal-green-id"]


def test_images_of_the_active_color(target):
    target.deploy("v1")
    target.deploy("v2")
    images = {ref: f"sha256:{ref}" for ref in ("cache:1", "shop-signal:v2", "shop-was:v2")}
    assert target.planner(release="v1").active_images == images


@pytest.mark.parametrize("rootless, tests, refused", [(True, [{}], True), (True, [], False), (False, [{}], False)])
def test_smoke_tests_on_a_rootless_engine_are_refused(target, rootless, tests, refused):
    target.is_rootless = rootless
    with (
        pytest.raises(PlanError, match="^bluegreen_smoke_tests: the Docker Engine is rootless")
        if refused
        else nullcontext()
    ):
        target.plan(release="v1", smoke_tests=tests)


@pytest.mark.parametrize("nginx_mode, refused", [("container", True), ("host", False)])
def test_probe_on_a_rootless_engine_is_refused(target, nginx_mode, refused):
    target.is_rootless = True
    published = {"port": 3000, "publish": {"blue": 13000, "green": 23000}}
    services = [{"name": "was-{color}", "probe": {"path": "/health"}, **published}]
    with pytest.raises(ProbeError, match=r"^service was-\{color\} has a probe") if refused else nullcontext():
        target.planner(release="v1", services=services, nginx_mode=nginx_mode)
    assert target.files() == []
