# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest
import yaml

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.request import (
    DEFAULTS,
    complete_request,
    requested_release,
)

SPECS = pathlib.Path(__file__).parents[5] / "roles" / "bluegreen" / "meta" / "argument_specs.yml"
READ_BY_THE_PLANNER = {
    *("bake_error_ratio", "bake_seconds", "canary_steps", "compose_files", "edge_url", "exclusive_services", "hooks"),
    *("auto_promote", "migrate", "project_src", "services", "shared_services", "shared_update", "vhost"),
}


def settings_of(entry_point):
    """Return ``{setting: whether it always has a value}`` of an entry point of the role."""
    options = yaml.safe_load(SPECS.read_text())["argument_specs"][entry_point]["options"]
    return {
        name[len("bluegreen_") :]: bool(option.get("required")) or "default" in option
        for name, option in options.items()
    }


@pytest.mark.parametrize("entry_point", ["main", "rollback", "promote", "abort"])
def test_settings_that_an_entry_point_lacks_have_a_default(entry_point):
    given = {name for name, always in settings_of(entry_point).items() if always}
    assert READ_BY_THE_PLANNER - given - set(DEFAULTS) == set()


def test_each_default_is_of_a_setting_of_a_deploy():
    assert set(DEFAULTS) - set(settings_of("main")) == set()


@pytest.mark.parametrize(
    "name, value",
    [
        ("auto_promote", True),
        ("bake_error_ratio", 0),
        ("bake_seconds", 0),
        ("canary_steps", []),
        ("env_files", []),
        ("hooks", {}),
        ("migrate", {}),
        ("pull", "never"),
        ("shared_update", False),
    ],
)
def test_defaults(name, value):
    assert complete_request({}, recovered={})[name] == value


@pytest.mark.parametrize(
    "name, value",
    [("auto_promote", False), ("bake_seconds", 5), ("pull", "always"), ("hooks", {"before_swap": "/h.yml"})],
)
def test_setting_that_is_given_replaces_its_default(name, value):
    assert complete_request({name: value}, recovered={})[name] == value


def test_request_has_the_settings_and_what_the_module_adds():
    settings = {"app": "shop", "services": [], "network": "not the module's"}
    more = {"kind": "promote", "recovered": {}, "env": {"A": "1"}, "network": "edge"}
    request = complete_request(settings, **more)
    assert request == {**DEFAULTS, **settings, **more, "release": None}
    assert settings == {"app": "shop", "services": [], "network": "not the module's"}


@pytest.mark.parametrize(
    "settings, recovered, release",
    [
        ({}, {}, None),
        ({"release": "v2"}, {}, "v2"),
        ({}, {"gone_back_to": "v1"}, "v1"),
        ({}, {"gone_back_to": ""}, ""),  # a stack that was started by hand
        ({"release": "v2"}, {"gone_back_to": "v1"}, "v2"),
        ({}, {"decision": "finish", "promoted": True}, None),
    ],
)
def test_release_that_was_asked_for(settings, recovered, release):
    assert requested_release(settings, recovered) == release
    assert complete_request(settings, recovered=recovered)["release"] == release
