# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils import _screen
from ansible_collections.hotswap.compose.plugins.plugin_utils._action import (
    ROLE,
    Action,
    FollowedAction,
    earlier_result,
)
from ansible_collections.hotswap.compose.plugins.plugin_utils._task_failure import EVIDENCE, TaskFailed

FAILED = {
    "failed": True,
    "msg": "was-1 exited with 3",
    "containers": [{"name": "was-1"}],
    "timeline": ["much"],
    "invocation": {"module_args": {}},
    "_ansible_parsed": True,
    "warnings": ["slow", SimpleNamespace(event=SimpleNamespace(msg="slower"))],
}
ANYWHERE = {
    "inventory_hostname": "web1",
    "ansible_play_hosts_all": ["web1"],
    "__bluegreen_validated": {"run_id": "r1"},
    "__bluegreen_phase": "gate",
}


@pytest.fixture
def shown(monkeypatch):
    texts = []
    screen = SimpleNamespace(warning=texts.append, display=lambda text, color: texts.append(text))
    monkeypatch.setattr(_screen, "Display", lambda: screen)
    return texts


def action(kind, result, role=ROLE, **task):
    """One whose module returns ``result``."""
    plugin = kind.__new__(kind)
    of_role = SimpleNamespace(get_name=lambda: role) if role else None
    defaults = {"failed_when": [], "check_mode": False, "async_val": 0, "environment": None, "register": "found"}
    plugin._task = SimpleNamespace(_role=of_role, **{**defaults, **task})
    plugin._connection = SimpleNamespace(transport="paramiko_ssh")
    plugin.execute = lambda task_vars: dict(result)
    return plugin


def test_in_the_role_a_failure_is_its_message(shown):
    with pytest.raises(TaskFailed) as refused:
        action(Action, FAILED).run(task_vars=ANYWHERE)
    result = refused.value.result
    assert (result["msg"], result["failed"], result["changed"]) == ("was-1 exited with 3", True, False)
    stamp = result[EVIDENCE].pop("stamp")
    assert (stamp["run"], stamp["phase"]) == ("r1", "gate")
    assert result[EVIDENCE] == {
        "why": "was-1 exited with 3",
        "containers": [{"name": "was-1"}],
        "timeline": ["much"],
        "warnings": ["slow", "slower"],
    }
    assert set(result) == {"msg", "failed", "changed", EVIDENCE}
    assert shown == ["slow", "slower"]


@pytest.mark.parametrize("brief, printed", [(False, "no image a\nno image b"), (True, "no image a")])
def test_of_several_lines_a_screen_of_the_role_has_the_rest(shown, brief, printed):
    plugin = action(Action, {"failed": True, "msg": "no image a\nno image b"})
    plugin.brief = brief
    with pytest.raises(TaskFailed) as refused:
        plugin.run(task_vars=ANYWHERE)
    assert (refused.value.result["msg"], refused.value.result[EVIDENCE]["why"]) == (printed, "no image a\nno image b")


@pytest.mark.parametrize("role, task", [(None, {}), ("somebody.elses.role", {}), (ROLE, {"failed_when": [False]})])
def test_elsewhere_a_failure_is_the_whole_result(shown, role, task):
    result = action(Action, FAILED, role, **task).run(task_vars=ANYWHERE)
    assert ("stamp" in result) is (role == ROLE)
    result.pop("stamp", None)
    assert result == FAILED
    assert shown == []


@pytest.mark.parametrize("task, expected", [({}, ["a"]), ({"check_mode": True}, []), ({"async_val": 60}, [])])
def test_what_a_module_said_is_no_part_of_its_result(shown, task, expected):
    said = [{"at": 0.1, "says": "a", "awaits": None, "left": None}]
    result = action(FollowedAction, {"ready": True, "progress": said}, **task).run(task_vars=ANYWHERE)
    result.pop("stamp")
    assert result == {"ready": True}
    assert shown == expected


@pytest.mark.parametrize("phase, printed", [(None, True), ("detect", True), ("gate", False)])
def test_a_failure_before_the_first_phase_is_readable_in_a_job(shown, monkeypatch, phase, printed):
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "awx_display")
    known = {key: value for key, value in ANYWHERE.items() if key != "__bluegreen_phase"}
    known.update({"__bluegreen_phase": phase} if phase else {})
    with pytest.raises(TaskFailed):
        action(Action, {"failed": True, "msg": "nginx says\nno"}).run(task_vars=known)
    assert shown == (["nginx says\nno"] if printed else [])


EARLIER = {"stamp": {"run": "r1", "phase": "canary", "began": 5.0, "ended": 6.0}}


@pytest.mark.parametrize(
    "registered, phase, began",
    [
        (EARLIER, "canary", 5.0),  # the second step of a canary
        (EARLIER, "bake", None),
        ({"stamp": dict(EARLIER["stamp"], run="r0")}, "canary", None),  # of an earlier run in the same play
        ({"changed": False, "skipped": True}, "canary", None),
        (None, "canary", None),
    ],
)
def test_what_a_task_has_returned_before_in_a_phase_is_when_it_began(registered, phase, began):
    variables = {**ANYWHERE, "found": registered, "__bluegreen_phase": phase}
    before = time.time()
    stamp = action(Action, {"ready": True}).run(task_vars=variables)["stamp"]
    assert (stamp["run"], stamp["phase"]) == ("r1", phase)
    assert stamp["began"] == began if began else before <= stamp["began"] <= stamp["ended"] <= time.time()


@pytest.mark.parametrize("register", ["__bluegreen_planned", {"__bluegreen_planned": "result"}])
def test_the_earlier_result_of_a_task(register):
    """From ansible-core 2.21 on, ``register`` is a mapping."""
    planned = {"plan": {}, "stamp": {"run": "r1"}}
    known = {"__bluegreen_validated": {"run_id": "r1"}, "__bluegreen_planned": planned}
    task = SimpleNamespace(register=register)
    assert earlier_result(task, known) == planned
    assert earlier_result(task, {**known, "__bluegreen_validated": {"run_id": "r2"}}) == {}
    assert earlier_result(SimpleNamespace(register=None), known) == {}
