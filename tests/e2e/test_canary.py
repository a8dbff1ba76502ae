# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release gets a share of the requests before the swap; the tests of this module build on each other."""

from __future__ import annotations

import collections
import http.client
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sites import until


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue."""
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v1")
    return site


def steps(*weights, hold):
    return [{"weight": weight, "hold": hold} for weight in weights]


def shares(site, requests):
    """Return the percentage of requests, by 20 clients, that each release answers."""

    def ask(_client):
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
        for _request in range(requests // 20):
            connection.request("GET", "/", headers={"Host": site.host})
            yield json.loads(connection.getresponse().read())["BLUEGREEN_RELEASE"]
        connection.close()

    with ThreadPoolExecutor(20) as pool:
        answered = collections.Counter(itertools.chain(*pool.map(lambda client: list(ask(client)), range(20))))
    return {release: 100 * count / requests for release, count in answered.items()}


def begun(run, site):
    """Wait until nginx serves a step."""
    run.until("canary")
    until(lambda: "# canary" in site.upstream_file() and str(site.journal()["proved"]) in site.upstream_file(), "it is")


@pytest.mark.long
@pytest.mark.parametrize("requests", [1000, 10000])
def test_shares(site, requests):
    release = site.other()
    run = site.begin("deploy", release=release, canary_steps=steps(30, hold=10 + requests // 100))
    begun(run, site)
    found = shares(site, requests)
    print(found)
    assert abs(found[release] - 30) < 3
    done = run.wait().succeeded()
    assert (done.result["outcome"], done.result["release"]) == ("deployed", release)
    assert shares(site, 100) == {release: 100}
    assert done.result["phases"]["canary"] > 5


def test_step_that_fails_gives_its_share_back(site):
    """Also its connections: they are answered before its containers go."""
    before = site.release()
    tests = [{"service": "web-{color}", "path": "/smoke", "retries": 0}]
    with site.load() as load:
        run = site.deploy("v3", env={"BEHAVIOUR": "fails"}, canary_steps=steps(5, hold=60), smoke_tests=tests).failed()
    load.lost_nothing()
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", before)
    assert "in the phase canary: " in run.message
    assert "Traffic: " in run.message and "has it back" in run.message
    assert "# canary" not in site.upstream_file()
    site.serves(before)


@pytest.mark.long
def test_killed_in_a_canary(site):
    before, release = site.release(), site.other()
    with site.load() as load:
        run = site.begin("deploy", release=release, canary_steps=steps(30, hold=60))
        begun(run, site)
        run.kill(True)
        again = site.deploy(release)
    load.lost_nothing()
    site.converged(again, release)
    assert again.result["previous_release"] == before


@pytest.mark.parametrize("weights", [(10, 5), (100,), (0,)])
def test_steps_that_are_none_are_refused_before_anything_starts(site, weights):
    before = site.snapshot()
    message = site.deploy("v3", canary_steps=steps(*weights, hold=1)).failed().message
    assert "bluegreen_canary_steps is" in message and "the weights rise" in message
    assert site.snapshot() == before
