# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack that somebody started by hand, behind an upstream of his own; the tests build on each other in this order."""

from __future__ import annotations

import os
import subprocess

import pytest
from sites import SERVER


@pytest.fixture(scope="module")
def site(site):
    for release in ("v1", "v2"):
        site.image(release)
    command = [
        "docker",
        "compose",
        "-p",
        f"{site.name}-whatever",
        "-f",
        "compose.blue-deploy.yml",
        "up",
        "-d",
        "--wait",
    ]
    environ = {**os.environ, "BLUEGREEN_RELEASE": "v1"}
    subprocess.run(command, cwd=site.src, env=environ, check=True, capture_output=True)
    site.write("upstream.conf", f"upstream {site.app}-web {{\n    server web-blue:3000;\n}}\n")
    site.write("site.conf", site.text(SERVER))
    site.start_nginx()
    return site


def by_hand(site):
    return site.docker.containers.get(f"{site.name}-whatever-web-blue-1")


def test_upstream_of_the_users_own_is_refused_with_the_remedy(site):
    before = site.snapshot()
    run = site.deploy("v2").failed()
    for word in ("duplicate upstream", "/etc/nginx/conf.d/", "remove that block"):
        assert word in run.message, word
    assert site.snapshot() == before


def test_what_runs_by_hand_serves_until_the_swap_and_is_retired(site):
    (site.conf / "upstream.conf").unlink()  # nginx goes on with what it has loaded
    check = site.check("v2").succeeded()
    assert "+color: green" in check.stdout
    with site.load() as load:
        run = site.deploy("v2").succeeded()
    # The nginx that was there kept no idle connection over a reload; from this swap on it does.
    assert load.dropped <= 7  # the clients with a kept connection: 4 get, 2 post, 1 slow
    assert load.report["total"]["errors_5xx"] == 0
    assert any("keepalive_min_timeout" in warning for warning in run.result["warnings"])
    assert load.releases == {"v1", "v2"}
    assert (run.result["active_color"], run.result["release"], run.result["previous_release"]) == ("green", "v2", None)
    site.serves("v2", "green")
    container = by_hand(site)
    assert (container.status, container.attrs["HostConfig"]["RestartPolicy"]["Name"]) == ("exited", "no")


def test_rollback_brings_it_back(site):
    container_id = by_hand(site).id
    with site.load() as load:
        run = site.rollback().succeeded()
    load.lost_nothing()
    assert (run.result["outcome"], run.result["active_color"]) == ("rolled_back", "blue")
    container = by_hand(site)
    assert container.id == container_id
    assert (container.status, container.attrs["HostConfig"]["RestartPolicy"]["Name"]) == ("running", "unless-stopped")
    site.serves("v1", "blue")


@pytest.mark.long
def test_next_deploy_leaves_only_colors_of_ours(site):
    site.deploy("v2").succeeded()
    site.deploy("v1").succeeded()
    site.serves("v1", "blue")
    assert not [each for each in site.docker.containers.list(all=True) if each.name.startswith(f"{site.name}-whatever")]
