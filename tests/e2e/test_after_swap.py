# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong at the swap or right after it: the old color gets the traffic back, where it can take it."""

from __future__ import annotations

import shutil

import pytest
from sites import APP_IMAGE, COLLECTIONS, SERVER, until

BROKEN = """\
#!/usr/bin/python
import json
import subprocess

{first}
print(json.dumps({{"failed": True, "msg": "{module} is broken"}}))
"""


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue."""
    for release in ("v1", "v2"):
        site.image(release)
    site.first_deploy("v1")
    return site


@pytest.fixture
def broken(site, tmp_path):
    """Return the environment in which a module runs a command and fails, or in which a file of the collection has more
    at its end."""

    def broken(module, *command, ends_with=""):
        ours = tmp_path / "ansible_collections" / "hotswap" / "compose"
        source = COLLECTIONS / "ansible_collections" / "hotswap" / "compose"
        for part in ("galaxy.yml", "meta", "playbooks", "plugins", "roles"):
            copy = shutil.copytree if (source / part).is_dir() else shutil.copy
            ours.mkdir(parents=True, exist_ok=True)
            copy(source / part, ours / part)
        if ends_with:
            with open(ours / "plugins" / module, "a", encoding="utf-8") as file:
                file.write(ends_with)
            return {"ANSIBLE_COLLECTIONS_PATH": f"{tmp_path}:{COLLECTIONS}"}
        first = f"subprocess.run({list(command)!r}, check=True, stdout=subprocess.DEVNULL)" if command else ""
        (ours / f"plugins/modules/{module}.py").write_text(BROKEN.format(first=first, module=module))
        return {"ANSIBLE_COLLECTIONS_PATH": f"{tmp_path}:{COLLECTIONS}"}

    return broken


def test_reload_that_nginx_does_not_do(site):
    """A port that another site wants is taken: nginx -t and nginx -s reload both succeed, and nothing reloads."""
    taker = site.docker.containers.run(
        APP_IMAGE, name=f"{site.name}-taker", network_mode=f"container:{site.nginx.id}", detach=True
    )
    site.write("another.conf", "server { listen 3000; return 204; }\n")
    file, workers, reloads = site.upstream_file(), site.workers(), site.reloads()
    try:
        with site.load() as load:
            run = site.deploy("v2").failed()
    finally:
        (site.conf / "another.conf").unlink()
        taker.remove(force=True)
    load.lost_nothing()
    assert load.releases == {"v1"}
    assert (site.upstream_file(), site.workers()) == (file, workers)
    assert site.reloads() == reloads + 2  # those that failed: there is none to put back what never was
    assert "bind() to 0.0.0.0:3000 failed" in run.message
    assert "Traffic: v1 (blue) keeps it." in run.message
    assert run.result["active_color"] == "blue"
    assert run.result["release"] == "v1"
    assert run.result["outcome"] == "rejected"
    assert site.states("blue") == {"running"}
    assert site.containers("green") == {}
    assert site.journal()["unfinished"] is None


def test_failure_after_the_swap_puts_the_traffic_back(site, broken):
    reloads = site.reloads()
    with site.load() as load:
        run = site.play("deploy", broken("bluegreen_finish"), release="v2").failed()
    load.lost_nothing()
    assert load.releases == {"v1", "v2"}
    # It is told the new names, it swaps, it swaps back, and it follows the old names again.
    assert site.reloads() == reloads + 4
    assert run.result["outcome"] == "rolled_back"
    assert (run.result["active_color"], run.result["release"]) == ("blue", "v1")
    assert "was rolled back in the phase drain: bluegreen_finish is broken" in run.message
    assert "v1 (blue) has it back" in run.message
    assert site.containers("green") == {}
    assert site.journal()["releases"][-1]["outcome"] == "rolled_back"
    site.serves("v1", "blue")


WEBSOCKETS = """\
    location /ws {
        proxy_pass http://@upstream@;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }
}
"""


def test_release_that_dies_while_a_websocket_holds_the_drain(site):
    site.write("site.conf", site.text(SERVER.rstrip().rstrip("}") + WEBSOCKETS))
    workers = site.workers()
    site.nginx.kill("HUP")
    until(lambda: not site.workers() & workers, "nginx has loaded the location of WebSockets")
    with site.load("--websocket=1") as load:
        run = site.deploy("v2", env={"BEHAVIOUR": "dies"}, drain_timeout=60).failed()
    assert load.releases == {"v1", "v2"}
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", "v1")
    assert "was rolled back in the phase drain" in run.message
    assert "exited with 5" in run.message and "after the swap" in run.message
    assert "log: out of luck" in run.message
    assert run.result["phases"]["drain"] < 15
    assert load.report["kinds"]["websocket"]["opened"] > 0
    site.serves("v1", "blue")


def test_old_color_that_is_gone_gets_nothing_back(site, broken):
    """Then the new release keeps the traffic that it has, and the exit status says that something is wrong."""
    old = next(iter(site.containers("blue").values()))
    run = site.play("deploy", broken("bluegreen_finish", "docker", "stop", "-t", "1", old.name), release="v2").failed()
    assert "the previous color is no longer healthy" in run.message
    site.serves("v2", "green")
    assert site.states("green") == {"running"}


def test_next_run_goes_on_from_there(site):
    run = site.deploy("v2").succeeded()
    assert run.result["outcome"] == "deployed"
    site.serves("v2", "green")
    assert site.states("blue") == {"exited"}
    assert site.journal()["unfinished"] is None
    assert site.deploy("v2").succeeded().changed == 0


ONE_SHOT = """\
services:
  init-@color@:
    image: @site@/app:${BLUEGREEN_RELEASE}
    entrypoint: ["true"]
"""


def test_one_shot_of_the_old_color_is_no_reason_to_stay(site, broken):
    """It has ended, as it was meant to."""
    for color in ("blue", "green"):
        (site.src / f"init.{color}.yml").write_text(site.text(ONE_SHOT, color))
    files = {"compose_files": ["compose.{color}-deploy.yml", "init.{color}.yml"]}
    before = site.deploy(site.other(), **files).succeeded().result["release"]
    with site.load() as load:
        run = site.play("deploy", broken("bluegreen_finish"), release=site.other(), **files).failed()
    load.lost_nothing()
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", before)
    site.serves(before)
    assert site.journal()["unfinished"] is None


FAILING = """

def {function}(*_arguments):
    raise OSError("{function} is broken")
"""


@pytest.mark.parametrize(
    "function, says, release",
    [
        ("stop_containers", "the idle color could not be retired", "v1"),
        pytest.param("close_run", "the run could not be recorded", "v2", marks=pytest.mark.long),
    ],
)
def test_failure_to_retire_or_to_record_is_a_warning(site, broken, function, says, release):
    """The new release has the traffic and keeps it; the next run goes on from there."""
    environment = broken("module_utils/_deploy/finisher.py", ends_with=FAILING.format(function=function))
    with site.load() as load:
        run = site.play("deploy", environment, release=release).succeeded()
    load.lost_nothing()
    assert run.result["outcome"] == "deployed"
    assert f"{says}: {function} is broken" in run.result["warnings"]
    site.serves(release)
    assert site.deploy(release).succeeded().result["release"] == release
    assert site.journal()["unfinished"] is None
    site.serves(release)
