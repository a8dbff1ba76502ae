# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import recorder as recorder_module
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.recorder import Recorder
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.tests.unit.stand_ins import SERVICES, StandInHost, inspected_service

NOW = "2026-02-01T00:00:00Z"
OUTCOMES = ("deployed", "rolled_back", "rejected", "awaiting_promotion")
TRAFFIC_SERVICES = [service["name"] for service in SERVICES]


def image(text):
    """An image of a record, from "reference id"; a "+" at the end says that the deploy pulled it."""
    ref, image_id = text.split()
    return {"ref": ref, "id": "sha256:" + image_id.rstrip("+"), "digest": None, "brought": text.endswith("+")}


def record(number, outcome="deployed", images=None, **more):
    """The record of release v``number``, deploy d``number``; odd ones run in blue."""
    color = "blue" if number % 2 else "green"
    images = {f"was-{color}": f"was:v{number} w{number}+"} if images is None else images
    return dict(
        {
            "release": f"v{number}",
            "color": color,
            "deploy": f"d{number}",
            "deployed_at": "2026-01-31T23:59:59Z",
            "images": {service: image(text) for service, text in images.items()},
            "containers": [f"was-{color}-d{number}"],
            "config_hash": f"hash{number}",
            "outcome": outcome,
            "rollback": False,
            "services": SERVICES,
            "expected": {f"was-{color}": 1},
        },
        **more,
    )


def unfinished(number, **more):
    """A deploy of release v``number``, as the journal has it until it ends."""
    color = "blue" if number % 2 else "green"
    return dict(
        {
            "deploy": f"d{number}",
            "release": f"v{number}",
            "color": color,
            "how": "create",
            "rollback": False,
            "services": SERVICES,
            "expected": {f"was-{color}": 1},
            "started": [],
            "previous": [],
            "endpoints": [],
            "begun_at": "2026-01-31T23:59:59Z",
            "config_hash": f"hash{number}",
            "refs": {f"was-{color}": f"was:v{number}"},
            "ids_before": {f"was:v{number}": None},
        },
        **more,
    )


def rollback(to, color):
    """A rollback to the release of the record ``to``, in ``color``."""
    known = {key: to[key] for key in ("deploy", "release", "config_hash", "images", "containers")}
    found = unfinished(1, color=color, rollback=True, how="start", **known)
    return {key: value for key, value in found.items() if key not in ("refs", "ids_before")}


def tags(*numbers):
    return {f"was:v{number}": f"sha256:w{number}" for number in numbers}


@pytest.fixture(autouse=True)
def now(monkeypatch):
    monkeypatch.setattr(recorder_module, "utc_now", lambda: NOW)


@pytest.fixture
def close(tmp_path):
    """Close an unfinished run; return ``(images that went, recorder)``."""

    def close_it(engine, found, outcome, releases=(), keep=3):
        state = AppState(str(tmp_path), "shop")
        state.create()
        state.save(releases=list(releases), unfinished=found)
        recorder = Recorder(engine, state, TRAFFIC_SERVICES, keep)
        return recorder.close(found, outcome), recorder

    return close_it


@pytest.fixture
def journal(tmp_path):
    """Return the journal on disk."""
    return lambda: AppState(str(tmp_path), "shop").journal


def order(journal):
    """Return the records, oldest first, as "deploy outcome"."""
    return ["{deploy} {outcome}".format(**each) for each in journal["releases"]]


# The record


def test_the_names_of_a_built_image_are_recorded(close, journal):
    found = unfinished(2, tags={"was-green": ["was:latest"]})
    close(StandInHost(tags={**tags(2), "was:latest": "sha256:w2"}), found, "deployed")
    assert journal()["releases"][-1]["images"]["was-green"]["tags"] == ["was:latest"]


