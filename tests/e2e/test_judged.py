# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of a release before it has the traffic, and what becomes of one that goes wrong when it has it."""

from __future__ import annotations

import contextlib
import http.client
import re

import pytest

EXPRESSION = "BEHAVIOUR == 'healthy' && BLUEGREEN_RELEASE != 'v1'"
SECRET = "Bearer s3cr3t-of-the-smoke-test"


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue, behind an nginx with a read-only root."""
    for release in ("v1", "v2"):
        site.image(release)
    # Its root is read-only, and it has directories in memory.
    site.write("cache.conf", "proxy_cache_path /cache/app keys_zone=app:1m;\n")
    in_memory = dict.fromkeys(("/cache", "/run", "/tmp", "/var/lib/nginx"), "")
    site.start_nginx(wait=False, read_only=True, tmpfs=in_memory)
    site.deploy("v1").succeeded()
    return site


def smoke(**more):
    return [{"service": "web-{color}", "path": "/smoke", "retries": 1, **more}]


def edge(site):
    return {"url": f"http://127.0.0.1:{site.port}", "host": site.host}


def went_back(site, run, phase, *words):
    """See that v2 had the traffic, gave it back, and is gone."""
    assert run.failed().result["outcome"] == "rolled_back"
    assert (run.result["active_color"], run.result["release"]) == ("blue", "v1")
    assert f"v2 was rolled back in the phase {phase}: " in run.message
    assert "Traffic: v1 (blue) has it back." in run.message
    for word in words:
        assert word in run.message, run.message
    assert site.containers("green") == {}
    assert site.journal()["unfinished"] is None
    site.serves("v1", "blue")


def test_smoke_test_that_fails_refuses_the_release(site):
    before = site.containers()
    tests = smoke(headers={"Authorization": SECRET}, jmespath=EXPRESSION)
    with site.load() as load:
        run = site.deploy("v2", smoke_tests=tests, env={"BEHAVIOUR": "odd"}, arguments=["-vvv"]).failed()
    load.lost_nothing()
    assert load.releases == {"v1"}
    assert run.result["outcome"] == "rejected"
    assert "was rejected in the phase smoke: smoke test GET http://" in run.message
    asked = ("/smoke of web-{color} failed after 2 attempts", f"{EXPRESSION} is false", '"BEHAVIOUR": "odd"')
    for word in (*asked, "log: release v2 boots and is odd"):
        assert word in run.message, run.message
    assert SECRET not in run.stdout + run.stderr
    assert site.containers().keys() == before.keys()


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"jmespath": "status == 'ok"}, ['jmespath is "status == \'ok"', "not a JMESPath expression"]),
        ({"service": "api-{color}"}, ["'api-{color}'", "web-{color}"]),
        ({"path": "smoke"}, ["'smoke'", "path must begin with '/'"]),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, ["'X-A'", "one line"]),
        ({"colour": "blue"}, ["colour"]),
    ],
    ids=["expression", "service", "path", "header", "key"],
)
def test_smoke_test_that_cannot_be_asked_is_refused_before_anything_starts(site, wrong, words):
    before = site.snapshot()
    run = site.deploy("v2", smoke_tests=smoke(**wrong)).failed()
    for word in ["bluegreen_smoke_tests", *words]:
        assert word in run.message, run.message
    assert site.snapshot() == before


def test_crash_while_it_bakes_gives_the_traffic_back(site):
    """It is seen by its event, long before the bake is over."""
    with site.load() as load:
        run = site.deploy("v2", bake_seconds=60, env={"BEHAVIOUR": "dies"})
    went_back(site, run, "bake", "log: out of luck")
    # On a busy machine, it may have crashed again before the role reads the count.
    assert re.search("web-green-1 was restarted (once|[0-9]+ times) .none allowed.", run.message), run.message
    assert load.releases == {"v1", "v2"}
    assert run.result["phases"]["bake"] < 30


def test_crash_while_the_old_color_drains_gives_the_traffic_back(site):
    """Also where no bake was asked for: the old color is not stopped for a release that is down."""
    long = http.client.HTTPConnection("127.0.0.1", site.port)
    long.request("GET", "/slow?seconds=90", headers={"Host": site.host})  # holds the drain to its end
    with site.load(), contextlib.closing(long):
        run = site.deploy("v2", drain_timeout=5, env={"BEHAVIOUR": "dies"})
    went_back(site, run, "drain", "web-green-1 was restarted", "after the swap")


@pytest.mark.long
def test_unhealthy_while_it_bakes_gives_the_traffic_back(site):
    with site.load() as load:
        run = site.deploy("v2", bake_seconds=60, env={"BEHAVIOUR": "sickens"})
    went_back(site, run, "bake", "web-green-1 is unhealthy")
    load.lost_nothing()


def test_smoke_tests_through_nginx_that_fail_while_it_bakes_give_the_traffic_back(site):
    options = {"smoke_tests": smoke(), "edge_url": edge(site), "bake_failures": 1}
    with site.load() as load:
        run = site.deploy("v2", bake_seconds=60, env={"BEHAVIOUR": "fails"}, **options)
    asked = f"GET {edge(site)['url']}/smoke of web-{{color}} failed: the status is 500"
    went_back(site, run, "bake", asked, "rounds failed, 1 allowed", "log: release v2 boots")
    load.lost_nothing()


UNCHECKED = """\
services:
  web-@color@:
    healthcheck: {disable: true}
    depends_on:
      seed-@color@: {condition: service_completed_successfully}
  seed-@color@:
    image: @site@/app:${BLUEGREEN_RELEASE}
    command: [sh, -c, "sleep 0.5"]
    restart: on-failure
    healthcheck:
      test: [CMD, test, -e, /tmp/healthy]
      interval: 200ms
