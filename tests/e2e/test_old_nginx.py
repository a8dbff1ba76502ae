# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and replicas, behind an nginx that looks names up at load only, and behind one that follows them.

The tests of this module build on each other, in this order.
"""

from __future__ import annotations

import http.client
import re
import subprocess
import time

import pytest
from sites import APP_IMAGE, SERVER, until

REPLICAS = """\
services:
  web-@color@:
    deploy:
      replicas: 2
"""
FILES = ["compose.{color}-deploy.yml", "replicas.{color}.yml"]
OTHER = "server { listen 80; server_name other.example; return 200 other; }\n"


def sited(make_site, version):
    site = make_site(f"nginx-{version.replace('.', '-')}")
    for color in ("blue", "green"):
        (site.src / f"replicas.{color}.yml").write_text(site.text(REPLICAS, color))
    site.write("other.conf", OTHER)
    (site.conf / "site.conf").unlink()
    site.start_nginx(image=f"hotswap/nginx:{version}")
    site.write("site.conf", site.text(SERVER))
    for release in ("v1", "v2", "v3"):
        site.image(release)
    return site


@pytest.fixture(scope="module")
def old(make_site):
    return sited(make_site, "1.22")


@pytest.fixture(scope="module")
def new(make_site):
    return sited(make_site, "1.30")


def addresses(site, color):
    """Return the addresses of a color's containers on nginx's network, by their names."""
    return {
        name: container.attrs["NetworkSettings"]["Networks"][site.name]["IPAddress"]
        for name, container in site.containers(color).items()
    }


def asked(site, requests=60):
    """Return the names of the containers that answer through nginx."""
    answers = [site.get() for _number in range(requests)]
    assert {status for status, _said in answers} == {200}
    names = {container.id[:12]: name for name, container in site.containers().items()}
    return {names[said["HOSTNAME"]] for _status, said in answers}


class Moved:
    """While the block runs, a container has come back at another address: its own is somebody else's."""

    def __init__(self, site, container):
        self.site, self.container = site, container

    def __enter__(self):
        self.container.stop(timeout=1)
        self.other = self.site.docker.containers.run(
            APP_IMAGE, ["sleep", "600"], name=f"{self.site.name}-squatter", network=self.site.name, detach=True
        )
        self.container.start()
        until(lambda: self.health() == "healthy", "it is healthy again")

    def health(self):
        self.container.reload()
        return self.container.attrs["State"]["Health"]["Status"]

    def __exit__(self, *_):
        self.other.remove(force=True)


def ids(site):
    return sorted((container.id, container.status) for container in site.containers().values())


def other_site_answers(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=5)
    connection.request("GET", "/", headers={"Host": "other.example", "Connection": "close"})
    return connection.getresponse().read() == b"other"


@pytest.mark.long
def test_old_every_replica_gets_traffic(old):
    run = old.deploy("v1", compose_files=FILES).succeeded()
    assert len(run.result["containers"]) == 2
    until(lambda: old.get()[0] == 200, "it answers")
    assert asked(old) == set(old.containers("blue"))


@pytest.mark.long
def test_old_warns_in_figures(old):
    with old.load("--think-ms=25") as load:
        run = old.deploy("v2", compose_files=FILES).succeeded()
    warning = next(each for each in run.result["warnings"] if "keep-alive" in each)
    found = re.search(r"nginx 1\.22\.\d+ closes .* \((\d+) are open now\); update nginx to 1\.27\.4 or newer", warning)
    assert found and 6 <= int(found.group(1)) <= 18, warning  # 4 and 2 that are kept, and 8 others
    assert load.report["total"]["errors_5xx"] == 0
    assert asked(old) == set(old.containers("green"))


@pytest.mark.long
def test_old_same_again_changes_nothing(old):
    assert old.deploy("v2", compose_files=FILES).succeeded().changed == 0


