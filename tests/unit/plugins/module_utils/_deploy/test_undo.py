# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import undo
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import CREATE, PROMOTE, START, WARM
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.recovery import BACK, KEEP, UNDO
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.steps import ORDER, UNTIMED

NOTHING = {"failed": False, "changed": False}
MOVED = {"failed": False, "changed": True}
REFUSED = {"failed": True, "changed": False}

BEFORE_START = ("detect", "prepare", "build", "shared")
BEFORE_SWAP = ("start", "gate", "smoke", "preview")
FROM_SWAP = ("canary", "swap", "exclusive", "bake", "drain")
UNKNOWN = "of a newer version"


def a_plan(how=CREATE, **fields):
    return {"how": how, "can_go_back": True, "exclusive": [], "previous_exclusive": [], "steps": [], **fields}


def test_every_phase_that_a_run_can_fail_in_is_in_one_of_the_tables():
    after = {"retire", "record"}  # a failure is a warning
    tables = {*BEFORE_START, *BEFORE_SWAP, *FROM_SWAP, "migrate"}
    assert set(ORDER) - set(UNTIMED) - after == tables - {
        "detect"
    }  # a failure in what is untimed counts to the phase before


@pytest.mark.parametrize("phase", [*BEFORE_START, *BEFORE_SWAP, "migrate"])
@pytest.mark.parametrize("can_go_back", [True, False])
@pytest.mark.parametrize("introduced", [True, False])
def test_before_the_swap_nginxs_file_goes_back_if_it_was_written(phase, can_go_back, introduced):
    assert undo.to_put_back(phase, a_plan(can_go_back=can_go_back), introduced) is introduced


@pytest.mark.parametrize("phase", [*FROM_SWAP, UNKNOWN])
@pytest.mark.parametrize("can_go_back", [True, False])
@pytest.mark.parametrize("introduced", [True, False])
def test_from_the_swap_on_it_goes_back_if_there_is_a_color_to_go_back_to(phase, can_go_back, introduced):
    assert undo.to_put_back(phase, a_plan(can_go_back=can_go_back), introduced) is can_go_back


@pytest.mark.parametrize("phase", [*BEFORE_START, *BEFORE_SWAP, "migrate"])
@pytest.mark.parametrize("can_go_back", [True, False])
@pytest.mark.parametrize("put_back", [NOTHING, MOVED, REFUSED])
def test_before_the_swap_the_active_color_keeps_the_traffic(phase, can_go_back, put_back):
    assert undo.decide_undo(phase, a_plan(can_go_back=can_go_back), False, put_back) == UNDO


@pytest.mark.parametrize("phase", [*FROM_SWAP, UNKNOWN])
@pytest.mark.parametrize(
    "can_go_back, swapped, put_back, decision",
    [
        (True, True, MOVED, BACK),
        (True, True, REFUSED, undo.UNSURE),
        (True, False, MOVED, BACK),  # nginx refused to show its proof, and had the new file perhaps
        (True, False, NOTHING, UNDO),  # the file was never written
        (True, False, REFUSED, undo.UNSURE),
        (False, True, NOTHING, KEEP),
        (False, False, NOTHING, UNDO),
    ],
)
def test_from_the_swap_on(phase, can_go_back, swapped, put_back, decision):
    assert undo.decide_undo(phase, a_plan(can_go_back=can_go_back), swapped, put_back) == decision


@pytest.mark.parametrize(
    "decision, kept_traffic, new_keeps_it, outcome",
    [
        (UNDO, True, False, "rejected"),
        (BACK, True, False, "rolled_back"),
        (KEEP, False, True, "rejected"),
        (undo.UNSURE, False, False, "rejected"),
    ],
)
def test_what_became_of_the_traffic(decision, kept_traffic, new_keeps_it, outcome):
    acts = undo.acts_of(decision, "swap", a_plan())
    assert (acts["kept_traffic"], acts["new_keeps_it"], acts["outcome"]) == (kept_traffic, new_keeps_it, outcome)


REMOVE, STOP, LEAVE = (True, False), (False, True), (False, False)


@pytest.mark.parametrize("phase", [*BEFORE_SWAP, *FROM_SWAP])
@pytest.mark.parametrize(
    "how, exclusive, expected",
    [
        (CREATE, [], REMOVE),
        (PROMOTE, [], REMOVE),
        (START, [], STOP),
        (WARM, [], LEAVE),
        (CREATE, ["worker"], REMOVE),
        (WARM, ["worker"], STOP),
    ],
)
def test_the_new_containers(phase, how, exclusive, expected):
    for decision in (UNDO, BACK):
        acts = undo.acts_of(decision, phase, a_plan(how, exclusive=exclusive))
        assert (acts["remove"], acts["stop"]) == expected
    for decision in (KEEP, undo.UNSURE):  # they may serve
        acts = undo.acts_of(decision, phase, a_plan(how, exclusive=exclusive))
        assert (acts["remove"], acts["stop"]) == LEAVE


@pytest.mark.parametrize("phase", BEFORE_START)
@pytest.mark.parametrize("how", [CREATE, START, WARM, PROMOTE])
def test_before_the_start_the_idle_color_is_left_alone(phase, how):
    acts = undo.acts_of(UNDO, phase, a_plan(how, exclusive=["worker"], steps=["create"]))
    assert (acts["remove"], acts["stop"]) == LEAVE


@pytest.mark.parametrize("steps, expected", [(["create", "migrate"], REMOVE), (["migrate"], LEAVE)])
def test_a_migration_fails_before_the_start_unless_containers_were_created(steps, expected):
    acts = undo.acts_of(UNDO, "migrate", a_plan(steps=steps))
    assert (acts["remove"], acts["stop"]) == expected


@pytest.mark.parametrize("decision", [UNDO, BACK, KEEP, undo.UNSURE])
@pytest.mark.parametrize("phase", [*BEFORE_START, *BEFORE_SWAP, *FROM_SWAP])
@pytest.mark.parametrize("previous", [[], ["worker-id"]])
def test_the_exclusive_services_of_the_active_color(decision, phase, previous):
    acts = undo.acts_of(decision, phase, a_plan(previous_exclusive=previous))
    assert acts["start_exclusive"] is (decision in (UNDO, BACK) and phase in FROM_SWAP and bool(previous))
