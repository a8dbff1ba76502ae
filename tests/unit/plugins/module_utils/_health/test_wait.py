# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waiter, driven by a scripted Engine and a clock that only moves when the waiter would sleep."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import EVENT, LOST, SUBSCRIBED, Notice
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._health import verdict
from ansible_collections.hotswap.compose.plugins.module_utils._health.probe import HEALTHY, STARTING, ProbeState, Reply
from ansible_collections.hotswap.compose.plugins.module_utils._health.wait import (
    Waiter,
    evidence,
    timeout_warnings,
    witnesses,
)

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures" / "inspect"
WALL = 1_800_000_000.0


def inspected(name, container_id="c1", service="was", started_at=None):
    container = json.loads((FIXTURES / (name + ".json")).read_text())
    container["Id"] = container_id
    container["Name"] = f"/{service}-{container_id}"
    container["Config"]["Labels"][verdict.SERVICE_LABEL] = service
    if started_at:
        container["State"]["StartedAt"] = started_at
    return container


def restarted(container, count):
    container["RestartCount"] = count
    return container


class FakeClock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def time(self):
        return WALL + self.now - 100.0


class FakeEngine:
    """``script``: what happens at which second; {id: container} puts (None: removes) containers, a Notice is told as
    it is, a function changes the containers in silence, a text makes every call fail with it until "" comes."""

    def __init__(self, clock, script):
        self.clock = clock
        self.script = sorted(script, key=lambda step: step[0])
        self.containers = {}
        self.notices = []
        self.broken = ""
        self.inspections = []
        self.closed = False
        self._play()

    def _play(self):
        while self.script and self.script[0][0] <= self.clock.now - 100.0:
            at, step = self.script.pop(0)
            if isinstance(step, Notice):
                self.notices.append(step)
            elif isinstance(step, str):
                self.broken = step
            elif callable(step):
                step(self.containers)
            else:
                self._put(at, step)

    def _put(self, at, containers):
        for container_id, container in containers.items():
            attributes = (container or self.containers[container_id])["Config"]["Labels"]
            if container is None:
                del self.containers[container_id]
            else:
                self.containers[container_id] = container
            detail = {"Actor": {"ID": container_id, "Attributes": attributes}, "timeNano": int((WALL + at) * 1e9)}
            self.notices.append(Notice(EVENT, detail))

    def _check(self):
        if self.broken:
            raise EngineError(self.broken)

    def events(self, labels, actions):
        assert labels == ["com.docker.compose.project=shop"]
        return self

    def close(self):
        self.closed = True

    def next(self, timeout):
        assert timeout < 1000, "would sleep for ever"
        wake = self.clock.now + max(timeout, 0)
        if not self.notices and self.script and self.script[0][0] + 100.0 <= wake:
            self.clock.now = max(self.clock.now, self.script[0][0] + 100.0)
            self._play()
            return self.next(max(wake - self.clock.now, 0)) if not self.notices else self.notices.pop(0)
        if not self.notices:
            self.clock.now = wake
            return None
        return self.notices.pop(0)

    def answer_within(self, limit):
        assert limit >= 1

    def list_containers(self, labels):
        self._check()
        return [{"Id": one["Id"], "Labels": one["Config"]["Labels"]} for one in self.containers.values()]

    def inspect(self, container_id):
        self._check()
        self.inspections.append(container_id)
        return self.containers.get(container_id)

    def last_exit_code(self, container_id, until):
        self._check()
        return 3

    def log_tail(self, container_id, lines):
        self._check()
        return ["line of " + container_id][:lines]


SUBSCRIPTION = (0, Notice(SUBSCRIBED, None))


def wait(*script, subscription=SUBSCRIPTION, rules=None, **options):
    clock = FakeClock()
    steps = ([subscription] if subscription else []) + list(script)
    engine = FakeEngine(clock, steps)
    changes = []
    waiter = Waiter(engine, "shop", verdict.Rules(**(rules or {})), clock=clock, on_change=changes.append, **options)
    outcome = waiter.wait()
    assert engine.closed
    return outcome, waiter, engine, changes


