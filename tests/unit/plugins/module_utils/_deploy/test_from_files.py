# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import stat

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose.single_file import JOINS
from ansible_collections.hotswap.compose.plugins.module_utils._deploy import release_images
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import CREATE, REFRESH
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError, PlanError
from ansible_collections.hotswap.compose.tests.unit.stand_ins import (
    SERVICES,
    StandInTarget,
    container,
    holder_of_the_lock,
    inspected_service,
    nginx,
    rendered,
    stack,
)

UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def target(tmp_path, monkeypatch):
    return StandInTarget(tmp_path, monkeypatch)


def refs(color, release):
    return {
        f"cache-{color}": "cache:1",
        f"signal-{color}": f"shop-signal:{release}",
        f"was-{color}": f"shop-was:{release}",
    }


def ids(release):
    return {ref: f"sha256:{ref}" for ref in refs("blue", release).values()}


def color_files(target, plan):
    """Return what lies in a plan's directory, by its name."""
    return {
        name: json.loads((target.state_dir / "shop/deploys" / plan["deploy"] / name).read_text())
        for name in os.listdir(plan["directory"])
    }


def test_first_deploy(target):
    plan = target.plan(release="v1")
    deploy = plan["deploy"]
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", deploy)
    found = {key: plan[key] for key in ("release", "color", "how", "unchanged", "reasons", "project", "file")}
    assert found == {
        "release": "v1",
        "color": "blue",
        "how": CREATE,
        "unchanged": False,
        "reasons": ["no color has the traffic"],
        "project": "shop-blue",
        "file": "compose.blue.json",
    }
    assert plan["directory"] == f"{target.state_dir}/shop/deploys/{deploy}"
    assert plan["services"] == ["cache-blue", "signal-blue", "was-blue"]
    assert plan["traffic_services"] == ["was-blue", "signal-blue"]
    nothing = ("exclusive", "exclusive_containers", "containers", "leftovers", "joins")
    assert [plan[key] for key in nothing] == [[]] * len(nothing)
    assert plan["download"] is None
    assert plan["shared"] == {
        **{"up": [], "start": [], "by_hand": {}, "absent": [], "waits": []},
        **{"project": "shop-shared", "file": "compose.shared.json"},
    }


def test_files_of_a_first_deploy(target):
    plan = target.plan(release="v1")
    files = color_files(target, plan)
    assert sorted(files) == ["compose.blue.json", "compose.green.json"]
    for color in ("blue", "green"):
        path = os.path.join(plan["directory"], f"compose.{color}.json")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        config = files[f"compose.{color}.json"]
        assert config["name"] == f"shop-{color}"
        assert config["services"][f"was-{color}"]["image"] == "shop-was:v1"
        assert config["services"][f"was-{color}"]["networks"]["edge"] == {"aliases": [f"shop-{color}-was"]}
        labels = config["services"][f"was-{color}"]["labels"]
        hash_of_the_color = labels.pop("hotswap.compose.config")
        assert re.fullmatch("[0-9a-f]{64}", hash_of_the_color)
        assert labels == {
            "hotswap.compose.app": "shop",
            "hotswap.compose.color": color,
            "hotswap.compose.release": "v1",
            "hotswap.compose.deploy": plan["deploy"],
        }
    assert stat.S_IMODE(os.stat(plan["directory"]).st_mode) == 0o700


def test_unfinished_run_of_a_first_deploy(target):
    plan = target.plan(release="v1")
    unfinished = target.unfinished
    labels = color_files(target, plan)["compose.blue.json"]["services"]["was-blue"]["labels"]
    assert UTC.fullmatch(unfinished.pop("begun_at"))
    assert unfinished == {
        "deploy": plan["deploy"],
        "release": "v1",
        "color": "blue",
        "how": "create",
        "rollback": False,
        "services": SERVICES,
        "expected": {"cache-blue": 1, "signal-blue": 1, "was-blue": 1},
        "previous_services": SERVICES,
        "started": [],
        "exclusive_containers": [],
        "previous": [],
        "previous_exclusive": [],
        "endpoints": [],
        "by": None,
        "networks_before": [],
        "config_hash": labels["hotswap.compose.config"],
        "refs": refs("blue", "v1"),
        "tags": {},
        "pulled": [],
        "ids_before": ids("v1"),
        "adopted": None,
        "connected": [],
        "files": [str(target.source / "compose.blue.yml")],
    }


def test_next_release_goes_to_the_idle_color(target):
    for release, color, other in (("v1", "blue", "green"), ("v2", "green", "blue"), ("v1", "blue", "green")):
        plan = target.plan(release=release)
        assert (plan["color"], plan["how"], plan["file"]) == (color, CREATE, f"compose.{color}.json")
        assert plan["project"] == f"shop-{color}"
        assert target.unfinished["color"] == color
        assert target.unfinished["refs"] == refs(color, release)
        assert target.unfinished["previous"] == [each["id"] for each in target.colors[other]]
        target.complete(plan)


def test_unfinished_run_has_the_active_color_and_who_runs_it(target):
    target.deploy("v1")
    target.change("blue", "cache-blue", exclusive=True)
    holder_of_the_lock(target.state_dir, user="ops", controller="ci", job="7")
    target.plan(release="v2")
    before = target.state.journal["releases"][0]["deploy"]
    unfinished = target.unfinished
    assert unfinished["previous"] == [f"{name}-blue-{before}" for name in ("cache", "signal", "was")]
    assert unfinished["previous_exclusive"] == [f"cache-blue-{before}"]
    assert unfinished["endpoints"] == ["10.0.0.3:3001", "10.0.0.4:3000"]
    assert unfinished["by"] == {"user": "ops", "controller": "ci", "job": "7"}


@pytest.mark.parametrize("pull", ["never", "missing"])
def test_same_release_is_unchanged_and_nothing_is_written(target, pull):
    target.deploy("v1")
    journal, files = target.state.journal, target.files()
    plan = target.plan(release="v1", pull=pull)
    assert (plan["unchanged"], plan["reasons"], plan["color"], plan["how"]) == (True, [], "blue", CREATE)
    assert plan["download"] is None
    assert (target.state.journal, target.files()) == (journal, files)


def another_environment(color, release):
    config = rendered(color, release)
    config["services"][f"was-{color}"]["environment"]["TOKEN"] = "another"
    return config


def another_image(target):
    target.add_images("shop-was:v1", suffix="-2")


def another_configuration(target):
    target.render = another_environment


def another_release(target):
    target.change("blue", release="v0")


def another_release_and_image(target):
    another_release(target)
    target.add_images("cache:1", suffix="-2")


def unhealthy(target):
    target.change("blue", "was-blue", health="unhealthy")