def test_a_refused_build_gives_each_name_back(close, journal):
    host = StandInHost(tags={**tags(1, 2), "was:latest": "sha256:w2"})
    before = {"was:v2": None, "was:latest": "sha256:w1"}
    found = unfinished(2, tags={"was-green": ["was:latest"]}, ids_before=before)
    gone, _recorder = close(host, found, "rejected", [record(1)])
    assert gone == ["was:v2"]
    assert host.image_id("was:latest") == "sha256:w1"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_deploy_ends_with_one_record(close, journal, outcome):
    containers = [("was-green", "d2"), ("was-green", "d0"), ("was-blue", "d1")]
    engine = StandInHost([inspected_service(*each) for each in containers], tags={"was:v2": "sha256:was-d2"})
    _removed, recorder = close(engine, unfinished(2), outcome, releases=[record(1)])
    more = {"ids_before": {"was:v2": None}} if outcome == "awaiting_promotion" else {}
    images = {"was-green": image("was:v2 was-d2+")}
    expected = record(2, outcome, deployed_at=NOW, containers=["was-green-d2"], **more)
    assert journal()["releases"] == [record(1), dict(expected, images=images)]
    assert journal()["unfinished"] is None
    assert (recorder.images, recorder.warnings) == (images, [])


@pytest.mark.parametrize(
    "running, tag, before, expected",
    [
        ("new", "new", None, "was:v2 new+"),
        ("new", "new", "old", "was:v2 new+"),
        ("new", "new", "new", "was:v2 new"),
        ("new", "moved", "new", "was:v2 new"),  # the tag names another image by now
        (None, "new", "new", "was:v2 new"),  # no container was made
        (None, "new", None, "was:v2 new+"),
        (None, None, None, None),  # not even pulled
    ],
)
def test_the_image_of_a_record_is_the_one_that_runs(close, running, tag, before, expected):
    containers = [inspected_service("was-green", "d2", image_id=f"sha256:{running}")] if running else []
    containers.append(inspected_service("was-green", "d0", image_id="sha256:other"))  # of another deploy
    engine = StandInHost(containers, tags={"was:v2": f"sha256:{tag}"} if tag else {})
    found = unfinished(2, ids_before={"was:v2": before and f"sha256:{before}"})
    _removed, recorder = close(engine, found, "deployed")
    assert recorder.images == ({"was-green": image(expected)} if expected else {})


def test_a_record_has_the_files_that_the_deploy_read(close, journal):
    close(StandInHost(), unfinished(1, files=["/srv/shop/compose.yml"]), "deployed")
    assert journal()["releases"][-1]["files"] == ["/srv/shop/compose.yml"]


def test_the_digest_of_an_image_is_recorded(close):
    engine = StandInHost(tags={"was:v2": "sha256:w2"})
    engine.digests = {"sha256:w2": "sha256:registry"}
    _removed, recorder = close(engine, unfinished(2), "deployed")
    assert recorder.images["was-green"]["digest"] == "sha256:registry"


def test_a_rollback_keeps_the_images_of_its_release(close, journal):
    """The image names may belong to other images by now."""
    engine = StandInHost([inspected_service("was-blue", "d1")], tags={"was:v1": "sha256:another"})
    _removed, recorder = close(engine, rollback(record(1), "blue"), "deployed", releases=[record(1), record(2)])
    newest = journal()["releases"][-1]
    assert recorder.images == newest["images"] == record(1)["images"]
    assert (newest["rollback"], newest["deploy"], newest["containers"]) == (True, "d1", ["was-blue-d1"])


def test_a_rollback_to_a_stack_started_by_hand_keeps_its_containers(close, journal):
    """Its containers carry no label of a deploy."""
    adopted = record(1, release="", deploy="adopted", containers=["was-blue-None"], config_hash="")
    engine = StandInHost([inspected_service("was-blue"), inspected_service("was-blue", "d3")])
    close(engine, rollback(adopted, "blue"), "deployed", releases=[adopted, record(2)])
    assert journal()["releases"][-1] == dict(adopted, deployed_at=NOW, rollback=True)


# Its place


ADOPTED = record(1, release="", deploy="adopted")


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(
    "releases, adopted, before",
    [
        ([], ADOPTED, ["adopted deployed"]),
        ([], None, []),
        ([record(1)], ADOPTED, ["d1 deployed"]),  # the journal has releases already
    ],
)
def test_an_adopted_stack_is_the_first_record(close, journal, outcome, releases, adopted, before):
    close(StandInHost(), unfinished(2, adopted=adopted), outcome, releases=releases)
    assert order(journal()) == [*before, f"d2 {outcome}"]


