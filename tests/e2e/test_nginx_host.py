# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx on the host itself, as its distribution installs it. The tests build on each other, in this order.

Only where nothing of the host's own is disturbed: by root, where no nginx runs on the host yet.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from sites import ROOT, SERVER, WORKER, Load, Site, playbook, until

CONF = pathlib.Path("/etc/nginx")
PID = pathlib.Path("/run/nginx.pid")
NOT_ROOT = """\
#!/bin/sh
exec unshare --user --map-user=1000 {python} "$@"
"""

ORDINARY = """\
x-app: &app
  image: @site@/app:${BLUEGREEN_RELEASE:-v1}
  healthcheck: {test: [CMD, test, -e, /tmp/healthy], interval: 1s, timeout: 2s}
  environment:
    BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE:-}
    BLUEGREEN_COLOR: ${BLUEGREEN_COLOR:-}
services:
  web: {<<: *app, ports: ["80:3000"], depends_on: {db: {condition: service_healthy}}}
  db: {<<: *app, image: "@site@/app:v1"}
"""


class HostSite(Site):
    """An app whose containers publish ports for the host's nginx."""

    def __init__(self, name, directory, ports):
        super().__init__(name, directory)
        self.listen, self.blue, self.green = ports
        shutil.rmtree(self.conf)
        self.conf = CONF / "conf.d"

    @property
    def port(self):
        return self.listen

    def variables(self, **more):
        own = {
            "nginx_mode": "host",
            "services": [{"name": "web-{color}", "port": 3000, "publish": {"blue": self.blue, "green": self.green}}],
            "vhost": {"server_names": [self.host], "listen": [self.listen]},
            "network": None,
            "nginx_container": None,
        }
        return super().variables(**{**own, **more})

    def master(self):
        """Return the process id of nginx, or None where it does not run."""
        try:
            pid = int(PID.read_text())
            return pid if title(pid).startswith("nginx: master") else None
        except (OSError, ValueError):
            return None

    def workers(self):
        children = pathlib.Path(f"/proc/{self.master()}/task/{self.master()}/children").read_text().split()
        return {pid for pid in children if title(pid) == WORKER}

    def start(self):
        subprocess.run(["nginx"], check=True)
        until(self.workers, "nginx has workers")

    def stop(self):
        if pid := self.master():
            os.kill(pid, signal.SIGQUIT)
            until(lambda: self.master() is None, "nginx has stopped", 30)

    def seen(self):
        """Return what changes with anything that is ever put into the conf dir, and what runs."""
        changed = [(path.name, path.stat().st_mtime_ns) for path in [self.conf, *sorted(self.conf.iterdir())]]
        return changed, sorted((each.id, each.status) for each in self.containers().values()), mounts()


def title(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0 ")


def mounts():
    return [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if str(CONF) in line]


@pytest.fixture(scope="module")
def site(app_image, tmp_path_factory):
    """nginx-light is installed and does not run; what it serves is the user's own site, on a free port."""
    if os.geteuid() != 0:
        pytest.skip("nginx on the host is root's")
    if shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None:
        subprocess.run([ROOT / "tools" / "apt-install.sh", "nginx-light"], check=True)
    directory = tmp_path_factory.mktemp("nginx-host")
    sockets = [socket.create_server(("127.0.0.1", 0)) for _number in range(3)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    site = HostSite("nginx-host", directory, ports)
    if site.master():
        site.close()
        pytest.skip("an nginx runs on this host already")
    shutil.copytree(CONF, directory / "before", symlinks=True)
    for enabled in (CONF / "sites-enabled").iterdir():
        enabled.unlink()  # it wants port 80, which may be taken
    for release in ("v1", "v2", "v3"):
        site.image(release)
    yield site
    site.stop()
    shutil.rmtree(CONF)
    shutil.copytree(directory / "before", CONF, symlinks=True)
    site.close()


def test_nginx_that_is_down_for_no_reason_of_ours_is_refused(site):
    before = site.seen()
    run = site.deploy("v1").failed()
    assert "nginx in the host does not run" in run.message
    assert (site.seen(), site.master()) == (before, None)


def test_first_deploy_starts_an_nginx_that_only_lacks_our_file(site):
    """The user's own server block names the upstream: nginx can't have started."""
    own = site.text(SERVER).replace("listen 80", f"listen {site.listen}")
    (CONF / "sites-enabled" / "site").write_text(own)
    assert subprocess.run(["nginx", "-t"], capture_output=True, check=False).returncode != 0
    run = site.deploy("v1", vhost=None).succeeded()
    assert run.result["outcome"] == "deployed"
    site.serves("v1", "blue")
    assert f"server 127.0.0.1:{site.blue};" in site.upstream_file()
    published = next(iter(site.containers("blue").values())).attrs["HostConfig"]["PortBindings"]
    assert published == {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(site.blue)}]}


