# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx is a service of the app's own compose.yml, which runs by hand; the tests build on each other in this order."""

from __future__ import annotations

import subprocess

import pytest
from sites import NGINX, output_of

# Its network sorts before those of the colors, so names and gateways of the colors' containers depend on it.
COMPOSE = """\
name: @site@-all
services:
  web:
    image: @site@/app:${BLUEGREEN_RELEASE:-v1}
    restart: unless-stopped
    stop_grace_period: 2s
    environment:
      BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE:-v1}
      BLUEGREEN_COLOR: ${BLUEGREEN_COLOR:-}
      BEHAVIOUR: ${BEHAVIOUR:-healthy}
    healthcheck: &healthy
      {test: [CMD, test, -e, /tmp/healthy], start_interval: 400ms, start_period: 800ms, interval: 2s, retries: 2}
  cache:
    image: @site@/app:v1
    depends_on: [proxy]
    healthcheck: *healthy
  proxy:
    image: @nginx@
    container_name: @site@-nginx
    restart: unless-stopped
    depends_on: {web: {condition: service_healthy}}
    ports: ["127.0.0.1::80"]
    volumes: ["@conf@:/etc/nginx/conf.d", "proxied:/var/cache/proxied"]
volumes:
  proxied: {}
"""
STACK = {"compose_files": ["compose.yml"], "services": [{"name": "web", "port": 3000}]}


@pytest.fixture(scope="module")
def site(site):
    """v1 runs by hand, and nginx sends the requests straight to it."""
    laid_down(site)
    site.write("site.conf", "keepalive_min_timeout 5s;\n" + server(site, "web:3000"))
    by_hand(site, "up", "--detach", "--wait")
    return site


def laid_down(site):
    text = site.text(COMPOSE).replace("@conf@", str(site.conf)).replace("@nginx@", NGINX)
    (site.src / "compose.yml").write_text(text)
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.docker.networks.get(site.network).remove()
    site.network = f"{site.name}-all_default"


def by_hand(site, *words):
    subprocess.run(["docker", "compose", *words], cwd=site.src, check=True, capture_output=True, timeout=120)


def server(site, place):
    return f"server {{ listen 80; proxy_connect_timeout 4s; location / {{ proxy_pass http://{place}; }} }}\n"


def load(site):
    return site.load("--fresh=4")


def identity(site):
    """What no run changes of nginx."""
    nginx = site.nginx.attrs
    networks = {name: each["IPAddress"] for name, each in nginx["NetworkSettings"]["Networks"].items()}
    mounts = sorted(mount["Source"] for mount in nginx["Mounts"])
    return nginx["Id"], nginx["State"]["StartedAt"], nginx["HostConfig"]["RestartPolicy"], networks, mounts


@pytest.fixture(autouse=True)
def nginx_goes_on(site):
    before = identity(site)
    yield
    assert identity(site) == before
    proxies = site.docker.containers.list(all=True, filters={"label": "com.docker.compose.service=proxy"})
    assert [each.name for each in proxies if each.name.startswith(site.name)] == [site.nginx_container]


def names_inside(site, color, service):
    """The addresses that ``service`` has inside web of a color, and those of that color's own container of it."""
    found = {each.labels["com.docker.compose.service"]: each for each in site.containers(color).values()}
    code = f"import socket; print(*{{a for i in range(9) for a in socket.gethostbyname_ex({service!r})[2]}})"
    seen = output_of(found["web"], "python3", "-c", code).split()
    networks = found[service].attrs["NetworkSettings"]["Networks"].values() if service in found else []
    return set(seen), {each["IPAddress"] for each in networks}


def test_nginx_that_sends_requests_past_the_upstream_is_refused(site):
    before = site.snapshot()
    run = site.deploy("v2", **STACK).failed()
    assert "sends requests to web:3000, a container started by hand" in run.message
    assert site.snapshot() == before


def test_stack_with_nginx_in_it_is_taken_over(site):
    site.write("site.conf", "keepalive_min_timeout 5s;\n" + server(site, f"{site.app}-web"))  # and no reload
    with load(site) as clients:
        run = site.deploy("v2", **STACK).succeeded()
    clients.lost_nothing()
    assert clients.releases == {"v1", "v2"}
    assert (run.result["outcome"], run.result["active_color"]) == ("deployed", "green")
    site.serves("v2", "green")
    assert site.docker.containers.get(f"{site.name}-all-web-1").status == "exited"


def test_rollback_to_what_was_started_by_hand(site):
    with load(site) as clients:
        site.rollback(**STACK).succeeded()
    clients.lost_nothing()
    site.serves("v1", "")


def test_two_deploys_after_it(site):
    with load(site) as clients:
        site.deploy("v2", retire="keep", **STACK).succeeded()
        for name in ("web", "cache"):
            seen, own = names_inside(site, "green", name)
            assert seen <= own and seen
        assert names_inside(site, "green", "proxy")[0]
        site.deploy("v3", **STACK).succeeded()
    clients.lost_nothing()
    site.serves("v3", "blue")


def test_the_same_again_is_unchanged(site):
    before = site.snapshot()
    run = site.deploy("v3", **STACK).succeeded()
    assert (run.result["outcome"], run.changed) == ("unchanged", 0)
    assert site.snapshot() == before
    assert "v3" in site.play("status").succeeded().stdout


@pytest.mark.long
def test_first_deploy_where_nothing_runs(make_site):
    empty = make_site("all-empty")
    laid_down(empty)
    empty.write("site.conf", server(empty, f"{empty.app}-web"))
    refused = empty.deploy("v1", **STACK).failed()
    assert "create it with docker compose up --no-start --no-deps SERVICE" in refused.message
    by_hand(empty, "up", "--no-start", "--no-deps", "proxy")
    empty.deploy("v1", **STACK).succeeded()
    empty.serves("v1", "blue")