def test_ready_at_the_last_healthy_event():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting"), "c2": inspected("starting", "c2")}),
        (3, {"c2": inspected("healthy", "c2")}),
        (4.5, {"c1": inspected("healthy")}),
    )
    assert outcome == (verdict.READY, "2 containers are ready")
    assert (waiter.elapsed, waiter.reaction) == (4.5, 0.0)
    assert engine.inspections == ["c1", "c2", "c2", "c1"]
    assert [(change.at, change.name, change.state) for change in changes] == [
        (0, "was-c1", "starting"),
        (0, "was-c2", "starting"),
        (3, "was-c2", "healthy"),
        (4.5, "was-c1", "healthy"),
    ]


def test_a_state_that_an_earlier_check_has_shown_is_no_change():
    found = {"c1": inspected("starting"), "c2": inspected("healthy", "c2")}
    seen = {
        name: {"name": f"was-{name}", "started_at": each["State"]["StartedAt"], "restarts": 0}
        for name, each in found.items()
    }
    _outcome, waiter, _engine, changes = wait(
        (0, {**found, "c3": inspected("starting", "c3")}),
        (3, {"c1": inspected("healthy"), "c3": inspected("healthy", "c3")}),
        rules={"seen": seen},
    )
    assert [str(change) for change in changes] == [
        "was-c2: healthy after 0 s",
        "was-c3: starting after 0 s",
        "was-c1: starting → healthy after 3 s",
        "was-c3: starting → healthy after 3 s",
    ]
    assert [each["state"] for each in waiter.records["c1"].timeline] == ["starting", "healthy"]


def test_ready_at_the_first_look_has_no_reaction():
    outcome, waiter, engine, changes = wait((0, {"c1": inspected("healthy")}))
    assert (outcome.status, waiter.elapsed, waiter.reaction) == (verdict.READY, 0.0, None)


def test_fails_at_the_first_that_cannot_become_ready():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting"), "c2": inspected("starting", "c2")}),
        (2, {"c2": inspected("crashed", "c2")}),
        (3, {"c1": inspected("healthy")}),
    )
    assert outcome == (verdict.FAILED, "was-c2 exited with 3 after 1.2 s")
    assert (waiter.elapsed, waiter.reaction) == (2.0, 0.0)
    reports = evidence(engine, list(waiter.records.values()), outcome, 50)
    assert [report["log"] for report in reports] == [[], ["line of c2"]]


def test_what_something_else_was_found_wrong_with_has_its_log():
    engine = FakeEngine(FakeClock(), [(0, {"c1": inspected("healthy"), "c2": inspected("healthy", "c2")})])
    found = witnesses(engine, ["c2", "gone", "c1"], 50)
    assert [(each["id"], each["verdict"], each["log"]) for each in found] == [
        ("c1", verdict.READY, ["line of c1"]),
        ("c2", verdict.READY, ["line of c2"]),
    ]


def test_fails_at_once_without_containers():
    outcome, waiter, engine, changes = wait()
    assert outcome.text.startswith("project shop has no containers")
    assert waiter.elapsed == 0.0


def test_fails_at_once_for_a_missing_service():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting")}), rules={"services": frozenset(["was", "signal"])}
    )
    assert outcome == (verdict.FAILED, "project shop has no container of the service signal")
    assert waiter.elapsed == 0.0


def test_fails_when_a_container_is_removed():
    outcome, waiter, engine, changes = wait((0, {"c1": inspected("starting")}), (1, {"c1": None}))
    assert outcome == (verdict.FAILED, "was-c1 was removed during the wait")
    (report,) = evidence(engine, list(waiter.records.values()), outcome, 50)
    assert (report["state"], report["health"], report["log"]) == ("removed", None, [])


