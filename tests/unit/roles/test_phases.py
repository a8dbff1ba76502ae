# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

from ansible_collections.hotswap.compose.plugins.action.compose_health_wait import AWAITS
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import REFRESH, Plan
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.request import complete_request
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.steps import GROUPS, ORDER, steps_of
from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import ENGINE_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._edge.options import EDGE_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._health.look import LOOK_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._health.probe_run import PROBE_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._options import APP_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.plugin_utils._run import OTHERS, RESULTS

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "bluegreen"
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
VARS = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())


def tasks_of(tasks):
    """Every task of a list, those of its blocks in their order, but not those of a rescue. A task in a block has the
    variables of the block, and its condition if it has none of its own."""
    for task in tasks:
        if "block" in task:
            for each in tasks_of(task["block"]):
                yield {**each, "vars": {**task.get("vars", {}), **each.get("vars", {})}}
        else:
            yield task


def file_of(name):
    return list(tasks_of(yaml.safe_load((ROLE / "tasks" / name).read_text())))


def included(task, among):
    """The file among some that a task includes; None for none."""
    name = task.get("ansible.builtin.include_tasks", "")
    return name if name.startswith(among) else None


PHASES = file_of("phases.yml")
GROUP_FILES = {name: file_of(f"groups/{name}.yml") for name in GROUPS}
SEQUENCE = [
    each for task in PHASES for each in (file_of(included(task, "groups/")) if included(task, "groups/") else [task])
]
"""All tasks that are for a step, in the order in which they run."""


def steps_of_task(task):
    """The steps that a task is for, by its condition."""
    when = str(task.get("when", ""))
    return [each for each in ORDER if f"'{each}' in __bluegreen_plan.steps" in when]


# The steps that no condition names: that of the handler, and those of a task that has several.
UNNAMED = {"swap", "gate", "drain", "retire"}


def test_the_role_has_each_step_once_in_the_order_of_the_plan():
    steps = [step for task in SEQUENCE for step in steps_of_task(task)]
    assert steps == [step for step in ORDER if step not in UNNAMED]


def test_the_swap_is_between_the_checks_and_what_follows_it():
    flush = next(
        number
        for number, task in enumerate(SEQUENCE)
        if task.get("ansible.builtin.meta") == "flush_handlers" and number
    )
    before = [step for task in SEQUENCE[:flush] for step in steps_of_task(task)]
    assert before == [step for step in ORDER[: ORDER.index("swap")] if step not in UNNAMED]


@pytest.mark.parametrize(
    "module, steps, condition",
    [
        ("bluegreen_start", ["create", "start", "gate"], ["create", "start"]),
        ("bluegreen_finish", ["drain", "retire", "record"], ["record"]),
    ],
)
def test_several_steps_are_one_task(module, steps, condition):
    (task,) = [task for task in PHASES if f"hotswap.compose.{module}" in task]
    assert task[f"hotswap.compose.{module}"]["steps"] == f"{{{{ {steps} | intersect(__bluegreen_plan.steps) }}}}"
    assert steps_of_task(task) == condition


def test_each_group_is_included_if_the_run_has_one_of_its_steps():
    found = {included(task, "groups/"): task["when"] for task in PHASES if included(task, "groups/")}
    assert set(found) == {f"groups/{name}.yml" for name in GROUPS}
    for name in GROUPS:
        assert f"'{name}' in __bluegreen_plan.groups" in found[f"groups/{name}.yml"]
        assert [step for task in GROUP_FILES[name] for step in steps_of_task(task)] == list(GROUPS[name])


def test_no_include_of_the_sequence_loops_over_steps():
    """Over hosts with different steps, the steps of one would run in the order of another."""
    looping = [task for task in SEQUENCE if "loop" in task]
    assert [task["loop"] for task in looping] == ["{{ range(__bluegreen_settings.canary_steps | length) | list }}"]