def stopped(target):
    target.change("blue", "was-blue", state="exited", health=None)


def traffic_container_gone(target):
    target.colors["blue"] = [each for each in target.colors["blue"] if each["service"] != "was-blue"]


def other_container_gone(target):
    target.colors["blue"] = [each for each in target.colors["blue"] if each["service"] != "cache-blue"]


def all_gone(target):
    target.colors["blue"] = []


@pytest.mark.parametrize(
    "change, reasons",
    [
        (another_image, ["shop-was:v1 is a different image now"]),
        (another_configuration, ["the configuration differs"]),
        (another_release, ["the release is v0"]),
        (another_release_and_image, ["the release is v0", "cache:1 is a different image now"]),
        (unhealthy, ["shop-blue-was-blue-1 is unhealthy"]),
        (stopped, ["shop-blue-was-blue-1 is exited"]),
        (traffic_container_gone, ["was-blue has no container"]),
        (other_container_gone, ["cache-blue has no container"]),
        (all_gone, ["no container of it runs"]),
    ],
)
def test_reasons_for_a_deploy(target, change, reasons):
    target.deploy("v1")
    change(target)
    plan = target.plan(release="v1")
    assert (plan["unchanged"], plan["reasons"], plan["color"], plan["how"]) == (False, reasons, "green", CREATE)


def test_service_that_takes_traffic_is_not_meant_to_end(target):
    """One that does not may end well."""
    ended = {"state": "exited", "health": None, "restart_policy": {"Name": "no", "MaximumRetryCount": 0}}
    target.deploy("v1")
    target.change("blue", "cache-blue", **ended)
    assert target.plan(release="v1")["reasons"] == []
    target.change("blue", "signal-blue", **ended)
    assert target.plan(release="v1")["reasons"] == ["shop-blue-signal-blue-1 is exited"]


OUTDATED = ["nginx's file is out of date, or nginx was never seen to load it"]


def another_port(target):
    target.text = target.text.replace("3000", "3999")


def no_file(target):
    target.text = None


def never_loaded(target):
    target.state.save(proved=None)


@pytest.mark.parametrize("change", [another_port, no_file, never_loaded])
def test_nginx_file_that_is_not_current_is_refreshed(target, change):
    record = target.deploy("v1")
    change(target)
    files = target.files()
    target.state.save(unfinished={"swap": {"from": ""}})
    plan = target.plan(release="v1")
    fields = ("deploy", "release", "color", "how", "unchanged", "reasons", "project", "directory", "file", "steps")
    assert [plan[key] for key in fields] == [
        *[record["deploy"], "v1", "blue", REFRESH, False, OUTDATED, "shop-blue", "", "", ["ask", "swap", "record"]]
    ]
    assert plan["services"] == ["cache-blue", "signal-blue", "was-blue"]
    assert plan["traffic_services"] == ["was-blue", "signal-blue"]
    assert target.unfinished is None
    assert target.files() == files


def test_other_reasons_go_before_a_refresh(target):
    target.deploy("v1")
    target.text = None
    assert target.plan(release="v2")["how"] == CREATE


@pytest.mark.parametrize(
    "settings, how",
    [
        ({"pull": "always"}, CREATE),  # the images of the registry may be others
        ({"pull": "always", "check_mode": True}, REFRESH),
        ({"pull": "missing"}, REFRESH),
    ],
)
def test_refresh_waits_for_the_pull(target, settings, how):
    target.deploy("v1")
    target.text = None
    assert target.plan(release="v1", **settings)["how"] == how


def test_refresh_of_a_release_after_its_pull(target):
    target.deploy("v1")
    target.text = None
    deploy = target.plan(release="v1", pull="always")["deploy"]
    assert target.plan(release="v1", pull="always", deploy=deploy)["how"] == REFRESH
    assert target.unfinished is None


@pytest.mark.parametrize("pull", ["always", "missing", "never"])
def test_plan_without_a_file_pulls_nothing(target, pull):
    target.deploy("v1")
    target.text = None
    deploy = target.plan(release="v1", pull=pull)["deploy"] if pull == "always" else None
    plan = target.plan(release="v1", pull=pull, deploy=deploy)
    assert (plan["how"], plan["file"], plan["pulls"]) == (REFRESH, "", [])


@pytest.mark.parametrize(
    "release, settings, pulls",
    [
        ("v2", {"pull": "always"}, ["cache", "signal", "was"]),
        ("v2", {"pull": "missing"}, []),
        ("v2", {"pull": "never"}, []),
        ("v3", {"pull": "missing"}, ["signal", "was"]),
        ("v1", {"pull": "always"}, ["cache", "signal", "was"]),  # the registry may have another image
        ("v1", {"pull": "missing"}, []),
        ("v1", {"pull": "never"}, []),
    ],
)
def test_when_images_are_pulled(target, monkeypatch, release, settings, pulls):
    monkeypatch.setattr(release_images.DiskSpace, "check", lambda *_args: "nothing new")
    target.deploy("v1")
    plan = target.plan(release=release, **settings)
    assert plan["pulls"] == [f"{name}-{plan['color']}" for name in pulls]
    if pulls:
        assert target.plan(release=release, deploy=plan["deploy"], **settings)["pulls"] == []


def test_unchanged_release_is_laid_down_before_its_pull(target):
    """The pull may bring another image."""
    target.deploy("v1")
    plan = target.plan(release="v1", pull="always")
    assert (plan["unchanged"], plan["color"]) == (True, "blue")
    assert target.unfinished["deploy"] == plan["deploy"]
    assert sorted(os.listdir(plan["directory"])) == ["compose.blue.json", "compose.green.json"]


def test_pull_brings_another_image(target):
    target.deploy("v1")
    first = target.plan(release="v1", pull="always")
    target.add_images("shop-was:v1", suffix="-2")
    second = target.plan(release="v1", pull="always", deploy=first["deploy"])
    assert second["deploy"] == first["deploy"]
    assert second["reasons"] == ["shop-was:v1 is a different image now"]
    assert (second["unchanged"], second["color"]) == (False, "green")
    assert second["download"] is None
    unfinished = target.unfinished
    assert (unfinished["deploy"], unfinished["color"]) == (first["deploy"], "green")
    assert unfinished["ids_before"] == ids("v1")
    assert unfinished["refs"] == refs("green", "v1")


def test_pull_brings_nothing_new(target):
    live = target.deploy("v1")
    plan = target.plan(release="v1", pull="always")
    again = target.plan(release="v1", pull="always", deploy=plan["deploy"])
    assert again["unchanged"]
    assert target.unfinished is None
    assert os.listdir(target.state.deploys) == [live["deploy"]]