def test_waits_for_a_container_that_comes_later():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting")}),
        (1, {"c2": inspected("starting", "c2")}),
        (2, {"c1": inspected("healthy")}),
        (3, {"c2": inspected("healthy", "c2")}),
    )
    assert (outcome.status, waiter.elapsed) == (verdict.READY, 3.0)


def test_ignores_one_offs_and_services_that_are_not_asked_for():
    outcome, waiter, engine, changes = wait(
        (
            0,
            {
                "c1": inspected("starting"),
                "run": inspected("oneoff", "run"),
                "w1": inspected("crashed", "w1", "worker"),
            },
        ),
        (1, {"run": inspected("oneoff", "run"), "w2": inspected("crashed", "w2", "worker")}),
        (2, {"c1": inspected("healthy")}),
        rules={"services": frozenset(["was"])},
    )
    assert (outcome, waiter.elapsed) == ((verdict.READY, "1 container is ready"), 2.0)
    assert set(engine.inspections) == {"c1"}


def test_says_the_exit_code_of_what_runs_again():
    died = {"ID": "c1", "Attributes": {verdict.SERVICE_LABEL: "was", "exitCode": "4"}}
    again = {"ID": "c1", "Attributes": {verdict.SERVICE_LABEL: "was"}}
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting")}),
        (2, Notice(EVENT, {"Actor": died, "timeNano": int((WALL + 2) * 1e9)})),
        (2, Notice(EVENT, {"Actor": again, "timeNano": int((WALL + 2.5) * 1e9)})),
        (2, lambda containers: containers.update(c1=restarted(inspected("starting"), 1))),
    )
    assert outcome == (verdict.FAILED, "was-c1 was restarted once (none allowed): it exited with 4")
    assert engine.inspections == ["c1", "c1"]


def test_timeout_lists_what_is_awaited():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("healthy"), "c2": inspected("starting", "c2", "signal")}), timeout=12
    )
    assert outcome == (verdict.FAILED, "timed out after 12 s: signal-c2 is not healthy yet (not checked yet)")
    assert (waiter.elapsed, waiter.reaction) == (12.0, None)
    reports = evidence(engine, list(waiter.records.values()), outcome, 50)
    assert [report["log"] for report in reports] == [["line of c2"], []]


def test_timeout_tells_of_the_last_probe_though_no_event_does():
    def probe(containers):
        failed = {"Start": "2026-11-23T15:21:02Z", "End": "2026-11-23T15:21:02Z", "ExitCode": 1, "Output": "not yet"}
        containers["c1"]["State"]["Health"]["Log"] = [failed]

    outcome, waiter, engine, changes = wait((0, {"c1": inspected("starting")}), (1, probe), timeout=3)
    awaited = "was-c1 is not healthy yet (last health check exited with 1: not yet)"
    assert outcome == (verdict.FAILED, f"timed out after 3 s: {awaited}")
    reports = evidence(engine, list(waiter.records.values()), outcome, 50)
    assert [each["output"] for each in reports[0]["probes"]] == ["not yet"]


def test_timeout_of_zero_looks_once():
    outcome, waiter, engine, changes = wait((0, {"c1": inspected("starting")}), subscription=None, timeout=0)
    assert outcome == (verdict.FAILED, "timed out after 0 s: was-c1 is not healthy yet (not checked yet)")
    outcome, waiter, engine, changes = wait((0, {"c1": inspected("healthy")}), subscription=None, timeout=0)
    assert outcome.status == verdict.READY


def test_stable_for_comes_on_top_of_the_timeout():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting")}), (9, {"c1": inspected("healthy")}), timeout=10, stable_for=5
    )
    assert (outcome.status, waiter.elapsed, waiter.reaction) == (verdict.READY, 14.0, None)


def test_stable_for_sees_a_late_failure():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("healthy")}), (3, {"c1": inspected("unhealthy")}), stable_for=5
    )
    assert (outcome.status, waiter.elapsed, waiter.reaction) == (verdict.FAILED, 3.0, 0.0)


