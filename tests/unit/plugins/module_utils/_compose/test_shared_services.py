# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import shared_services
from ansible_collections.hotswap.compose.plugins.module_utils._compose.mounts import Place
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError

CONFIG = {
    "name": "shop-shared",
    "services": {
        "cache": {"labels": {"hotswap.compose.config": "c1"}},
        "db": {"labels": {"hotswap.compose.config": "c2"}, "depends_on": {"cache": {}}},
    },
}


def container(name, config, **changes):
    ours = {"shared": name, "project": "shop-shared"} if config else {"shared": None, "project": "legacy"}
    policy = {"Name": "always", "MaximumRetryCount": 0}
    state = {"state": "running", "health": "healthy", "exit_code": 0, "restart_policy": policy}
    return dict(state, id=f"{name}-id", config=config, **ours, **changes)


def changed(name, config, **changes):
    return dict(container(name, config), **changes)


READY = {"cache": [container("cache", "c1")], "db": [container("db", "c2")]}
NONE = {"up": [], "start": [], "by_hand": {}, "absent": [], "waits": []}
ENDED = {"state": "exited", "health": None, "restart_policy": {"Name": "no", "MaximumRetryCount": 0}}


def waits(*services, project="shop-shared"):
    return [{"project": project, "services": list(services)}]


@pytest.mark.parametrize(
    "containers, update, expected",
    [
        (READY, False, {}),
        (READY, True, {}),
        ({}, False, {"up": ["cache", "db"], "absent": ["cache", "db"], "waits": waits("cache", "db")}),
        # It boots, or is ill: nothing is to be started, and a color is to wait for it.
        ({**READY, "db": [changed("db", "c2", health="unhealthy")]}, False, {"waits": waits("db")}),
        # A cache that was stopped is no one-shot that is done.
        (
            {**READY, "cache": [changed("cache", "c1", **ENDED)]},
            False,
            {"up": ["cache"], "absent": ["cache"], "waits": waits("cache")},
        ),
        ({**READY, "db": [container("db", "old")]}, False, {}),
        ({**READY, "db": [container("db", "old")]}, True, {"up": ["db"], "absent": ["db"], "waits": waits("db")}),
        ({**READY, "db": [container("db", None)]}, True, {"by_hand": {"db": ["db-id"]}}),
        (
            {**READY, "db": [changed("db", None, **ENDED)]},
            False,
            {
                "start": ["db-id"],
                "by_hand": {"db": ["db-id"]},
                "absent": ["db"],
                "waits": waits("db", project="legacy"),
            },
        ),
    ],
)
def test_what_is_to_be_done(containers, update, expected):
    work, _warnings = shared_services.shared_work(CONFIG, containers, update, set())
    assert work == {**NONE, **expected}


def test_one_that_has_done_its_work_is_ready():
    work, _warnings = shared_services.shared_work(
        CONFIG, {**READY, "cache": [changed("cache", "c1", **ENDED)]}, False, {"cache"}
    )
    assert work == NONE


@pytest.mark.parametrize(
    "here, update, words",
    [
        ("old", False, "the definition of shared service db has changed, but it still runs as before"),
        ("old", True, None),
        (None, False, None),
        (None, True, "shared service db was started by hand in the Compose project legacy"),
    ],
)
def test_warnings(here, update, words):
    _work, warnings = shared_services.shared_work(CONFIG, {**READY, "db": [container("db", here)]}, update, set())
    assert len(warnings) == (words is not None)
    assert all(words in warning for warning in warnings)


def test_one_of_ours_does_not_find_one_that_was_started_by_hand():
    with pytest.raises(ComposeError, match=("shared service db needs cache, which was started by hand")):
        shared_services.shared_work(CONFIG, {"cache": [container("cache", None)]}, False, set())


DATA, PART = Place("directory", "/srv/data"), Place("directory", "/srv/data/pg")
VOLUME = Place("volume", "shop_data")


@pytest.mark.parametrize(
    "starting, places, by_design, words",
    [
        (VOLUME, [VOLUME], [], "would start on the volume shop_data, which the container legacy-db-1 writes. Two"),
        (VOLUME, [Place("volume", "other")], [], None),
        (VOLUME, [VOLUME], [VOLUME], None),
        (VOLUME, [], [], None),
        (DATA, [DATA], [], "would start on the directory /srv/data, which the container legacy-db-1 writes. Two"),
        (
            PART,
            [DATA],
            [],
            r"the directory /srv/data/pg, which the container legacy-db-1 writes \(directory /srv/data\)\.",
        ),
        # What the file has its service write does not excuse what else the container writes.
        (DATA, [DATA], [VOLUME], "would start on the directory /srv/data"),
    ],
)
def test_two_never_write_the_same_files(starting, places, by_design, words):
    running = [{"name": "legacy-db-1", "places": places, "by_design": by_design}]
    if words:
        with pytest.raises(ComposeError, match=words):
            shared_services.refuse_second_writer({"db": [starting]}, running)
    else:
        shared_services.refuse_second_writer({"db": [starting]}, running)


def test_without_what_was_started_by_hand():
    assert sorted(shared_services.without_services(CONFIG, ["cache"])["services"]) == ["db"]
    assert "depends_on" not in shared_services.without_services(CONFIG, ["cache"])["services"]["db"]
    assert shared_services.without_services(CONFIG, []) == CONFIG
