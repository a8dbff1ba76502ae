# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker.address import engine_address, local_address
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EngineError

ROOTLESS = "unix:///run/user/1000/docker.sock"
DEFAULT = "unix:///var/run/docker.sock"
IN_USE = {"currentContext": "rootless"}


@pytest.fixture
def home(tmp_path):
    """A home directory with the contexts ``rootless`` and ``far``, as `docker context create` writes them."""
    for name, host in (("rootless", ROOTLESS), ("far", "tcp://192.0.2.1:2376")):
        meta = tmp_path / ".docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}))
    return tmp_path


@pytest.mark.parametrize(
    "option, environ, config, expected",
    [
        (None, {}, None, (DEFAULT, "the default")),
        ("", {"DOCKER_HOST": ""}, {}, (DEFAULT, "the default")),
        (None, {}, IN_USE, (ROOTLESS, "the Docker context rootless")),
        (None, {"DOCKER_CONTEXT": "rootless"}, {}, (ROOTLESS, "the Docker context rootless")),
        (None, {"DOCKER_CONTEXT": "far"}, IN_USE, ("tcp://192.0.2.1:2376", "the Docker context far")),
        (None, {"DOCKER_CONTEXT": "default"}, IN_USE, (DEFAULT, "the default")),
        (None, {"DOCKER_HOST": "unix:///a", "DOCKER_CONTEXT": "rootless"}, IN_USE, ("unix:///a", "DOCKER_HOST")),
        ("unix:///b", {"DOCKER_HOST": "unix:///a"}, IN_USE, ("unix:///b", "docker_host")),
        (None, {}, [], (DEFAULT, "the default")),
    ],
)
def test_which_engine_is_meant(home, option, environ, config, expected):
    if config is not None:
        (home / ".docker" / "config.json").write_text(json.dumps(config))
    assert engine_address(option, {"HOME": str(home), **environ}) == expected
    elsewhere = {"HOME": "/nonexistent", "DOCKER_CONFIG": str(home / ".docker")}
    assert engine_address(option, {**elsewhere, **environ}) == expected


def test_context_that_does_not_exist(home):
    with pytest.raises(
        EngineError, match="^the Docker context gone is not in .*; list the contexts with `docker context ls`"
    ):
        engine_address(None, {"HOME": str(home), "DOCKER_CONTEXT": "gone"})


@pytest.mark.parametrize(
    "option, environ, words",
    [
        ("tcp://192.0.2.1:2375", {}, "bluegreen_docker_host is tcp://192.0.2.1:2375, but the role needs the target's"),
        (None, {"DOCKER_HOST": "ssh://far.example"}, "DOCKER_HOST is ssh://far.example, but "),
        (None, {"DOCKER_CONTEXT": "far"}, "the Docker context far is tcp://192.0.2.1:2376, but "),
    ],
)
def test_engine_of_another_host_is_refused(home, option, environ, words):
    with pytest.raises(EngineError, match="^" + words):
        local_address(option, {"HOME": str(home), **environ})


def test_local_socket(home):
    assert local_address(None, {"HOME": str(home), "DOCKER_CONTEXT": "rootless"}) == ROOTLESS