ALL_FILES = [path.relative_to(ROLE / "tasks") for path in sorted((ROLE / "tasks").rglob("*.yml"))]
OURS = "hotswap.compose."


def registered():
    """``{name: tasks}`` of all that the role's tasks register, without its prefix."""
    handlers = list(tasks_of(yaml.safe_load((ROLE / "handlers" / "main.yml").read_text())))
    found = {}
    for task in [each for path in ALL_FILES for each in everything_in(path)] + handlers:
        if "register" in task:
            found.setdefault(task["register"][len("__bluegreen_") :], []).append(task)
    return found


def everything_in(path):
    """Every task of a file, those of a rescue and of an always included."""

    def walk(tasks, variables):
        for task in tasks:
            known = {**variables, **task.get("vars", {})}
            if "block" in task:
                for part in ("block", "rescue", "always"):
                    yield from walk(task.get(part, []), known)
            else:
                yield {**task, "vars": known}

    yield from walk(yaml.safe_load((ROLE / "tasks" / path).read_text()), {})


def test_a_run_has_the_results_of_all_tasks_of_a_phase():
    """Each of them is stamped with its phase, so that the phases have their seconds."""
    names = registered()
    assert set(RESULTS) <= set(names) and set(OTHERS) <= set(names)
    in_watch = "baked"  # whose phase is that of the include
    for name in set(RESULTS) - {in_watch}:
        for task in names[name]:
            assert "__bluegreen_phase" in task["vars"], name


def test_a_phase_is_a_plain_word():
    """Action plugins read it without a template. A run that fails in an unknown phase may have moved traffic."""
    for path in ALL_FILES:
        for task in everything_in(path):
            assert task["vars"].get("__bluegreen_phase", "detect") in (*ORDER, "detect", "undo"), task["name"]


def test_each_task_of_ours_in_a_phase_is_registered_under_a_known_name():
    for path in ALL_FILES:
        for task in everything_in(path):
            if "__bluegreen_phase" in task["vars"] and any(key.startswith(OURS) for key in task):
                assert task["register"][len("__bluegreen_") :] in (*RESULTS, "replanned"), task["name"]


def test_no_plan_without_a_compose_file_runs_compose():
    """Given an empty file name, docker compose reads the directory."""
    settings = {
        **{"hooks": {"before_start": "/h.yml", "before_swap": "/h.yml"}, "migrate": {"service": "web", "command": "m"}},
        **{"canary_steps": [{"weight": 5, "hold": 1}], "bake_seconds": 60, "vhost": {}},
    }
    request = complete_request(settings, kind="deploy", recovered={}, preview={"listen": 8081}, smoke_tests=[{}])
    steps = steps_of(request, Plan(how=REFRESH, active_color="blue", can_go_back=True))
    for task in SEQUENCE:
        name = included(task, "phases/")
        for each in file_of(name) if name else [task]:
            if "hotswap.compose.bluegreen_compose" in each:
                assert steps_of_task(task) and not set(steps_of_task(task)) & set(steps)


@pytest.mark.parametrize("group", RUNTIME["action_groups"])
def test_each_module_of_a_group_has_the_options_of_the_group(group):
    options = set(VARS[f"__bluegreen_{group}_options"])
    for name in set(RUNTIME["action_groups"][group]) - {"bluegreen_compose"}:  # an action plugin alone
        source = (ROOT / "plugins" / "modules" / f"{name}.py").read_text()
        given = {
            "APP_ARGUMENTS": APP_ARGUMENTS,
            "EDGE_ARGUMENTS": EDGE_ARGUMENTS,
            "ENGINE_ARGUMENTS": ENGINE_ARGUMENTS,
            "LOOK_ARGUMENTS": LOOK_ARGUMENTS,
            "PROBE_ARGUMENTS": PROBE_ARGUMENTS,
        }
        used = {constant for constant in given if re.search(rf"(\*\*|argument_spec=){constant}", source)}
        has = {option for constant in used for option in given[constant]}
        has |= {option for option in options if f"{option}={{" in source}
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
