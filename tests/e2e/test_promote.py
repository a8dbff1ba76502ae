# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release that is ready and awaits its promotion; the tests of this module build on each other, in this order."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue."""
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v1")
    return site


def awaits(site, release="v2"):
    """Deploy a release that is not to have the traffic yet."""
    run = site.deploy(release, auto_promote=False).succeeded()
    assert run.result["outcome"] == "awaiting_promotion"
    return run


@pytest.mark.parametrize("name", ["promote", "abort"])
def test_nothing_awaits(site, name):
    before = site.snapshot()
    message = site.play(name).failed().message
    assert "awaits its promotion here: the last run was of v1, which was deployed" in message
    assert site.snapshot() == before


def test_release_that_is_ready_awaits(site):
    told = site.upstream_file().split("# generation")[0]
    with site.load() as load:
        run = awaits(site)
    load.lost_nothing()
    assert load.releases == {"v1"}
    assert (run.result["active_color"], run.result["release"]) == ("blue", "v1")
    assert site.upstream_file().split("# generation")[0] == told
    assert (site.states("blue"), site.states("green")) == ({"running"}, {"running"})
    assert (site.journal()["unfinished"], site.lock()) == (None, None)
    ready = "v2 is ready in green and awaits its promotion; v1, in blue, has the traffic"
    assert f"\n{site.app}: {ready}. It took " in run.stdout
    assert "v2 is ready and awaits its promotion" in site.play("status").succeeded().stdout


def test_active_release_deployed_again_leaves_it_waiting(site):
    assert site.deploy("v1").succeeded().changed == 0
    assert site.states("green") == {"running"}


def test_later_run_that_touches_nothing_leaves_it_waiting(site, tmp_path):
    (tmp_path / "hook.yml").write_text("- name: Refuse it\n  ansible.builtin.fail:\n    msg: not now\n")
    run = site.deploy("v3", hooks={"before_start": str(tmp_path / "hook.yml")}).failed()
    assert run.result["outcome"] == "rejected"
    assert site.states("green") == {"running"}
    assert "v2 is ready and awaits its promotion" in site.play("status").succeeded().stdout


def test_promotion_is_a_swap(site):
    green = site.containers("green").keys()
    with site.load() as load:
        run = site.play("promote").succeeded()
    load.lost_nothing()
    assert load.releases == {"v1", "v2"}
    assert (run.result["outcome"], run.result["release"]) == ("deployed", "v2")
    assert run.result["previous_release"] == "v1"
    assert site.containers("green").keys() == green
    assert site.states("blue") == {"exited"}
    site.serves("v2", "green")
    assert "awaits its promotion" in site.play("promote").failed().message


def test_abort_removes_it(site):
    awaits(site, "v3")
    with site.load() as load:
        run = site.play("abort", report_dir=str(site.directory / "pages")).succeeded()
    load.lost_nothing()
    assert load.releases == {"v2"}
    assert f"\n{site.app}: v3 was aborted and removed; v2, in green, keeps the traffic. It took " in run.stdout
    assert [path.stem[-8:] for path in (site.directory / "pages").glob("2*.html")] == ["abort-v3"]
    assert (run.result["outcome"], run.result["release"]) == ("rejected", "v2")
    assert site.containers("blue") == {}
    assert site.journal()["releases"][-1]["outcome"] == "rejected"
    assert "awaits its promotion" in site.play("abort").failed().message


def test_release_that_died_meanwhile_is_not_promoted(site):
    awaits(site, "v3")
    (container,) = site.containers("blue").values()
    container.stop(timeout=1)
    before = site.snapshot()
    message = site.play("promote").failed().message
    assert (
        f"v3 in blue can't be promoted any more ({container.name} is exited); abort it, or deploy it again" in message
    )
    assert site.snapshot() == before
    site.play("abort").succeeded()
    assert site.containers("blue") == {}


@pytest.mark.long
def test_promotion_that_fails_gives_the_traffic_back_and_removes_it(site):
    site.deploy("v3", auto_promote=False, env={"BEHAVIOUR": "dies"}).succeeded()
    with site.load():
        run = site.play("promote", bake_seconds=30).failed()
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", "v2")
    assert site.containers("blue") == {}
    site.serves("v2", "green")


@pytest.mark.long
@pytest.mark.parametrize("task", ["gate", "drain"])
def test_promotion_that_was_killed(site, task):
    """Before its swap, the release awaits it again; after it, the promotion is finished, and nothing is left to do."""
    release = "v3" if site.release() == "v2" else "v2"
    awaits(site, release)
    with site.load() as load:
        run = site.begin("promote")
        run.until(task)
        run.kill(True)
        again = site.play("promote")
    load.lost_nothing()
    site.converged(again, release)
    assert again.result["outcome"] == "deployed"
    said = " ".join(again.result["warnings"])
    assert ("awaits its promotion again" if task == "gate" else "so the role finishes the run") in said
