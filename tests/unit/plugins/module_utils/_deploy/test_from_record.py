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
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import CREATE, PROMOTE, REFRESH, START, WARM
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import with_marks
from ansible_collections.hotswap.compose.plugins.module_utils._state.journal import AWAITING
from ansible_collections.hotswap.compose.tests.unit.stand_ins import SERVICES, StandInTarget, container, rendered

AT = "2026-01-31T23:59:59Z"
"""When the stand-in's releases were deployed."""


@pytest.fixture
def target(tmp_path, monkeypatch):
    return StandInTarget(tmp_path, monkeypatch)


@pytest.fixture
def two(target):
    """A target on which v1 was deployed to blue, then v2 to green."""
    target.deploy("v1")
    target.deploy("v2")
    return target


@pytest.fixture
def awaiting(target):
    """A target on which v1 has the traffic, in blue, and v2 awaits its promotion, in green."""
    target.deploy("v1")
    target.deploy("v2", outcome=AWAITING, auto_promote=False)
    return target


def runs(target):
    """v1 still runs."""


def stopped(target):
    target.change("blue", state="exited")


def partly_stopped(target):
    target.change("blue", "was-blue", state="exited")


def unhealthy(target):
    target.change("blue", "signal-blue", health="unhealthy")


def gone(target):
    target.colors["blue"] = []


def partly_gone(target):
    target.colors["blue"] = [each for each in target.colors["blue"] if each["service"] != "cache-blue"]


BLUE = ["cache-blue", "signal-blue", "was-blue"]


def ids(record, *services):
    return [f"{service}-{record['deploy']}" for service in services]


@pytest.mark.parametrize("release", [None, "v1"])
@pytest.mark.parametrize(
    "change, how, stopped_services",
    [
        (runs, WARM, []),
        (stopped, START, BLUE),
        (partly_stopped, START, ["was-blue"]),
        (unhealthy, START, ["signal-blue"]),
        (gone, CREATE, []),
        (partly_gone, CREATE, []),
    ],
)
def test_rollback(two, release, change, how, stopped_services):
    change(two)
    v1 = two.state.journal["releases"][0]
    plan = two.plan("rollback", release=release)
    fields = ("deploy", "release", "color", "how", "unchanged", "reasons", "project", "file")
    assert [plan[key] for key in fields] == [
        *[v1["deploy"], "v1", "blue", how, False, ["the release is v2"], "shop-blue", "rollback.blue.json"]
    ]
    assert plan["directory"] == f"{two.state_dir}/shop/deploys/{v1['deploy']}"
    assert (plan["services"], plan["traffic_services"]) == (BLUE, ["was-blue", "signal-blue"])
    assert plan["containers"] == ids(v1, *stopped_services)
    assert plan["shared"] == {"by_hand": {}}
    assert [plan[key] for key in ("joins", "leftovers", "exclusive", "exclusive_containers")] == [[]] * 4


