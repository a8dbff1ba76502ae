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

PARAMS = {"app": "shop", "shared_services": ["db"], "shared_update": False}


def join_file(directory, deploy, color, joins):
    path = directory / "shop" / "deploys" / deploy / f"compose.{color}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"services": {}, JOINS: joins}))
    return str(path)


@pytest.fixture
def plan_of(tmp_path):
    """Return a SharedPlan. ``listed``: containers as the Engine lists them; ``shared``: of the Situation."""

    def make(listed=(), shared=None, active=None, containers=()):
        engine = SimpleNamespace(list_containers=lambda labels: list(listed))
        state = AppState(str(tmp_path), "shop")
        now = SimpleNamespace(shared=shared or {}, active=active, active_containers=list(containers), state=state)
        return SharedPlan(engine, PARAMS, now)

    return make


def test_a_shared_service_that_is_not_named_any_more_is_refused(plan_of):
    labels = {LABEL + "app": "shop", LABEL + "shared": "cache"}
    plan = plan_of([{"Labels": labels, "Names": ["/shop-shared-cache-1"]}])
    with pytest.raises(ComposeError, match=r"^cache runs once, beside the colors \(shop-shared-cache-1\)"):
        plan.work({"services": {}}, [])


@pytest.mark.parametrize(
    "labels", [{LABEL + "app": "bank", LABEL + "shared": "cache"}, {LABEL + "app": "shop", LABEL + "shared": "db"}]
)
def test_another_apps_and_a_named_one_are_not(plan_of, labels):
    plan = plan_of([{"Labels": labels, "Names": ["/x"]}])
    work, warnings = plan.work({"services": {}}, [])
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
