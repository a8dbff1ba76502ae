# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.action.bluegreen_plan import ActionModule

UNFINISHED = {"unfinished": True, "lock": "l1", "beat": "/x", "docker_host": "unix:///x"}
RUN = {
    "__bluegreen_validated": {"run_id": "r1", "settings": {}},
    "inventory_hostname": "web1",
    "ansible_play_hosts_all": ["web1"],
}
AGAIN = {**RUN, "__bluegreen_planned": {"stamp": {"run": "r1"}, "lock": "l1"}}


def planned(monkeypatch, results, task_vars, check_mode):
    """Return the result of the plugin, whose modules return ``results``, one after the other."""
    plugin = ActionModule.__new__(ActionModule)
    plugin._task = SimpleNamespace(
        check_mode=check_mode, async_val=0, args={"settings": {"app": "shop"}}, register=None
    )
    plugin._task.environment = None
    plugin._connection = SimpleNamespace(transport="paramiko_ssh")
    left = list(results)
    plugin._execute_module = lambda *_args, **_options: dict(left.pop(0))
    plugin._holder = lambda _task_vars: {}
    monkeypatch.setitem(ActionModule.run_module.__globals__, "keep_lock_alive", lambda *_args: None)
    found = plugin.run_module(task_vars)
    assert not left
    return found


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("why", ["no Docker", "compose:\n  two lines"])
def test_a_run_that_is_refused_up_front_has_not_moved_the_traffic(monkeypatch, check_mode, why):
    found = planned(monkeypatch, [{"failed": True, "msg": why}], RUN, check_mode)
    assert found["msg"] == f"{why}\nTraffic: this run did not move it."


@pytest.mark.parametrize(
    "results, task_vars",
    [
        ([{"failed": True, "msg": "no image"}], AGAIN),
        ([UNFINISHED, {"failed": True, "msg": "no image"}], RUN),
        ([UNFINISHED, {"decision": "back"}, {"failed": True, "msg": "no image"}], RUN),
    ],
    ids=["planned-again", "not-recovered", "recovered"],
)
def test_a_later_failure_says_nothing_of_the_traffic(monkeypatch, results, task_vars):
    assert planned(monkeypatch, results, task_vars, False)["msg"] == "no image"