@pytest.mark.parametrize("change", [runs, stopped, gone])
@pytest.mark.parametrize("name, warned", [("company_data", True), (None, False)])
def test_rollback_to_a_release_with_another_volume_is_warned_of(two, change, name, warned):
    change(two)
    v1 = two.state.journal["releases"][0]
    path = os.path.join(two.state.deploy_directory(v1["deploy"]), "compose.blue.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    two.change("green", "was-green", volumes={"/var/uploads": config["volumes"]["uploads"]["name"]})
    if name:
        config["volumes"]["uploads"]["name"] = name
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
    planner = two.planner("rollback")
    planner.result()
    found = [each for each in planner.warnings if "copy the files that the release needs" in each]
    assert [each.split(" has ")[0] for each in found] == ["container shop-green-was-green-1"] * warned


@pytest.mark.parametrize("change, how", [(runs, "warm"), (stopped, "start"), (gone, "create")])
def test_unfinished_run_of_a_rollback(two, change, how):
    change(two)
    v1, v2 = two.state.journal["releases"]
    plan = two.plan("rollback")
    unfinished = two.unfinished
    assert unfinished.pop("begun_at") >= AT
    assert unfinished == {
        "deploy": v1["deploy"],
        "release": "v1",
        "color": "blue",
        "how": how,
        "rollback": True,
        "services": SERVICES,
        "previous_services": SERVICES,
        "expected": dict.fromkeys(BLUE, 1),
        "started": plan["containers"],
        "exclusive_containers": [],
        "previous": v2["containers"],
        "previous_exclusive": [],
        "endpoints": ["10.0.1.3:3001", "10.0.1.4:3000"],
        "by": None,
        "networks_before": [],
        "config_hash": v1["config_hash"],
        "images": v1["images"],
        "containers": v1["containers"],
    }


@pytest.mark.parametrize("change", [runs, stopped, gone])
def test_check_mode_of_a_rollback_writes_nothing(two, change):
    change(two)
    journal, files = two.state.journal, two.files()
    planned = two.plan("rollback", check_mode=True)
    assert (two.state.journal, two.files()) == (journal, files)
    assert planned == two.plan("rollback")


@pytest.mark.parametrize("change", [runs, stopped])
def test_rollback_to_containers_writes_no_file(two, change):
    change(two)
    files = two.files()
    two.plan("rollback")
    assert two.files() == files


def rollback_file(plan):
    path = os.path.join(plan["directory"], plan["file"])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def images_of(config):
    return {name: service["image"] for name, service in config["services"].items()}


def test_file_of_a_rollback_is_the_retained_one_with_the_images_of_the_release(two):
    gone(two)
    two.add_images("shop-was:v1", suffix="-2")  # the tag names another image now
    del two.images["cache:1"]  # the tag is gone, the image is not
    plan = two.plan("rollback")
    config = rollback_file(plan)
    assert images_of(config) == {
        "cache-blue": "sha256:cache:1",
        "signal-blue": "shop-signal:v1",
        "was-blue": "sha256:shop-was:v1",
    }
    with open(os.path.join(plan["directory"], "compose.blue.json"), encoding="utf-8") as file:
        retained = json.load(file)
    for name, service in retained["services"].items():
        service["image"] = config["services"][name]["image"]
    assert config == retained


def test_rollback_to_the_other_color_finds_the_images_by_their_service(target):
    """v1 ran in blue. It comes back in green because v2 was deployed twice."""
    v1 = target.deploy("v1")
    target.deploy("v2")
    target.add_images("shop-was:v2", suffix="-2")
    target.deploy("v2")
    target.add_images("shop-was:v1", suffix="-2")
    plan = target.plan("rollback", release="v1")
    assert (plan["color"], plan["how"], plan["deploy"]) == ("green", CREATE, v1["deploy"])
    assert images_of(rollback_file(plan))["was-green"] == "sha256:shop-was:v1"
    assert plan["services"] == ["cache-green", "signal-green", "was-green"]


def test_rollback_builds_nothing(two):
    """An older version left the build in the file, and the image without a name."""
    gone(two)
    path = next(two.state_dir.glob(f"shop/deploys/{two.state.journal['releases'][0]['deploy']}/compose.blue.json"))
    config = json.loads(path.read_text())
    config["services"]["was-blue"]["build"] = {"context": "/srv/shop"}
    del config["services"]["was-blue"]["image"]
    path.write_text(json.dumps(config))
    was = rollback_file(two.plan("rollback"))["services"]["was-blue"]
    assert (was["image"], "build" in was) == ("shop-was:v1", False)


def test_service_without_a_recorded_image_keeps_its_reference(two):
    gone(two)
    releases = two.state.journal["releases"]
    del releases[0]["images"]["cache-blue"]
    two.state.save(releases=releases)
    two.images = {name: image for name, image in two.images.items() if "cache" not in name}
    assert images_of(rollback_file(two.plan("rollback")))["cache-blue"] == "cache:1"


def image_gone(two, _path):
    del two.images["sha256:shop-was:v1"]


def file_gone(_two, path):
    os.unlink(path)


def file_truncated(_two, path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("{")


FILE_GONE = "v1 can't be restored, because its containers and {path} are gone; deploy it again"


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "change, message",
    [
        (
            image_gone,
            "v1 can't be restored, because its image shop-was:v1 (sha256:shop-was:v1) is no longer on the target; "
            "deploy it again from the registry",
        ),
        (file_gone, FILE_GONE),
        (file_truncated, FILE_GONE),
    ],
)
def test_rollback_to_a_release_that_cannot_come_back(two, change, message, check_mode):
    gone(two)
    v1 = two.state.journal["releases"][0]
    path = os.path.join(two.state.deploy_directory(v1["deploy"]), "compose.blue.json")
    change(two, path)
    journal, files = two.state.journal, two.files()
    with pytest.raises(PlanError, match=f"^{re.escape(message.replace('{path}', path))}$"):
        two.plan("rollback", check_mode=check_mode)
    assert (two.state.journal, two.files()) == (journal, files)


def test_image_and_file_are_not_needed_if_the_containers_exist(two):
    stopped(two)
    v1 = two.state.journal["releases"][0]
    image_gone(two, None)
    file_gone(two, os.path.join(two.state.deploy_directory(v1["deploy"]), "compose.blue.json"))
    assert two.plan("rollback")["how"] == START


def adopt(target):
    """Have a stack that was started by hand in blue, then v1 in green."""
    changes = {"ours": False, "image": "shop-was:v0", "project": "legacy", "deploy": None}
    target.colors["blue"] = [container("was-blue", "10.0.0.2", **changes), container("signal-blue", **changes)]
    target.active = "blue"
    plan = target.plan(release="v1")
    adopted = target.unfinished["adopted"]
    target.complete(plan)
    journal = target.state.journal
    target.state.save(releases=[adopted, *journal["releases"]])
    return adopted


@pytest.mark.parametrize("state, how", [("running", WARM), ("exited", START)])
def test_rollback_to_a_stack_that_was_started_by_hand(target, state, how):
    adopt(target)
    target.change("blue", state=state)
    plan = target.plan("rollback")
    assert (plan["deploy"], plan["release"], plan["color"], plan["how"]) == ("adopted", "", "blue", how)
    assert (plan["project"], plan["services"], plan["leftovers"]) == ("legacy", ["signal-blue", "was-blue"], [])
    assert target.unfinished["containers"] == ["was-blue-id", "signal-blue-id"]


def test_rollback_to_a_stack_that_was_started_by_hand_and_has_the_traffic(target):
    adopt(target)
    plan = target.plan("rollback")
    target.active, target.text = "blue", with_marks(plan["content"], generation="g1")
    target.state.save(unfinished=None, proved="g1")
    plan = target.plan("rollback", recovered={"decision": "undo", "gone_back_to": ""})
    assert (plan["unchanged"], plan["color"], plan["outcome"]) == (True, "blue", "rolled_back")
    assert plan["content"] == plan["previous_content"]
    assert "server was-blue:3000;" in plan["content"]


def test_rollback_to_a_stack_that_was_started_by_hand_and_is_gone(target):
    adopt(target)
    gone(target)
    path = f"{target.state_dir}/shop/deploys/adopted/compose.blue.json"
    message = (
        f"the stack started by hand can't be restored, because its containers and {path} are gone; deploy it again"
    )
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        target.plan("rollback")


def test_leftovers_of_a_rollback_are_what_was_started_by_hand(two):
    by_hand = container("was-blue", ours=False, image="shop-was:v0", project="legacy", deploy=None)
    two.colors["blue"].append(by_hand)
    assert two.plan("rollback")["leftovers"] == []
    two.colors["blue"] = [by_hand]
    assert two.plan("rollback")["leftovers"] == ["was-blue-id"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_rollback_to_the_release_that_has_the_traffic_is_unchanged(two, check_mode):
    journal, files = two.state.journal, two.files()
    planner = two.planner("rollback", release="v2", check_mode=check_mode)
    plan = planner.result()["plan"]
    fields = ("release", "color", "unchanged", "reasons", "steps", "outcome")
    assert [plan[key] for key in fields] == ["v2", "green", True, [], [], "unchanged"]
    assert plan["content"] == plan["previous_content"]
    assert planner.warnings == []
    assert (two.state.journal, two.files()) == (journal, files)


def test_rollback_to_the_release_that_has_the_traffic_in_other_containers(two):
    two.change("green", "was-green", id="another")
    assert not two.plan("rollback", release="v2")["unchanged"]


def lost_one(two):
    two.colors["green"].pop()


def lost_all(two):
    two.colors["green"] = []


def crashed(two):
    two.change("green", "was-green", health="unhealthy")


def ended(two):
    two.change("green", state="exited")


def in_no_color(two):
    two.active, two.text, two.colors = None, None, {"blue": [], "green": []}


@pytest.mark.parametrize("file", ["current", "another"])
@pytest.mark.parametrize(
    "change, reasons",
    [
        (lost_one, ["was-green has no container"]),
        (lost_all, ["the release is None"]),
        (crashed, ["shop-green-was-green-1 is unhealthy"]),
        (ended, [f"shop-green-{service}-green-1 is exited" for service in ("cache", "signal", "was")]),
        (in_no_color, ["the release is None"]),
    ],
)
def test_rollback_to_the_active_release_that_is_not_complete_brings_it_back(two, change, reasons, file):
    if file == "another":
        two.text = two.text.replace("3000", "3999")
    change(two)
    plan = two.plan("rollback", release="v2")
    fields = ("unchanged", "color", "how", "release", "reasons")
    assert [plan[key] for key in fields] == [False, "blue", CREATE, "v2", reasons]


@pytest.mark.parametrize("check_mode", [False, True])
def test_rollback_to_the_active_release_of_which_nginx_has_another_file(two, check_mode):
    record = two.state.journal["releases"][1]
    two.text = two.text.replace("3000", "3999")
    journal = two.state.journal
    plan = two.plan("rollback", release="v2", check_mode=check_mode)
    fields = ("unchanged", "color", "how", "deploy", "release", "steps", "services", "outcome")
    services = ["cache-green", "signal-green", "was-green"]
    assert [plan[key] for key in fields] == [
        *(False, "green", REFRESH, record["deploy"], "v2", ["ask", "swap", "record"], services, "rolled_back")
    ]
    assert two.state.journal == journal


# From one file a color to one ordinary file: services that were was-blue and signal-blue are was and signal


ORDINARY = {
    "services": [{"name": "was", "port": 3000}, {"name": "signal", "port": 3001}],
    "compose_files": ["compose.yml"],
}


@pytest.fixture(params=["as recorded", "by an older version"])
def renamed(target, request):
    """A target on which v1 was deployed to blue, from a file for each color."""
    target.deploy("v1")
    if request.param == "by an older version":
        target.forget_new_keys()
    (target.source / "compose.yml").touch()
    return target


def ordinary(color, release):
    config = rendered(color, release)
    services = {name.replace(f"-{color}", ""): each for name, each in config["services"].items()}
    services["was"].pop("depends_on")
    return dict(config, services=services)


def test_release_that_ran_under_other_names_is_a_way_back(renamed):
    renamed.render = ordinary
    planner = renamed.planner(release="v2", **ORDINARY)
    plan = planner.result()["plan"]
    assert (plan["color"], plan["can_go_back"]) == ("green", True)
    assert not [warning for warning in planner.warnings if "way back" in warning]
    assert plan["previous_endpoints"] == ["10.0.0.3:3001", "10.0.0.4:3000"]
    assert "server shop-blue-was:3000 resolve;" in plan["previous_content"]
    assert [each["name"] for each in renamed.unfinished["previous_services"]] == ["was-{color}", "signal-{color}"]
    assert [each["name"] for each in renamed.unfinished["services"]] == ["was", "signal"]


@pytest.mark.parametrize("change, how", [(runs, WARM), (stopped, START), (gone, CREATE)])
def test_rollback_to_a_release_that_ran_under_other_names(renamed, change, how):
    renamed.render = ordinary
    renamed.complete(renamed.plan(release="v2", **ORDINARY))
    change(renamed)
    plan = renamed.plan("rollback", **ORDINARY)
    assert (plan["how"], plan["color"], plan["services"]) == (how, "blue", BLUE)
    assert plan["traffic_services"] == ["was-blue", "signal-blue"]
    assert plan["expected"] == dict.fromkeys(BLUE, 1)
    assert "server shop-blue-was:3000 resolve;" in plan["content"]
    assert [each["name"] for each in renamed.unfinished["services"]] == ["was-{color}", "signal-{color}"]
    assert [each["name"] for each in renamed.unfinished["previous_services"]] == ["was", "signal"]


def test_nginx_goes_back_to_the_port_that_a_release_listens_on(target):
    target.deploy("v1")
    other_port = {"services": [{"name": "was-{color}", "port": 8080}, {"name": "signal-{color}", "port": 3001}]}
    plan = target.plan(release="v2", **other_port)
    assert "server shop-green-was:8080 resolve;" in plan["content"]
    assert "server shop-blue-was:3000 resolve;" in plan["introduction"]
    assert "server shop-blue-was:3000 resolve;" in plan["previous_content"]
    target.complete(plan)
    plan = target.plan("rollback", **other_port)
    assert "server shop-blue-was:3000 resolve;" in plan["content"]


def test_port_that_is_corrected_is_that_of_the_release(target):
    """nginx's file alone is written again: the release listened there all the time."""
    target.deploy("v1")
    other_port = {"services": [{"name": "was-{color}", "port": 8080}, {"name": "signal-{color}", "port": 3001}]}
    plan = target.plan(release="v1", **other_port)
    assert plan["how"] == REFRESH
    assert "server shop-blue-was:8080 resolve;" in plan["content"]
    target.text = with_marks(plan["content"], generation="g2")
    target.state.save(unfinished=None, proved="g2")
    assert target.plan(release="v1", **other_port)["unchanged"]
    assert "server shop-blue-was:8080 resolve;" in target.plan(release="v2", **other_port)["introduction"]


def test_rollback_after_recovery_means_the_release_that_recovery_brought_back(two):
    plan = two.plan("rollback", recovered={"decision": "undo", "gone_back_to": "v2"})
    assert (plan["release"], plan["unchanged"], plan["outcome"]) == ("v2", True, "rolled_back")


@pytest.mark.parametrize(
    "releases, settings, message",
    [
        (
            ["v1"],
            {},
            "there is no release to roll back to: v1 is the only release of shop on record that had the traffic",
        ),
        (
            ["v1", "v2"],
            {"release": "v3"},
            "bluegreen_release is 'v3', but a rollback can't return to it; give one of the releases that had the "
            "traffic (v1, v2), or deploy v3",
        ),
    ],
)
def test_rollback_that_has_nowhere_to_go(target, releases, settings, message):
    for release in releases:
        target.deploy(release)
    journal = target.state.journal
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        target.plan("rollback", **settings)
    assert target.state.journal == journal


def migration(release, at):
    return {"release": release, "image": "sha256:shop-was:v2", "command": "bin/migrate", "at": at}


LATER = "the migration of v2 (bin/migrate) was run, and a rollback does not undo it"


@pytest.mark.parametrize(
    "migrations, warnings",
    [
        ([], []),
        ([migration("v2", AT)], [LATER]),
        ([migration("v2", "2026-01-31T23:59:58Z")], []),
        ([migration("v1", AT)], []),
    ],
)
def test_rollback_warns_of_later_migrations(two, migrations, warnings):
    two.state.save(migrations=migrations)
    planner = two.planner("rollback")
    planner.result()
    assert planner.warnings == warnings


EXCLUSIVE = {"exclusive_services": ["cache-{color}"]}


def without_dependents(color, release):
    """No service may depend on an exclusive one."""
    config = rendered(color, release)
    del config["services"][f"was-{color}"]["depends_on"]
    return config


def test_exclusive_services_of_a_rollback_start_after_the_swap(target):
    target.render = without_dependents
    v1 = target.deploy("v1", **EXCLUSIVE)
    target.deploy("v2", **EXCLUSIVE)
    stopped(target)
    cache = ids(v1, "cache-blue")
    plan = target.plan("rollback", **EXCLUSIVE)
    assert (plan["how"], plan["services"], plan["containers"]) == (
        *(START, ["signal-blue", "was-blue"]),
        ids(v1, "signal-blue", "was-blue"),
    )
    assert (plan["exclusive"], plan["exclusive_containers"]) == (["cache-blue"], cache)
    assert target.unfinished["exclusive_containers"] == cache
    gone(target)
    plan = target.plan("rollback", **EXCLUSIVE)
    assert (plan["how"], plan["services"], plan["exclusive"]) == (CREATE, ["signal-blue", "was-blue"], ["cache-blue"])
    assert plan["exclusive_containers"] == []


def test_rollback_joins_the_networks_of_both_colors(two):
    v1, v2 = two.state.journal["releases"]
    paths = [f"{two.state.deploy_directory(v1['deploy'])}/compose.blue.json"]
    paths.append(f"{two.state.deploy_directory(v2['deploy'])}/compose.green.json")
    for path in paths:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**config, JOINS: [{"service": "web", "network": "edge", "aliases": []}]}, file)
    two.shared = {"db": [container("db-blue", shared=None)], "queue": [container("queue-blue", shared="queue")]}
    plan = two.plan("rollback")
    assert plan["joins"] == [{"color": "blue", "file": paths[0]}, {"color": "green", "file": paths[1]}]
    assert plan["shared"] == {"by_hand": {"db": ["db-blue-id"]}}


