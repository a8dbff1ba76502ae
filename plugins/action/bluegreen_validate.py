# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import uuid

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.playbook.helpers import load_list_of_blocks

from ..module_utils._options import without_unset
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._managed_nginx import nginx_volumes
from ..plugin_utils._play import is_included, is_selected, play_problems
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._rules import rule_problems
from ..plugin_utils._screen import show_refusal
from ..plugin_utils._task_failure import UNMOVED, TaskFailed
from ..plugin_utils._unquoted import unquoted_problems
from ..plugin_utils._variable_names import PREFIX, unknown_variables

ACTING = ("main", "rollback", "promote", "abort")
"""The entry points that change something."""

UNSELECTED = (
    "--tags or --skip-tags excludes the tasks of the role, so the role would do nothing; run without them, or give "
    "include_role the same tags under apply ('apply: {tags: [deploy]}')"
)

OMITTED = "__bluegreen_omitted__"


class Refused(Exception):
    """The variables are wrong. ``problems``: a text each."""

    def __init__(self, problems):
        super().__init__(problems)
        self.problems = problems


class ActionModule(ControllerAction):
    """Cast the role's variables by its argument specs, and check the rules between them."""

    options = {"entry_point": {"type": "str", "required": True}}
    exact = ("settings", "nginx_volumes")

    def act(self, given, task_vars):
        try:
            return self._validate(given, task_vars)
        except Refused as refused:
            traffic = [UNMOVED] if given["entry_point"] in ACTING else []
            show_refusal(refused.problems + traffic, prefix(task_vars))
            raise TaskFailed("\n".join(["; ".join(refused.problems), *traffic])) from None

    def _validate(self, given, task_vars):
        if self._task._role is None:
            raise AnsibleActionFail("bluegreen_validate is private; use the role hotswap.compose.bluegreen")
        if not is_selected(self._task, task_vars):
            if is_included(self._task) or task_vars.get("__bluegreen_refuses_tags"):
                raise Refused([UNSELECTED])
            return {"skipped": True}
        problems = play_problems(self._task, task_vars) if given["entry_point"] in ACTING else []
        specs = self._specs()
        options = specs[given["entry_point"]]["options"]
        misspelt, warnings = unknown_variables(task_vars, {name for spec in specs.values() for name in spec["options"]})
        # Up to ansible-core 2.18, omit is a special text. From 2.19 on, templates don't return it.
        showing = self._templar.copy_with_new_env(available_variables=dict(task_vars, omit=OMITTED))
        variables = showing.template({name: task_vars[name] for name in options if name in task_vars})
        secret = [name for name in options if options[name].get("no_log")]
        headers = _probe_headers(_typed(variables.get("bluegreen_services"), {"type": "list"}))
        omitted = _omitted({**{name: variables[name] for name in secret if name in variables}, **headers})
        if omitted:  # the tasks encode these unchanged
            problem = f"{', '.join(omitted)}: secret variables can't be set to omit; set a value or remove the variable"
            raise Refused([problem])
        values = {name: _typed(value, options[name]) for name, value in _without_omitted(variables).items()}
        values = {name: value for name, value in values.items() if value is not None}
        for name in secret:
            if isinstance(values.get(name), str):
                raise Refused([f"{name} is a string that is not valid JSON; give a {options[name]['type']}"])
        unquoted = unquoted_problems(values, options)  # before the cast, which turns anything into text
        if unquoted:
            raise Refused(misspelt + unquoted)
        checked = ArgumentSpecValidator(options).validate(values)
        everything = {name[len(PREFIX) :]: value for name, value in without_unset(checked.validated_parameters).items()}
        found = [_with_remedy(text) for text in checked.error_messages]
        found = found or rule_problems(everything) + self._broken_hooks(everything.get("hooks") or {})
        if problems or misspelt or found:
            raise Refused(problems + misspelt + found)
        secret = [name[len(PREFIX) :] for name in secret]
        settings = {name: value for name, value in everything.items() if name not in secret}
        for service in settings.get("services") or []:
            (service.get("probe") or {}).pop("headers", None)
        found = {"settings": settings, "warnings": warnings, "run_id": uuid.uuid4().hex}
        if settings.get("nginx_manage"):
            found["nginx_volumes"] = nginx_volumes(settings)
        return found

    def _specs(self):
        path = os.path.join(self._task._role._role_path, "meta", "argument_specs.yml")
        with open(path, encoding="utf-8") as file:
            return yaml.safe_load(file)["argument_specs"]

    def _broken_hooks(self, hooks):
        """Load each file now, because a file that can't be loaded later ends the playbook without any rescue."""
        found = []
        for name, path in hooks.items():
            if not os.path.isfile(path):
                found.append(f"bluegreen_hooks is {path!r}: the file for {name} does not exist on the controller")
                continue
            try:
                load_list_of_blocks(
                    [{"import_tasks": {"file": path}}],  # so that Ansible looks for its imports in the same directory
                    play=self._task.get_play(),
                    variable_manager=self._task.get_variable_manager(),
                    loader=self._loader,
                )
            except AnsibleError as error:
                found.append(f"bluegreen_hooks is {path!r}: the tasks for {name} can't be loaded: {error}")
        return found


def _with_remedy(text):
    """Return an error message of Ansible, with a remedy if a variable is missing."""
    if not text.startswith(f"missing required arguments: {PREFIX}"):
        return text
    return f"{text}; set each in the inventory, or with -e NAME=VALUE"


def _probe_headers(services):
    """Return ``{variable: headers}`` of the probes, which are secret. ``services``: as given."""
    probes = [
        (service.get("name"), service.get("probe"))
        for service in (services if isinstance(services, list) else [])
        if isinstance(service, dict)
    ]
    return {
        f"bluegreen_services: headers of the probe of {name}": probe["headers"]
        for name, probe in probes
        if isinstance(probe, dict) and "headers" in probe
    }


def _typed(value, option):
    """Return the list or mapping that a text represents, if the option needs one. Ansible itself only splits it at
    commas.

    None for an empty answer of a survey, unless the option needs a string.
    """
    kind = option.get("type", "str")
    if not isinstance(value, str):
        return value
    if not value.strip():
        return value if kind == "str" and (option.get("required") or "default" in option) else None
    if kind in ("list", "dict") and value.lstrip().startswith(("[", "{")):
        try:
            # The target, where secrets are used, has no YAML.
            return json.loads(value) if option.get("no_log") else yaml.safe_load(value)
        except (ValueError, yaml.YAMLError):
            return value  # the validation rejects it
    return value


def _without_omitted(value):
    """Return ``value`` without OMITTED values."""
    if isinstance(value, dict):
        return {key: _without_omitted(each) for key, each in value.items() if each != OMITTED}
    if isinstance(value, list):
        return [_without_omitted(each) for each in value if each != OMITTED]
    return value


def _omitted(value, *path):
    """Return the places of OMITTED in ``value``, each as its keys joined by dots."""
    if value == OMITTED:
        return [".".join(path)]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in pairs for found in _omitted(each, *path, str(key))]