def test_stable_for_begins_anew_after_an_allowed_restart():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("healthy")}),
        (3, {"c1": restarted(inspected("starting"), 1)}),
        (4, {"c1": restarted(inspected("healthy"), 1)}),
        rules={"max_restarts": 1},
        stable_for=5,
    )
    assert (outcome.status, waiter.elapsed) == (verdict.READY, 9.0)


def test_min_uptime_is_waited_for_without_polling():
    started = inspected("plain", started_at="2027-01-15T07:59:58Z")  # 2 s before the wait
    assert verdict.epoch("2027-01-15T07:59:58Z") == WALL - 2
    outcome, waiter, engine, changes = wait(
        (0, {"c1": started}),
        rules={"traffic_services": frozenset(["was"]), "no_healthcheck": "running", "min_uptime": 6},
    )
    assert (outcome.status, waiter.elapsed, waiter.reaction) == (verdict.READY, 4.0, None)
    assert engine.inspections == ["c1", "c1"]


def test_the_safety_poll_finds_what_no_event_told():
    clock = FakeClock()
    engine = FakeEngine(clock, [SUBSCRIPTION, (0, {"c1": inspected("starting")})])
    engine.notices.pop()
    waiter = Waiter(engine, "shop", verdict.Rules(), clock=clock)
    waiter._take_in(engine, waiter._wake_at())
    engine.containers["c1"] = inspected("healthy")
    assert waiter.wait().status == verdict.READY
    assert (waiter.elapsed, waiter.reaction) == (5.0, None)


def test_looks_without_a_subscription_too():
    outcome, waiter, engine, changes = wait((0.5, {"c1": inspected("healthy")}), subscription=None)
    assert outcome.status == verdict.READY


def test_goes_on_after_the_engine_was_restarted():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting")}),
        (2, Notice(LOST, "no Docker Engine answers")),
        (2, "no Docker Engine answers"),
        (3, Notice(LOST, "no Docker Engine answers")),
        (7.9, ""),
        (8, {"c1": inspected("healthy")}),
        (8, Notice(SUBSCRIBED, None)),
    )
    assert (outcome.status, waiter.elapsed) == (verdict.READY, 8.0)


def test_says_that_the_engine_is_gone():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("starting")}),
        (2, "no Docker Engine answers"),
        (2, Notice(LOST, "no Docker Engine answers")),
        timeout=10,
    )
    assert outcome.status == verdict.FAILED
    assert outcome.text == "timed out after 10 s: no Docker Engine answers; was-c1 is not healthy yet (not checked yet)"


def test_nothing_is_ready_while_the_engine_is_silent():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("healthy")}),
        (2, "no Docker Engine answers"),
        (2, Notice(LOST, "no Docker Engine answers")),
        stable_for=5,
        timeout=10,
    )
    assert outcome == (verdict.FAILED, "timed out after 35 s: no Docker Engine answers")


STREAM_LOST = Notice(LOST, "the Engine ended the stream of events")


@pytest.mark.parametrize("lost", [3, 7, 14])
def test_what_was_ready_when_the_engine_fell_silent_is_ready_since_then(lost):
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("healthy")}),
        (lost, STREAM_LOST),
        (lost + 0.5, Notice(SUBSCRIBED, None)),
        stable_for=15,
        timeout=10,
    )
    assert (outcome.status, waiter.elapsed) == (verdict.READY, 15)


def test_what_restarted_while_the_engine_was_silent_is_not():
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("healthy")}),
        (7, STREAM_LOST),
        (8, lambda containers: containers.update(c1=restarted(inspected("healthy"), 1))),
        (9, Notice(SUBSCRIBED, None)),
        rules={"max_restarts": 1},
        stable_for=15,
        timeout=10,
    )
    assert (outcome.status, waiter.elapsed) == (verdict.READY, 24)