# A promotion, and an abort


@pytest.mark.parametrize("kind", ["promote", "abort"])
def test_release_that_awaits_its_promotion(awaiting, kind):
    v1, v2 = awaiting.state.journal["releases"]
    files = awaiting.files()
    plan = awaiting.plan(kind)
    fields = ("deploy", "release", "color", "how", "unchanged", "reasons", "project", "file", "active_color")
    assert [plan[key] for key in fields] == [
        *[v2["deploy"], "v2", "green", PROMOTE, False, ["it awaits its promotion"], "shop-green"],
        *["compose.green.json", "blue"],
    ]
    assert plan["directory"] == f"{awaiting.state_dir}/shop/deploys/{v2['deploy']}"
    assert plan["services"] == ["cache-green", "signal-green", "was-green"]
    assert plan["traffic_services"] == ["was-green", "signal-green"]
    assert (plan["containers"], plan["leftovers"], plan["shared"]) == ([], [], {"by_hand": {}})
    unfinished = awaiting.unfinished
    assert unfinished.pop("begun_at") >= AT
    assert unfinished == {
        "deploy": v2["deploy"],
        "release": "v2",
        "color": "green",
        "how": "promote",
        "rollback": False,
        "services": SERVICES,
        "previous_services": SERVICES,
        "expected": {"cache-green": 1, "signal-green": 1, "was-green": 1},
        "started": [],
        "exclusive_containers": [],
        "previous": v1["containers"],
        "previous_exclusive": [],
        "endpoints": ["10.0.0.3:3001", "10.0.0.4:3000"],
        "by": None,
        "networks_before": [],
        "config_hash": v2["config_hash"],
        "images": v2["images"],
        "containers": v2["containers"],
        "ids_before": v2["ids_before"],
    }
    assert awaiting.files() == files


