# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release whose answers are 5xx more often than those of the release before gives the traffic back."""

from __future__ import annotations

import pytest
from sites import output_of

# Without an access_log.
NGINX_CONF = """\
user www-data;
error_log stderr notice;
pid /run/nginx.pid;
events {}
http { include conf.d/*.conf; }
"""


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue, by a vhost of ours. nginx has its default access log, and little room for another."""
    (site.conf / "site.conf").unlink()
    (site.directory / "nginx.conf").write_text(NGINX_CONF)
    site.start_nginx(
        volumes={
            str(site.conf): {"bind": "/etc/nginx/conf.d", "mode": "rw"},
            str(site.directory / "nginx.conf"): {"bind": "/etc/nginx/nginx.conf", "mode": "ro"},
        },
        tmpfs={"/tmp": "size=64k"},
        shm_size="64k",
    )
    for release in ("v1", "v2"):
        site.image(release)
    deploy(site, "v1").succeeded()
    return site


def deploy(site, release, **more):
    return site.deploy(release, vhost={"server_names": [site.host]}, **more)


def logs_nothing(site):
    """Whether nginx keeps no log any more of how the app answered."""
    assert "tally" not in site.upstream_file()
    assert output_of(site.nginx, "ls", "/tmp") == ""


@pytest.mark.parametrize(
    "phase, judged",
    [
        ("bake", {"bake_seconds": 60}),
        pytest.param("canary", {"canary_steps": [{"weight": 30, "hold": 60}]}, marks=pytest.mark.long),
    ],
)
def test_a_fifth_of_errors_gives_the_traffic_back(site, phase, judged):
    with site.load() as load:
        run = deploy(site, "v2", env={"BEHAVIOUR": "errs"}, **judged).failed()
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", "v1")
    assert f"in the phase {phase}: its 5xx answers were " in run.message, run.message
    assert "more than 2 times as many (bluegreen_bake_error_ratio)" in run.message
    assert run.result["phases"][phase] < 30
    assert load.dropped == 0
    logged = site.nginx.logs(stderr=False).decode()
    assert logged.count(' HTTP/1.1" ') >= load.report["total"]["requests"]
    assert load.report["total"]["errors_5xx"] > 3
    site.serves("v1", "blue")
    logs_nothing(site)


@pytest.mark.long
def test_as_many_as_before_are_no_reason(site):
    """Nor is what nobody wants judged."""
    with site.load():
        deploy(site, "v2", env={"BEHAVIOUR": "errs"}, bake_seconds=5, bake_error_ratio=0).succeeded()
        run = deploy(site, "v1", env={"BEHAVIOUR": "errs"}, bake_seconds=5).succeeded()
    assert (run.result["outcome"], run.result["release"]) == ("deployed", "v1")
    logs_nothing(site)


def test_errors_are_seen_though_the_log_was_full(site):
    """Nobody reads it before the bake, so what was logged until then may have taken all the room."""
    with site.load():
        options = {"vhost": {"server_names": [site.host]}, "env": {"BEHAVIOUR": "errs"}, "bake_seconds": 15}
        run = site.begin("deploy", release="v2", **options)
        run.until("gate", 2)
        site.nginx.exec_run(["sh", "-c", "cat /dev/zero >/tmp/full; cat /dev/zero >/dev/shm/full"])
        run = run.wait().failed()
    site.nginx.exec_run(["rm", "/tmp/full", "/dev/shm/full"])
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", "v1")
    assert "in the phase bake: its 5xx answers were " in run.message, run.message
    site.serves("v1", "blue")
    logs_nothing(site)
