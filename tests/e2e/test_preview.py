# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A few reach the release through nginx before it has the traffic; the tests of this module build on each other."""

from __future__ import annotations

import base64
import http.client
import json
import stat

import pytest

SECRET = "cheesecake-0815-x"
HEADER = {"header": {"name": "X-Preview", "value": SECRET}}
KNOWN = {"X-Preview": SECRET}
WAITS = {"auto_promote": False, "preview": HEADER}


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue, by a server block of its user's that lets nginx choose."""
    for release in ("v1", "v2", "v3"):
        site.image(release)
    path = site.conf / "site.conf"
    upstream = f"{site.app}-web"
    path.write_text(path.read_text().replace(f"http://{upstream}", "http://$bluegreen_" + upstream.replace("-", "_")))
    site.start_nginx(wait=False)
    site.deploy("v1", preview=HEADER).succeeded()
    return site


def release_for(site, headers=None, port=None):
    """The release that answers a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port or site.port, timeout=10)
    connection.request("GET", "/", headers={"Host": site.host, **(headers or {})})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return json.loads(answer)["BLUEGREEN_RELEASE"] if response.status == 200 else response.status


def path(site):
    return site.conf / f"bluegreen-{site.app}.conf"


def test_who_knows_the_secret_reaches_what_awaits_its_promotion(site):
    assert release_for(site, KNOWN) == "v1"
    with site.load() as load:
        run = site.deploy("v2", **WAITS, arguments=["-vvv", "--diff"]).succeeded()
        assert (release_for(site, KNOWN), release_for(site)) == ("v2", "v1")
        assert release_for(site, {"X-Preview": SECRET[:-1]}) == "v1"
    load.lost_nothing()
    assert load.releases == {"v1"}
    assert run.result["outcome"] == "awaiting_promotion"
    output = run.stdout + run.stderr
    assert SECRET not in output
    assert base64.b64encode(json.dumps(HEADER).encode()).decode() not in output
    assert stat.S_IMODE(path(site).stat().st_mode) == 0o600


def test_deploy_of_what_is_live_leaves_it_open(site):
    assert site.deploy("v1", **WAITS).succeeded().changed == 0
    assert release_for(site, KNOWN) == "v2"
    assert "v2 is ready and awaits its promotion" in site.play("status").succeeded().stdout


def test_promotion_closes_it(site):
    with site.load() as load:
        run = site.play("promote", preview=HEADER, arguments=["-vvv", "--diff"]).succeeded()
    load.lost_nothing()
    assert SECRET not in run.stdout + run.stderr + site.upstream_file()
    assert {release_for(site, KNOWN), release_for(site)} == {"v2"}
    assert stat.S_IMODE(path(site).stat().st_mode) == 0o644


def test_abort_closes_it(site):
    site.deploy("v3", **WAITS).succeeded()
    assert release_for(site, KNOWN) == "v3"
    site.play("abort", preview=HEADER).succeeded()
    assert SECRET not in site.upstream_file()
    assert release_for(site, KNOWN) == "v2"


def test_hook_before_the_swap_finds_it_open_at_a_port(site, tmp_path):
    """With a server of ours; and it is closed where the release is refused."""
    (site.conf / "site.conf").unlink()
    vhost = {"server_names": [site.host]}
    address = site.nginx.attrs["NetworkSettings"]["Networks"][site.name]["IPAddress"]
    url = f"http://{address}:8081/"
    text = [
        {
            "name": "Ask the preview",
            "ansible.builtin.uri": {"url": url, "headers": {"Host": site.host}, "return_content": True},
            "register": "answer",
        },
        {
            "name": "Refuse it",
            "ansible.builtin.fail": {"msg": "seen: {{ (answer.content | from_json).BLUEGREEN_RELEASE }}"},
        },
    ]
    (tmp_path / "hook.yml").write_text(json.dumps(text))
    hooks = {"before_swap": str(tmp_path / "hook.yml")}
    run = site.deploy("v3", vhost=vhost, preview={"listen": "8081"}, hooks=hooks).failed()
    assert "seen: v3" in run.message
    assert "8081" not in site.upstream_file()


def test_preview_that_is_none_is_refused_before_anything_starts(site):
    before = site.snapshot()
    message = site.deploy("v3", preview={"header": {"name": "X-Preview", "value": "short"}}).failed().message
    assert "bluegreen_preview: header.value does not fit (it is not shown)" in message
    assert site.snapshot() == before