def test_what_runs_again_is_told_with_what_it_exited():
    outcome, waiter, engine, changes = wait(
        (0, lambda containers: containers.update(c1=restarted(inspected("healthy"), 2)))
    )
    assert outcome.text == "was-c1 was restarted 2 times (none allowed): it exited with 3"


def test_a_log_that_cannot_be_read_is_no_error():
    outcome, waiter, engine, changes = wait((0, {"c1": inspected("crashed")}))
    engine.broken = "the driver does not support reading"
    (report,) = evidence(engine, list(waiter.records.values()), outcome, 50)
    assert report["log"] == ["(no log: the driver does not support reading)"]


def test_look_once():
    clock = FakeClock()
    engine = FakeEngine(clock, [(0, {"c1": inspected("starting")})])
    assert Waiter(engine, "shop", verdict.Rules(), clock=clock).look_once().status == verdict.PENDING
    engine.broken = "no Docker Engine answers"
    with pytest.raises(EngineError, match="no Docker Engine answers"):
        Waiter(engine, "shop", verdict.Rules(), clock=clock).look_once()


def test_warnings_are_said_once_a_service():
    outcome, waiter, engine, changes = wait(
        (
            0,
            {"c1": inspected("healthy"), "c2": inspected("healthy", "c2"), "c3": inspected("defaults", "c3", "signal")},
        ),
        timeout=20,
    )
    warnings = timeout_warnings(list(waiter.records.values()), 20)
    assert [warning.split(" may ")[0] for warning in warnings] == [
        "the healthcheck of service signal",
        "the healthcheck of service was",
    ]


# While Compose brings the containers up


def labelled(name, depends_on, container_id="c1", service="was"):
    container = inspected(name, container_id, service)
    container["Config"]["Labels"][verdict.DEPENDS_ON_LABEL] = depends_on
    return container


class Coming:
    """``docker compose up``, which ends at a second of the clock."""

    def __init__(self, ends):
        self.ends = ends
        self.clock = None

    def __call__(self):
        return self.clock.now < 100.0 + self.ends


def follow(*script, ends=3.0, rules=None, **options):
    clock, coming = FakeClock(), Coming(ends)
    coming.clock = clock
    engine = FakeEngine(clock, [SUBSCRIPTION, *script])
    waiter = Waiter(engine, "shop", verdict.Rules(**(rules or {})), clock=clock, coming=coming, **options)
    return waiter.wait(), waiter, engine


THREE = {"services": frozenset(["was"]), "replicas": {"was": 2}}


def test_wait_ends_with_compose():
    outcome, waiter, _engine = follow(
        (1, {"c1": inspected("starting")}), (2, {"c2": inspected("starting", "c2")}), rules=THREE
    )
    assert (outcome.status, waiter.elapsed) == (verdict.PENDING, pytest.approx(3.0, abs=0.3))
    assert sorted(waiter.seen()) == ["c1", "c2"]


def test_ready_is_not_said_before_compose_has_ended():
    outcome, waiter, _engine = follow((0, {"c1": inspected("healthy")}))
    assert (outcome.status, waiter.elapsed) == (verdict.READY, pytest.approx(3.0, abs=0.3))


def test_container_that_is_missing_once_compose_has_ended():
    outcome, _waiter, _engine = follow((1, {"c1": inspected("healthy")}), rules=THREE)
    assert outcome == (verdict.FAILED, "project shop has 1 of 2 containers of the service was")


def test_container_that_fails_ends_the_wait_at_once():
    outcome, waiter, _engine = follow((1, {"c1": inspected("crashed")}), ends=60)
    assert outcome == (verdict.FAILED, "was-c1 exited with 3 after 1.2 s")
    assert waiter.elapsed == 1.0