@pytest.mark.parametrize("kind", ["promote", "abort"])
def test_check_mode_of_a_promotion_and_an_abort_writes_nothing(awaiting, kind):
    journal, files = awaiting.state.journal, awaiting.files()
    assert awaiting.plan(kind, check_mode=True)["how"] == PROMOTE
    assert (awaiting.state.journal, awaiting.files()) == (journal, files)


def test_promotion_leaves_foreign_containers_alone(awaiting):
    awaiting.colors["green"].append(container("queue-green", image="queue:1", deploy="d0"))
    assert "queue-green" not in awaiting.plan("promote")["services"]


def test_exclusive_services_of_a_promotion_start_after_the_swap(target):
    target.render = without_dependents
    target.deploy("v1", **EXCLUSIVE)
    v2 = target.deploy("v2", AWAITING, auto_promote=False, **EXCLUSIVE)
    target.change("green", "cache-green", state="created", health=None)
    plan = target.plan("promote", **EXCLUSIVE)
    assert (plan["services"], plan["exclusive"]) == (["signal-green", "was-green"], ["cache-green"])
    assert (plan["containers"], plan["exclusive_containers"]) == ([], ids(v2, "cache-green"))


def test_promotion_of_a_release_that_is_unfit(awaiting):
    awaiting.change("green", "was-green", health="unhealthy")
    journal = awaiting.state.journal
    message = (
        "v2 in green can't be promoted any more (shop-green-was-green-1 is unhealthy); abort it, or deploy it again"
    )
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        awaiting.plan("promote")
    assert awaiting.state.journal == journal


