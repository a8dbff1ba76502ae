# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

from ansible_collections.hotswap.compose.plugins.plugin_utils._variable_names import unknown_variables

ROOT = pathlib.Path(__file__).parents[4]
SPECS = yaml.safe_load((ROOT / "roles" / "bluegreen" / "meta" / "argument_specs.yml").read_text())["argument_specs"]
OPTIONS = {name for spec in SPECS.values() for name in spec["options"]}


@pytest.mark.parametrize(
    "name, meant",
    [
        ("drain_timout", "drain_timeout"),  # a letter is missing
        ("drain_timeoutt", "drain_timeout"),  # or too many
        ("drain-timeout", "drain_timeout"),
        ("darin_timeout", "drain_timeout"),  # two are swapped
        ("drain_timoeuts", "drain_timeout"),
        ("draintimeout", "drain_timeout"),
        ("Release", "release"),
        ("relase", "release"),
        ("nginx_confdir", "nginx_conf_dir"),
        ("canary_step", "canary_steps"),
        ("env_file", "env_files"),
        ("shared_service", "shared_services"),
        ("service", "services"),
        ("targt", "target"),  # the playbooks would go by the default
        ("ap", "app"),
        ("hook_s", "hooks"),
        ("vhots", "vhost"),
    ],
)
def test_a_name_that_is_nearly_one_of_ours(name, meant):
    problems, warnings = unknown_variables([f"bluegreen_{name}", "bluegreen_app", "other"], OPTIONS)
    assert problems == [
        f"bluegreen_{name} is not a variable of this role; did you mean bluegreen_{meant}? If it is a variable of your "
        "own, rename it"
    ]
    assert warnings == []


@pytest.mark.parametrize(
    "name",
    ["engine", "image", "registry_password", "drain", "timeout", "hosts", "url", "a", "", "domain", "deploy_user"],
)
def test_a_name_that_is_none_of_ours(name):
    problems, warnings = unknown_variables([f"bluegreen_{name}", "bluegreen_app"], OPTIONS)
    assert problems == []
    assert warnings == [f"the role bluegreen has no variable bluegreen_{name} and ignores it"]


def test_several_names_are_one_warning():
    names = ["bluegreen_url", "bluegreen_engine", "bluegreen_darin_timeout", "bluegreen_no_healthchek"]
    problems, warnings = unknown_variables(names, OPTIONS)
    assert [problem.partition(" ")[0] for problem in problems] == ["bluegreen_darin_timeout", "bluegreen_no_healthchek"]
    assert warnings == ["the role bluegreen has no variable bluegreen_engine, bluegreen_url and ignores it"]


def test_what_is_no_variable_of_ours_is_left_alone():
    names = [
        *OPTIONS,
        "__bluegreen_phase",
        "blue_green_app",
        "bluegreen",
        "Bluegreen_app",
        "hostvars",
        "my_bluegreen_ap",
    ]
    assert unknown_variables(names, OPTIONS) == ([], [])


def test_what_the_documentation_and_the_playbooks_name_is_known():
    """Nobody is warned of what they have from there."""
    pages = [ROOT / "README.md"]
    for directory in ("docs", "examples", "playbooks", "roles", "extensions"):
        pages += [path for path in (ROOT / directory).rglob("*") if path.suffix in (".md", ".yml")]
    assert len(pages) > 50
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    named = {
        name for path in pages for name in re.findall(r"(?<![\w$])bluegreen_[a-z_]*[a-z]", path.read_text("utf-8"))
    }
    assert len(named) > 40
    assert unknown_variables(named - modules, OPTIONS) == ([], [])
