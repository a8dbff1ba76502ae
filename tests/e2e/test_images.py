# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which images come and go, with a registry; the tests of this module build on each other, in this order."""

from __future__ import annotations

import pytest
from registry import Registry


@pytest.fixture(scope="module")
def site(site):
    """The registry has v1 to v4 and broken, the host has none of them; pull is ``always``."""
    site.registry = Registry(site)
    for tag in ("v1", "v2", "v3", "v4", "broken"):
        site.registry.publish(site, tag)
    site.start_nginx(wait=False)
    yield site
    site.registry.forget(site)


@pytest.fixture(scope="module")
def registry(site):
    return site.registry


def deploy(site, registry, release, behaviour="healthy", **more):
    env = {"IMAGE": registry.reference(site.name), "BEHAVIOUR": behaviour}
    return site.deploy(release, pull="always", env=env, **more)


def present(site, registry):
    """The tags of the registry's images that the host has."""
    prefix = registry.reference(site.name) + ":"
    return {name.removeprefix(prefix) for name in site.tags() if name.startswith(prefix)}


def test_check_mode_pulls_nothing(site, registry):
    env = {"IMAGE": registry.reference(site.name)}
    run = site.check("v1", pull="always", env=env).succeeded()
    assert f"+image: {registry.reference(site.name, 'v1')} (not here yet)" in run.stdout
    once = f"once the run has pulled {registry.reference(site.name, 'v1')}; nothing was changed.\n"
    assert f"\n{site.app}: v1 would get the traffic in blue, {once}" in run.stdout
    assert present(site, registry) == set()


def test_check_mode_names_an_image_that_no_registry_has(site, registry):
    missing = registry.reference(site.name, "v0")
    run = site.check("v0", pull="missing", env={"IMAGE": registry.reference(site.name)}).succeeded()
    assert f"{missing} is not on the target, and no registry has confirmed it, so the pull may fail.\n" in run.stdout


def test_release_is_pulled_and_the_same_again_is_unchanged(site, registry):
    assert deploy(site, registry, "v1").succeeded().result["outcome"] == "deployed"
    before = site.snapshot()
    again = deploy(site, registry, "v1").succeeded()
    assert (again.result["outcome"], again.changed) == ("unchanged", 0)
    assert site.snapshot() == before
    assert site.journal()["unfinished"] is None


def test_nginx_s_file_is_mended_though_there_is_nothing_to_pull(site, registry):
    path = site.conf / f"bluegreen-{site.app}.conf"
    path.write_text(path.read_text().replace("valid=2s", "valid=9s"))
    containers = site.containers().keys()
    run = deploy(site, registry, "v1").succeeded()
    assert "nothing new" in run.stdout
    assert run.result["outcome"] == "deployed" and "valid=2s" in path.read_text()
    assert site.containers().keys() == containers
    assert deploy(site, registry, "v1").succeeded().changed == 0


def test_image_that_the_disk_has_no_room_for_is_not_pulled(site, registry):
    registry.inflate(site.name, "v1", "huge", 10**15)
    before = site.snapshot()
    run = deploy(site, registry, "huge").failed()
    root = site.docker.info()["DockerRootDir"]
    assert f"the images need 3000000.0 GB in {root} (1000000.0 GB to download" in run.message
    assert site.snapshot() == before


def test_image_that_only_a_refused_release_brought_goes(site, registry):
    run = deploy(site, registry, "broken", "exit").failed()
    assert run.result["outcome"] == "rejected"
    assert registry.reference(site.name, "broken") in run.message
    assert present(site, registry) == {"v1"}
    site.serves("v1")


def test_tag_that_a_refused_pull_moved_is_given_back(site, registry):
    """v1 has another image in the registry now: it is noticed, it is refused, and v1 is what it was."""
    name = registry.reference(site.name, "v1")
    old_id = site.docker.images.get(name).id
    new_id = registry.publish(site, "v1", content="another")
    assert new_id != old_id
    run = deploy(site, registry, "v1", "exit").failed()
    assert run.result["outcome"] == "rejected"
    assert site.docker.images.get(name).id == old_id
    assert not site.has_image(new_id)
    site.serves("v1")


def test_same_tag_with_another_image_in_the_registry_is_deployed(site, registry):
    name = registry.reference(site.name, "v1")
    old_id = site.docker.images.get(name).id
    run = deploy(site, registry, "v1").succeeded()
    assert run.result["outcome"] == "deployed"
    assert site.docker.images.get(name).id != old_id
    assert site.has_image(old_id), "a rollback goes to it"
    record = site.journal()["releases"][-1]
    assert (record["color"], len(record["containers"])) == (run.result["active_color"], 1)
    assert {image["id"] for image in record["images"].values()} == {site.docker.images.get(name).id}


@pytest.mark.long
def test_images_beyond_the_retained_releases_go(site, registry):
    mine = site.docker.containers.create(registry.reference(site.name, "v1"), name=f"{site.name}-mine")
    first_id = mine.image.id
    deploy(site, registry, "v2", keep_releases=2).succeeded()
    theirs = site.docker.images.pull(registry.reference(site.name), "v3")
    theirs.tag(f"{site.name}/theirs", "v1")
    deploy(site, registry, "v3", keep_releases=2).succeeded()
    run = deploy(site, registry, "v4", keep_releases=2).succeeded()
    assert run.result["warnings"] == []
    assert present(site, registry) >= {"v3", "v4"}
    assert "v2" not in present(site, registry)
    assert site.has_image(first_id), "a container of somebody else's uses it"
    assert site.has_image(f"{site.name}/theirs:v1")
