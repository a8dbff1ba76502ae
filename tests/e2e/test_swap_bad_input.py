# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An nginx that can't do its part: it does not run, goes away in the middle of a deploy, or never sees what is written.

The tests of this module build on each other, in this order.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time

import pytest
from sites import until

PATIENT = """\
services:
  web-@color@:
    healthcheck:
      retries: 200
"""
FILES = ["compose.{color}-deploy.yml", "patient.{color}.yml"]


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue."""
    for color in ("blue", "green"):
        (site.src / f"patient.{color}.yml").write_text(site.text(PATIENT, color))
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v1")
    return site


class Meanwhile:
    """Does something as soon as ``when()``, beside what the block does; whatever it raises, the block's end raises."""

    def __init__(self, when, do):
        self.when, self.do, self.failure = when, do, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            until(self.when, "it is time", 90)
            self.do()
        except Exception as failure:
            self.failure = failure

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.thread.join()
        if self.failure:
            raise self.failure


def make_healthy(site, color):
    for container in site.containers(color).values():
        assert container.exec_run(["touch", "/tmp/healthy"]).exit_code == 0


def replace(site):
    """Have another container in nginx's place, with its name and port."""
    port = site.port
    site.nginx.remove(force=True)
    site.docker.containers.run(
        "hotswap/nginx:1.30",
        name=site.nginx_container,
        network=site.name,
        ports={"80/tcp": ("127.0.0.1", port)},
        volumes={str(site.conf): {"bind": "/etc/nginx/conf.d", "mode": "rw"}},
        detach=True,
    )


def refused(site, *words, release="v3"):
    before = site.snapshot()
    message = site.deploy(release).failed().message
    for word in words:
        assert word in message, message
    assert site.snapshot() == before


@pytest.mark.long
@pytest.mark.parametrize(
    "release, color, harm",
    [("v2", "green", lambda site: site.nginx.restart(timeout=1)), ("v1", "blue", replace)],
    ids=["restarted", "replaced"],
)
def test_nginx_goes_and_comes_back_while_the_app_boots(site, release, color, harm):
    reloads = site.reloads()

    def do():
        time.sleep(1)  # until the reload by which nginx is told the new names is proven
        harm(site)
        make_healthy(site, color)

    with Meanwhile(lambda: site.reloads() > reloads, do):
        env = {"BEHAVIOUR": "never-healthy"}
        run = site.deploy(release, env=env, compose_files=FILES, health_timeout=90).succeeded()
    assert (run.result["outcome"], run.result["active_color"]) == ("deployed", color)
    site.serves(release, color)


def test_nginx_replaced_while_we_reload(site):
    """Whatever that run says, it says so honestly, and the next one ends as it was asked to."""
    with Meanwhile(lambda: "# color: green" in site.upstream_file(), lambda: replace(site)):
        run = site.deploy("v2")
    until(site.workers, "nginx has workers")
    assert "Traceback" not in run.stdout + run.stderr
    if run.rc == 0:
        site.serves("v2", "green")
    else:
        assert site.nginx_container in run.message or "nginx" in run.message
        until(lambda: site.get()[0] == 200, "either release answers")
    site.deploy("v2").succeeded()
    site.serves("v2")
    assert site.journal()["unfinished"] is None


def test_nginx_that_does_not_run_is_refused(site):
    site.nginx.stop(timeout=1)
    refused(site, f"nginx in {site.nginx_container} does not run (exited with 0)")
    site.nginx.start()
    until(site.workers, "nginx has workers")


def test_conf_dir_that_cannot_be_written_is_refused(site):
    """Before anything starts. Root writes where modes forbid it, but not to a read-only mount."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    subprocess.run(["mount", "--bind", site.conf, site.conf], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", site.conf], check=True)
        refused(site, f"bluegreen_nginx_conf_dir is {str(site.conf)!r}", "can't be written", "mount it read-write")
    finally:
        subprocess.run(["umount", site.conf], check=True)
    site.serves("v2")


def test_file_that_is_mounted_over_the_directory_is_refused(site):
    """A rename replaces the file on the host, and nginx goes on with the one that is mounted."""
    path = site.conf / f"bluegreen-{site.app}.conf"
    site.nginx.remove(force=True)
    site.start_nginx(
        volumes={
            str(site.conf): {"bind": "/etc/nginx/conf.d", "mode": "ro"},
            str(path): {"bind": f"/etc/nginx/conf.d/{path.name}", "mode": "ro"},
        }
    )
    refused(site, f"/etc/nginx/conf.d/{path.name}", "the single file", "mount the directory itself")
    site.serves("v2")


@pytest.mark.long
def test_nginx_that_restarts_for_ever_is_refused(site):
    site.nginx.remove(force=True)
    site.write("theirs.conf", "server { nonsense on; }\n")
    site.start_nginx(wait=False, restart_policy={"Name": "always"})
    until(lambda: site.nginx.attrs["RestartCount"] > 1, "it crashes again and again")
    message = site.deploy("v3").failed().message
    assert f"nginx in {site.nginx_container} does not run (is restarting)" in message
    (site.conf / "theirs.conf").unlink()
    until(site.workers, "nginx has workers", 60)
    site.deploy("v3").succeeded()
    site.serves("v3")