def test_pull_brings_the_image_that_runs(target):
    """The tag was moved on the target; the registry's is the image of the active color."""
    target.deploy("v1")
    target.add_images("shop-was:v1", suffix="-built-here")
    plan = target.plan(release="v1", pull="always")
    assert (plan["unchanged"], plan["color"]) == (False, "green")
    target.add_images("shop-was:v1")
    again = target.plan(release="v1", pull="always", deploy=plan["deploy"])
    assert (again["unchanged"], again["color"]) == (True, "blue")
    assert target.unfinished is None
    assert not os.path.exists(plan["directory"])


@pytest.mark.parametrize(
    "settings, asked",
    [
        ({"pull": "always"}, ["cache:1", "shop-signal:v2", "shop-was:v2"]),
        ({"pull": "missing"}, ["shop-was:v2"]),
        ({"pull": "missing", "check_mode": True}, ["shop-was:v2"]),
    ],
)
def test_images_to_pull(target, monkeypatch, settings, asked):
    seen = []

    class StandInDisk:
        silent = ("shop-signal:v2", "shop-was:v2")

        def __init__(self, engine, run, docker, containers):
            seen.append((docker, containers))

        def check(self, references, image_ids):
            seen.append((references, image_ids))
            return "45.1 MB to download, 12.3 GB free"

    monkeypatch.setattr(release_images, "DiskSpace", StandInDisk)
    target.deploy("v1")
    del target.images["shop-was:v2"]
    plan = target.plan(release="v2", **settings)
    assert plan["download"] == "45.1 MB to download, 12.3 GB free"
    assert plan["pulled_images"] == {name: name != "shop-was:v2" for name in asked}
    assert seen == [
        ("docker-logged-in", target.colors["blue"]),
        (asked, {"cache:1": "sha256:cache:1", "shop-signal:v2": "sha256:shop-signal:v2", "shop-was:v2": None}),
    ]


def test_pull_never_refuses_a_missing_image(target):
    target.deploy("v1")
    journal, files = target.state.journal, target.files()
    del target.images["shop-was:v2"]
    message = (
        "bluegreen_pull is 'never', but the image shop-was:v2 of service was-green is not on the target; load it, "
        "or set bluegreen_pull: missing"
    )
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        target.plan(release="v2", pull="never")
    assert (target.state.journal, target.files()) == (journal, files)


@pytest.mark.parametrize(
    "own, here, pulls",
    [
        ("always", True, True),
        ("daily", True, True),
        ("missing", True, False),
        ("missing", False, True),
        ("if_not_present", True, False),
        ("never", True, False),
    ],
)
def test_pull_policy_of_a_service_outranks_ours(target, monkeypatch, own, here, pulls):
    def with_policy(color, release):
        config = rendered(color, release)
        config["services"][f"cache-{color}"]["pull_policy"] = own
        return config

    monkeypatch.setattr(release_images.DiskSpace, "check", lambda *_args: "nothing new")
    target.render = with_policy
    if not here:
        del target.images["cache:1"]
    plan = target.plan(release="v1", pull="missing" if own == "always" else "always")
    assert ("cache-blue" in plan["pulls"]) is pulls
    assert "pull_policy" not in color_files(target, plan)["compose.blue.json"]["services"]["cache-blue"]


def test_image_that_is_missing_and_never_pulled_is_refused(target):
    def with_policy(color, release):
        config = rendered(color, release)
        config["services"][f"cache-{color}"]["pull_policy"] = "never"
        return config

    target.render = with_policy
    del target.images["cache:1"]
    with pytest.raises(PlanError, match="^pull_policy is 'never', but the image cache:1 of service cache-blue is"):
        target.plan(release="v1", pull="always")
    assert target.files() == []


def built(color, release):
    """was is built; in the fixture, its image is one of a release."""
    config = rendered(color, release)
    config["services"][f"was-{color}"]["build"] = {"context": "/srv/shop"}
    return config


def built_as(image):
    def render(color, release):
        config = built(color, release)
        config["services"][f"was-{color}"].update({"image": image} if image else {})
        if not image:
            del config["services"][f"was-{color}"]["image"]
        return config

    return render


@pytest.mark.parametrize(
    "image, name, tags",
    [
        (None, "shop/was:v2", []),
        ("was", "shop/was:v2", ["was"]),
        ("was:latest", "shop/was:v2", ["was:latest"]),
        ("registry.example:5000/was:v2", "registry.example:5000/was:v2", []),
    ],
)
def test_each_release_is_built_under_a_name_of_its_own(target, image, name, tags):
    target.render = built_as(image)
    target.add_images("shop/was:v1")
    target.deploy("v1", pull="never")
    plan = target.plan(release="v2", pull="never")
    files = color_files(target, plan)
    service = files["compose.green.json"]["services"]["was-green"]
    assert (service["image"], "build" in service) == (name, False)
    assert plan["builds"] == [{"image": name, "services": ["was-green"], "context": "/srv/shop"}]
    assert files["build.json"]["services"]["was-green"]["image"] == name
    assert files["build.json"]["services"]["was-green"]["build"] == {"context": "/srv/shop", "tags": tags}
    assert target.unfinished["refs"]["was-green"] == name
    assert target.unfinished["tags"] == {"was-green": tags}
    assert {name, *tags} <= set(target.unfinished["ids_before"])


def test_same_release_is_built_again_before_it_counts_as_unchanged(target):
    """Its source may be another one now."""
    target.render = built_as("was")
    target.deploy("v1", pull="never")
    first = target.plan(release="v1", pull="never")
    assert (first["unchanged"], first["steps"], len(first["builds"])) == (True, ["build", "plan_again"], 1)
    again = target.plan(release="v1", pull="never", deploy=first["deploy"])
    assert (again["unchanged"], again["builds"], target.unfinished) == (True, [], None)


def test_same_release_with_another_source_is_deployed(target):
    target.render = built_as("was")
    target.deploy("v1", pull="never")
    first = target.plan(release="v1", pull="never")
    target.add_images("shop/was:v1", suffix="-2")
    again = target.plan(release="v1", pull="never", deploy=first["deploy"])
    assert (again["unchanged"], again["color"], again["builds"]) == (False, "green", [])
    assert again["reasons"] == ["shop/was:v1 is a different image now"]
    assert target.unfinished["ids_before"]["shop/was:v1"] == "sha256:shop/was:v1"


def test_check_mode_says_what_would_be_built(target):
    target.render = built_as("was")
    target.deploy("v1", pull="never")
    files = target.files()
    plan = target.plan(release="v1", pull="never", check_mode=True)
    assert (plan["unchanged"], len(plan["builds"]), target.files()) == (True, 1, files)


