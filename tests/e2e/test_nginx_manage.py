# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role runs nginx itself: from nothing to an app that answers. The tests build on each other, in this order."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest
from sites import NGINX


@pytest.fixture(scope="module")
def managed(site):
    """Nothing is there: no network, no nginx, no directory for its files. Return the variables that say so."""
    (site.conf / "site.conf").unlink()
    site.conf.rmdir()
    site.docker.networks.get(site.name).remove()
    for release in ("v1", "v2"):
        site.image(release)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {
        "nginx_manage": True,
        "nginx_image": NGINX,
        "nginx_ports": [f"127.0.0.1:{port}:80"],
        "vhost": {"server_names": [site.host]},
    }


def exists(site):
    return {
        "containers": [each.name for each in site.docker.containers.list(all=True) if site.name in each.name],
        "networks": [each.name for each in site.docker.networks.list() if site.name in each.name],
        "directories": [each for each in (site.conf, site.state) if each.exists()],
    }


@pytest.fixture
def read_only(site):
    """A directory that root can't write either."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    path = site.directory / "read-only"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", path], check=True)
    yield path
    subprocess.run(["umount", path], check=True)
    path.rmdir()


@pytest.mark.parametrize(
    "variable, below", [("state_dir", "state"), ("nginx_conf_dir", "conf.d"), ("project_src", "shop")]
)
def test_what_can_be_known_is_refused_before_anything_is_made(site, managed, read_only, variable, below):
    wrong = {**managed, variable: str(read_only / below)}
    for run in (site.check("v1", **wrong), site.deploy("v1", **wrong)):
        assert f"bluegreen_{variable}" in run.failed().message
        assert run.changed == 0
    assert exists(site) == {"containers": [], "networks": [], "directories": []}


def test_check_mode_from_nothing(site, managed):
    run = site.check("v1", **managed).succeeded()
    assert exists(site) == {"containers": [], "networks": [], "directories": []}
    assert run.changed > 0
    assert (run.result["outcome"], run.result["release"], run.result["active_color"]) == ("deployed", "v1", None)
    assert run.result["warnings"] == []
    assert f"\n{site.app}: the deploy of v1 would start nginx first; nothing was changed. Not checked" in run.stdout
    assert "would get the traffic" not in run.stdout.replace("that would get the traffic", "")


def test_first_deploy_from_nothing(site, managed):
    run = site.deploy("v1", **managed).succeeded()
    assert (run.result["outcome"], run.result["warnings"]) == ("deployed", [])
    site.serves("v1", "blue")
    assert site.nginx.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert site.nginx.image.tags == [NGINX]


@pytest.mark.parametrize("more", [{}, {"nginx_ports": ["127.0.0.1:9:80"]}], ids=["same", "other-ports"])
def test_same_again_changes_nothing(site, managed, more):
    before = site.snapshot()
    for run in (site.deploy("v1", **{**managed, **more}), site.check("v1", **{**managed, **more})):
        assert (run.succeeded().changed, run.result["outcome"]) == (0, "unchanged")
    assert site.snapshot() == before


def test_next_release_under_load_and_back(site, managed):
    nginx = site.nginx.id
    with site.load() as load:
        site.deploy("v2", **managed).succeeded()
        site.rollback(**managed).succeeded()
    load.lost_nothing()
    assert load.releases == {"v1", "v2"}
    site.serves("v1", "blue")
    assert site.nginx.id == nginx


def test_nginx_that_somebody_stopped_is_started(site, managed):
    site.nginx.stop(timeout=1)
    site.deploy("v1", **managed).succeeded()
    site.serves("v1", "blue")


def test_nginx_that_somebody_removed_comes_back_without_a_redeploy(site, managed):
    app = [container.id for container in site.containers("blue").values()]
    site.nginx.remove(force=True)
    site.deploy("v1", **managed).succeeded()
    site.serves("v1", "blue")
    assert [container.id for container in site.containers("blue").values()] == app