@pytest.mark.parametrize("name", ["crashed", "unhealthy"])
def test_container_of_before_is_not_judged_until_compose_has_come_to_it(name):
    """Compose replaces it, or starts it."""
    before = inspected(name, "old")
    replaced = ((1, {"old": None}), (1.5, {"c1": inspected("healthy")}))
    assert follow((0, {"old": before}), *replaced)[0].status == verdict.READY
    started = (1, {"old": inspected("healthy", "old", started_at="2026-11-28T00:00:00Z")})
    assert follow((0, {"old": before}), started)[0].status == verdict.READY
    outcome, waiter, _engine = follow((0, {"old": before}))
    assert (outcome.status, waiter.elapsed) == (verdict.FAILED, pytest.approx(3.0, abs=0.3))


def test_container_of_before_may_be_seen_replaced_once_compose_has_ended():
    """On a busy machine, the events of the Engine come late."""

    def replace(containers):
        del containers["old"]
        containers["c1"] = inspected("healthy")

    found = follow((0, {"old": inspected("crashed", "old")}), (2.7, replace), ends=2.7)
    assert found[0].status == verdict.READY
    assert sorted(found[1].records) == ["c1"]


def test_container_of_before_that_fails_anew():
    again = inspected("crashed", "old", started_at="2026-11-28T00:00:00Z")
    outcome, waiter, _engine = follow((0, {"old": inspected("created", "old")}), (1, {"old": again}), ends=60)
    assert (outcome.status, waiter.elapsed) == (verdict.FAILED, 1.0)


def test_deadline_names_the_one_shot_that_others_wait_for():
    web = labelled("created", "init:service_completed_successfully:false")
    outcome, waiter, engine = follow(
        (0.25, {"c1": web, "i1": inspected("plain", "i1", "init")}), ends=600, timeout=20, began=95.0
    )
    text = "timed out after 20 s: init-i1 has not completed yet; was-c1 is created"
    assert outcome == (verdict.FAILED, text)
    assert waiter.elapsed == 20.0  # of which 5 were over
    reports = evidence(engine, list(waiter.records.values()), outcome, 50)
    assert [report["log"] for report in reports] == [["line of i1"], ["line of c1"]]


def test_deadline_of_a_compose_that_makes_no_container():
    outcome, _waiter, _engine = follow(ends=600, timeout=20)
    assert outcome == (verdict.FAILED, "timed out after 20 s: docker compose up is still running")


# A look that is asked from outside


def test_following():
    clock = FakeClock()
    engine = FakeEngine(clock, [SUBSCRIPTION, (0, {"c1": inspected("healthy")}), (2, {"c1": inspected("crashed")})])
    waiter = Waiter(engine, "shop", verdict.Rules(), clock=clock)
    statuses = []
    with waiter.following() as look:
        for _number in range(4):
            statuses.append(look().status)
            clock.now += 0.9
            engine._play()
    assert statuses == [verdict.READY] * 3 + [verdict.FAILED]
    assert engine.closed


def test_engine_that_restarts_may_restart_the_containers():
    seen = {"c1": {"name": "was-c1", "started_at": "2026-01-01T00:00:00Z", "restarts": 0}}
    script = [(0, {"c1": inspected("starting")}), (1, {"c1": inspected("healthy")})]
    assert wait(*script, rules={"seen": seen})[0].status == verdict.FAILED
    lost = [(0, Notice(LOST, "gone")), (0, Notice(SUBSCRIBED, None))]
    assert wait(*lost, *script, rules={"seen": seen}, subscription=None)[0].status == verdict.READY


def test_a_service_that_completes_later_does_not_begin_the_time_anew():
    running = inspected("plain", "c2", "seed")
    outcome, waiter, engine, changes = wait(
        (0, {"c1": inspected("healthy"), "c2": running}),
        (6, {"c2": inspected("oneshot", "c2", "seed", started_at=running["State"]["StartedAt"])}),
        stable_for=10,
    )
    assert outcome == (verdict.READY, "2 containers are ready, 1 of them completed")
    assert waiter.elapsed == 10.0
    assert set(waiter.seen()) == {"c1"}  # whatever removes stopped containers may remove the other one