@pytest.mark.parametrize("answer, pulled", [((0, "{}", ""), True), ((1, "", "no such manifest: was:v2"), False)])
def test_image_that_its_registry_has_is_pulled_and_not_built(target, monkeypatch, answer, pulled):
    run, asked = target.run, []

    def with_registry(argv, environ):
        if "manifest" not in argv:
            return run(argv, environ)
        asked.append(argv[-1])
        return answer

    target.run = with_registry
    target.render = built_as("was:latest")
    monkeypatch.setattr(release_images.DiskSpace, "check", lambda *_args: "nothing new")
    planner = target.planner(release="v2", pull="always")
    plan = planner.result()["plan"]
    assert asked == ["was:latest"]
    assert ("was-blue" in plan["pulls"], plan["builds"] == []) == (pulled, pulled)
    assert target.unfinished["pulled"] == (["was:latest"] if pulled else [])
    service = color_files(target, plan)["compose.blue.json"]["services"]["was-blue"]
    assert (service["image"], "build" in service) == ("was:latest" if pulled else "shop/was:v2", False)
    assert any("is pulled and not built" in line for line in planner.warnings) is pulled
    # The registry is not asked again in the same run.
    again = target.plan(release="v2", pull="always", deploy=plan["deploy"])
    assert (again["pulls"], again["builds"], asked) == ([], [], ["was:latest"])


def test_registry_that_does_not_answer_is_told(target):
    target.run = lambda argv, environ, run=target.run: (
        (1, "", "dial tcp: no such host") if "manifest" in argv else run(argv, environ)
    )
    target.render = built_as("was:latest")
    planner = target.planner(release="v2", pull="always")
    assert len(planner.result()["plan"]["builds"]) == 1
    assert any("did not answer whether it has was:latest (dial tcp: no such host)" in line for line in planner.warnings)


@pytest.mark.parametrize(
    "digest, is_built, answer, asked, builds",
    [
        ("sha256:d", False, (0, "{}", ""), ["was@sha256:d"], 0),
        # It was built: with the containerd image store, it has a digest too.
        ("sha256:d", False, (1, "", "no such manifest: was@sha256:d"), ["was@sha256:d"], 1),
        ("sha256:d", False, (1, "", "dial tcp: no such host"), ["was@sha256:d"], 1),
        (None, False, None, [], 1),
        ("sha256:d", True, None, [], 1),
    ],
)
def test_missing_uses_what_was_pulled_and_never_what_was_built(target, digest, is_built, answer, asked, builds):
    """With bluegreen_pull=missing, an image on the target counts only if its registry has it."""
    questions, run = [], target.run
    target.digest = lambda _image, _reference: digest
    target.render = built_as("was:latest")
    target.deploy("v1", pull="never")
    target.run = lambda argv, environ: (
        (questions.append(argv[-1]) or answer) if "manifest" in argv else run(argv, environ)
    )
    target.add_images("was:latest")
    image = {"ref": "shop/was:v1", "id": "sha256:was:latest", "brought": True, **({"tags": []} if is_built else {})}
    record = dict(target.state.journal["releases"][-1], images={"was-blue": image})
    target.state.save(releases=[record])
    assert len(target.plan(release="v2", pull="missing")["builds"]) == builds
    assert questions == asked


def test_build_that_differs_between_the_colors_is_refused(target):
    def colored(color, release):
        config = built(color, release)
        config["services"][f"was-{color}"]["build"]["args"] = {"COLOR": color}
        return config

    target.render = colored
    with pytest.raises(ComposeError, match="^service was-blue: build differs between the colors in args"):
        target.plan(release="v1")
    assert target.files() == []


