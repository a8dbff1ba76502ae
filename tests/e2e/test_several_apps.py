# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apps of different shapes behind one nginx, deployed in one play. Each app is a host of the inventory."""

from __future__ import annotations

import contextlib

import pytest
from sites import Playbook

# The role connects web to the network of nginx, because this file does not name it. Only one worker may run.
ORDINARY = """\
x-app: &app
  image: @site@/app:${BLUEGREEN_RELEASE}
  restart: unless-stopped
  stop_grace_period: 2s
  environment:
    BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE}
    BLUEGREEN_COLOR: ${BLUEGREEN_COLOR}
  healthcheck:
    test: [CMD, test, -e, /tmp/healthy]
    start_interval: 400ms
    start_period: 800ms
    interval: 2s
services:
  web: *app
  worker: *app
"""

# The variables of each app, by host, without their prefix.
SHAPES = {
    "plain": {},
    "ordinary": {
        "compose_files": ["compose.yml"],
        "services": [{"name": "web", "port": 3000}],
        "exclusive_services": ["worker"],
    },
    "careful": {
        "migrate": {"service": "web-{color}", "command": "true"},
        "smoke_tests": [{"service": "web-{color}", "path": "/smoke"}],
        "canary_steps": [{"weight": 20, "hold": 1}],
        "bake_seconds": 1,
    },
}

# The phases of each app, in the order in which they must run.
PHASES = {
    "plain": "detect start gate swap drain retire record",
    "ordinary": "detect start gate swap exclusive drain retire record",
    "careful": "detect migrate start gate smoke canary swap bake drain retire record",
}

CLIENTS = ("--get=1", "--post=1", "--slow-seconds=0.5")


@pytest.fixture(scope="module")
def sites(site, make_site):
    """Each app serves v1, which a play of its own deployed."""
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    sites = {"plain": site, **{host: make_site(host).behind(site) for host in ("ordinary", "careful")}}
    (sites["ordinary"].src / "compose.yml").write_text(sites["ordinary"].text(ORDINARY))
    for each in sites.values():
        for release in ("v1", "v2", "v3"):
            each.image(release)
    for run in [begin({host: each}, "v1") for host, each in sites.items()]:
        run.wait().succeeded()
    return sites


def begin(sites, release, strategy="linear"):
    """Begin one play that deploys the release of each app."""
    hosts = {
        host: site.variables(release=release, vhost={"server_names": [site.host]}, **SHAPES[host])
        for host, site in sites.items()
    }
    directory = next(iter(sites.values())).directory / "run"
    return Playbook(directory, "deploy", hosts=hosts, environment={"ANSIBLE_STRATEGY": strategy})


def deploy_under_load(sites, release, strategy="linear"):
    """Deploy all apps in one play. Each must run its phases in order and lose no request."""
    with contextlib.ExitStack() as stack:
        loads = {host: stack.enter_context(site.load(*CLIENTS)) for host, site in sites.items()}
        run = begin(sites, release, strategy).wait()
    assert {host: " ".join(result["phases"]) for host, result in run.results.items()} == {
        host: PHASES[host] for host in sites
    }
    for host, site in sites.items():
        result = run.results[host]
        assert result["outcome"] == "deployed"
        site.converged(run, release, host)
        loads[host].lost_nothing()
        assert loads[host].releases == {result["previous_release"], release}


def test_two_apps(sites):
    deploy_under_load({host: sites[host] for host in ("plain", "ordinary")}, "v2")


@pytest.mark.parametrize("strategy, release", [("linear", "v3"), pytest.param("free", "v2", marks=pytest.mark.long)])
def test_three_apps(sites, strategy, release):
    deploy_under_load(sites, release, strategy)
    again = begin(sites, release, strategy).wait().succeeded()
    for host in sites:
        assert (again.results[host]["outcome"], again.summary[host]["changed"]) == ("unchanged", 0)