@pytest.mark.parametrize("left, services", [(3, ["cache-green", "signal-green", "was-green"]), (0, [])])
def test_release_that_is_unfit_can_be_aborted(awaiting, left, services):
    awaiting.change("green", health="unhealthy")
    awaiting.colors["green"] = awaiting.colors["green"][:left]
    plan = awaiting.plan("abort")
    assert (plan["how"], plan["services"], plan["containers"]) == (PROMOTE, services, [])


@pytest.mark.parametrize("kind", ["promote", "abort"])
def test_nothing_awaits_its_promotion(two, kind):
    message = "no release of shop awaits its promotion here: the last run was of v2, which was deployed"
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        two.plan(kind)


def test_promotion_that_recovery_has_finished_is_unchanged(two):
    journal = two.state.journal
    plan = two.plan("promote", recovered={"decision": "finish", "promoted": True})
    fields = ("release", "color", "unchanged", "reasons", "outcome")
    assert [plan[key] for key in fields] == ["v2", "green", True, [], "deployed"]
    assert two.state.journal == journal


def test_promotion_after_a_recovery_that_finished_another_run(awaiting):
    plan = awaiting.plan("promote", recovered={"decision": "finish"})
    assert (plan["release"], plan["how"]) == ("v2", PROMOTE)


THEN = {"path": "/then", "unhealthy_after": 1, "timeout": 0.2, "interval": 0.1, "status": [200]}


