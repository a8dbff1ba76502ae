# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server block that the role writes: what it serves, how it changes, and what is refused.

The tests of this module build on each other, in this order.
"""

from __future__ import annotations

import http.client
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sites import playbook, until


def tls(certificate, key):
    return {"certificate": f"/etc/nginx/certificates/{certificate}.pem", "key": f"/etc/nginx/certificates/{key}.key"}


# A name: the vhost's keys that are wrong, and the words that the message must have: the value and the remedy.
WRONG = {
    "name-breaks-out": ({"server_names": ["a.example; } server {"]}, ["'a.example; } server {'", "server_names"]),
    "name-newline": ({"server_names": ["a.example\n"]}, ["'a.example\\n'", "server_names"]),
    "name-regex": ({"server_names": ["~^(?<x>.+)$"]}, ["server_names", "give a host name"]),
    "names-none": ({"server_names": []}, ["server_names", "at least one"]),
    "listen-breaks-out": ({"listen": ["80; root /"]}, ["'80; root /'", "listen"]),
    "listen-option": ({"listen": ["80 default_server"]}, ["'80 default_server'", "listen"]),
    "listen-range": ({"listen": [70000]}, ["'70000'", "listen"]),
    "path-breaks-out": ({"locations": [{"path": "/ { } location /x", "service": "web-{color}"}]}, ["locations.path"]),
    "path-variable": ({"locations": [{"path": "/$host", "service": "web-{color}"}]}, ["'/$host'", "locations.path"]),
    "path-twice": ({"locations": [{"path": "/", "service": "web-{color}"}] * 2}, ["give each path once"]),
    "path-relative": ({"locations": [{"path": "api", "service": "web-{color}"}]}, ["'api'", "start with '/'"]),
    "service-unknown": ({"locations": [{"path": "/", "service": "api-{color}"}]}, ["'api-{color}'", "web-{color}"]),
    "certificate-breaks-out": (
        {"tls": {"certificate": "/etc/a.pem; ssl off", "key": "/etc/a.key"}},
        ["'/etc/a.pem; ssl off'", "tls.certificate"],
    ),
    "certificate-relative": ({"tls": {"certificate": "a.pem", "key": "/etc/a.key"}}, ["'a.pem'", "absolute path"]),
    "key-missing": ({"tls": {"certificate": "/etc/a.pem"}}, ["key"]),
    "not-a-pair": (
        {"tls": tls("first", "second")},
        ["first.pem'", "does not match tls.key", "second.key"],
    ),
    "no-certificate": ({"tls": tls("gone", "first")}, ["gone.pem'", "tls.certificate is", "has no such file"]),
    "no-key": ({"tls": tls("first", "gone")}, ["gone.key'", "tls.key is", "has no such file"]),
    "outside-the-mounts": (
        {"tls": {"certificate": "/etc/ssl/own.pem", "key": "/etc/ssl/own.key"}},
        ["'/etc/ssl/own.pem'", "has no such file", "mount its directory"],
    ),
    "unknown-key": ({"root": "/srv"}, ["bluegreen_vhost", "root"]),
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A directory with the pairs ``first`` and ``second``."""
    directory = tmp_path_factory.mktemp("certificates")
    for name in ("first", "second"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            + ["-subj", f"/CN={name}.example", "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
            cwd=directory,
            check=True,
            capture_output=True,
        )
    return directory


@pytest.fixture(scope="module")
def site(site, certificates):
    """nginx runs without any server."""
    (site.conf / "site.conf").unlink()
    site.start_nginx(
        volumes={
            str(site.conf): {"bind": "/etc/nginx/conf.d", "mode": "ro"},
            str(certificates): {"bind": "/etc/nginx/certificates", "mode": "ro"},
        }
    )
    for release in ("v1", "v2", "v3"):
        site.image(release)
    return site


def vhost(site, **more):
    locations = [{"path": "/", "service": "web-{color}"}, {"path": "/ws", "service": "web-{color}", "websocket": True}]
    return {"server_names": [site.host], "locations": locations, **more}


def ids(site):
    return sorted((container.id, container.status) for container in site.containers().values())


def https(site):
    """Return ``(status, the certificate)`` of a request over TLS."""
    site.nginx.reload()
    address = site.nginx.attrs["NetworkSettings"]["Networks"][site.name]["IPAddress"]
    connection = http.client.HTTPSConnection(address, 443, timeout=10, context=ssl._create_unverified_context())
    try:
        connection.request("GET", "/", headers={"Host": site.host})
        certificate = ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True))
        return connection.getresponse().status, certificate
    finally:
        connection.close()


