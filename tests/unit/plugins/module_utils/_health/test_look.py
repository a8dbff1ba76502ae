# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import SUBSCRIBED, Notice
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ReleaseFailed
from ansible_collections.hotswap.compose.plugins.module_utils._health.look import LOOK_ARGUMENTS, Look, rules_of

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "inspect"


def inspected(name, **more):
    return dict(json.loads((FIXTURES / (name + ".json")).read_text()), Id="c1", **more)


class StandInEngine:
    """Has one container, as inspected, or none."""

    def __init__(self, container):
        self.container = container
        self.notices = [Notice(SUBSCRIBED, None)]
        self.closed = False

    def events(self, _labels, _actions):
        return self

    def next(self, timeout):
        assert timeout <= 0, "it would wait"
        return self.notices.pop() if self.notices else None

    def close(self):
        self.closed = True

    def answer_within(self, _limit):
        pass

    def list_containers(self, _labels):
        return [{"Id": "c1", "Labels": self.container["Config"]["Labels"]}] if self.container else []

    def inspect(self, _container_id):
        return self.container

    def log_tail(self, _container_id, _lines):
        return ["out of luck"]


def params(**given):
    return {**{name: spec.get("default") for name, spec in LOOK_ARGUMENTS.items()}, "project_name": "shop", **given}


SEEN = {"c1": {"name": "was-1", "started_at": inspected("healthy")["State"]["StartedAt"], "restarts": 0}}
BAD = [
    (inspected("crashed"), {}, "shop-crashed-1 exited with 3 after 1.2 s, after the swap"),
    (inspected("healthy", RestartCount=1), {}, "shop-healthy-1 was restarted once (none allowed), after the swap"),
    (
        inspected("healthy"),
        {"services": ["healthy"], "replicas": {"healthy": 2}},
        "project shop has 1 of 2 containers of the service healthy, after the swap",
    ),
    (
        inspected("healthy"),
        {"seen": {"c2": SEEN["c1"]}},
        "was-1 was removed or replaced after it was ready, after the swap",
    ),
    (None, {}, "project shop has no containers; check that docker compose up ran under this name, after the swap"),
]


@pytest.mark.parametrize("container, given, message", BAD)
def test_color_that_is_not_as_it_was(container, given, message, monkeypatch):
    for follow in (False, True):
        engine = StandInEngine(container)
        look = Look(engine, params(**given), "after the swap")
        monkeypatch.setattr(engine, "last_exit_code", lambda *_: None, raising=False)
        with pytest.raises(ReleaseFailed) as error:
            if follow:
                with look.following() as refuse_failed:
                    refuse_failed()
            else:
                look.refuse_unready()
        assert str(error.value) == message
        assert [each["log"] for each in error.value.containers] == ([["out of luck"]] if container else [])
        assert engine.closed is follow


@pytest.mark.parametrize("container", [inspected("healthy"), inspected("plain")])
def test_color_that_is_as_it_was(container):
    engine = StandInEngine(container)
    seen = {"c1": dict(SEEN["c1"], started_at=container["State"]["StartedAt"])}
    look = Look(engine, params(seen=seen), "after the swap")
    look.refuse_unready()
    with look.following() as refuse_failed:
        refuse_failed()
        engine.container = inspected("crashed")
        refuse_failed()  # no event has told of it yet


def test_color_that_starts_is_no_failure_while_it_is_followed_and_not_ready():
    look = Look(StandInEngine(inspected("starting")), params(), "after the swap")
    with look.following() as refuse_failed:
        refuse_failed()
    with pytest.raises(ReleaseFailed, match="not ready yet"):
        look.refuse_unready()


@pytest.mark.parametrize("limit, more, allowed", [(0, 0, 0), (1, 2, 3), (-1, 0, float("inf"))])
def test_allowed_restarts(limit, more, allowed):
    assert rules_of(params(max_restarts=limit), more).max_restarts == allowed
