# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A registry that wants a password; the tests of this module build on each other, in this order."""

from __future__ import annotations

import base64
import json

import pytest
from registry import Registry
from sites import Processes

PASSWORD = "sentinel-of-the-registry"
OWN = '{"auths": {}, "detachKeys": "ctrl-x"}\n'


def encodings():
    texts = [f"shop:{PASSWORD}", PASSWORD]
    return [PASSWORD, *(base64.b64encode(text.encode()).decode()[:20] for text in texts)]


@pytest.fixture(scope="module")
def registry():
    registry = Registry("shop", PASSWORD)
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The connecting user's, with a docker configuration."""
    home = tmp_path_factory.mktemp("home")
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(OWN)
    return home


@pytest.fixture(scope="module")
def site(site, registry):
    """The registry has v1 and v2, the host has neither."""
    for tag in ("v1", "v2"):
        registry.publish(site, tag)
    site.start_nginx(wait=False)
    yield site
    registry.forget(site)


def deploy(site, registry, home, release, password=None, **more):
    login = {"url": registry.reference("").rstrip("/"), "username": "shop", "password": password}
    return site.deploy(
        release,
        pull="always",
        env={"IMAGE": registry.reference(site.name)},
        registry=login if password else {},
        environment={"HOME": str(home)},
        **more,
    )


@pytest.mark.parametrize("password", [None, "not-the-password"])
def test_who_cannot_log_in_is_refused_before_anything_starts(site, registry, home, password):
    run = deploy(site, registry, home, "v1", password).failed()
    assert "v1 was refused, in the phase prepare: " in run.message
    assert "no basic auth credentials" in run.message or "unauthorized" in run.message, run.message
    assert site.containers() == {}


def test_login_is_the_run_s_alone(site, registry, home):
    with Processes(encodings()) as watching:
        run = deploy(site, registry, home, "v1", PASSWORD, arguments=["-vvvvvv", "--diff"]).succeeded()
    site.serves("v1")
    said = run.stdout + run.stderr + json.dumps(run.tasks) + json.dumps(run.results)
    for word in encodings():
        assert word not in said
    assert watching.found == set()
    assert (home / ".docker/config.json").read_text() == OWN
    assert sorted(path.name for path in (home / ".docker").iterdir()) == ["config.json"]
    left = [path for path in site.state.rglob("*") if path.is_file()]
    assert left
    assert not any(word in path.read_text(errors="replace") for word in encodings() for path in left)


def test_killed_run_s_login_goes_with_the_next(site, registry, home):
    login = {"url": registry.reference("").rstrip("/"), "username": "shop", "password": PASSWORD}
    env = {"IMAGE": registry.reference(site.name)}
    run = site.begin("deploy", release="v2", pull="always", env=env, registry=login)
    run.until("gate")
    run.kill(True)
    (config,) = (site.state / site.app / "lock").glob("config-*/config.json")
    assert (config.stat().st_mode & 0o777, config.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    deploy(site, registry, home, "v2", PASSWORD).succeeded()
    assert not list((site.state / site.app / "lock").glob("config-*"))
    site.serves("v2")


def test_registry_that_is_none_is_refused(site):
    before = site.snapshot()
    message = site.deploy("v1", registry={"url": "a b", "username": "shop", "password": PASSWORD}).failed().message
    assert "bluegreen_registry: url is 'a b'" in message
    assert PASSWORD not in message
    assert site.snapshot() == before