AWAITING = record(2, "awaiting_promotion", containers=["was-green-d2", "signal-green-d2"], ids_before={})


@pytest.mark.parametrize(
    "found, outcome, gone, expected",
    [
        (unfinished(4), "rejected", [], ["d4 rejected", "d2 awaiting_promotion"]),
        (unfinished(4), "rejected", ["signal-green"], ["d2 awaiting_promotion", "d4 rejected"]),
        (unfinished(4), "rejected", ["signal-green", "was-green"], ["d2 awaiting_promotion", "d4 rejected"]),
        (unfinished(4), "rolled_back", [], ["d2 awaiting_promotion", "d4 rolled_back"]),
        (unfinished(4), "deployed", [], ["d2 awaiting_promotion", "d4 deployed"]),
        (unfinished(4), "awaiting_promotion", [], ["d2 awaiting_promotion", "d4 awaiting_promotion"]),
        # It was aborted itself.
        (unfinished(2, how="promote"), "rejected", [], ["d2 awaiting_promotion", "d2 rejected"]),
    ],
)
def test_a_release_that_still_awaits_its_promotion_stays_the_newest(close, journal, found, outcome, gone, expected):
    services = [service for service in ("was-green", "signal-green") if service not in gone]
    engine = StandInHost([inspected_service(service, "d2") for service in services])
    close(engine, found, outcome, releases=[record(1), AWAITING])
    assert order(journal()) == ["d1 deployed", *expected]


def test_a_refused_deploy_comes_after_a_release_that_was_promoted(close, journal):
    engine = StandInHost([inspected_service("was-green", "d2")])
    close(engine, unfinished(3), "rejected", releases=[AWAITING, record(2)])
    assert order(journal()) == ["d2 awaiting_promotion", "d2 deployed", "d3 rejected"]


# Its size


def old_journal(tmp_path):
    """The journal of 4,000 releases, as one that was never trimmed, in format 1. Return its path."""
    releases = [record(number, containers=[f"{number:064x}"]) for number in range(4000)]
    migrations = [
        {"release": f"v{number}", "image": f"sha256:w{number}", "command": "migrate", "at": NOW}
        for number in range(4000)
    ]
    policies = {f"{number:064x}": {"Name": "always", "MaximumRetryCount": 0} for number in range(4000)}
    policies["was-blue-d3999"] = policies["0" * 64]
    state = AppState(str(tmp_path), "shop")
    state.create()
    found = dict(state.journal, format=1, releases=releases, migrations=migrations, restart_policies=policies)
    path = tmp_path / "shop" / "journal.json"
    path.write_text(json.dumps(dict(found, unfinished=unfinished(4000)), indent=1))
    return path


def test_the_journal_of_thousands_of_releases_shrinks(tmp_path, journal):
    path = old_journal(tmp_path)
    assert path.stat().st_size > 2_000_000
    engine = StandInHost([inspected_service("was-blue", "d3999"), inspected_service("was-green", "d4000")], tags(3998))
    state = AppState(str(tmp_path), "shop")
    recorder = Recorder(engine, state, TRAFFIC_SERVICES, 3)
    recorder.close(state.unfinished, "deployed")
    assert path.stat().st_size < 50_000
    assert order(journal())[-3:] == ["d3998 deployed", "d3999 deployed", "d4000 deployed"]
    assert list(journal()["restart_policies"]) == ["was-blue-d3999"]
    assert len(journal()["migrations"]) == 100


