# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose.single_file import JOINS
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.shared_plan import SharedPlan
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError
from ansible_collections.hotswap.compose.plugins.module_utils._names import LABEL
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.tests.unit.stand_ins import StandInStorage, container

PARAMS = {"kind": "deploy", "app": "shop", "shared_services": ["db"], "shared_update": False}


def join_file(directory, deploy, color, joins):
    path = directory / "shop" / "deploys" / deploy / f"compose.{color}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"services": {}, JOINS: joins}))
    return str(path)


@pytest.fixture
def plan_of(tmp_path):
    """Return a SharedPlan. ``listed``: containers as the Engine lists them, with their ``Mounts`` as it inspects them;
    ``shared``, ``colors``: of the Situation."""

    def make(listed=(), shared=None, active=None, containers=(), colors=None, idle=(), **params):
        inspected = {each.get("Id"): {"HostConfig": {}, "Mounts": each.get("Mounts")} for each in listed}

        def list_containers(labels):
            return [each for each in listed if set(labels) <= set(each["Labels"])]

        engine = SimpleNamespace(list_containers=list_containers, inspect=inspected.get)
        state = AppState(str(tmp_path), "shop")
        now = SimpleNamespace(
            edge=SimpleNamespace(container={"Id": "nginx-id"}),
            shared=shared or {},
            active=active,
            active_containers=list(containers),
            colors=colors or {"blue": list(containers), "green": list(idle)},
            state=state,
        )
        return SharedPlan(engine, {**PARAMS, **params}, now, StandInStorage())

    return make


def test_a_shared_service_that_is_not_named_any_more_is_refused(plan_of):
    labels = {LABEL + "app": "shop", LABEL + "shared": "cache"}
    plan = plan_of([{"Labels": labels, "Names": ["/shop-shared-cache-1"]}])
    with pytest.raises(
        ComposeError, match=r"^cache is a shared service that runs in the container shop-shared-cache-1,"
    ):
        plan.refuse_unnamed()


@pytest.mark.parametrize(
    "labels", [{LABEL + "app": "bank", LABEL + "shared": "cache"}, {LABEL + "app": "shop", LABEL + "shared": "db"}]
)
def test_another_apps_and_a_named_one_are_not(plan_of, labels):
    plan = plan_of([{"Labels": labels, "Names": ["/x"]}])
    plan.refuse_unnamed()
    work, warnings = plan.work({"services": {}}, [], {})
    assert (work["project"], work["file"], work["up"], warnings) == ("shop-shared", "compose.shared.json", [], [])


@pytest.mark.parametrize("active, idle", [("blue", "green"), ("green", "blue")])
@pytest.mark.parametrize(
    "service, state, app, refused",
    [
        ("db", "running", None, True),
        ("db", "restarting", None, True),
        ("db", "exited", None, False),
        ("db", "running", "shop", False),  # each color has its own again
        ("web", "running", None, False),
    ],
)
def test_one_by_hand_that_the_active_color_uses_is_refused_too(
    plan_of, tmp_path, active, idle, service, state, app, refused
):
    join_file(tmp_path, "d1", active, [EDGE, {"shared": "db", "network": "shop-blue_default", "aliases": ["db"]}])
    own = dict(container(f"web-{active}"), deploy="d1", service="web")
    other = dict(container("db-blue", ours=False), service=service, state=state, app=app, deploy=None, name="legacy-db")
    colors = {active: [own], idle: []}
    colors["blue"] = [*colors["blue"], other]
    plan = plan_of(active=active, containers=[own], colors=colors, shared_services=[])
    if refused:
        with pytest.raises(ComposeError, match=r"^db is a shared service that runs in the container legacy-db,"):
            plan.refuse_unnamed()
    else:
        plan.refuse_unnamed()


def test_why_the_active_color_lacks_a_shared_service(plan_of):
    assert plan_of().reasons({"absent": ["db"]}) == ["shared service db does not run as defined"]
    assert plan_of().reasons({"absent": []}) == []


def test_which_files_name_networks_to_join(plan_of, tmp_path):
    joins = [{"service": "web", "network": "edge", "aliases": ["shop-green-web"]}]
    coming = join_file(tmp_path, "d2", "green", joins)
    active = join_file(tmp_path, "d1", "blue", joins)
    plan = plan_of(active="blue", containers=[{"deploy": "d1"}])
    assert plan.joins("green", coming) == [{"color": "green", "file": coming}, {"color": "blue", "file": active}]
    join_file(tmp_path, "d1", "blue", [])
    assert plan.joins("green", coming) == [{"color": "green", "file": coming}]
    assert plan_of().joins("green", str(tmp_path / "missing.json")) == []


def test_shared_services_that_were_started_by_hand(plan_of):
    shared = {"db": [{"id": "db-id", "shared": None}], "cache": [{"id": "cache-id", "shared": "cache"}], "queue": []}
    assert plan_of(shared=shared).by_hand() == {"db": ["db-id"], "queue": []}


DB = {
    "labels": {LABEL + "config": "c1"},
    "volumes": [{"type": "bind", "source": "/srv/data", "target": "/var/lib/postgresql/data"}],
}
CONFIG = {"name": "shop-shared", "services": {"db": DB}, "volumes": {}}
WRITES = [{"Type": "bind", "Source": "/srv/link", "Destination": "/data", "RW": True}]


