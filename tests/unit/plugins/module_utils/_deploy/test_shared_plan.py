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

PARAMS = {"app": "shop", "shared_services": ["db"], "shared_update": False}


def join_file(directory, deploy, color, joins):
    path = directory / "shop" / "deploys" / deploy / f"compose.{color}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"services": {}, JOINS: joins}))
    return str(path)


@pytest.fixture
def plan_of(tmp_path):
    """Return a SharedPlan. ``listed``: containers as the Engine lists them, with their ``Mounts`` as it inspects them;
    ``shared``, ``colors``: of the Situation."""

    def make(listed=(), shared=None, active=None, containers=(), colors=None):
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
            colors=colors or {},
            state=state,
        )
        return SharedPlan(engine, PARAMS, now, StandInStorage())

    return make


def test_a_shared_service_that_is_not_named_any_more_is_refused(plan_of):
    labels = {LABEL + "app": "shop", LABEL + "shared": "cache"}
    plan = plan_of([{"Labels": labels, "Names": ["/shop-shared-cache-1"]}])
    with pytest.raises(ComposeError, match=r"^cache runs once, beside the colors \(shop-shared-cache-1\)"):
        plan.work({"services": {}}, [], {})


@pytest.mark.parametrize(
    "labels", [{LABEL + "app": "bank", LABEL + "shared": "cache"}, {LABEL + "app": "shop", LABEL + "shared": "db"}]
)
def test_another_apps_and_a_named_one_are_not(plan_of, labels):
    plan = plan_of([{"Labels": labels, "Names": ["/x"]}])
    work, warnings = plan.work({"services": {}}, [], {})
    assert (work["project"], work["file"], work["up"], warnings) == ("shop-shared", "compose.shared.json", [], [])


def test_why_the_active_color_lacks_a_shared_service(plan_of):
    assert plan_of().reasons({"absent": ["db"]}) == ["shared service db does not run as it is to"]
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


def test_one_that_somebody_started_by_hand_does_not_either(plan_of):
    here = dict(container("db-blue", ours=False), id="db-1", shared=None, state="exited", project="legacy")
    both = [listed("db-1", "exited", WRITES), listed("backup", mounts=WRITES)]
    with pytest.raises(ComposeError, match="db would start on the directory /srv/data, which the container backup"):
        plan_of(both, {"db": [here]}).work(CONFIG, [], {})
