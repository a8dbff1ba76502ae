# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker import registry

GIVEN = {"url": "registry.example:5000", "username": "shop", "password": "s3cr3t:x"}
SHOP = base64.b64encode(b"shop:s3cr3t:x").decode()


@pytest.mark.parametrize(
    "changes, wrong",
    [
        ({}, []),
        ({"url": "https://registry.example/v2/"}, []),
        ({"url": "docker.io"}, []),
        ({"url": "registry example"}, ["url is 'registry example'; write the registry as in image names"]),
        ({"url": "ftp://registry.example"}, ["url is 'ftp://registry.example'"]),
        ({"password": ""}, ["password is missing"]),
        ({"username": None, "url": ""}, ["url, username is missing"]),
        ({"username": "a:b"}, ["username is 'a:b'; it can't contain ':'"]),
    ],
)
def test_what_is_wrong_with_a_registry(changes, wrong):
    found = list(registry.registry_problems(dict(GIVEN, **changes)))
    assert len(found) == len(wrong)
    for words, problem in zip(wrong, found):
        assert words in problem
        assert "s3cr3t" not in problem


def test_none_is_fine():
    assert list(registry.registry_problems({})) == list(registry.registry_problems(None)) == []


@pytest.mark.parametrize(
    "url, key",
    [
        ("registry.example:5000", "registry.example:5000"),
        ("https://registry.example:5000/v2/", "registry.example:5000"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
    ],
)
def test_configuration_without_one_of_the_user(url, key):
    for own in (None, "", "no json", "[]"):
        assert json.loads(registry.docker_config(dict(GIVEN, url=url), own, "/root/.docker")) == {
            "auths": {key: {"auth": SHOP}},
            "cliPluginsExtraDirs": ["/root/.docker/cli-plugins"],
        }


def test_what_else_the_user_has_holds():
    own = {
        "auths": {"other.example": {"auth": "b3RoZXI6eA=="}, "registry.example:5000": {"auth": "b2xkOnB3"}},
        "credsStore": "desktop",
        "credHelpers": {"ecr.example": "ecr-login", "registry.example:5000": "pass"},
        "cliPluginsExtraDirs": ["/opt/plugins"],
        "proxies": {"default": {"httpProxy": "http://proxy:3128"}},
    }
    assert json.loads(registry.docker_config(GIVEN, json.dumps(own), "/home/x/.docker")) == {
        "auths": {"other.example": {"auth": "b3RoZXI6eA=="}, "registry.example:5000": {"auth": SHOP}},
        "credHelpers": {"ecr.example": "ecr-login"},
        "cliPluginsExtraDirs": ["/opt/plugins", "/home/x/.docker/cli-plugins"],
        "proxies": {"default": {"httpProxy": "http://proxy:3128"}},
    }
