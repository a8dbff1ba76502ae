# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils._docker import lifecycle
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.tests.unit.stand_ins import StandInEngine, summary

JOURNALS = pathlib.Path(__file__).parents[1] / "fixtures" / "journal"


def small(service, *depends_on, replica=1):
    return {"id": f"{service}-{replica}", "service": service, "depends_on": list(depends_on)}


@pytest.mark.parametrize(
    "stack, waves",
    [
        ([], []),
        ([small("was"), small("signal")], [["was-1", "signal-1"]]),
        ([small("cache"), small("was", "cache")], [["was-1"], ["cache-1"]]),
        (
            [
                small("db"),
                small("was", "cache", "db", replica=1),
                small("was", "cache", "db", replica=2),
                small("cache", "db"),
            ],
            [["was-1", "was-2"], ["cache-1"], ["db-1"]],
        ),
        ([small("was", "elsewhere")], [["was-1"]]),
        ([small("a", "b"), small("b", "a"), small("c", "a")], [["c-1"], ["a-1", "b-1"]]),
        ([small("a", "a")], [["a-1"]]),
    ],
)
def test_stop_order(stack, waves):
    assert [[container["id"] for container in wave] for wave in lifecycle.stop_order(stack)] == waves


@st.composite
def stacks(draw):
    names = [f"s{number}" for number in range(draw(st.integers(1, 6)))]
    stack = []
    for number, name in enumerate(names):
        # On later ones only, so that no circle comes up.
        depends_on = draw(st.lists(st.sampled_from(names[number + 1 :]), unique=True)) if names[number + 1 :] else []
        stack += [small(name, *depends_on, replica=replica) for replica in range(draw(st.integers(1, 2)))]
    return draw(st.permutations(stack))


@given(stacks())
def test_everyone_is_stopped_once_and_nobody_before_its_dependants(stack):
    waves = lifecycle.stop_order(stack)
    assert sorted(container["id"] for wave in waves for container in wave) == sorted(each["id"] for each in stack)
    when = {container["service"]: number for number, wave in enumerate(waves) for container in wave}
    for container in stack:
        assert all(when[container["service"]] < when[needed] for needed in container["depends_on"])


def test_stopped_for_good_with_their_own_grace():
    engine = StandInEngine()
    was, cache = summary("ours"), summary("ours_stopped")
    lifecycle.stop_in_order(engine, [cache, was])
    never = {"restart_policy": {"Name": "no", "MaximumRetryCount": 0}}
    assert engine.told == [
        ("update_container", was["id"], never),
        ("stop", was["id"], {"timeout": 3}),
        ("update_container", cache["id"], never),
        ("stop", cache["id"], {"timeout": 10}),
    ]


def test_one_that_ends_while_it_is_told_is_stopped_first(monkeypatch):
    """Real Engines refused in 7 of 120 crash loops: "Cannot update container …: container not running"."""
    engine = StandInEngine()

    def runs_no_more(container_id, restart_policy):
        if ("stop", container_id, {"timeout": 3}) not in engine.told:
            raise EngineError("the Docker Engine refused: Cannot update container: container not running")
        engine.told.append(("update_container", restart_policy["Name"]))

    monkeypatch.setattr(engine, "update_container", runs_no_more, raising=False)
    lifecycle.stop_in_order(engine, [summary("ours")])
    assert engine.told == [("stop", summary("ours")["id"], {"timeout": 3}), ("update_container", "no")]


def test_one_whose_stop_is_refused(monkeypatch):
    engine = StandInEngine()

    def refused(container_id, **options):
        raise EngineError("the Docker Engine can't be used")

    monkeypatch.setattr(engine, "stop", refused, raising=False)
    with pytest.raises(EngineError, match="can't be used"):
        lifecycle.stop_in_order(engine, [summary("ours")])


def test_started_after_what_they_depend_on_with_the_policy_of_before():
    engine = StandInEngine()
    was, cache = summary("ours"), summary("ours_stopped")
    policy = {"Name": "unless-stopped", "MaximumRetryCount": 0}
    lifecycle.start_in_order(engine, [was, cache], {was["id"]: policy, "gone": policy})
    assert engine.told == [
        ("start", cache["id"], {}),
        ("update_container", was["id"], {"restart_policy": policy}),
        ("start", was["id"], {}),
    ]


def test_removed_with_anonymous_volumes_where_asked():
    engine = StandInEngine()
    lifecycle.remove_all(engine, [summary("ours")], True)
    assert engine.told == [("remove_container", summary("ours")["id"], {"v": True, "force": True})]


@pytest.mark.parametrize("unfinished", [True, False])
def test_a_release_is_given_up_before_its_containers_go(tmp_path, monkeypatch, unfinished):
    """A kill in between must not leave a part of it that can be promoted."""
    state = AppState(str(tmp_path), "shop")
    state.create()
    found = json.loads((JOURNALS / "format-1-before-swap.json").read_text())["unfinished"]
    state.save(unfinished=found if unfinished else None)
    engine, seen = StandInEngine(), []

    def killed(*_args, **_options):
        seen.append(AppState(str(tmp_path), "shop").unfinished)
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "remove_container", killed, raising=False)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.give_up(engine, state, [summary("ours")], True)
    assert seen == [dict(found, given_up=True) if unfinished else None]
