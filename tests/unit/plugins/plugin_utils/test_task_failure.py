# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19, where each text is

    def trust_as_template(value):
        return value


from ansible_collections.hotswap.compose.plugins.plugin_utils import _task_failure
from ansible_collections.hotswap.compose.plugins.plugin_utils._task_failure import EVIDENCE, TaskFailed, failure_of
from ansible_collections.hotswap.compose.tests.e2e.app import hostile

STAMP = {"run": "r1", "phase": "gate", "began": 1.0, "ended": 2.0}
FOUND = {"why": "the whole reason", "containers": [{"name": "was-1"}], "stamp": STAMP}
OURS = {"failed": True, "msg": "short", EVIDENCE: FOUND}


@pytest.mark.parametrize(
    "task, result, why",
    [
        ({"action": "hotswap.compose.bluegreen_swap"}, OURS, "the whole reason"),
        ({"action": "ansible.builtin.command"}, {"msg": "non-zero return code"}, "non-zero return code"),
        ({}, {}, "no reason was given"),
        ({"no_log": True}, {"msg": "secret"}, "the reason is hidden, because the task has no_log"),
        ({}, {"results": [{"msg": "fine"}, {"failed": True, "msg": "second"}]}, "second"),
        ({}, {"results": [{"msg": "fine"}, OURS], "msg": "All items completed"}, "the whole reason"),
        ({}, {"results": [], "msg": "no items"}, "no items"),
        ({}, {"results": ["Installed foo"], "msg": "dnf's own results"}, "dnf's own results"),
        ({}, {"results": {"a": 1}, "msg": "a mapping"}, "a mapping"),
        ({}, {"msg": ["one", "two"]}, "['one', 'two']"),  # assert takes a list as its fail_msg
        ({}, {"msg": 5}, "5"),
    ],
)
def test_why_a_task_failed(task, result, why):
    assert failure_of(task, result, "r1")["why"] == why


def test_the_evidence_is_the_whole_result_of_a_module_of_ours():
    found = failure_of({"action": "hotswap.compose.bluegreen_bake"}, OURS, "r1")
    assert (found["module"], found["evidence"]) == ("hotswap.compose.bluegreen_bake", OURS[EVIDENCE])
    assert (found["phase"], found["hook"], found["failed_stamp"]) == ("gate", "", STAMP)


def test_a_task_of_somebody_else_tells_no_phase():
    found = failure_of({"action": "ansible.builtin.fail"}, {"msg": "x"}, "r1")
    assert (found["phase"], found["evidence"], found["failed_stamp"]) == ("", {}, None)


def test_what_an_earlier_run_of_the_play_has_left_is_no_failure_of_this_one():
    """Up to ansible-core 2.18, a failure in flush_handlers sets nothing."""
    found = failure_of({"action": "hotswap.compose.bluegreen_bake"}, OURS, "r2")
    assert found == {
        "why": "no reason was given",
        "module": "",
        "phase": "",
        "hook": "",
        "evidence": {},
        "failed_stamp": None,
    }


def test_a_hook_that_has_failed_tells_its_phase():
    by_hook = {"why": "no", "module": "fail", "phase": "gate", "hook": "before_swap", "stamp": {"run": "r1"}}
    found = failure_of({"action": "hotswap.compose.bluegreen_failed_task"}, {"msg": "no", EVIDENCE: by_hook}, "r1")
    assert found == {
        "why": "no",
        "module": "fail",
        "phase": "gate",
        "hook": "before_swap",
        "evidence": {},
        "failed_stamp": None,
    }


def test_a_failure_is_printed_without_its_evidence():
    error = TaskFailed("short", {"why": "long"})
    printed = {key: value for key, value in error.result.items() if key != EVIDENCE}
    assert printed == {"changed": False, "failed": True, "msg": "short"}
    assert error.result[EVIDENCE] == {"why": "long"}


TEMPLATE = hostile.SAMPLES["it is a template"]
EVIL = {"containers": [{"log": [TEMPLATE]}]}


def test_what_it_raises_is_marked_as_no_template(monkeypatch):
    """As wrap_var() does, which each ansible-core has."""
    marked = []
    monkeypatch.setattr(_task_failure, "wrap_var", lambda value: marked.append(value) or value)
    result = TaskFailed(TEMPLATE, EVIL).result
    assert marked == [result]
    assert (result["msg"], result[EVIDENCE]) == (TEMPLATE, EVIL)


@pytest.mark.parametrize("text", ["{{ failed.msg }}", "{{ failed._ansible_bluegreen.containers[0].log[0] }}"])
def test_what_it_raises_is_never_templated(text):
    variables = {"failed": TaskFailed(TEMPLATE, EVIL).result, "text": trust_as_template(text)}
    templar = Templar(loader=None, variables=variables)
    assert templar.template(trust_as_template("{{ text }}")) == TEMPLATE
