# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two runs of one app on one host: one at a time."""

from __future__ import annotations

import json
import signal
import time

import pytest
from sites import until


@pytest.fixture(scope="module")
def site(site):
    """v1 serves."""
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v1")
    return site


def deploying(site, release, **more):
    """Begin a deploy, and wait until it has the lock."""
    run = site.begin("deploy", directory="first", release=release, **more)
    until(site.lock, "the run has the lock")
    return run


def test_the_second_is_refused_and_says_who_has_it(site):
    first = deploying(site, "v2")
    before = site.journal()["releases"]
    second = site.deploy("v3").failed()
    assert second.message.startswith("a deploy of v2 by root on ")
    assert "bluegreen_lock_wait" in second.message
    assert site.journal()["releases"] == before
    assert first.wait().succeeded().result["outcome"] == "deployed"
    site.serves("v2")
    assert site.lock() is None


def test_the_second_waits_its_turn(site):
    first = deploying(site, "v1")
    with site.load() as load:
        second = site.deploy("v3", lock_wait=60)
    load.lost_nothing()
    assert first.wait().succeeded().result["outcome"] == "deployed"
    assert second.succeeded().result["previous_release"] == "v1"
    assert "\nwaiting for a deploy of v1 by root on " in second.stdout
    site.serves("v3")


def test_status_shows_it_and_unlock_frees_it(site):
    site.image("v4")
    first = deploying(site, "v4", environment={"BEHAVIOUR": ""}, env={"BEHAVIOUR": "never-healthy"}, health_timeout=60)
    status = site.play("status").succeeded()
    assert "deploy of v4 by root on " in status.stdout
    freed = site.play("unlock").succeeded()
    assert "Released the lock held by a deploy of v4 by root on " in freed.stdout
    second = site.deploy("v2").succeeded()
    assert any("interrupted" in warning for warning in second.result["warnings"])
    assert "another run has taken over the lock" in first.wait().failed().message + first.wait().stdout
    site.serves("v2")
    assert "The lock was not held." in site.play("unlock").succeeded().stdout


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(number, marks=pytest.mark.long) for number in (signal.SIGTERM, signal.SIGINT))],
)
def test_a_run_that_is_ended_frees_it_at_once(site, number):
    release = "v3" if site.release() == "v2" else "v2"
    run = deploying(site, release)
    run.until("judge")
    run.process.send_signal(number)
    run.wait()
    began = time.monotonic()
    again = site.deploy(release).succeeded()
    assert "waiting for" not in again.stdout
    print(f"after {time.monotonic() - began:.1f} s")
    site.serves(release)


@pytest.mark.long
def test_a_lock_of_another_controller_is_free_when_it_shows_no_life(site):
    """As after the end of the container that an AWX job runs in: nobody is left who could give the lock up."""
    directory = site.state / site.app / "lock"
    token = "0" * 32
    holder = {"token": token, "user": "ann", "controller": "awx-812", "job": "812", "release": "v9", "kind": "deploy"}
    process = {"boot": "another", "pid_ns": "pid:[1]", "pid": 7, "started": 7}
    (directory / "holder.json").write_text(
        json.dumps(dict(holder, host="target", process=process, since="2026-01-31T23:59:59Z"))
    )
    (directory / f"beat-{token}").touch()
    release = "v3" if site.release() == "v2" else "v2"
    refused = site.deploy(release).failed()
    assert refused.message.startswith("a deploy of v9 by ann on awx-812, AWX job 812, since 2026-01-31T23:59:59Z")
    assert site.deploy(release, lock_wait=60).succeeded().result["outcome"] == "deployed"