def test_the_journal_does_not_grow(close, tmp_path, monkeypatch):
    """Each deploy has an image of its own, and those that are pruned go from the host."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    engine, sizes, releases = StandInHost(), [], []
    for number in range(1, 60):
        engine.tags[f"was:v{number}"] = f"sha256:w{number}"
        engine.images.add(f"sha256:w{number}")
        close(engine, unfinished(number), "deployed", releases=releases)
        releases = AppState(str(tmp_path), "shop").journal["releases"]
        sizes.append((tmp_path / "shop" / "journal.json").stat().st_size)
    assert max(sizes[30:]) < 1.1 * sizes[29]
    assert engine.images == {"sha256:w57", "sha256:w58", "sha256:w59"}


# The names of images


@pytest.mark.parametrize(
    "outcome, before, now, expected",
    [
        ("rejected", "old", "new", "old"),
        ("rolled_back", "old", "new", "old"),
        ("rejected", "old", None, "old"),
        ("deployed", "old", "new", "new"),
        ("awaiting_promotion", "old", "new", "new"),
        ("rejected", None, "new", "new"),  # nothing had this name
        ("rejected", "gone", "new", "new"),  # that image is no longer on the target
        ("rejected", "old", "old", "old"),
    ],
)
def test_a_refused_pull_gives_the_name_back(close, outcome, before, now, expected):
    engine = StandInHost(tags={"was:latest": f"sha256:{now}"} if now else {})
    engine.images |= {"sha256:old", "sha256:new"}
    ids_before = {"was:latest": before and f"sha256:{before}"}
    # The image of before stays: the active release has it.
    active = record(1, images={"was-blue": "was:latest old+", "signal-blue": "signal:v1 new"})
    close(engine, unfinished(2, refs={}, ids_before=ids_before), outcome, releases=[active])
    assert engine.tags == {"was:latest": f"sha256:{expected}"}
    assert len(engine.told) == (expected != now)


def test_a_rollback_that_failed_moves_no_name(close):
    engine = StandInHost(tags={"was:v1": "sha256:another"})
    close(engine, rollback(record(1), "blue"), "rejected", releases=[record(1), record(2)])
    assert engine.told == []


# The images that nobody needs any more


def back_to(number):
    """The record of a rollback to release v``number``."""
    return record(number, rollback=True)


@pytest.mark.parametrize(
    "releases, keep, removed",
    [
        ([record(1), record(2)], 2, ["was:v1"]),
        ([record(1), record(2)], 3, []),
        ([record(1), record(2), record(3)], 0, ["was:v1", "was:v2"]),  # the one to go back to always stays
        ([record(1), record(2), record(3)], 3, ["was:v1"]),
        ([record(1), record(2), record(3, "rejected")], 2, ["was:v1", "was:v3"]),
        # v3 lost the traffic to v2, so that is the one to go back to.
        ([record(1), record(2), record(3), back_to(2)], 2, ["was:v1", "was:v3"]),
    ],
)
def test_images_of_old_releases_go(close, releases, keep, removed):
    engine = StandInHost(tags=tags(1, 2, 3, 4))
    assert close(engine, unfinished(4), "deployed", releases=releases, keep=keep)[0] == removed
    assert engine.tags == {name: image_id for name, image_id in tags(1, 2, 3, 4).items() if name not in removed}


def test_a_rollback_keeps_the_release_below_it(close):
    """The newest releases by date are v3 and v2, but the next rollback goes to v1."""
    engine = StandInHost(tags=tags(0, 1, 2, 3))
    releases = [record(0), record(1), record(2), record(3)]
    assert close(engine, rollback(record(2), "green"), "deployed", releases=releases, keep=2)[0] == ["was:v0"]


@pytest.mark.parametrize("state", ["running", "exited"])
@pytest.mark.parametrize("labelled", [True, False])
def test_an_image_in_use_stays(close, state, labelled):
    """The container may be another app's, and it may be stopped."""
    user = inspected_service("bank-blue", image_id="sha256:w1", state=state)
    user["Config"]["Labels"] = user["Config"]["Labels"] if labelled else {}
    engine = StandInHost([user], tags=tags(1, 2, 3))
    assert close(engine, unfinished(3), "deployed", releases=[record(1), record(2)], keep=2)[0] == []


def test_an_image_of_another_app_s_journal_stays(close, tmp_path):
    other = AppState(str(tmp_path), "bank")
    other.create()
    other.save(releases=[record(8), record(9, images={"bank-blue": "bank:v9 w1"})])
    engine = StandInHost(tags=tags(1, 2, 3, 4))
    releases = [record(1), record(2), record(3)]
    assert close(engine, unfinished(4), "deployed", releases=releases, keep=2)[0] == ["was:v2"]