def requests_seen(site):
    return site.nginx.logs(stderr=False).decode().count('"GET / HTTP/1.1"')


def test_check_mode_shows_the_server_block(site):
    before = site.snapshot()
    run = site.check("v1", vhost=vhost(site)).succeeded()
    for line in (f"+    server_name {site.host};", "+    location /ws {"):
        assert line in run.stdout, line
    assert site.snapshot() == before


def test_first_deploy_answers_and_its_proof_went_through_nginx(site):
    run = site.deploy("v1", vhost=vhost(site)).succeeded()
    assert run.result["outcome"] == "deployed"
    assert requests_seen(site) == 1
    site.serves("v1", "blue")
    assert site.deploy("v1", vhost=vhost(site)).succeeded().changed == 0


def test_websockets_live_until_the_end_of_the_drain(site):
    with site.load("--websocket=2") as load:
        run = site.deploy("v2", vhost=vhost(site), drain_timeout=7).succeeded()
    load.lost_nothing()
    sockets = load.report["kinds"]["websocket"]
    assert load.releases == {"v1", "v2"}
    assert (sockets["opened"], len(sockets["cut"])) == (4, 2), sockets
    assert sockets["messages"] > 20
    assert run.result["phases"]["drain"] > 6.5
    warning = "2 connections to the idle color were still open after 7 s"
    assert any(warning in each for each in run.result["warnings"])


def test_change_of_the_vhost_alone_is_one_reload(site):
    before, reloads = ids(site), site.reloads()
    changed = vhost(site, server_names=[site.host, "*.other.example"])
    with site.load() as load:
        run = site.deploy("v2", vhost=changed, pull="missing").succeeded()
    load.lost_nothing()
    assert (run.result["outcome"], run.result["active_color"], run.result["release"]) == ("deployed", "green", "v2")
    assert site.reloads() == reloads + 1
    assert ids(site) == before
    assert f"server_name {site.host} *.other.example;" in site.upstream_file()
    again = site.deploy("v2", vhost=changed).succeeded()
    assert (again.changed, again.result["outcome"]) == (0, "unchanged")


def test_change_of_the_options_of_an_upstream_alone_is_one_reload(site):
    assert "    keepalive_timeout 4s;\n" in site.upstream_file()
    before, reloads = ids(site), site.reloads()
    options = {"balance": "least_conn", "keepalive": 8, "keepalive_timeout": "2s", "max_fails": 2, "fail_timeout": "5s"}
    services = [{"name": "web-{color}", "port": 3000, "upstream_options": options}]
    changed = {"services": services, "vhost": vhost(site, server_names=[site.host, "*.other.example"])}
    with site.load() as load:
        run = site.deploy("v2", **changed, pull="missing").succeeded()
    load.lost_nothing()
    assert (run.result["outcome"], run.result["active_color"], run.result["release"]) == ("deployed", "green", "v2")
    assert site.reloads() == reloads + 1
    assert ids(site) == before
    for line in ("    least_conn;\n", " max_fails=2 fail_timeout=5s resolve;\n", "    keepalive 8;\n"):
        assert line in site.upstream_file(), line
    again = site.deploy("v2", **changed).succeeded()
    assert (again.changed, again.result["outcome"]) == (0, "unchanged")


def test_check_mode_of_a_change_of_the_vhost(site):
    before = site.snapshot()
    run = site.check("v2", vhost=vhost(site)).succeeded()
    assert run.changed > 0
    assert f"+    server_name {site.host};" in run.stdout
    assert site.snapshot() == before