def test_one_shot_whose_container_was_pruned_is_no_change(target):
    def with_one_shot(color, release):
        config = rendered(color, release)
        needs = {f"cache-{color}": {"condition": "service_completed_successfully"}}
        config["services"][f"signal-{color}"]["depends_on"] = needs
        return config

    target.render = with_one_shot
    target.deploy("v1")
    target.colors["blue"] = [each for each in target.colors["blue"] if each["service"] != "cache-blue"]
    assert target.plan(release="v1")["unchanged"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_missing_project_directory(target, check_mode):
    message = (
        "bluegreen_project_src is '/srv/no-shop', but the target has no such directory; create it, or correct the path"
    )
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        target.plan(release="v1", project_src="/srv/no-shop", check_mode=check_mode)
    assert not target.state_dir.exists()


def test_old_compose_is_reported_before_its_own_message(target, monkeypatch):
    answers = {"version": (0, "1.29.2", ""), "config": (15, "", "unknown flag: --format")}
    monkeypatch.setattr(target, "run", lambda argv, _environ: answers["version" if "version" in argv else "config"])
    with pytest.raises(ComposeError, match="^Compose 1.29.2 on the target is too old"):
        target.plan(release="v1")


def test_warning_of_compose_is_shown_once_without_secrets(target):
    target.said_by_compose = "the attribute `version` is obsolete\nTOKEN s3cret is unused\n"
    planner = target.planner(release="v1", env={"TOKEN": "s3cret"})
    planner.result()
    assert planner.warnings == ["the attribute `version` is obsolete", "TOKEN *** is unused"]


@pytest.mark.parametrize("settings", [{}, {"pull": "always"}, {"shared_update": True}])
def test_check_mode_of_a_first_deploy_writes_nothing(target, settings):
    plan = target.plan(release="v1", check_mode=True, **settings)
    assert (plan["color"], plan["how"], plan["unchanged"], plan["joins"]) == ("blue", CREATE, False, [])
    assert not target.state_dir.exists()


@pytest.mark.parametrize(
    "release, text, how",
    [("v2", "same", CREATE), ("v1", "same", CREATE), ("v1", "another", REFRESH)],
)
def test_check_mode_of_a_later_deploy_writes_nothing(target, release, text, how):
    target.deploy("v1")
    target.text = target.text if text == "same" else text
    target.state.save(unfinished={"swap": {"from": ""}})
    journal, files = target.state.journal, target.files()
    assert target.plan(release=release, check_mode=True)["how"] == how
    assert (target.state.journal, target.files()) == (journal, files)


def by_hand(color):
    changes = {"ours": False, "image": "shop-was:v0", "project": "legacy", "deploy": None}
    return stack(color, **changes)


def test_stack_that_was_started_by_hand_is_adopted(target):
    target.colors["blue"], target.active = by_hand("blue"), "blue"
    plan = target.plan(release="v1")
    assert plan["reasons"] == [
        "the release is unknown",
        "the configuration differs",
        "shop-signal:v1 is a different image now",
        "shop-was:v1 is a different image now",
    ]
    assert (plan["color"], plan["previous_release"], plan["leftovers"]) == ("green", None, [])
    adopted = target.unfinished["adopted"]
    assert UTC.fullmatch(adopted.pop("deployed_at"))
    image = {"ref": "shop-was:v0", "id": "sha256:1", "brought": False}
    assert adopted == {
        "release": "",
        "color": "blue",
        "deploy": "adopted",
        "images": {"was-blue": image, "signal-blue": image},
        "containers": ["was-blue-id", "signal-blue-id"],
        "config_hash": "",
        "outcome": "deployed",
        "expected": {"was-blue": 1, "signal-blue": 1},
        "services": SERVICES,
    }


def test_stack_of_which_one_container_is_ours_is_not_adopted(target):
    target.colors["blue"], target.active = by_hand("blue"), "blue"
    target.change("blue", "was-blue", app="shop")
    target.plan(release="v1")
    assert target.unfinished["adopted"] is None


def apart_from_nginx(target):
    """A stack that was started by hand and shares no network with nginx."""
    target.colors["blue"], target.active = by_hand("blue"), "blue"
    for each in target.colors["blue"]:
        each["networks"] = {"back": {"addresses": ["10.0.0.2"], "names": [each["service"]]}}
        target.inspected[each["id"]] = {
            **inspected_service(each["service"]),
            "NetworkSettings": {"Networks": {"back": {"Gateway": "10.0.0.1", "IPAddress": "10.0.0.2"}}},
        }


def test_stack_that_nginx_does_not_find_is_connected_to_its_network(target):
    apart_from_nginx(target)
    planner = target.planner(release="v1")
    plan = planner.result()["plan"]
    names = {"was-blue-id": "shop-blue-was", "signal-blue-id": "shop-blue-signal"}
    assert target.told == [("join_network", each, "edge", [name]) for each, name in names.items()]
    assert target.unfinished["connected"] == [{"id": each, "network": "edge"} for each in names]
    endpoints = ["10.0.0.2:3000", "10.0.0.2:3001", "10.0.9.9:3000", "10.0.9.9:3001"]
    assert plan["previous_endpoints"] == target.unfinished["endpoints"] == endpoints
    assert "server shop-blue-was:3000;" in plan["previous_content"]
    assert planner.warnings == [
        f"legacy-{each[:-3]}-1 was started by hand and shares no network with nginx, so the role connects it to "
        f"edge as {name}"
        for each, name in names.items()
    ]
    # Planned anew after the pull, the run still has what it connected, to undo it.
    target.plan(release="v1", deploy=plan["deploy"])
    assert target.unfinished["connected"] == [{"id": each, "network": "edge"} for each in names]
    assert len(target.told) == 2


def test_check_mode_connects_nothing(target):
    apart_from_nginx(target)
    plan = target.plan(release="v1", check_mode=True)
    assert "server shop-blue-was:3000;" in plan["previous_content"]
    assert target.told == []


def test_stack_whose_gateway_would_move_is_refused_with_the_command(target):
    apart_from_nginx(target)
    networks = target.inspected["was-blue-id"]["NetworkSettings"]["Networks"]
    networks["legacy_default"] = networks.pop("back")
    with pytest.raises(PlanError) as error:
        target.plan(release="v1")
    assert str(error.value) == (
        "nginx shares no network with legacy-was-blue-1, which runs service was-blue and was started by hand. If "
        "the role connected it to edge, its default gateway would move, so its published ports would close for a "
        "moment and those that Docker chose would change; at a good time, run docker network connect --alias "
        "shop-blue-was edge legacy-was-blue-1, then deploy"
    )
    assert (target.files(), target.told) == ([], [])


def test_stack_on_nginxs_network_without_a_name_there_is_refused_with_the_commands(target):
    apart_from_nginx(target)
    target.colors["blue"][0]["networks"]["edge"] = {"addresses": ["10.0.0.2"], "names": ["legacy-was-blue-1"]}
    with pytest.raises(PlanError) as error:
        target.plan(release="v1")
    assert str(error.value) == (
        "legacy-was-blue-1, which runs service was-blue and was started by hand, is on network edge "
        "without the alias shop-blue-was, so nginx can't find it; at a good time, run docker network disconnect "
        "edge legacy-was-blue-1 and docker network connect --alias shop-blue-was edge legacy-was-blue-1, then "
        "deploy"
    )
    assert (target.files(), target.told) == ([], [])


def test_nginx_that_sends_requests_past_the_upstream_is_refused(target):
    target.colors["blue"], target.active = by_hand("blue"), "blue"
    target.proxied = [("/etc/nginx/conf.d/site.conf", 4, "was-blue:3000")]
    with pytest.raises(PlanError, match="site.conf:4 sends requests to was-blue:3000"):
        target.plan(release="v1")
    assert target.files() == []


def test_nginx_that_sends_requests_to_an_upstream_with_the_name_of_a_container_is_accepted(target):
    target.colors["blue"], target.active = by_hand("blue"), "blue"
    target.proxied = [("/etc/nginx/conf.d/site.conf", 4, "was-blue")]
    services = [{"name": "was-{color}", "port": 80, "upstream": "was-blue"}, {"name": "signal-{color}", "port": 3001}]
    assert target.plan(release="v1", services=services)["color"] == "green"


def test_leftovers_are_what_was_started_by_hand_in_the_color_that_comes(target):
    target.deploy("v1")
    target.colors["green"] = [*by_hand("green"), container("cache-green", image="cache:1", deploy="d0")]
    plan = target.plan(release="v2")
    assert (plan["color"], plan["leftovers"]) == ("green", ["was-green-id", "signal-green-id"])


def test_refresh_of_a_stack_without_a_deploy_of_ours(target):
    """Its containers have our labels of an earlier version, which had no deploy."""
    target.deploy("v1")
    target.change("blue", deploy=None)
    target.text = None
    assert target.plan(release="v1")["deploy"] == "adopted"


@pytest.mark.parametrize("by_label", [False, True])
def test_exclusive_services_are_apart_from_the_first_ones(target, by_label):
    settings = {} if by_label else {"exclusive_services": ["signal-{color}"]}

    def labelled(color, release):
        config = rendered(color, release)
        if by_label:
            config["services"][f"signal-{color}"]["labels"] = {"hotswap.compose.exclusive": "true"}
        return config

    target.render = labelled
    plan = target.plan(release="v1", **settings)
    assert (plan["services"], plan["exclusive"]) == (["cache-blue", "was-blue"], ["signal-blue"])
    assert "exclusive" in plan["steps"]
    services = color_files(target, plan)["compose.green.json"]["services"]
    exclusive = [name for name in services if "hotswap.compose.exclusive" in services[name]["labels"]]
    assert exclusive == ["signal-green"]


def test_service_that_is_scaled_to_0_is_not_expected(target):
    def scaled(color, release):
        config = rendered(color, release)
        config["services"][f"cache-{color}"]["scale"] = 0
        return config

    target.render = scaled
    assert target.plan(release="v1")["services"] == ["signal-blue", "was-blue"]


@pytest.mark.parametrize(
    "active, idle, noted, there, expected",
    [
        ({}, {}, {}, [], {}),
        ({"/var/uploads": "legacy_uploads"}, {}, {}, ["legacy_uploads"], {"uploads": "legacy_uploads"}),
        # The active color's volume counts.
        (
            {"/var/uploads": "a_uploads"},
            {"/var/uploads": "b_uploads"},
            {},
            ["a_uploads", "b_uploads"],
            {"uploads": "a_uploads"},
        ),
        # The journal has the volume of containers that are gone.
        ({}, {}, {"uploads": "legacy_uploads"}, ["legacy_uploads"], {"uploads": "legacy_uploads"}),
        ({}, {}, {"uploads": "legacy_uploads"}, [], {}),
        # Another volume of the same end, at another target.
        ({"/v": "their_uploads"}, {}, {}, ["their_uploads"], {}),
    ],
)
def test_volumes_in_use_are_remembered(target, active, idle, noted, there, expected):
    target.deploy("v1")
    target.deploy("v2")
    target.change("green", "was-green", volumes=active)
    target.change("blue", "was-blue", volumes=idle)
    target.state.save(volumes=noted)
    target.volumes = {name: {"Labels": {"com.docker.compose.volume": "uploads"}} for name in there}
    plan = target.plan(release="v1")
    assert target.state.journal["volumes"] == expected
    uploads = color_files(target, plan)["compose.blue.json"]["volumes"]["uploads"]
    name = expected.get("uploads")
    assert uploads == ({"name": name, "external": True} if name else {"name": "shop_uploads"})


def test_a_release_that_would_not_find_its_files_is_warned_of(target):
    target.deploy("v1")
    target.change("blue", "was-blue", volumes={"/var/uploads": "restored"})
    planner = target.planner(release="v2")
    planner.result()
    (warning,) = [each for each in planner.warnings if "copy the files" in each]
    assert warning.startswith("container shop-blue-was-blue-1 has the volume restored at /var/uploads,")


def test_a_file_for_each_color_has_the_warnings_of_one_file(target):
    def writing(color, release):
        config = rendered(color, release)
        config["services"][f"was-{color}"]["volumes"][0]["read_only"] = False
        return config

    target.render = writing
    target.declared["shop-was:v1"] = ["/scratch"]
    planner = target.planner(release="v1")
    planner.result()
    assert [warning.partition(";")[0].partition(",")[0] for warning in planner.warnings] == [
        "/scratch of service was-blue",
        "service was-{color} of both releases writes volume uploads while both run",
    ]
    assert planner.warnings[1].endswith("or name the service in bluegreen_exclusive_services")


@pytest.mark.parametrize("pull", ["missing", "always"])
def test_release_whose_image_is_still_to_be_pulled_is_planned_once(single, pull):
    del single.images["shop-was:v1"]
    probed = {**SINGLE_FILE, "services": [{"name": "web", "port": 80, "probe": {}}]}
    plan = single.plan(release="v1", pull=pull, **probed)
    assert (plan["pulls"], plan["plans_again"]) == (["web"], False)


def test_volume_that_an_image_declares_is_warned_of_where_the_image_is_here(single):
    single.declared["shop-was:v1"] = ["/data"]
    planner = single.planner(release="v1", **SINGLE_FILE)
    planner.result()
    (warning,) = [each for each in planner.warnings if "anonymous" in each]
    assert ", declared by its image," in warning


def test_files_of_deploys_that_held_no_traffic_are_removed(target):
    kept = target.deploy("v1")
    for outcome in ("rejected", "rolled_back"):
        target.deploy("v2", outcome=outcome)
    plan = target.plan(release="v2")
    assert sorted(os.listdir(target.state.deploys)) == sorted([kept["deploy"], plan["deploy"]])


# One ordinary Compose file


def single_file(color, _release):
    """``docker compose config`` of a file with a shared database."""
    return {
        "name": f"shop-{color}",
        "networks": {"default": {"name": f"shop-{color}_default"}},
        "services": {
            "db": {
                "image": "cache:1",
                "networks": {"default": None},
                "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
            },
            "web": {
                "image": "shop-was:v1",
                "networks": {"default": None},
                "depends_on": {"db": {"condition": "service_healthy", "required": True}},
            },
        },
        "volumes": {"data": {"name": f"shop-{color}_data"}},
    }


SINGLE_FILE = {
    "compose_files": ["compose.yml"],
    "services": [{"name": "web", "port": 80}],
    "shared_services": ["db"],
}
SHARED = dict(container("db-blue"), service="db", shared=None, project="legacy", deploy=None, name="legacy-db-1")


@pytest.fixture
def single(target):
    (target.source / "compose.yml").touch()
    target.render = single_file
    return target


def test_shared_services_have_a_file_of_their_own(single):
    plan = single.plan(release="v1", **SINGLE_FILE)
    files = color_files(single, plan)
    assert sorted(files) == ["compose.blue.json", "compose.green.json", "compose.shared.json"]
    assert list(files["compose.shared.json"]["services"]) == ["db"]
    assert [list(files[f"compose.{color}.json"]["services"]) for color in ("blue", "green")] == [["web"], ["web"]]
    assert (plan["shared"]["up"], plan["shared"]["absent"]) == (["db"], ["db"])
    assert plan["shared"]["waits"] == [{"project": "shop-shared", "services": ["db"]}]
    assert plan["joins"] == [{"color": "blue", "file": f"{plan['directory']}/compose.blue.json"}]
    joins = files["compose.blue.json"][JOINS]
    assert [(join.get("service") or join["shared"], join["network"]) for join in joins] == [
        ("web", "edge"),
        ("db", "shop-blue_default"),
    ]


def test_shared_service_that_was_started_by_hand_is_not_started_again(single):
    single.shared = {"db": [SHARED]}
    plan = single.plan(release="v1", **SINGLE_FILE)
    assert (plan["shared"]["up"], plan["shared"]["by_hand"]) == ([], {"db": ["db-blue-id"]})
    assert color_files(single, plan)["compose.shared.json"]["services"] == {}


def test_every_kind_of_run_refuses_a_shared_service_by_hand_that_is_not_named_any_more(single):
    single.shared = {"db": [SHARED]}
    single.complete(single.plan(release="v1", **SINGLE_FILE))
    # Without its name in the list, it counts as one of the first color.
    single.shared, single.colors["blue"] = {}, [*single.colors["blue"], dict(SHARED, app=None)]
    for kind in ("deploy", "rollback", "promote"):
        with pytest.raises(
            ComposeError, match=r"^db is a shared service that runs in the container legacy-db-1, but bluegreen_sh"
        ):
            single.plan(kind=kind, release="v2", **{**SINGLE_FILE, "shared_services": []})


def derived(color, release, project="shop-blue"):
    config = single_file(color, release)
    config["services"]["web"]["environment"] = {"QUEUE": f"{project}:jobs"}
    return dict(config, name=project)


class ComposeOfProject:
    """Renders the one file for the project that it is given, and for its own by default."""

    def __init__(self, target, own="source"):
        self.target, self.own, self.calls = target, own, []

    def __call__(self, argv, environ):
        if argv[:3] == ["docker", "compose", "version"]:
            return 0, "2.40.3", ""
        project = argv[argv.index("--project-name") + 1] if "--project-name" in argv else self.own
        self.calls.append(project)
        config = derived(environ["BLUEGREEN_COLOR"], environ["BLUEGREEN_RELEASE"], project)
        return 0, json.dumps(config), ""


def planned(target, **settings):
    """Return ``(queues, warnings)``: what each color's file makes of the project's name."""
    planner = target.planner(release="v1", **{**SINGLE_FILE, **settings})
    files = color_files(target, planner.result()["plan"])
    colors = [files[f"compose.{color}.json"] for color in ("blue", "green")]
    assert [config["name"] for config in colors] == ["shop-blue", "shop-green"]
    return [config["services"]["web"]["environment"]["QUEUE"] for config in colors], planner.warnings


def test_both_colors_have_the_projects_own_name(single, monkeypatch):
    run = ComposeOfProject(single)
    monkeypatch.setattr(single, "run", run)
    assert planned(single) == (["source:jobs"] * 2, [])
    assert "project" not in single.state.journal


def test_both_colors_have_the_name_of_the_stack_that_is_adopted(single, monkeypatch):
    monkeypatch.setattr(single, "run", ComposeOfProject(single))
    web = dict(container("web-blue", "10.0.0.2", ours=False), service="web", deploy=None, image="shop-was:v1")
    web.update(shared=None, networks={"edge": {"addresses": ["10.0.0.2"], "names": ["web"]}})
    single.colors["blue"], single.active = [web], "blue"
    queues, warnings = planned(single)
    assert queues == ["legacy:jobs"] * 2
    told = (
        "the files give the Compose project the name source, but COMPOSE_PROJECT_NAME is legacy in both colors, as in "
        "the adopted stack, which changes services.web.environment.QUEUE; set COMPOSE_PROJECT_NAME=legacy in the "
        "project's .env"
    )
    assert told in warnings
    single.colors["blue"], single.active = [], None
    assert planned(single)[0] == ["legacy:jobs"] * 2  # though nothing of that stack is left
    single.colors["blue"], single.active = [web, dict(web, project="other")], "blue"
    with pytest.raises(
        PlanError, match="started by hand in several Compose projects .legacy and other., so the project's name"
    ):
        planned(single)


def test_a_file_that_no_earlier_deploy_read_is_told_of(single):
    names = ["compose.yml", "compose.override.yml"]
    (single.source / names[1]).touch()

    def told(files, loaded):
        planner = single.planner(release="v1", **{**SINGLE_FILE, "compose_files": files, "loaded_files": loaded})
        plan = planner.result()["plan"]
        return plan, [
            text.split(" in ")[0].split(",")[0] for text in planner.warnings if "compose.override.yml" in text
        ]

    plan, warnings = told(names, names)
    assert warnings == ["this deploy also reads compose.override.yml"]
    assert single.unfinished["files"] == [str(single.source / name) for name in names]
    single.complete(plan)
    assert told(names, names)[1] == []
    assert told(names[:1], names)[1] == ["docker compose reads compose.override.yml"]


def test_a_directory_without_a_file_is_refused(single):
    with pytest.raises(ComposeError, match="has no compose.yaml, compose.yml, docker-compose.yml or docker"):
        single.plan(release="v1", **{**SINGLE_FILE, "compose_files": [], "loaded_files": []})


def test_a_mounted_file_that_changed_is_a_reason(single):
    path = single.source / "app.conf"
    path.write_text("one")

    def rendered_with_config(color, release):
        config = single_file(color, release)
        config["configs"] = {"main": {"name": f"shop-{color}_main", "file": str(path)}}
        config["services"]["web"]["configs"] = [{"source": "main"}]
        return config

    single.render = rendered_with_config
    single.shared = {"db": [SHARED]}
    single.complete(single.plan(release="v1", **SINGLE_FILE))
    networks = {"edge": {"addresses": ["10.0.0.2"], "names": ["shop-blue-web"]}}
    single.change("blue", networks=networks)
    single.shared["db"][0] = dict(SHARED, networks={"shop-blue_default": {"addresses": [], "names": ["db"]}})
    assert single.plan(release="v1", **SINGLE_FILE)["reasons"] == []
    path.write_text("two")
    assert single.plan(release="v1", **SINGLE_FILE)["reasons"] == ["the configuration differs"]


@pytest.mark.parametrize(
    "published, network, warned",
    [
        ({5432: 15432}, "zone_default", True),
        ({5432: 15432}, "legacy_default", False),  # it sorts before shop-blue_default
        ({}, "zone_default", False),
    ],
)
def test_shared_service_whose_published_ports_a_join_interrupts(single, published, network, warned):
    single.shared = {"db": [dict(SHARED, published=published)]}
    single.inspected["db-blue-id"] = {"NetworkSettings": {"Networks": {network: {"Gateway": "10.0.0.1"}}}}
    planner = single.planner(release="v1", **SINGLE_FILE)
    planner.result()
    expected = (
        "shared service db joins network shop-blue_default, which moves the default gateway of legacy-db-1: its "
        "published ports close for a moment, and those that Docker chose change"
    )
    assert (expected in planner.warnings) is warned


def test_volume_of_a_shared_service_is_in_use(single):
    single.shared = {"db": [dict(SHARED, volumes={"/data": "legacy_data"})]}
    single.plan(release="v1", **SINGLE_FILE)
    assert single.state.journal["volumes"] == {"data": "legacy_data"}


def test_shared_service_that_was_recreated_by_hand_is_warned_of(single):
    single.shared = {"db": [dict(SHARED, shared="db", app="shop", config="another")]}
    planner = single.planner(release="v1", **SINGLE_FILE)
    planner.result()
    assert planner.warnings == [
        (
            "the definition of shared service db has changed, but it still runs as before; set "
            "bluegreen_shared_update: true to recreate it"
        )
    ]


def test_shared_service_that_does_not_run_is_a_reason(single):
    single.shared = {"db": [SHARED]}
    plan = single.plan(release="v1", **SINGLE_FILE)
    networks = {"edge": {"addresses": ["10.0.0.2"], "names": ["shop-blue-web"]}}
    single.complete(plan)
    single.change("blue", networks=networks)
    single.shared["db"][0] = dict(SHARED, networks={"shop-blue_default": {"addresses": [], "names": ["db"]}})
    assert single.plan(release="v1", **SINGLE_FILE)["reasons"] == []
    single.change("blue", networks={})
    missing = "shop-blue-web-1 is not on the network edge"
    assert single.plan(release="v1", **SINGLE_FILE)["reasons"] == [missing]
    single.shared["db"][0]["state"] = "exited"
    assert single.plan(release="v1", **SINGLE_FILE)["reasons"] == [("shared service db does not run as defined")]


# nginx in the app's own file


def all_in_one(color, release):
    """``docker compose config`` of a file that has nginx in it."""
    config = single_file(color, release)
    config["services"]["proxy"] = {
        "image": "nginx",
        "networks": {"default": None},
        "depends_on": {"web": {"condition": "service_healthy", "required": True}},
    }
    config["services"]["web"]["depends_on"]["proxy"] = {"condition": "service_started", "required": True}
    return config


@pytest.fixture
def stacked(single):
    """nginx runs as the service proxy of the project legacy, on that project's network."""
    single.render = all_in_one
    single.edge.container = nginx(
        "legacy_default", service="proxy", project="legacy", directory=os.path.realpath(single.source)
    )
    return single


ALL_IN_ONE = {**SINGLE_FILE, "network": "legacy_default"}


def test_nginx_in_the_apps_own_file_is_in_no_color(stacked):
    plan = stacked.plan(release="v1", **ALL_IN_ONE)
    files = color_files(stacked, plan)
    assert (plan["services"], plan["expected"]) == (["web"], {"web": 1})
    for color in ("blue", "green"):
        file = files[f"compose.{color}.json"]
        assert list(file["services"]) == ["web"] and "depends_on" not in file["services"]["web"]
        assert file["services"]["web"]["networks"] == {"default": None}
        assert file["networks"] == {"default": {"name": f"0-shop-{color}_default"}}
        assert file[JOINS][0] == {"service": "web", "network": "legacy_default", "aliases": [f"shop-{color}-web"]}


def test_nginx_by_its_container_name_that_the_role_runs(stacked):
    def named(color, release):
        config = all_in_one(color, release)
        config["services"]["proxy"]["container_name"] = "nginx-1"
        return config

    stacked.render, stacked.edge.container = named, nginx("edge")
    plan = stacked.plan(release="v1", **SINGLE_FILE)
    assert plan["services"] == ["web"]
    assert color_files(stacked, plan)["compose.blue.json"][JOINS][0]["network"] == "edge"


def test_nginx_of_another_file_is_not_the_apps_service_of_that_name(stacked):
    stacked.edge.container = nginx("legacy_default", service="proxy", project="legacy", directory="/srv/edge")
    stacked.add_images("nginx")
    assert stacked.plan(release="v1", **ALL_IN_ONE)["services"] == ["proxy", "web"]


def test_names_that_are_left_are_those_of_the_colors(stacked):
    """nginx's own service and shared ones go on under their names."""

    def on_corp(color, release):
        config = all_in_one(color, release)
        config["networks"]["corp"] = {"name": "corp", "external": True}
        for service in config["services"].values():
            service["networks"]["corp"] = None
        return config

    stacked.render = on_corp
    planner = stacked.planner(release="v1", **ALL_IN_ONE)
    planner.result()
    told = [warning for warning in planner.warnings if warning.startswith("others on network")]
    assert len(told) == 1 and told[0].startswith("others on network corp can't reach service web by the name web; ")


def test_nginx_is_not_a_shared_service(stacked):
    with pytest.raises(
        ComposeError, match="bluegreen_shared_services names proxy, which is the service of nginx itself"
    ):
        stacked.plan(release="v1", **{**ALL_IN_ONE, "shared_services": ["db", "proxy"]})


@pytest.mark.parametrize("which", ["nginx", "shared"])
def test_what_runs_by_hand_in_the_project_of_a_color_is_refused(stacked, which):
    if which == "nginx":
        stacked.edge.container["Config"]["Labels"]["com.docker.compose.project"] = "shop-blue"
    else:
        stacked.shared = {"db": [dict(SHARED, project="shop-blue")]}
    with pytest.raises(
        PlanError, match="belongs to the Compose project shop-blue, which is the name of a color's project"
    ):
        stacked.plan(release="v1", **ALL_IN_ONE)


UNCHECKED = {"sha256:shop-was:v1"}
PROBED = [{"name": "was-{color}", "port": 3000, "probe": {}}, {"name": "signal-{color}", "port": 3001}]


def without_healthchecks(target):
    """A target whose Compose files leave the healthchecks to the images."""

    def render(*args):
        config = rendered(*args)
        for service in config["services"].values():
            service.pop("healthcheck", None)
        return config

    target.render = render
    return target


def test_image_without_a_healthcheck_is_refused_before_anything_starts(target):
    without_healthchecks(target).unchecked = UNCHECKED
    before = target.files()
    with pytest.raises(PlanError, match="service was-blue takes traffic but has no healthcheck"):
        target.plan(release="v1", no_healthcheck="fail")
    assert target.files() == before
    assert target.plan(release="v1", no_healthcheck="running")["how"] == CREATE


def test_image_with_a_healthcheck_is_enough(target):
    plan = without_healthchecks(target).plan(release="v1", no_healthcheck="fail")
    assert (plan["plans_again"], plan["probes"]) == (False, [])


def test_probe_is_enough(target):
    without_healthchecks(target).unchecked = UNCHECKED
    (probe,) = target.plan(release="v1", no_healthcheck="fail", services=PROBED)["probes"]
    assert (probe["service"], probe["port"], probe["network"]) == ("was-blue", 3000, "edge")
    assert target.unfinished["services"][0]["probe"] == {}


@pytest.mark.parametrize("pull, known", [("missing", ["cache:1", "shop-signal:v1"]), ("always", None)])
def test_image_that_is_still_to_be_pulled_decides_after_the_pull(target, monkeypatch, pull, known):
    monkeypatch.setattr(release_images.DiskSpace, "check", lambda *_args: None)
    without_healthchecks(target).unchecked = UNCHECKED
    here = dict(target.images)
    if known:
        target.images = {}
        target.add_images(*known)
    plan = target.plan(release="v1", no_healthcheck="fail", pull=pull)
    assert (plan["plans_again"], bool(plan["pulls"])) == (True, True)
    target.images = here
    with pytest.raises(PlanError, match="service was-blue takes traffic but has no healthcheck"):
        target.plan(release="v1", no_healthcheck="fail", pull=pull, deploy=plan["deploy"])