@pytest.mark.parametrize("service, removed", [("was-blue", ["was:v1"]), ("signal-green", ["was:v1"]), ("cache", [])])
def test_an_image_that_was_here_before_goes_only_with_traffic(close, service, removed):
    """The image of a service that takes traffic, in either color, is this app's own."""
    engine = StandInHost(tags=tags(1, 2, 3))
    releases = [record(1, images={service: "was:v1 w1"}), record(2)]
    assert close(engine, unfinished(3), "deployed", releases=releases, keep=2)[0] == removed


def test_an_image_that_went_long_ago_is_not_reported(close):
    engine = StandInHost(tags=tags(2, 3))
    assert close(engine, unfinished(3), "deployed", releases=[record(1), record(2)], keep=2)[0] == []
    assert engine.told == []


def test_an_image_whose_name_moved_goes_by_its_id(close):
    engine = StandInHost(tags=dict(tags(2, 3), **{"was:v1": "sha256:somebody"}))
    engine.images.add("sha256:w1")
    assert close(engine, unfinished(3), "deployed", releases=[record(1), record(2)], keep=2)[0] == ["was:v1"]
    assert engine.told == [("remove_image", "sha256:w1", {})]
    assert engine.tags["was:v1"] == "sha256:somebody"


def test_an_image_without_a_name_of_its_own_is_reported_by_its_id(close):
    engine = StandInHost(tags={"was:latest": "sha256:w3"})
    engine.images |= {"sha256:w1", "sha256:w2"}
    releases = [record(number, images={"was-blue": f"was:latest w{number}+"}) for number in (1, 2)]
    found = unfinished(3, refs={"was-blue": "was:latest"}, ids_before={"was:latest": "sha256:w2"})
    assert close(engine, found, "deployed", releases=releases, keep=2)[0] == ["sha256:w1"]
    assert engine.told == [("remove_image", "sha256:w1", {})]


@pytest.mark.parametrize("moved, told", [(False, ["was:v1", "was:stable"]), (True, ["sha256:w1"])])
def test_an_image_with_two_names(close, moved, told):
    names = {"was:v1": "sha256:w1", "was:stable": "sha256:w1"}
    moved_names = dict.fromkeys(names, "sha256:somebody")
    engine = StandInHost(tags=dict(tags(2, 3), **(moved_names if moved else names)))
    engine.images.add("sha256:w1")
    releases = [record(1), record(1, images={"was-blue": "was:stable w1"}, release="stable"), record(2)]
    # By its id, the image is gone at once.
    expected = ["was:v1"] if moved else ["was:v1", "was:stable"]
    assert close(engine, unfinished(3), "deployed", releases=releases, keep=2)[0] == expected
    assert [name for _call, name, _options in engine.told] == told


def test_an_image_that_can_t_be_removed_becomes_a_warning(close, journal, monkeypatch):
    engine = StandInHost(tags=tags(1, 2, 3, 4))
    remove = engine.remove_image

    def refuse_one(name):
        if name == "was:v1":
            raise EngineError("the Docker Engine refused: it has dependent child images")
        remove(name)

    monkeypatch.setattr(engine, "remove_image", refuse_one)
    releases = [record(1), record(2), record(3)]
    removed, recorder = close(engine, unfinished(4), "deployed", releases=releases, keep=2)
    assert removed == ["was:v2"]
    assert recorder.warnings == [
        "the image was:v1 could not be removed: the Docker Engine refused: it has dependent child images"
    ]
    assert journal()["unfinished"] is None


# The files of deploys