def test_rollback_keeps_the_vhost(site):
    run = site.rollback(vhost=vhost(site)).succeeded()
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", "v1")
    assert f"server_name {site.host};" in site.upstream_file()
    site.serves("v1", "blue")


def test_container_that_is_killed_lets_no_client_wait_long(site):
    """For a few seconds nobody answers at its address: neither it nor the Engine's network refuses a connection."""
    container = next(iter(site.containers("blue").values()))

    def ask(_client):
        began = time.monotonic()
        status, _said = site.get(timeout=15)
        return status, time.monotonic() - began

    site.serves("v1", "blue")
    container.kill()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    container.start()
    until(lambda: site.get()[0] == 200, "the container answers again")
    assert {status for status, _seconds in answers} <= {502, 504}, answers
    assert max(seconds for _status, seconds in answers) < 5.5, answers


def test_edge_url_that_answers_502_puts_the_swap_back(site):
    site.write("broken.conf", "server { listen 80; server_name broken.example; return 502; }\n")
    before = site.upstream_file()
    url = {"url": f"http://127.0.0.1:{site.port}/", "host": "broken.example"}
    with site.load() as load:
        run = site.deploy("v2", vhost=vhost(site), edge_url=url).failed()
    (site.conf / "broken.conf").unlink()
    load.lost_nothing()
    assert run.result["outcome"] == "rolled_back"
    assert (run.result["active_color"], run.result["release"]) == ("blue", "v1")
    assert "the app did not answer through nginx at" in run.message and "status 502" in run.message
    assert site.upstream_file().split("# generation")[0] == before.split("# generation")[0]
    site.serves("v1", "blue")
    assert site.containers("green") == {}
    assert site.deploy("v1", vhost=vhost(site)).succeeded().changed == 0


def test_edge_url_as_given(site):
    url = {"url": f"http://127.0.0.1:{site.port}/", "host": site.host}
    seen = requests_seen(site)
    site.deploy("v2", vhost=vhost(site), edge_url=url).succeeded()
    assert requests_seen(site) == seen + 1
    site.serves("v2", "green")


def test_tls_comes_by_one_reload(site, certificates):
    before, reloads = ids(site), site.reloads()
    secure = vhost(site, listen=["443"], tls=tls("first", "first"))
    run = site.deploy("v2", vhost=secure).succeeded()
    assert run.result["outcome"] == "deployed"
    assert (site.reloads(), ids(site)) == (reloads + 1, before)
    assert https(site) == (200, (certificates / "first.pem").read_text())
    assert site.deploy("v2", vhost=secure).succeeded().changed == 0


def test_next_release_and_next_certificate_under_tls(site, certificates):
    """Without listen, that is on 443 alone; the proof goes by https."""
    site.deploy("v3", vhost=vhost(site, tls=tls("second", "second"))).succeeded()
    assert site.upstream_file().count("listen ") == 1
    assert "listen 443 ssl;" in site.upstream_file()
    assert https(site) == (200, (certificates / "second.pem").read_text())


@pytest.fixture(scope="module")
def refused(site):
    """One run in which every host has another mistake; ``before`` and ``after`` are what the site was like."""
    hosts = {}
    for case, (wrong, _words) in WRONG.items():
        hosts[case] = site.variables(release="v1", vhost={**vhost(site), **wrong}, state_dir=f"{site.state}/{case}")
    before = site.snapshot()
    run = playbook(site.directory / "wrong", "deploy", hosts=hosts, environment={"ANSIBLE_FORKS": "4"})
    run.before, run.after = before, site.snapshot()
    return run


def test_wrong_vhosts_change_nothing(refused):
    assert refused.rc != 0
    assert refused.after == refused.before


@pytest.mark.parametrize("case", WRONG)
def test_wrong_vhost_is_refused_with_one_clear_message(refused, case):
    messages = refused.messages(case)
    assert len(messages) == 1
    for word in ["bluegreen_vhost", *WRONG[case][1]]:
        assert word in messages[0], messages[0]
    assert "Traceback" not in messages[0]
    assert refused.summary[case]["changed"] == 0