"""


@pytest.fixture(scope="module")
def unchecked(site):
    """Files of a service without a healthcheck, and of a one-shot that has inherited one."""
    for color in ("blue", "green"):
        (site.src / f"unchecked.{color}.yml").write_text(site.text(UNCHECKED, color))
    return {"compose_files": ["compose.{color}-deploy.yml", "unchecked.{color}.yml"]}


def probed(**probe):
    return [{"name": "web-{color}", "port": 3000, "probe": probe}]


def test_no_health_check_at_all_is_refused_before_anything_starts(site, unchecked):
    before = site.snapshot()
    run = site.deploy("v2", **unchecked).failed()
    for words in ("service web-green takes traffic but has no healthcheck", "probe:", "bluegreen_no_healthcheck"):
        assert words in run.message, run.message
    assert run.message.endswith("\nTraffic: this run did not move it.")
    assert site.snapshot()["containers"] == before["containers"]


@pytest.mark.long
def test_probe_that_never_passes_refuses_the_release(site, unchecked):
    before = site.containers()
    services = probed(path="/health", status=[204], interval=0.2)
    with site.load() as load:
        run = site.deploy("v2", services=services, health_timeout=6, **unchecked).failed()
    load.lost_nothing()
    assert run.result["outcome"] == "rejected"
    asked = ("web-green-1 has not passed its probe yet", "probe: GET http://", "/health: the status is 200, not 204")
    remedy = (
        "Next: fix web-green, or its probe in bluegreen_services (GET /health on port 3000: the status is 200, not 204"
    )
    for word in (*asked, remedy, "log: release v2 boots"):
        assert word in run.message, run.message
    assert site.containers().keys() == before.keys()


def test_probe_that_fails_in_the_bake_gives_the_traffic_back(site, unchecked):
    services = probed(path="/smoke", interval=0.2, headers={"Authorization": SECRET})
    options = {"services": services, "bake_seconds": 60, "arguments": ["-vvv"], **unchecked}
    with site.load() as load:
        run = site.deploy("v2", env={"BEHAVIOUR": "fails"}, **options)
    went_back(site, run, "bake", "web-green-1 failed its probe 3 times in a row", "the status is 500, not 200")
    load.lost_nothing()
    assert run.result["phases"]["bake"] < 30
    assert SECRET not in run.stdout + run.stderr


def test_probe_by_tcp_alone(site, unchecked):
    options = {"services": probed(), **unchecked}
    with site.load() as load:
        run = site.deploy("v2", **options).succeeded()
    load.lost_nothing()
    assert [container["health"] for container in run.result["containers"] if container["service"] == "web-green"] == [
        "healthy"
    ]
    assert site.deploy("v2", **options).succeeded().changed == 0
    status = site.play("status").succeeded().stdout
    assert re.search(r"\n  green, active +web-green .* running  probe ", status), status
    assert site.rollback(**options).succeeded().result["release"] == "v1"


@pytest.mark.long
def test_rollback_to_a_release_that_is_probed(site, unchecked):
    options = {"services": probed(), **unchecked}
    assert site.rollback(release="v2", **options).succeeded().result["release"] == "v2"
    assert site.rollback(**options).succeeded().result["release"] == "v1"


@pytest.mark.long
def test_failures_that_are_allowed(site):
    options = {"smoke_tests": smoke(jmespath="BLUEGREEN_RELEASE == 'v2'"), "bake_seconds": 3, "bake_failures": 9}
    with site.load():
        run = site.deploy("v2", env={"BEHAVIOUR": "dies-once"}, **options).succeeded()
    assert (run.result["outcome"], run.result["release"]) == ("deployed", "v2")
    assert {"smoke", "bake"} <= run.result["phases"].keys()
    assert [container["restarts"] for container in run.result["containers"]] == [1]
    assert any("went to the containers, not through nginx" in warning for warning in run.result["warnings"])
    site.serves("v2", "green")