class FakeProber:
    """``script``: ``(s, passed)`` of each reply of c1, which it tells as a Prober does."""

    def __init__(self, engine, *script, status=STARTING):
        self.state = ProbeState(status)
        self.closed = False
        self.tell = None
        for at, passed in script:
            engine.script.append((at, self.step(at, passed)))
        engine.script.sort(key=lambda step: step[0])

    def step(self, at, passed):
        def act(_containers):
            self.state = self.state.after(Reply(passed, f"asked at {at}", WALL + at), PROBE)
            self.tell("c1", WALL + at)

        return act

    def follow(self, container):
        pass

    def state_of(self, container):
        return self.state

    def settle(self, patient=True):
        if patient or not self.state.replies:
            self.state = self.state.after(Reply(True, "asked once", WALL), PROBE)

    def close(self):
        self.closed = True


PROBE = {"healthy_after": 1, "unhealthy_after": 2}


def probed(*script, containers=None, status=STARTING, rules=None, **options):
    clock = FakeClock()
    engine = FakeEngine(clock, [SUBSCRIPTION, (0, {"c1": inspected("plain")}), *(containers or [])])
    engine.tell = engine.notices.append
    prober = FakeProber(engine, *script, status=status)
    given = verdict.Rules(traffic_services=frozenset(["was"]), **(rules or {}))
    waiter = Waiter(engine, "shop", given, clock=clock, prober=prober, **options)
    outcome = waiter.wait()
    assert prober.closed
    return outcome, waiter, engine


def test_a_probe_that_passes_ends_the_wait_at_once():
    outcome, waiter, engine = probed((1, False), (2.5, True))
    assert outcome == (verdict.READY, "1 container is ready")
    assert (waiter.elapsed, waiter.reaction) == (2.5, 0.0)
    assert [step["state"] for step in waiter.records["c1"].timeline] == ["starting", "healthy"]
    assert engine.inspections == ["c1"]  # a reply costs no call to the Engine
    assert waiter.seen()["c1"]["probed"] is True


def test_a_probe_that_never_passes():
    outcome, waiter, engine = probed((1, False), (2, False), (3, False), timeout=4)
    text = "timed out after 4 s: was-c1 has not passed its probe yet (asked at 3)"
    assert outcome == (verdict.FAILED, text)
    (report,) = waiter.evidence(outcome, 50)
    assert [each["output"] for each in report["probes"]] == ["asked at 1", "asked at 2", "asked at 3"]
    assert report["log"] == ["line of c1"]
    assert "probed" not in waiter.seen()["c1"]


@pytest.mark.parametrize(
    "replies, status", [([True, False, True], verdict.READY), ([True, False, False], verdict.FAILED)]
)
def test_a_probe_that_fails_while_all_must_stay_ready(replies, status):
    outcome, waiter, _engine = probed(*enumerate(replies, 1), stable_for=8)
    assert outcome.status == status
    assert waiter.elapsed == (9.0 if status == verdict.READY else 3.0)


def test_what_passed_before_must_pass_again():
    outcome, waiter, _engine = probed((1, True), status=HEALTHY)
    assert (outcome.status, waiter.elapsed) == (verdict.READY, 1.0)
    assert (
        probed((1, False), (2, False), status=HEALTHY)[0].text
        == "was-c1 failed its probe 2 times in a row (asked at 2)"
    )


def test_what_came_up_late_is_probed_once():
    """Compose took all of the time."""
    assert probed(began=0.0, timeout=30)[0].status == verdict.READY


def test_one_look_probes():
    clock = FakeClock()
    engine = FakeEngine(clock, [(0, {"c1": inspected("plain")})])
    prober = FakeProber(engine)
    waiter = Waiter(engine, "shop", verdict.Rules(traffic_services=frozenset(["was"])), clock=clock, prober=prober)
    assert waiter.look_once().status == verdict.READY
    assert prober.closed
