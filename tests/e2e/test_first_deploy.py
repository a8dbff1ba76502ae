# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first deploy where nginx does not run: only because our file is not there yet, or for another reason."""

from __future__ import annotations

import pytest
from sites import NGINX, SERVER, until


@pytest.fixture
def site(make_site):
    site = make_site()
    site.image("v1")
    site.write("site.conf", site.text(SERVER))
    return site


MONITORING = """\
server {
    listen 80;
    server_name monitoring.example;
    location / { proxy_pass http://@site@-grafana:3000; }
    location /host { proxy_pass http://host.docker.internal:9100; }
}
"""


@pytest.mark.parametrize("policy", ["always", "no"])
def test_nginx_that_waits_for_our_file_is_started(site, policy):
    """It crashes and is restarted for ever, or it has exited. It is on another network as well, and has a host name of
    its own."""
    monitoring = site.docker.networks.create(f"{site.name}-monitoring", labels={"hotswap.e2e": site.name})
    site.docker.containers.run(NGINX, name=f"{site.name}-grafana", network=monitoring.name, detach=True)
    site.write("monitoring.conf", site.text(MONITORING))
    site.start_nginx(wait=False, restart_policy={"Name": policy}, extra_hosts={"host.docker.internal": "host-gateway"})
    monitoring.connect(site.nginx_container)
    until(lambda: site.nginx.status in ("exited", "restarting"), "nginx is down")
    run = site.deploy("v1").succeeded()
    assert run.result["outcome"] == "deployed"
    site.serves("v1", "blue")
    assert site.nginx.attrs["HostConfig"]["RestartPolicy"]["Name"] == policy


@pytest.mark.long
def test_nginx_that_waits_for_a_name_server_is_started(site):
    """It runs for seconds at a time until it crashes, since nobody answers at 192.0.2.1."""
    site.start_nginx(wait=False, restart_policy={"Name": "always"}, dns=["192.0.2.1"])
    assert site.deploy("v1").succeeded().result["outcome"] == "deployed"
    site.serves("v1", "blue")


@pytest.mark.long
def test_nginx_that_is_down_for_another_reason_is_refused(site):
    site.write("broken.conf", "server { lisen 80; }\n")
    site.start_nginx(wait=False)
    until(lambda: site.nginx.status == "exited", "nginx is down")
    before = site.snapshot()
    message = site.deploy("v1").failed().message
    for word in ('unknown directive "lisen" in /etc/nginx/conf.d/broken.conf:1', site.nginx_container, "exited with 1"):
        assert word in message, word
    assert site.snapshot() == before
    assert not site.state.exists()

    # Mended by its user, deployed, and then stopped by him: that is not ours to start.
    (site.conf / "broken.conf").unlink()
    site.deploy("v1").succeeded()
    site.nginx.stop(timeout=1)
    before = site.snapshot()
    message = site.deploy("v1", env={"GREETING": "again"}).failed().message
    assert f"nginx in {site.nginx_container} does not run (exited with 0); find out why, and start it" in message
    assert site.snapshot() == before


def test_nginx_that_somebody_stopped_before_the_first_deploy_is_refused(site):
    """Its configuration is sound without our upstreams, so our file is not what it waits for."""
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    site.nginx.stop(timeout=2)
    before = site.snapshot()
    message = site.deploy("v1").failed().message
    assert "does not run (exited with 0); find out why, and start it" in message
    assert site.snapshot() == before


def test_first_release_that_awaits_its_promotion(site):
    """It has no traffic before it, and is not retired after it."""
    site.start_nginx(wait=False)
    assert site.deploy("v1", auto_promote=False).succeeded().result["active_color"] is None
    run = site.play("promote").succeeded()
    assert (run.result["outcome"], run.result["active_color"], run.result["release"]) == ("deployed", "blue", "v1")
    site.serves("v1", "blue")
    assert site.states("blue") == {"running"}
