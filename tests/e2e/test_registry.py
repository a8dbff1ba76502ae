# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A registry that wants a password; the tests of this module build on each other, in this order."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import shutil

import pytest
from registry import PASSWORD, USER, Registry
from sites import Processes

OWN = '{"auths": {}, "detachKeys": "ctrl-x"}\n'


def encodings():
    texts = [f"{USER}:{PASSWORD}", PASSWORD]
    return [PASSWORD, *(base64.b64encode(text.encode()).decode()[:20] for text in texts)]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The connecting user's, with a docker configuration."""
    home = tmp_path_factory.mktemp("home")
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(OWN)
    return home


@pytest.fixture(scope="module")
def site(site):
    """The registry has v1 and v2, the host has neither."""
    site.registry = Registry(site, login=True)
    for tag in ("v1", "v2"):
        site.registry.publish(site, tag)
    site.start_nginx(wait=False)
    yield site
    site.registry.forget(site)


@pytest.fixture(scope="module")
def registry(site):
    return site.registry


def login(registry, password=PASSWORD):
    return {"url": registry.host, "username": USER, "password": password}


def deploy(site, registry, home, release, password=None, image=None, **more):
    return site.deploy(
        release,
        pull="always",
        env={"IMAGE": image or registry.reference(site.name)},
        registry=login(registry, password) if password else {},
        environment={"HOME": str(home)},
        **more,
    )


@pytest.mark.parametrize("password", [None, "not-the-password"])
def test_who_cannot_log_in_is_refused_before_anything_starts(site, registry, home, password):
    run = deploy(site, registry, home, "v1", password).failed()
    assert "v1 was rejected in the phase prepare: " in run.message
    assert "no basic auth credentials" in run.message or "unauthorized" in run.message, run.message
    assert site.containers() == {}


def test_image_that_is_not_there_is_refused_before_anything_starts(site, registry, home):
    run = deploy(site, registry, home, "v9", PASSWORD).failed()
    assert registry.reference(site.name, "v9") in run.message
    assert "not found" in run.message or "manifest unknown" in run.message, run.message
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


@pytest.mark.long
def test_killed_run_s_login_goes_with_the_next(site, registry, home):
    env = {"IMAGE": registry.reference(site.name)}
    run = site.begin("deploy", release="v2", pull="always", env=env, registry=login(registry))
    run.until("gate")
    run.kill(True)
    (config,) = (site.state / site.app / "lock").glob("config-*/config.json")
    assert (config.stat().st_mode & 0o777, config.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    deploy(site, registry, home, "v2", PASSWORD).succeeded()
    assert not list((site.state / site.app / "lock").glob("config-*"))
    site.serves("v2")


def test_image_by_its_digest(site, registry, home):
    """What was pulled is what runs, whatever the tag is by now."""
    image_id = site.image("v3")
    digest = registry.push(site.docker.images.get(image_id), site.name, "v3")
    registry.publish(site, "v3", content="another")
    site.docker.images.remove(image_id, force=True)
    for color in ("blue", "green"):
        (site.src / f"digest.{color}.yml").write_text(f"services: {{web-{color}: {{image: $DIGEST}}}}\n")
    run = site.deploy(
        "v3",
        pull="always",
        env={"DIGEST": f"{registry.reference(site.name)}@{digest}"},
        registry=login(registry),
        compose_files=["compose.{color}-deploy.yml", "digest.{color}.yml"],
    ).succeeded()
    (container,) = site.containers(run.result["active_color"]).values()
    assert container.attrs["Image"] == image_id
    (image,) = site.journal()["releases"][-1]["images"].values()
    assert (image["id"], image["digest"]) == (image_id, digest)


def test_registry_that_is_gone_is_refused_before_anything_starts(site, registry, home):
    before = site.containers().keys()
    registry.container.stop(timeout=1)
    run = deploy(site, registry, home, "v2", PASSWORD).failed()
    registry.container.start()
    assert "connection refused" in run.message
    assert site.containers().keys() == before
    site.serves("v3")


@pytest.mark.skipif(os.geteuid() != 0, reason="what Docker trusts is root's to say")
def test_certificate_that_docker_does_not_trust(site):
    tls = Registry(site, "tls", tls=True)
    trusted = pathlib.Path("/etc/docker/certs.d") / tls.host / "ca.crt"
    trusted.parent.mkdir(parents=True)
    try:
        shutil.copy(tls.certificate, trusted)
        tls.publish(site, "v4")
        trusted.unlink()
        run = site.deploy("v4", pull="always", env={"IMAGE": tls.reference(site.name)}).failed()
        assert "certificate signed by unknown authority" in run.message
        site.serves("v3")
        shutil.copy(tls.certificate, trusted)
        site.deploy("v4", pull="always", env={"IMAGE": tls.reference(site.name)}).succeeded()
        site.serves("v4")
    finally:
        shutil.rmtree(trusted.parent)
        tls.forget(site)


def test_registry_that_is_none_is_refused(site):
    before = site.snapshot()
    message = site.deploy("v1", registry={"url": "a b", "username": "shop", "password": PASSWORD}).failed().message
    assert "bluegreen_registry: url is 'a b'" in message
    assert PASSWORD not in message
    assert site.snapshot() == before
