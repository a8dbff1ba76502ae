# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ways back, one after the other on one site: the tests of this module build on each other, in this order."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def site(site):
    for release in ("v1", "v2", "v3"):
        site.image(release)
    return site


def policies(site, color):
    return {each.attrs["HostConfig"]["RestartPolicy"]["Name"] for each in site.containers(color).values()}


def went_back(run, release, color):
    assert run.succeeded().result["outcome"] == "rolled_back"
    assert (run.result["release"], run.result["active_color"]) == (release, color)


def test_nothing_was_ever_deployed(site):
    site.start_nginx(wait=False)
    assert "there is no release to roll back to" in site.rollback().failed().message
    assert site.containers() == {}


def test_only_one_release_was_deployed(site):
    site.deploy("v1").succeeded()
    before = site.snapshot()
    assert "v1 is the only release" in site.rollback().failed().message
    assert site.snapshot() == before


def test_to_the_stopped_color(site):
    site.deploy("v2").succeeded()
    ids = {container.id for container in site.containers("blue").values()}
    with site.load() as load:
        run = site.rollback()
    load.lost_nothing()
    assert load.releases == {"v1", "v2"}
    went_back(run, "v1", "blue")
    assert run.result["previous_release"] == "v2"
    assert {container.id for container in site.containers("blue").values()} == ids
    assert (policies(site, "blue"), policies(site, "green")) == ({"unless-stopped"}, {"no"})
    assert site.states("green") == {"exited"}
    site.serves("v1", "blue")


def test_twice_in_a_row_does_not_go_to_what_was_rolled_back_from(site):
    before = site.snapshot()
    assert "v2 was rolled back; set bluegreen_release: v2 to return to it" in site.rollback().failed().message
    assert site.snapshot() == before


def test_to_a_release_that_is_named(site):
    before = site.snapshot()
    message = site.rollback(release="v7").failed().message
    assert "bluegreen_release is 'v7'" in message and "v1, v2" in message
    unchanged = site.rollback(release="v1").succeeded()
    assert (unchanged.changed, unchanged.result["outcome"]) == (0, "unchanged")
    check = site.play("rollback", arguments=["--check", "--diff"], release="v2").succeeded()
    assert "+release: v2" in check.stdout
    assert site.snapshot() == before
    went_back(site.rollback(release="v2"), "v2", "green")
    site.serves("v2", "green")


@pytest.mark.long
def test_after_a_refused_release_it_comes_from_the_images(site):
    site.deploy("v1").succeeded()
    refused = site.deploy("v3", env={"BEHAVIOUR": "exit"}).failed()
    assert refused.result["outcome"] == "rejected"
    assert site.containers("green") == {}
    went_back(site.rollback(), "v2", "green")
    site.serves("v2", "green")
    assert policies(site, "green") == {"unless-stopped"}


def started_at(site):
    return {name: container.attrs["State"]["StartedAt"] for name, container in site.containers().items()}


def test_to_a_color_that_was_kept_running_starts_nothing(site):
    site.deploy("v3", retire="keep").succeeded()
    assert (site.states("blue"), site.states("green")) == ({"running"}, {"running"})
    site.serves("v3", "blue")
    reloads, started = site.reloads(), started_at(site)
    with site.load() as load:
        run = site.rollback(retire="keep")
    load.lost_nothing()
    went_back(run, "v2", "green")
    assert site.reloads() == reloads + 2  # it swaps, and then follows the names
    assert (started_at(site), run.ran("bluegreen_start")) == (started, 0)
    site.serves("v2", "green")


def write_journal(site, **changes):
    """Change the journal by hand."""
    path = site.state / site.app / "journal.json"
    path.write_text(json.dumps({**site.journal(), **changes}))


def test_on_the_state_of_an_older_version(site):
    """Format 1 has what format 2 has, but for the outcome "forgotten"."""
    write_journal(site, format=1)
    assert "forgotten" not in {each["outcome"] for each in site.journal()["releases"]}
    assert site.deploy("v3").succeeded().result["previous_release"] == "v2"
    assert site.journal()["format"] == 2
    write_journal(site, format=1)
    went_back(site.rollback(), "v2", "green")
    assert site.journal()["format"] == 2
    site.serves("v2", "green")


ENTRY_POINTS = ["main", "rollback", "promote", "abort", "status", "history"]
EACH_IN_TURN = """\
    - block:
        - ansible.builtin.include_role: {name: hotswap.compose.bluegreen, tasks_from: @entry_point@}
      rescue:
        - ansible.builtin.meta: noop
"""


def test_on_the_state_of_a_newer_version(site):
    """No entry point takes its journal for an empty one, and none changes anything."""
    journal = site.journal()
    write_journal(site, format=99)
    path = site.directory / "newer.yml"
    tasks = "".join(EACH_IN_TURN.replace("@entry_point@", each) for each in ENTRY_POINTS)
    path.write_text("- hosts: bluegreen\n  gather_facts: false\n  tasks:\n" + tasks)
    before = site.snapshot()
    for arguments in ((), ("--check",)):
        run = site.play(str(path), arguments=arguments, release="v1")
        assert len(run.messages()) == len(ENTRY_POINTS), run.stdout
        for message in run.messages():
            assert "journal.json was written by a newer version of hotswap.compose (format 99," in message
            assert "update the collection" in message
    assert site.snapshot() == before
    write_journal(site, **journal)


def test_to_a_color_that_was_removed(site):
    site.deploy("v1", retire="remove").succeeded()
    assert site.containers("green") == {}
    went_back(site.rollback(retire="remove"), "v2", "green")
    assert site.containers("blue") == {}
    site.serves("v2", "green")


@pytest.mark.long
def test_that_is_not_healthy_is_refused(site):
    for container in site.containers("green").values():
        container.exec_run(["sh", "-c", "echo 'raise SystemExit(7)' >/app.py"])
    site.deploy("v1").succeeded()
    with site.load() as load:
        run = site.rollback().failed()
    load.lost_nothing()
    assert load.releases == {"v1"}
    assert (run.result["outcome"], run.result["release"]) == ("rejected", "v1")
    assert site.states("green") == {"exited"}
    assert policies(site, "green") == {"no"}


def test_to_the_active_release_that_was_stopped_brings_it_back(site):
    said = site.get()[1]
    release, color = said["BLUEGREEN_RELEASE"], said["BLUEGREEN_COLOR"]
    for container in site.containers(color).values():
        container.stop()
    went_back(site.rollback(release=release), release, "green" if color == "blue" else "blue")
    site.serves(release)


ORDINARY = """\
services:
  web:
    image: @site@/app:${BLUEGREEN_RELEASE}
    restart: unless-stopped
    stop_grace_period: 2s
    environment:
      BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE}
      BLUEGREEN_COLOR: ${BLUEGREEN_COLOR}
    healthcheck:
      test: [CMD, test, -e, /tmp/healthy]
      interval: 1s
"""


def test_to_a_release_that_ran_under_other_service_names(site):
    """From a file for each color to one ordinary file: web-blue and web-green are web."""
    before = site.release()
    ordinary = {"compose_files": ["compose.yml"], "services": [{"name": "web", "port": 3000}]}
    with site.compose_file("compose.yml", site.text(ORDINARY)):
        run = site.deploy("v3", **ordinary).succeeded()
        assert not [warning for warning in run.result["warnings"] if "way back" in warning]
        site.serves("v3")
        with site.load() as load:
            run = site.rollback(**ordinary)
    load.lost_nothing()
    assert run.succeeded().result["release"] == before
    site.serves(before)