def listed(container_id, state="running", mounts=()):
    return {"Id": container_id, "Names": [f"/{container_id}"], "State": state, "Labels": {}, "Mounts": list(mounts)}


@pytest.mark.parametrize(
    "other, shared, web, refused",
    [
        (listed("backup", mounts=WRITES), {}, None, True),
        (listed("backup", "exited", WRITES), {}, None, False),
        (listed("nginx-id", mounts=WRITES), {}, None, False),
        (listed("backup", mounts=[dict(WRITES[0], RW=False)]), {}, None, False),
        (
            listed("db-1", mounts=WRITES),
            {"db": [dict(container("db-blue"), id="db-1", shared="db", state="exited")]},
            None,
            False,
        ),
        # The file has web write there too; a service that is now shared ran in a color.
        (listed("web-1", mounts=WRITES), {}, "web", False),
        (listed("web-1", mounts=WRITES), {}, "db", True),
    ],
)
def test_a_shared_service_does_not_start_where_another_container_writes(plan_of, other, shared, web, refused):
    blue = [dict(container("web-blue"), id="web-1", service=web)] if web else []
    plan = plan_of([other], shared, colors={"blue": blue, "green": []})
    colors = {"blue": {"name": "shop-blue", "services": {"web": {"volumes": DB["volumes"]}}, "volumes": {}}}
    if refused:
        words = f"db would start on the directory /srv/data, which the container {other['Id']} writes"
        with pytest.raises(ComposeError, match=words):
            plan.work(CONFIG, [], colors)
    else:
        plan.work(CONFIG, [], colors)


def test_strangers_are_what_runs_here_and_is_not_of_the_app(plan_of):
    here = [listed(name, mounts=WRITES) for name in ("backup", "web-1", "db-1", "nginx-id")]
    here.append(listed("stopped", "exited", WRITES))
    blue = [dict(container("web-blue"), id="web-1")]
    plan = plan_of(here, {"db": [dict(container("db-blue"), id="db-1")]}, colors={"blue": blue, "green": []})
    assert [(name, [str(place) for place in places]) for name, places in plan.strangers()] == [
        ("backup", ["directory /srv/data"])
    ]


def test_one_that_somebody_started_by_hand_does_not_either(plan_of):
    here = dict(container("db-blue", ours=False), id="db-1", shared=None, state="exited", project="legacy")
    both = [listed("db-1", "exited", WRITES), listed("backup", mounts=WRITES)]
    with pytest.raises(ComposeError, match="db would start on the directory /srv/data, which the container backup"):
        plan_of(both, {"db": [here]}).work(CONFIG, [], {})


# The aliases that go to the color with the traffic

EDGE = {"service": "web", "network": "edge", "aliases": ["shop-green-web"]}
MOVING = {"service": "web", "network": "corp", "aliases": ["shop-green-web"], "moving": ["orders-api"]}
BLUE = dict(MOVING, aliases=["shop-blue-web"])
BY_HAND = dict(MOVING, aliases=[])


def on_corp(deploy, *names):
    networks = {"corp": {"addresses": [], "names": list(names)}}
    return {"id": "web-id", "name": "web", "service": "web", "deploy": deploy, "networks": networks}


@pytest.mark.parametrize(
    "active, before, joins, expected",
    [
        ("blue", [BLUE], [EDGE, MOVING], {"moving_aliases": [MOVING], "previous_moving_aliases": [BLUE]}),
        ("blue", None, [MOVING], {"moving_aliases": [MOVING], "previous_moving_aliases": [BY_HAND]}),
        ("blue", [BLUE], [EDGE], {"previous_moving_aliases": [BLUE]}),
        (None, None, [MOVING], {"moving_aliases": [MOVING]}),
        ("blue", None, [EDGE], {}),
    ],
    ids=["ours", "by-hand", "alias-removed", "first", "none"],
)
def test_moving_aliases_of_a_deploy(plan_of, tmp_path, active, before, joins, expected):
    if before:
        join_file(tmp_path, "d1", "blue", before)
    containers = [on_corp("d1" if before else None)] if active else []
    assert plan_of(active=active, containers=containers).moving("green", joins) == expected


def test_rollback_to_a_release_without_aliases_takes_those_of_the_active_color(plan_of, tmp_path):
    join_file(tmp_path, "d1", "blue", [BLUE])
    plan = plan_of(active="blue", containers=[on_corp("d1")], idle=[on_corp(None)], kind="rollback")
    assert plan.moving("green", []) == {"moving_aliases": [BY_HAND], "previous_moving_aliases": [BLUE]}


@pytest.mark.parametrize("names, reasons", [([], ["web lacks an alias on the network corp"]), (["orders-api"], [])])
def test_active_color_without_its_alias_is_a_reason(plan_of, tmp_path, names, reasons):
    join_file(tmp_path, "d1", "blue", [BLUE])
    containers = [on_corp("d1", "shop-blue-web", *names)]
    assert plan_of(active="blue", containers=containers).reasons({"absent": []}) == reasons
