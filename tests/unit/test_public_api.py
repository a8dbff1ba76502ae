# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only what the README lists as the public API is public. Everything else is marked private."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
ACTION_GROUPS = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]

PUBLIC_MODULES = {"bluegreen_history_info", "bluegreen_info", "compose_health_wait"}
PUBLIC_FILTERS = {"nginx_upstream", "nginx_upstream_targets"}

PRIVATE = re.compile(r"Private\. Only .+ uses? it, and any release may change it\.")
PRIVATE_SUMMARY = "(private) "


def documentation(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "DOCUMENTATION":
            return yaml.safe_load(node.value.value)
    raise AssertionError(f"{path} has no DOCUMENTATION")


MODULES = {path.stem: documentation(path) for path in sorted((PLUGINS / "modules").glob("*.py"))}


def groups_of(module):
    return [f"hotswap.compose.{group}" for group, modules in ACTION_GROUPS.items() if module in modules]


def test_the_public_modules_and_filters_exist():
    assert set(MODULES) >= PUBLIC_MODULES
    assert {path.stem for path in (PLUGINS / "filter").glob("*.py")} == PUBLIC_FILTERS


@pytest.mark.parametrize("module", MODULES)
def test_each_module_that_is_not_public_is_marked_private(module):
    documented = MODULES[module]
    is_private = module not in PUBLIC_MODULES
    assert bool(PRIVATE.fullmatch(documented["description"][0])) is is_private
    assert documented["short_description"].startswith(PRIVATE_SUMMARY) is is_private


@pytest.mark.parametrize("module", MODULES)
def test_each_module_documents_its_action_groups(module):
    documented = MODULES[module].get("attributes", {}).get("action_group", {})
    assert sorted(documented.get("membership", [])) == sorted(groups_of(module))


@pytest.mark.parametrize("kind", ["doc_fragments", "module_utils", "plugin_utils"])
def test_python_that_users_could_import_has_an_underscore(kind):
    names = {path.name for path in (PLUGINS / kind).iterdir()} - {"__pycache__"}
    assert names == {name for name in names if name.startswith("_")}
