# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role in a play of the user's, with his own tasks, handlers and a second app."""

from __future__ import annotations

import json

import pytest
from sites import playbook

ROLE = {"include_role": {"name": "hotswap.compose.bluegreen"}}


@pytest.fixture(scope="module")
def site(site):
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v1")
    return site


def write(site, **play):
    path = site.directory / "play.json"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, **play}]))
    return str(path)


@pytest.mark.long
def test_users_pending_handler_that_fails_ends_the_play_before_ours_begins(site):
    path = write(
        site,
        tasks=[{"command": "true", "notify": "mine"}, ROLE, {"debug": {"msg": "came this far"}}],
        handlers=[{"name": "mine", "fail": {"msg": "the user's handler is broken"}}],
    )
    before = site.snapshot()
    run = site.play(path, release="v2").failed()
    assert run.message == "the user's handler is broken"
    assert run.ran("bluegreen_plan") == 0
    assert site.snapshot() == before
    site.serves("v1", "blue")


@pytest.fixture(scope="module")
def other(site, make_site):
    """A second app behind the nginx of the site."""
    other = make_site("play-other")
    for color in ("blue", "green"):
        path = other.src / f"compose.{color}-deploy.yml"
        path.write_text(path.read_text().replace(f"name: {other.name}", f"name: {site.name}"))
    other.image("v1")
    other.image("v2")
    return other


def test_two_apps_on_one_nginx_in_one_play(site, other):
    """By include_role, after a task whose handler is the user's own: it runs once, before ours."""
    path = write(
        site,
        tasks=[
            {"command": "true", "notify": "mine"},
            ROLE,
            {"debug": {"msg": "first {{ bluegreen_result.release }} {{ bluegreen_result.active_color }}"}},
            {
                **ROLE,
                "vars": {
                    "bluegreen_app": other.app,
                    "bluegreen_release": "v1",
                    "bluegreen_project_src": str(other.src),
                },
            },
            {"debug": {"msg": "second {{ bluegreen_result.release }} {{ bluegreen_result.active_color }}"}},
        ],
        handlers=[{"name": "mine", "debug": {"msg": "the user's handler ran"}}],
    )
    # Not as extra variables, which would outrank what the second app has of its own.
    hosts = {"target": site.variables(release="v2")}
    run = playbook(site.directory / "run", path, hosts=hosts).succeeded()
    said = [task["msg"] for task in run.tasks]
    assert said.count("the user's handler ran") == 1
    assert {"first v2 green", "second v1 blue"} <= set(said)
    site.serves("v2", "green")
    assert f"upstream {other.app}-web " in (site.conf / f"bluegreen-{other.app}.conf").read_text()
    assert (site.journal()["app"], site.states("green")) == (site.app, {"running"})
    assert other.states("blue") == {"running"}


def test_role_by_the_roles_keyword(site):
    """A second deploy of what is live, by `roles:`, is the no-op that it is by name."""
    path = write(site, roles=["hotswap.compose.bluegreen"])
    run = site.play(path, release="v2").succeeded()
    assert (run.changed, run.result["outcome"]) == (0, "unchanged")


def test_two_apps_by_a_loop(site, other):
    """Ansible adds the tasks and handlers of every item before it runs those of the first."""
    options = ("bluegreen_app", "bluegreen_release", "bluegreen_project_src")
    apps = [(site.app, "v3", str(site.src)), (other.app, "v2", str(other.src))]
    variables = {option: "{{ item[" + str(number) + "] }}" for number, option in enumerate(options)}
    path = write(site, serial=1, tasks=[{**ROLE, "loop": apps, "vars": variables}])
    playbook(site.directory / "run", path, hosts={"target": site.variables()}).succeeded()
    site.serves("v3", "blue")
    assert (other.states("green"), site.states("blue")) == ({"running"}, {"running"})
    assert site.journal()["unfinished"] is None


@pytest.mark.parametrize(
    "play, arguments, environment, hosts, message",
    [
        ("deploy", ["--tags=deploy"], None, 1, "--tags or --skip-tags excludes the tasks of the role"),
        ("include", ["--tags=deploy"], None, 1, "--tags or --skip-tags excludes the tasks of the role"),
        ("deploy", [], {"ANSIBLE_ANY_ERRORS_FATAL": "1"}, 2, "any_errors_fatal is True: with 2 hosts at a time"),
        ("roles", ["--start-at-task=Prepare"], None, 1, "must run from its first task; remove --start-at-task"),
    ],
)
def test_ways_to_call_it_that_would_do_a_part(site, play, arguments, environment, hosts, message):
    if play != "deploy":
        tagged = (
            {"tasks": [{**ROLE, "tags": ["deploy"]}]}
            if play == "include"
            else {"roles": [ROLE["include_role"]["name"]]}
        )
        play = write(site, **tagged)
    before = site.snapshot()
    names = {f"host{number}": {} for number in range(hosts)}
    run = site.play(play, environment, arguments, names, release="v9")
    assert run.rc != 0 and message in run.stdout
    assert site.snapshot() == before


def test_tags_that_select_the_role(site):
    """By import_role the tasks have its tags; by include_role those under apply."""
    tagged = {"include_role": {**ROLE["include_role"], "apply": {"tags": ["deploy"]}}, "tags": ["deploy"]}
    for tasks in ([tagged], [{"import_role": ROLE["include_role"], "tags": ["deploy"]}]):
        release = site.other()
        site.play(write(site, tasks=tasks), arguments=["--tags=deploy"], release=release).succeeded()
        site.serves(release)
    run = site.play(write(site, tasks=tasks), arguments=["--tags=other"], release="v9").succeeded()
    assert run.ran("bluegreen_plan") == 0


HANDLERS = [{"name": "mine", "fail": {"msg": "the user's handler is broken"}}]


def hook(site, *tasks):
    """Write a hook whose first task notifies the user's handler."""
    path = site.directory / "hook.json"
    path.write_text(json.dumps([{"command": "true", "notify": "mine"}, *tasks]))
    return str(path)


def test_users_handler_that_fails_is_no_obstacle_to_going_back(site):
    """What a hook notified has not run yet as the release fails; ours does not wait for it."""
    path = write(site, tasks=[ROLE], handlers=HANDLERS)
    after_swap = hook(site, {"fail": {"msg": "the hook is broken"}})
    before = site.release()
    with site.load() as load:
        run = site.play(path, release=site.other(), hooks={"after_swap": after_swap}).failed()
    load.lost_nothing()
    assert "was rolled back in the hook after_swap: the hook is broken" in run.message
    assert (run.result["outcome"], run.result["release"]) == ("rolled_back", before)
    site.serves(before)


def test_users_handler_that_fails_before_the_first_swap(make_site):
    """It runs in the same flush as ours, before it: nothing has the traffic."""
    site = make_site("play-first")
    site.image("v1")
    site.start_nginx(wait=False)
    path = write(site, tasks=[ROLE], handlers=HANDLERS)
    run = site.play(path, release="v1", hooks={"before_swap": hook(site)}).failed()
    assert "was rejected in the phase swap: the user's handler is broken" in run.message
    assert "Traffic: no color has it. This was the first deploy." in run.message
    assert (run.result["outcome"], run.result["active_color"], site.containers()) == ("rejected", None, {})
