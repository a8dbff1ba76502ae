# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release after the other on one site: the tests of this module build on each other, in this order."""

from __future__ import annotations

import re
import stat

import pytest
from sites import SERVER, until

GREETING = {"GREETING": "good 'day' $HOME #1"}


@pytest.fixture(scope="module")
def site(site):
    """nginx runs, and serves something else: the user's server block for the app is still to be put there."""
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    site.image("v1")
    site.image("v2")
    return site


def test_check_mode_before_the_first_deploy(site):
    before = site.snapshot()
    run = site.check("v1").succeeded()
    assert site.snapshot() == before
    assert not site.state.exists()
    assert run.changed > 0
    assert f"\n{site.app}: v1 would get the traffic in blue; nothing was changed.\n" in run.stdout
    for line in ("+release: v1", "+color: blue", f"+image: {site.app}/app:v1 sha256:", f"+upstream {site.app}-web {{"):
        assert line in run.stdout, line
    assert site.containers() == {}


def test_first_deploy(site):
    run = site.deploy("v1").succeeded()
    assert run.result["outcome"] == "deployed"
    assert (run.result["active_color"], run.result["release"], run.result["previous_release"]) == ("blue", "v1", None)
    assert list(run.result["phases"]) == ["detect", "start", "gate", "swap", "drain", "retire", "record"]
    assert [each["health"] for each in run.result["containers"]] == ["healthy"]
    assert run.result["warnings"] == []
    # The user's server block may come after the upstream it names.
    site.write("site.conf", site.text(SERVER))
    site.nginx.kill("HUP")
    until(lambda: site.get()[0] == 200, "the user's server block is live")
    site.serves("v1", "blue")


def test_its_files_are_nobody_elses_to_read(site):
    for path in site.state.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_next_release_under_load(site):
    with site.load() as load:
        run = site.deploy("v2").succeeded()
    load.lost_nothing()
    assert load.releases == {"v1", "v2"}
    assert (run.result["outcome"], run.result["active_color"], run.result["previous_release"]) == (
        "deployed",
        "green",
        "v1",
    )
    assert run.ran("bluegreen_finish") == 1
    assert f"\n{site.app}: v1 in blue → v2 in green\n" in run.stdout
    assert re.search(r"\n\d\d:\d\d:\d\d: v2 in green has the traffic, proven [\d.]+ s after the reload\n", run.stdout)
    assert f"\n{site.app}: v2, in green, has the traffic. It took " in run.stdout
    directory = site.directory / "run"
    again = f"ansible-playbook -i {directory}/inventory.json -e @{directory}/variables.json hotswap.compose.rollback"
    assert f"\nv1 in blue is stopped, kept for a rollback: {again}\n" in run.stdout
    site.serves("v2", "green")
    assert site.states("blue") == {"exited"}


def test_retired_color_stays_retired_when_docker_restarts(site):
    for container in site.containers("blue").values():
        assert container.attrs["HostConfig"]["RestartPolicy"]["Name"] == "no"
    for container in site.containers("green").values():
        assert container.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


@pytest.mark.parametrize("pull", ["never", "missing"])
def test_same_again_changes_nothing(site, pull):
    before = site.snapshot()
    run = site.deploy("v2", pull=pull).succeeded()
    assert run.changed == 0
    assert (run.result["outcome"], run.result["active_color"], run.result["release"]) == ("unchanged", "green", "v2")
    assert f"\n{site.app}: v2, in green, has the traffic already; there is nothing to do.\n" in run.stdout
    assert site.snapshot() == before


def test_same_release_with_another_image_is_noticed(site):
    site.image("v2", content="built-again")
    check = site.check("v2").succeeded()
    assert check.changed > 0
    run = site.deploy("v2").succeeded()
    assert (run.result["outcome"], run.result["active_color"]) == ("deployed", "blue")
    site.serves("v2", "blue")


def test_same_release_with_another_environment_is_noticed(site):
    run = site.deploy("v2", env=GREETING).succeeded()
    assert (run.result["outcome"], run.result["active_color"]) == ("deployed", "green")
    assert site.get()[1]["GREETING"] == GREETING["GREETING"]
    assert "good 'day'" not in run.stdout


def test_check_mode_of_a_later_release(site):
    before = site.snapshot()
    run = site.check("v1").succeeded()
    assert site.snapshot() == before
    for line in (
        "-release: v2",
        "+release: v1",
        "-color: green",
        "+color: blue",
        f"-    server {site.app}-green-web:3000",
    ):
        assert line in run.stdout, line


def test_variables_given_as_text(site):
    """Values of -e k=v are strings, and facts are not injected."""
    texts = {"health_timeout": "30", "drain_timeout": "20", "keep_releases": "3", "max_restarts": "0"}
    arguments = [argument for name, text in texts.items() for argument in ("-e", f"bluegreen_{name}={text}")]
    arguments += ["-e", "bluegreen_compose_files=compose.{color}-deploy.yml"]
    environment = {"ANSIBLE_INJECT_FACT_VARS": "False"}
    before = site.snapshot()
    services = [{"name": "web-{color}", "port": "3000"}]
    run = site.play("deploy", environment, arguments, release="v2", env=GREETING, services=services).succeeded()
    assert (run.result["outcome"], run.changed) == ("unchanged", 0)
    assert site.snapshot() == before


def test_status_says_so(site):
    run = site.play("status").succeeded()
    assert run.changed == 0
    assert re.search(r"traffic +v\S+ has it, in green, since", run.stdout), run.stdout


def goes_to_the_other_color(site, **more):
    before = site.journal()["releases"][-1]["color"]
    run = site.deploy("v2", **more).succeeded()
    assert (run.result["outcome"], run.result["active_color"]) == (
        "deployed",
        {"blue": "green", "green": "blue"}[before],
    )
    site.serves("v2")


BESIDE = """\
services:
  web-@color@:
    scale: 3
  worker:
    image: @site@/app:v2
    command: [sleep, infinity]
    stop_grace_period: 1s
"""


@pytest.mark.parametrize("gone", [3, 1])
def test_same_release_without_containers_of_its_traffic_service_is_deployed_again(site, gone):
    """All of the others run."""
    for color in ("blue", "green"):
        (site.src / f"beside.{color}.yml").write_text(site.text(BESIDE, color))
    files = {"compose_files": ["compose.{color}-deploy.yml", "beside.{color}.yml"]}
    site.deploy("v2", **files).succeeded()
    active = site.journal()["releases"][-1]["color"]
    web = [container for name, container in sorted(site.containers(active).items()) if "-web-" in name]
    for container in web[:gone]:
        container.remove(force=True)
    goes_to_the_other_color(site, **files)
    assert site.deploy("v2", **files).succeeded().changed == 0