@pytest.mark.parametrize(
    "releases, found, outcome, keep, kept",
    [
        ([record(1), record(2)], unfinished(3), "deployed", 2, ["d2", "d3"]),
        ([record(1), record(2)], unfinished(3), "deployed", 3, ["d1", "d2", "d3"]),
        ([record(1), record(2)], unfinished(3), "rejected", 3, ["d1", "d2"]),
        ([record(1), record(2)], unfinished(3), "rolled_back", 3, ["d1", "d2"]),
        ([record(1), record(2)], unfinished(3), "awaiting_promotion", 2, ["d1", "d2", "d3"]),
        ([record(1), AWAITING], unfinished(2, how="promote"), "deployed", 2, ["d1", "d2"]),
        ([record(1), AWAITING], unfinished(2, how="promote"), "rejected", 2, ["d1"]),
        # v2 has the traffic, and a rollback goes to v1.
        ([record(1), record(2), record(3)], rollback(record(2), "green"), "deployed", 2, ["d1", "d2", "d3"]),
        ([], unfinished(3), "rejected", 3, []),
    ],
)
def test_files_of_deploys_that_no_record_needs_are_removed(close, tmp_path, releases, found, outcome, keep, kept):
    for deploy in ("d0", "d1", "d2", "d3"):
        os.makedirs(tmp_path / "shop" / "deploys" / deploy)
    close(StandInHost(), found, outcome, releases=releases, keep=keep)
    assert sorted(os.listdir(tmp_path / "shop" / "deploys")) == kept


def test_files_of_a_release_that_still_awaits_its_promotion_stay(close, tmp_path):
    for deploy in ("d1", "d2", "d4"):
        os.makedirs(tmp_path / "shop" / "deploys" / deploy)
    engine = StandInHost([inspected_service(service, "d2") for service in ("was-green", "signal-green")])
    close(engine, unfinished(4), "rejected", releases=[record(1), AWAITING])
    assert sorted(os.listdir(tmp_path / "shop" / "deploys")) == ["d1", "d2"]


# Networks


def with_networks(*names, containers=(), **more):
    """An Engine with these networks, and the unfinished deploy d2 that found shop-green_old."""
    engine = StandInHost(containers)
    engine.networks = list(names)
    return engine, unfinished(2, networks_before=["shop-green_old"], **more)


@pytest.mark.parametrize(
    "outcome, left",
    [
        ("rejected", ["shop-green_old", "shop-blue_default"]),
        ("rolled_back", ["shop-green_old", "shop-blue_default"]),
        ("deployed", ["shop-green_old", "shop-green_default", "shop-blue_default"]),
        ("awaiting_promotion", ["shop-green_old", "shop-green_default", "shop-blue_default"]),
    ],
)
def test_networks_of_a_release_that_was_given_up(close, outcome, left):
    engine, found = with_networks("shop-green_old", "shop-green_default", "shop-blue_default")
    close(engine, found, outcome)
    assert engine.networks == left


def test_networks_stay_while_containers_of_the_color_are_there(close):
    here = [inspected_service("was-green", "d0")]
    engine, found = with_networks("shop-green_default", containers=here)
    close(engine, found, "rejected")
    assert engine.networks == ["shop-green_default"]


@pytest.mark.parametrize(
    "outcome, more, leaves",
    [
        ("rejected", {}, True),
        ("rejected", {"swap": {"from": "upstream shop-was { server shop-blue-was:3000; }"}}, False),
        ("deployed", {}, False),
    ],
)
def test_a_stack_started_by_hand_leaves_the_network_that_it_was_connected_to(close, outcome, more, leaves):
    engine, found = with_networks(connected=[{"id": "was-blue-None", "network": "edge"}], **more)
    close(engine, found, outcome)
    assert (("leave_network", "was-blue-None", "edge") in engine.told) is leaves


def test_networks_that_can_t_be_removed_are_a_warning(close, monkeypatch):
    def refuse(_network):
        raise EngineError("it has active endpoints")

    engine, found = with_networks("shop-green_default")
    monkeypatch.setattr(engine, "remove_network", refuse)
    _removed, recorder = close(engine, found, "rejected")
    assert recorder.warnings == ["the networks of green could not be removed: it has active endpoints"]


def test_a_release_that_awaits_its_promotion_knows_the_networks_of_before(close, journal):
    engine, found = with_networks()
    close(engine, found, "awaiting_promotion")
    assert journal()["releases"][-1]["networks_before"] == ["shop-green_old"]