@pytest.mark.long
def test_old_new_address_is_mended_by_one_reload(old):
    before, was = ids(old), addresses(old, "green")
    with Moved(old, next(iter(old.containers("green").values()))):
        assert addresses(old, "green") != was
        reloads = old.reloads()
        run = old.deploy("v2", compose_files=FILES).succeeded()
        assert (run.result["outcome"], run.result["active_color"]) == ("deployed", "green")
        assert old.reloads() == reloads + 1
        assert ids(old) == before
        assert asked(old) == set(old.containers("green"))
        assert old.deploy("v2", compose_files=FILES).succeeded().changed == 0


@pytest.mark.long
def test_old_deploys_when_all_of_the_active_color_is_gone(old):
    for container in old.containers("green").values():
        container.remove(force=True)
    run = old.deploy("v3").succeeded()
    assert (run.result["outcome"], run.result["release"]) == ("deployed", "v3")
    old.serves("v3")
    assert other_site_answers(old)
    assert old.deploy("v3").succeeded().changed == 0


@pytest.mark.long
def test_old_preview_and_canary(old):
    """By addresses, which it looks up when it loads."""
    address = old.nginx.attrs["NetworkSettings"]["Networks"][old.name]["IPAddress"]
    preview = {"vhost": {"server_names": ["preview.example"]}, "preview": {"listen": "8081"}}
    old.deploy("v1", auto_promote=False, **preview).succeeded()
    connection = http.client.HTTPConnection(address, 8081, timeout=5)
    connection.request("GET", "/", headers={"Host": "preview.example"})
    assert connection.getresponse().getheader("X-Release") == "v1"
    old.serves("v3")
    run = old.begin("deploy", release="v2", canary_steps=[{"weight": 50, "hold": 5}], **preview)
    run.until("canary")
    until(lambda: "# canary" in old.upstream_file() and old.release() == "v2", "it has its share")
    until(lambda: old.release() == "v3", "the other has the rest")
    run.wait().succeeded()
    old.serves("v2")


@pytest.mark.long
def test_1_26_is_old_too(make_site):
    site = sited(make_site, "1.26")
    site.deploy("v1").succeeded()
    run = site.deploy("v2").succeeded()
    assert any("nginx 1.26." in each and "(0 are open now)" in each for each in run.result["warnings"])
    site.serves("v2", "green")


def test_new_every_replica_gets_traffic_also_after_scaling(new):
    new.deploy("v1", compose_files=FILES).succeeded()
    until(lambda: new.get()[0] == 200, "it answers")
    assert len(asked(new)) == 2
    file = next((new.state / new.app / "deploys").glob("*/compose.blue.json"))
    compose = ["docker", "compose", "--project-name", f"{new.app}-blue", "--file", str(file)]
    reloads = new.reloads()
    subprocess.run([*compose, "up", "-d", "--no-recreate", "--scale", "web-blue=3"], check=True, capture_output=True)
    until(lambda: len(asked(new, 12)) == 3, "the third replica gets traffic")
    assert new.reloads() == reloads


def test_new_address_is_followed_without_us(new):
    for container in list(new.containers("blue").values())[1:]:
        container.remove(force=True)
    until(lambda: all(new.get()[0] == 200 for _number in range(6)), "it knows of those that are gone")
    reloads, was = new.reloads(), addresses(new, "blue")
    with Moved(new, next(iter(new.containers("blue").values()))):
        began = time.monotonic()
        assert addresses(new, "blue") != was
        # A request that nginx sends to the address of before waits for an answer that never comes.
        until(lambda: new.get(timeout=2)[0] == 200, "it answers at its new address")
        assert time.monotonic() - began < 8  # 5 s is what nginx takes a look-up for true, and 2 s such a request
        assert new.reloads() == reloads


def test_new_nginx_starts_while_the_app_is_down(new):
    container = next(iter(new.containers("blue").values()))
    container.stop(timeout=1)
    new.nginx.restart(timeout=1)
    until(lambda: other_site_answers(new), "the other site answers")
    assert new.get()[0] == 502
    container.start()
    until(lambda: new.get()[0] == 200, "it answers again")


def test_new_deploys_when_all_of_the_active_color_is_gone(new):
    for container in new.containers("blue").values():
        container.remove(force=True)
    run = new.deploy("v2").succeeded()
    assert (run.result["outcome"], run.result["release"]) == ("deployed", "v2")
    new.serves("v2")
