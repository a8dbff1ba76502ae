# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _shared

CONFIG = {
    "name": "shop-shared",
    "services": {
        "cache": {"labels": {"hotswap.compose.config": "c1"}},
        "db": {"labels": {"hotswap.compose.config": "c2"}, "depends_on": {"cache": {}}},
    },
}


def container(name, config, **changes):
    ours = {"shared": name, "project": "shop-shared"} if config else {"shared": None, "project": "legacy"}
    policy = {"Name": "always", "MaximumRetryCount": 0}
    state = {"state": "running", "health": "healthy", "exit_code": 0, "restart_policy": policy}
    return dict(state, id=f"{name}-id", config=config, **ours, **changes)


def changed(name, config, **changes):
    return dict(container(name, config), **changes)


READY = {"cache": [container("cache", "c1")], "db": [container("db", "c2")]}
NONE = {"up": [], "start": [], "by_hand": {}, "waits": []}


@pytest.mark.parametrize(
    "containers, update, expected",
    [
        (READY, False, {}),
        (READY, True, {}),
        (
            {},
            False,
            {"up": ["cache", "db"], "waits": [{"project": "shop-shared", "services": ["cache", "db"]}]},
        ),
        (
            {**READY, "db": [changed("db", "c2", health="unhealthy")]},
            False,
            {"up": ["db"], "waits": [{"project": "shop-shared", "services": ["db"]}]},
        ),
        ({**READY, "db": [container("db", "old")]}, False, {}),
        (
            {**READY, "db": [container("db", "old")]},
            True,
            {"up": ["db"], "waits": [{"project": "shop-shared", "services": ["db"]}]},
        ),
        ({**READY, "db": [container("db", None)]}, True, {"by_hand": {"db": ["db-id"]}}),
        (
            {"db": [changed("db", None, state="exited", health=None)]},
            False,
            {
                "up": ["cache"],
                "start": ["db-id"],
                "by_hand": {"db": ["db-id"]},
                "waits": [{"project": "legacy", "services": ["db"]}, {"project": "shop-shared", "services": ["cache"]}],
            },
        ),
    ],
)
def test_what_is_to_be_done(containers, update, expected):
    work, _warnings = _shared.work(CONFIG, containers, update)
    assert work == {**NONE, **expected}


@pytest.mark.parametrize("update, count", [(False, 1), (True, 0)])
def test_what_runs_as_it_was_defined_before_is_said(update, count):
    _work, warnings = _shared.work(CONFIG, {**READY, "db": [container("db", "old")]}, update)
    assert len(warnings) == count
    assert all("shared service db" in warning and "bluegreen_shared_update" in warning for warning in warnings)


def test_without_what_was_started_by_hand():
    assert sorted(_shared.without(CONFIG, ["cache"])["services"]) == ["db"]
    assert "depends_on" not in _shared.without(CONFIG, ["cache"])["services"]["db"]
    assert _shared.without(CONFIG, []) == CONFIG
