# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import re

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.hotswap.compose.plugins.action.compose_health_wait import AWAITS
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import REFRESH, Plan
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.request import complete_request
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.steps import ORDER, steps_of
from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import ENGINE_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._edge.options import EDGE_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._health.look import LOOK_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._options import APP_ARGUMENTS

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "bluegreen"
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
VARS = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())


def tasks_of(tasks):
    """Every task of a list, those of its blocks in their order, but not those of a rescue."""
    for task in tasks:
        if "block" in task:
            yield from tasks_of(task["block"])
        else:
            yield task


PHASES = list(tasks_of(yaml.safe_load((ROLE / "tasks" / "phases.yml").read_text())))


def step_of(task):
    """The step that a task of phases.yml is for, by its condition; None if it is for no step."""
    conditions = [each for each in ORDER if f"'{each}' in __bluegreen_plan.steps" in str(task.get("when", ""))]
    return conditions[0] if conditions else None


def test_the_role_has_each_step_once_in_the_order_of_the_plan():
    assert [step for step in map(step_of, PHASES) if step] == list(ORDER)


def test_each_task_runs_the_step_that_it_asks_for():
    for task in PHASES:
        step, variables = step_of(task), task.get("vars", {})
        if step in ("join", "await"):
            assert task["ansible.builtin.include_tasks"].startswith(step)
        elif step:
            assert step in (variables.get("__bluegreen_step"), variables.get("__bluegreen_hook"))


def test_no_include_of_the_sequence_loops():
    assert [task["name"] for task in PHASES if "loop" in task] == []


def test_each_phase_has_a_file():
    begun = {task["vars"]["__bluegreen_step"] for task in PHASES if "__bluegreen_step" in task.get("vars", {})}
    files = {path.stem for path in (ROLE / "tasks" / "phases").iterdir()}
    assert begun | {"undo"} == files


def test_no_plan_without_a_compose_file_runs_compose():
    """Given an empty file name, docker compose reads the directory."""
    settings = {
        **{"hooks": {"before_start": "/h.yml", "before_swap": "/h.yml"}, "migrate": {"service": "web", "command": "m"}},
        **{"canary_steps": [{"weight": 5, "hold": 1}], "bake_seconds": 60, "vhost": {}},
    }
    request = complete_request(settings, kind="deploy", recovered={}, preview={"listen": 8081}, smoke_tests=[{}])
    steps = steps_of(request, Plan(how=REFRESH, active_color="blue", can_go_back=True))
    for path in (ROLE / "tasks" / "phases").iterdir():
        for task in tasks_of(yaml.safe_load(path.read_text())):
            if "hotswap.compose.bluegreen_compose" in task:
                assert path.stem not in steps
                assert path.stem != "prepare" or task["when"] == "__bluegreen_plan.pulls | length > 0"


@pytest.mark.parametrize("group", RUNTIME["action_groups"])
def test_each_module_of_a_group_has_the_options_of_the_group(group):
    options = set(VARS[f"__bluegreen_{group}_options"])
    for name in set(RUNTIME["action_groups"][group]) - {"bluegreen_compose"}:  # an action plugin alone
        source = (ROOT / "plugins" / "modules" / f"{name}.py").read_text()
        spec = source.partition("def main(")[2]
        given = {
            "APP_ARGUMENTS": APP_ARGUMENTS,
            "EDGE_ARGUMENTS": EDGE_ARGUMENTS,
            "ENGINE_ARGUMENTS": ENGINE_ARGUMENTS,
            "LOOK_ARGUMENTS": LOOK_ARGUMENTS,
        }
        has = {option for constant, arguments in given.items() if constant in spec for option in arguments}
        assert options <= has, name


def test_each_module_that_talks_to_the_engine_is_in_its_group():
    """Any other module would take the default Engine, whatever bluegreen_docker_host is."""
    modules = (ROOT / "plugins" / "modules").glob("*.py")
    talking = {path.stem for path in modules if "**ENGINE_ARGUMENTS" in path.read_text()}
    assert talking <= set(RUNTIME["action_groups"]["engine"])


def test_each_module_that_is_followed_has_the_action_plugin_that_follows_it():
    routed = RUNTIME["plugin_routing"]["modules"]
    assert {route["action_plugin"] for route in routed.values()} == {"hotswap.compose.compose_health_wait"}
    assert set(AWAITS) - {"compose_health_wait"} <= set(routed)


def templated(text, **variables):
    """Return the value of a Jinja expression; Ansible's filters of these names are not Jinja's."""
    environment = NativeEnvironment()
    environment.filters.update(flatten=lambda lists: sum(lists, []), unique=lambda values: list(dict.fromkeys(values)))
    environment.tests["search"] = lambda value, pattern: re.search(pattern, value) is not None
    return environment.from_string(text).render(**variables)


def test_result_has_the_warnings_of_each_plan():
    use = yaml.safe_load((ROLE / "tasks" / "detect.yml").read_text())[-1]["ansible.builtin.set_fact"]
    warnings = []
    for said in (["web joins edge"], ["the registry does not answer"], None):
        plan = {} if said is None else {"warnings": said}
        facts = {"__bluegreen_new_plan": plan, "__bluegreen_plan_warnings": warnings}
        warnings = templated(use["__bluegreen_plan_warnings"], **facts)
    text = VARS["__bluegreen_warnings"]
    facts = {name: {} for name in re.findall(r"__bluegreen_\w+", text)}
    python = "Host 'a' is using the discovered Python interpreter at '/usr/bin/python3.11', but"
    facts.update(__bluegreen_plan_warnings=[python, *warnings], __bluegreen_left_undone=[])
    assert templated(text, **facts) == ["web joins edge", "the registry does not answer"]