def test_vhost_comes_by_one_reload(site):
    (CONF / "sites-enabled" / "site").unlink()
    before, master = sorted(site.containers()), site.master()
    site.deploy("v1").succeeded()
    assert (sorted(site.containers()), site.master()) == (before, master)
    site.serves("v1", "blue")
    assert site.deploy("v1").succeeded().changed == 0


def test_candidate_is_never_in_the_live_directory(site):
    """Neither that of a release that is refused later, nor one that nginx itself refuses."""
    before = site.seen()
    run = site.deploy("v2", env={"BEHAVIOUR": "never-healthy"}).failed()
    assert (run.ran("bluegreen_start"), run.ran("bluegreen_swap")) == (1, 0)
    assert "in the phase gate" in run.message
    assert site.seen() == before
    bad = {"server_names": [site.host], "listen": ["192.0.2.1:81", "300.1.1.1:80"]}
    run = site.deploy("v1", vhost=bad).failed()
    assert "[emerg]" in run.message and "300.1.1.1" in run.message
    assert site.seen() == before
    site.serves("v1", "blue")


def test_next_release_under_load_and_back(site):
    with Load(site, f"http://127.0.0.1:{site.listen}", site.host) as load:
        run = site.deploy("v2").succeeded()
        site.rollback().succeeded()
    total = load.report["total"]
    if any("closes its clients' idle keep-alive connections" in each for each in run.result["warnings"]):
        # 4, 2 and 1 keep-alive clients, each swap drops a request of each at most.
        assert total["dropped"] <= 14, load.report["drops"]
    else:
        assert total["dropped"] == 0, load.report["drops"]
    assert (total["errors_5xx"], total["other_non_2xx"]) == (0, 0)
    assert load.releases == {"v1", "v2"}
    assert mounts() == []
    assert run.result["phases"]["drain"] < 15
    site.serves("v1", "blue")


def test_warning_counts_only_nginx_s_clients(site):
    others = socket.create_server(("127.0.0.1", 0))
    clients = [socket.create_connection(others.getsockname()) for _number in range(5)]
    try:
        warnings = site.deploy("v3").succeeded().result["warnings"]
    finally:
        for each in [others, *clients]:
            each.close()
    assert all("(0 are open now)" in each for each in warnings), warnings
    site.serves("v3", "green")


def test_what_nginx_on_the_host_cannot_do_is_refused(site):
    before = site.seen()
    replicas = "services:\n  web-{0}:\n    deploy:\n      replicas: 2\n"
    for color in ("blue", "green"):
        (site.src / f"replicas.{color}.yml").write_text(replicas.format(color))
    wrapper = site.directory / "python-not-root"
    wrapper.write_text(NOT_ROOT.format(python=sys.executable))
    wrapper.chmod(0o755)
    no_ports = [{"name": "web-{color}", "port": 3000}]
    one_port = [{"name": "web-{color}", "port": 3000, "publish": {"blue": site.blue, "green": site.blue}}]
    cases = {
        "replicas": (
            {"compose_files": ["compose.{color}-deploy.yml", "replicas.{color}.yml"]},
            "2 replicas, but only one of them can publish the port",
        ),
        "no-publish": ({"services": no_ports}, "publish: {blue: 13000, green: 23000}"),
        "one-port": ({"services": one_port}, "both publish this port; give each its own"),
        "not-root": ({}, "only root can test and reload nginx on the host; run with become"),
    }
    hosts = {}
    for case, (wrong, _words) in cases.items():
        hosts[case] = {key: value for key, value in site.variables(release="v1", **wrong).items() if value is not None}
    hosts["not-root"]["ansible_python_interpreter"] = str(wrapper)
    # One after the other: they are one app, and each would else find another deploying it.
    run = playbook(site.directory / "wrong", "deploy", hosts=hosts, environment={"ANSIBLE_FORKS": "1"})
    for case, (_wrong, words) in cases.items():
        assert run.messages(case) and words in run.messages(case)[-1], json.dumps(run.messages(case))
        assert len(run.messages(case)) == 1
    assert site.seen() == before


def test_nginx_that_stopped_later_is_refused(site):
    site.stop()
    before = site.seen()
    run = site.deploy("v2").failed()
    assert "nginx in the host does not run" in run.message
    assert (site.seen(), site.master()) == (before, None)
    site.start()
    site.serves("v3", "green")


@pytest.mark.long
def test_ordinary_compose_file_takes_over_from_a_file_for_each_color(site):
    (site.src / "compose.yml").write_text(site.text(ORDINARY))
    ports = {"blue": site.blue, "green": site.green}
    services = [{"name": "web", "port": 3000, "publish": ports}]
    ordinary = {"compose_files": ["compose.yml"], "services": services, "shared_services": ["db"]}
    first = site.deploy("v1", **ordinary).succeeded().result["active_color"]
    site.serves("v1", first)
    (db,) = site.docker.containers.list(filters={"name": f"{site.app}-shared-db"})
    site.deploy("v2", **ordinary).succeeded()
    site.serves("v2")
    site.rollback(**ordinary).succeeded()
    site.serves("v1", first)
    assert db.id == site.docker.containers.get(db.name).id
