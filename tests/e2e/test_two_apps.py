# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two apps behind one nginx, deployed at the same time, each by an ansible-playbook of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture(scope="module")
def neighbour(site, make_site):
    return make_site("neighbour").behind(site)


@pytest.fixture(scope="module")
def sites(site, neighbour):
    """Both apps serve v1; nobody has written a server block."""
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    for each in (site, neighbour):
        for release in ("v1", "v2", "v3"):
            each.image(release)
    for run in at_once((site, "v1"), (neighbour, "v1")):
        run.succeeded()
    return site, neighbour


def vhost(site):
    locations = [{"path": "/", "service": "web-{color}"}, {"path": "/ws", "service": "web-{color}", "websocket": True}]
    return {"server_names": [site.host], "locations": locations}


def deploy(site, release, **more):
    return site.deploy(release, vhost=vhost(site), **more)


def at_once(*deploys):
    with ThreadPoolExecutor(max_workers=len(deploys)) as pool:
        return list(pool.map(lambda each: deploy(*each), deploys))


def test_first_deploys_at_once(sites):
    for site in sites:
        site.serves("v1", "blue")
    files = {path.name for path in sites[0].conf.iterdir() if not path.name.startswith(".")}
    assert files == {"bluegreen.conf"} | {f"bluegreen-{site.app}.conf" for site in sites}


def test_deploys_at_once_drop_nothing_on_either(sites):
    first, second = sites
    reloads = first.reloads()
    with first.load() as one, second.load() as two:
        for run in at_once((first, "v2"), (second, "v2")):
            assert run.succeeded().result["outcome"] == "deployed"
    for site, load in ((first, one), (second, two)):
        load.lost_nothing()
        assert load.releases == {"v1", "v2"}
        site.serves("v2")
        other = second if site is first else first
        assert site.app in site.upstream_file() and other.app not in site.upstream_file()
    # Each tells nginx of its new color, and swaps; those that meet share one reload.
    assert 2 <= first.reloads() - reloads <= 4
    for run in at_once((first, "v2"), (second, "v2")):
        assert run.succeeded().changed == 0


def test_neighbours_websockets_are_neither_cut_nor_waited_for(sites):
    site, neighbour = sites
    with neighbour.load("--get=1", "--post=0", "--fresh=0", "--slow=0", "--websocket=2") as load:
        run = deploy(site, "v3", drain_timeout=60).succeeded()
    load.lost_nothing()
    sockets = load.report["kinds"]["websocket"]
    assert (sockets["opened"], sockets["cut"]) == (2, []), sockets
    phases = run.result["phases"]
    assert phases["drain"] < 30
    assert phases["swap"] + phases["drain"] >= 5  # the 5 s begin at the proof, with which the swap ends
    assert run.result["warnings"] == []
    site.serves("v3")


@pytest.mark.long
def test_refused_neighbour_leaves_the_other_alone(sites):
    site, neighbour = sites
    file = neighbour.upstream_file()
    with site.load() as one, neighbour.load() as two:
        with ThreadPoolExecutor(max_workers=2) as pool:
            good = pool.submit(deploy, site, "v2")
            bad = pool.submit(deploy, neighbour, "v3", env={"BEHAVIOUR": "exit"})
        assert good.result().succeeded().result["release"] == "v2"
        assert bad.result().failed().result["outcome"] == "rejected"
    one.lost_nothing()
    two.lost_nothing()
    site.serves("v2")
    assert two.releases == {"v2"}
    assert neighbour.upstream_file().split("# generation")[0] == file.split("# generation")[0]


def test_broken_file_of_another_site_is_told_from_ours(sites):
    """It goes live for nobody, and the message names it."""
    site, _neighbour = sites
    release = site.release()
    site.write("theirs.conf", "server { listen 80; nonsense on; }\n")
    try:
        before = site.snapshot()
        run = deploy(site, "v1").failed()
        assert site.snapshot() == before
    finally:
        (site.conf / "theirs.conf").unlink()
    assert "nginx already rejected its configuration on disk before this deploy" in run.message
    assert "theirs.conf" in run.message
    site.serves(release)
