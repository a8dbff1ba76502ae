# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stack that runs by hand and shares no network with nginx; the tests build on each other in this order."""

from __future__ import annotations

import subprocess

import pytest

# "-apart" sorts before the network of nginx, "-znet" after it.
COMPOSE = """\
name: @site@-apart
services:
  web:
    image: @site@/app:${BLUEGREEN_RELEASE:-v1}
    stop_grace_period: 2s
    ports: ["127.0.0.1::3000"]
    networks: [own]
    environment:
      BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE:-v1}
      BLUEGREEN_COLOR: ${BLUEGREEN_COLOR:-}
      BEHAVIOUR: ${BEHAVIOUR:-healthy}
    healthcheck: {test: [CMD, test, -e, /tmp/healthy], start_interval: 400ms, start_period: 800ms, interval: 2s}
networks:
  own: {name: "@own@"}
"""
STACK = {"compose_files": ["compose.yml"], "services": [{"name": "web", "port": 3000}]}
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def site(site):
    """v1 runs by hand; nginx waits for its first upstream."""
    site.docker.networks.get(site.network).remove()
    site.network = f"{site.name}-mnet"
    site.docker.networks.create(site.network)
    for release in ("v1", "v2"):
        site.image(release)
    site.docker.containers.run(
        "hotswap/nginx:1.30",
        name=site.nginx_container,
        network=site.network,
        ports={"80/tcp": ("127.0.0.1", None)},
        volumes={str(site.conf): {"bind": "/etc/nginx/conf.d", "mode": "rw"}},
        detach=True,
    )
    return site


def start(site, own):
    (site.src / "compose.yml").write_text(site.text(COMPOSE).replace("@own@", f"{site.name}-{own}"))
    command = ["docker", "compose", "up", "--detach", "--wait", "--force-recreate"]
    subprocess.run(command, cwd=site.src, check=True, capture_output=True, timeout=60)


def by_hand(site):
    return site.docker.containers.get(f"{site.name}-apart-web-1")


def networks(site):
    return {each.name for each in site.docker.networks.list() if each.name.startswith(site.name)}


def published(site):
    return by_hand(site).ports["3000/tcp"]


def test_stack_whose_gateway_would_move_is_refused_with_the_command(site):
    start(site, "znet")
    before, there = site.snapshot(), networks(site)
    run = site.deploy("v2", **STACK).failed()
    command = f"docker network connect --alias {site.app}-blue-web {site.network} {site.name}-apart-web-1"
    assert command in run.message
    assert (site.snapshot(), networks(site)) == (before, there)


def test_a_release_that_fails_leaves_no_network(site):
    start(site, "apart")
    there, ports = networks(site), published(site)
    run = site.deploy("v2", env={"BEHAVIOUR": "exit"}, **STACK).failed()
    assert "shares no network with nginx" in run.stdout + run.stderr
    assert networks(site) == there and site.containers() == {}
    assert published(site) == ports


def test_stack_is_taken_over(site):
    ports = published(site)
    with site.load("--fresh=4") as clients:
        site.deploy("v2", retire="keep", **STACK).succeeded()
    clients.lost_nothing()
    site.serves("v2", "green")
    assert published(site) == ports


def test_rollback_to_it(site):
    site.rollback(**STACK).succeeded()
    site.serves("v1", "")