def services(probe):
    return [{"name": "was-{color}", "port": 3000, "probe": probe}, {"name": "signal-{color}", "port": 3001}]


def test_rollback_has_the_probe_of_then(target):
    target.deploy("v1", services=services(THEN))
    target.deploy("v2", services=services(dict(THEN, path="/now")))
    stopped(target)
    (probe,) = target.plan("rollback", services=services(dict(THEN, path="/now")))["probes"]
    assert (probe["service"], probe["path"]) == ("was-blue", "/then")


def test_rollback_without_a_health_check(two):
    stopped(two)
    two.change("blue", has_healthcheck=False)
    with pytest.raises(PlanError, match="takes traffic but has no healthcheck"):
        two.plan("rollback", no_healthcheck="fail")
    today = [dict(service, probe=THEN) for service in services(None)]
    assert {probe["path"] for probe in two.plan("rollback", services=today, no_healthcheck="fail")["probes"]} == {
        "/then"
    }


def test_rollback_to_a_color_that_runs_and_does_not_answer_starts_it_again(target):
    """Nothing listens there, so it is no warm rollback."""
    target.deploy("v1", services=services(THEN))
    target.deploy("v2", services=services(THEN))
    assert target.plan("rollback", services=services(THEN))["how"] == START


def test_release_that_does_not_answer_its_probe_is_not_promoted(target):
    target.deploy("v1")
    target.deploy("v2", outcome=AWAITING, auto_promote=False, services=services(THEN))
    with pytest.raises(PlanError, match="can't be promoted any more .*was-green.* fails its probe"):
        target.plan("promote")
