# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ordinary compose.yml whose images are built from one source; the tests build on each other."""

from __future__ import annotations

import pytest
from sites import APP_IMAGE

TOKEN = "sentinel-of-the-build"
COMPOSE = """\
x-build: &build
  context: .
  args: {TOKEN: "${TOKEN}"}
services:
  web:
    build: *build
    restart: unless-stopped
    stop_grace_period: 2s
    environment: {BLUEGREEN_RELEASE: "${BLUEGREEN_RELEASE}", BLUEGREEN_COLOR: "${BLUEGREEN_COLOR}"}
    healthcheck: &healthy
      test: [CMD, test, -e, /tmp/healthy]
      start_interval: 400ms
      start_period: 800ms
      interval: 2s
      timeout: 2s
      retries: 2
  worker:
    build: *build
    image: @site@/app:latest
    healthcheck: *healthy
  mailer:
    image: @site@/app:latest
    healthcheck: *healthy
"""


def source(site, greeting, more=""):
    """Change what the images are built from."""
    lines = [f"FROM {APP_IMAGE}", "ARG TOKEN", f"ENV GREETING={greeting}", 'RUN echo "to $TOKEN"', more]
    (site.src / "Dockerfile").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def site(site):
    (site.src / "compose.yml").write_text(site.text(COMPOSE))
    source(site, "one")
    site.start_nginx(wait=False)
    return site


def options(**more):
    given = {"compose_files": ["compose.yml"], "services": [{"name": "web", "port": 3000}], "retire": "remove"}
    return dict(given, env={"TOKEN": TOKEN}, keep_releases=2, **more)


def deploy(site, release, **more):
    run = site.deploy(release, **options(**more))
    assert TOKEN not in run.stdout + run.stderr
    return run


def releases(site):
    """The releases whose image is here."""
    prefix = f"{site.app}/web:"
    return {name[len(prefix) :] for name in site.tags() if name.startswith(prefix)}


def greeting(site):
    return site.get()[1]["GREETING"]


def test_check_mode_says_what_would_be_built(site):
    run = site.check("v1", **options()).succeeded()
    assert f"once the run has built {site.app}/web:v1 from {site.src} (web and worker and mailer)" in run.stdout
    assert releases(site) == set()


def test_services_of_one_source_run_one_image_of_the_release(site):
    run = deploy(site, "v1").succeeded()
    assert "build" in run.result["phases"] and "RUN echo" in run.stdout
    name = f"{site.app}/web:v1"
    assert {each.attrs["Config"]["Image"] for each in site.containers().values()} == {name}
    assert site.tags()[f"{site.name}/app:latest"] == site.tags()[name]
    assert len(site.containers()) == 3
    assert greeting(site) == "one"


def test_same_release_again_is_unchanged(site):
    before = site.snapshot()
    run = deploy(site, "v1").succeeded()
    assert (run.result["outcome"], run.changed, run.ran("bluegreen_build")) == ("unchanged", 0, 1)
    assert site.snapshot() == before


def test_next_release_is_answered_by_its_own_code(site):
    source(site, "two")
    with site.load() as load:
        deploy(site, "v2").succeeded()
        source(site, "three")
        deploy(site, "v3").succeeded()
    load.lost_nothing()
    assert (greeting(site), releases(site)) == ("three", {"v2", "v3"})
    assert site.tags()[f"{site.name}/app:latest"] == site.tags()[f"{site.app}/web:v3"]


def test_rollback_builds_nothing(site):
    (site.src / "Dockerfile").rename(site.src / "Dockerfile.away")
    with site.load() as load:
        run = site.rollback(**options()).succeeded()
    load.lost_nothing()
    assert (run.result["release"], run.ran("bluegreen_build"), greeting(site)) == ("v2", 0, "two")
    (site.src / "Dockerfile.away").rename(site.src / "Dockerfile")


@pytest.mark.long
def test_build_that_fails_is_refused_with_the_end_of_its_output(site):
    before, release = site.snapshot(), site.release()
    source(site, "four", "RUN echo no compiler; exit 3")
    run = deploy(site, "v4").failed()
    assert "was rejected in the phase build: the build failed: " in run.screen
    assert "no compiler" in run.screen and "fix the Dockerfile or its context" in run.screen
    after = site.snapshot()
    assert after.pop("files").keys() == before["files"].keys()
    assert after == {key: before[key] for key in after}
    site.serves(release)


@pytest.mark.long
def test_killed_build_leaves_nothing_that_hurts(site):
    before = site.release()
    source(site, "four", "RUN sleep 6")
    run = site.begin("deploy", release="v4", **options())
    run.until("build", 2)
    run.kill(everything=True)
    site.serves(before)
    source(site, "four")
    with site.load() as load:
        deploy(site, "v4").succeeded()
    load.lost_nothing()
    assert (greeting(site), releases(site)) == ("four", {before, "v4"})


@pytest.mark.long
def test_other_source_under_the_same_name_is_deployed(site):
    before = greeting(site)
    source(site, "mended")
    run = deploy(site, site.release()).succeeded()
    assert (run.result["outcome"], greeting(site)) == ("deployed", "mended")
    site.rollback(**options()).succeeded()
    assert greeting(site) == before
