# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that is killed, anywhere: traffic flows, and the next run converges."""

from __future__ import annotations

import json
import time

import pytest
from sites import APP_IMAGE, DEPLOY, ROLLBACK


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, v0 did before it."""
    for release in ("v0", "v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v0")
    site.deploy("v1").succeeded()
    return site


def dies(site, name, task, everything, seconds=0.15, **more):
    """Kill a run in a task, run it again, and see that it converges and no request was lost."""
    release = more.get("release") or "v1"
    with site.load() as load:
        run = site.begin(name, **more)
        run.until(task, seconds)
        killed = run.kill(everything)
        again = site.play(name, **more)
    assert killed.rc == -9, "it had ended before"
    load.lost_nothing()
    site.converged(again, release)
    return again


@pytest.mark.parametrize(
    "task", [each if each in ("gate", "swap") else pytest.param(each, marks=pytest.mark.long) for each in DEPLOY]
)
def test_a_deploy_killed_with_all_that_it_started(site, task):
    dies(site, "deploy", task, True, release=site.other())


@pytest.mark.long
@pytest.mark.parametrize("task", ["swap", "start", "retire"])
def test_a_deploy_killed_alone_whose_module_goes_on(site, task):
    dies(site, "deploy", task, False, release=site.other())


@pytest.mark.long
@pytest.mark.parametrize("task", ROLLBACK)
def test_a_rollback_killed_with_all_that_it_started(site, task):
    while site.release() != "v2":
        site.deploy("v2").succeeded()
    dies(site, "rollback", task, True, release="v1")


def killed_when(site, true, what, **more):
    """Deploy a release, and kill everything as soon as something is true."""
    run = site.begin("deploy", **more)
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end and run.process.poll() is None, f"never: {what}"
    return run.kill(True)


def test_written_and_not_reloaded(site):
    release = site.other()
    color = "green" if site.get()[1]["BLUEGREEN_COLOR"] == "blue" else "blue"
    with site.load() as load:
        killed_when(site, lambda: f"# color: {color}" in site.upstream_file(), "nginx's file names it", release=release)
        assert site.journal()["proved"] is None
        again = site.deploy(release)
    load.lost_nothing()
    site.converged(again, release)
    assert any("so the role finishes the run" in warning for warning in again.result["warnings"])


def litter(site):
    """Have what a kill in the middle of a judgement or of writing a file leaves; return the files."""
    home = site.state / site.app
    (home / "scratch/.bluegreen-abc/conf").mkdir(parents=True)
    left = [
        home / "scratch/.bluegreen-abc/conf/a.conf",
        home / ".journal.json.x1",
        site.conf / f".bluegreen-{site.app}.conf.x1",
    ]
    for path in left:
        path.write_text("a part\n")
    labels = {"hotswap.compose.judge": str(home / "scratch")}
    site.docker.containers.create(APP_IMAGE, name=f"{site.name}-judge", labels=labels)
    return left


@pytest.mark.long
def test_another_release_is_deployed_after_one_that_was_killed(site):
    """The unfinished one is undone first, and the way back is to what had the traffic before both."""
    release, before = site.other(), site.release()
    with site.load() as load:
        run = site.begin("deploy", release=release)
        run.until("gate")
        run.kill(True)
        left = litter(site)
        again = site.deploy("v3")
    load.lost_nothing()
    site.converged(again, "v3")
    assert not any(path.exists() for path in left)
    assert not site.docker.containers.list(all=True, filters={"name": f"{site.name}-judge"})
    said = [warning for warning in again.result["warnings"] if "interrupted" in warning]
    assert len(said) == 1 and f" to {release} in " in said[0] and "it never had the traffic" in said[0]
    assert again.result["previous_release"] == before
    undone, done = site.history()[-2:]
    assert (undone["release"], undone["outcome"], done["release"]) == (release, "rejected", "v3")
    assert undone["by"] == done["by"] and "interrupted" in undone["reason"]
    site.converged(site.rollback(), before)


@pytest.mark.long
def test_a_rollback_after_a_deploy_that_was_killed_goes_to_the_release_before_it(site):
    """And no further: that is what whoever asks for it means."""
    before = site.release()
    run = site.begin("deploy", release=site.other())
    run.until("gate")
    run.kill(True)
    back = site.rollback()
    site.converged(back, before)
    assert back.result["outcome"] == "rolled_back"


@pytest.mark.long
def test_a_rollback_that_was_killed_after_its_swap_is_not_followed_by_another(site):
    site.deploy(site.other()).succeeded()
    run = site.begin("rollback")
    run.until("drain")
    release = site.release()
    run.kill(True)
    again = site.rollback()
    site.converged(again, release)
    assert again.result["outcome"] == "rolled_back"


@pytest.mark.long
def test_a_release_that_died_while_its_run_was_killed_loses_the_traffic(site):
    release, before = site.other(), site.release()
    run = site.begin("deploy", release=release)
    run.until("drain")
    run.kill(True)
    color = site.get()[1]["BLUEGREEN_COLOR"]
    for container in site.containers(color).values():
        container.stop(timeout=1)
    again = site.deploy("v3")
    assert any("the role gives the traffic back to" in warning for warning in again.result["warnings"])
    assert again.result["previous_release"] == before
    site.converged(again, "v3")


@pytest.mark.long
def test_check_mode_says_what_it_found_and_changes_nothing(site):
    release = site.other()
    run = site.begin("deploy", release=release)
    run.until("gate")
    run.kill(True)
    before = site.snapshot()
    checked = site.check(release).succeeded()
    assert site.snapshot() == before
    assert any("interrupted" in warning for warning in checked.result["warnings"])
    site.converged(site.deploy(release), release)


@pytest.mark.parametrize("text", ["", '{"format": 1, "app": "sho'])
def test_a_journal_that_cannot_be_trusted(site, text):
    """nginx is made sure of; the same release has the traffic."""
    release = site.release()
    (site.state / site.app / "journal.json").write_text(text)
    with site.load() as load:
        run = site.deploy(release)
    load.lost_nothing()
    site.converged(run, release)
    assert any("the journal" in warning and "is not used" in warning for warning in run.result["warnings"])
    assert (site.state / site.app / "journal.unusable.json").read_text() == text
    assert json.loads((site.state / site.app / "journal.json").read_text())["proved"]
    assert site.deploy(release).succeeded().changed == 0
