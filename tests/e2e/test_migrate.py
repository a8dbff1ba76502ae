# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release's migration: once, from its image and with its settings, before it starts."""

from __future__ import annotations

import pytest
from sites import COMPOSE

COMMAND = """sh -c 'echo "$BLUEGREEN_RELEASE $BEHAVIOUR" >> /data/migrations; exit $GREETING'"""


@pytest.fixture(scope="module")
def site(site):
    """v1 serves. What is migrated is a directory of the host."""
    data = site.directory / "data"
    data.mkdir()
    for color in ("blue", "green"):
        text = site.text(COMPOSE, color).replace("    environment:", f"    volumes: ['{data}:/data']\n    environment:")
        (site.src / f"compose.{color}-deploy.yml").write_text(text)
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v1")
    return site


def migrations(site):
    path = site.directory / "data" / "migrations"
    return path.read_text().splitlines() if path.exists() else []


def deploy(site, release, behaviour="healthy", status=0):
    env = {"BEHAVIOUR": behaviour, "GREETING": str(status)}
    return site.deploy(release, env=env, migrate={"service": "web-{color}", "command": COMMAND})


def test_migration_that_fails_refuses_the_release(site):
    containers = site.containers()
    with site.load() as load:
        run = deploy(site, "v2", status=7).failed()
    load.lost_nothing()
    assert (run.result["outcome"], run.result["release"]) == ("rejected", "v1")
    assert "in the phase migrate: the migration (sh -c" in run.message and "exited with 7" in run.message
    assert migrations(site) == ["v2 healthy"]
    assert site.containers().keys() == containers.keys()


def test_release_that_is_refused_after_its_migration_says_so(site):
    run = deploy(site, "v2", "exit").failed()
    assert "Left undone: the migration (sh -c" in run.message
    assert migrations(site) == ["v2 healthy", "v2 exit"]


@pytest.mark.long
def test_migration_that_was_run_is_not_run_again(site):
    run = deploy(site, "v2").succeeded()
    assert (run.result["outcome"], run.result["release"]) == ("deployed", "v2")
    assert len(migrations(site)) == 2
    deploy(site, "v3").succeeded()
    assert migrations(site)[2:] == ["v3 healthy"]
    site.image("v3", "another")
    deploy(site, "v3").succeeded()
    assert migrations(site)[2:] == ["v3 healthy"] * 2, "another image is another release"


@pytest.mark.long
def test_rollback_says_what_it_does_not_undo(site):
    result = site.rollback(release="v2").succeeded().result
    assert len(migrations(site)) == 4
    said = [warning for warning in result["warnings"] if "and a rollback does not undo it" in warning]
    assert said and all("the migration of v3 (sh -c" in warning for warning in said)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"service": "api", "command": "true"}, ["'api'", "web-{color}"]),
        ({"service": "web-{color}"}, ["give the command"]),
        ({"service": "web-{color}", "command": "echo 'a"}, ["can't be split"]),
    ],
)
def test_migration_that_is_none_is_refused_before_anything_starts(site, wrong, words):
    before = site.snapshot()
    run = site.deploy("v1", migrate=wrong).failed()
    for word in ["bluegreen_migrate", *words]:
        assert word in run.message, run.message
    assert site.snapshot() == before
