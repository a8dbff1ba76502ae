# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows the containers of a Compose project by the Engine's events, until they are ready or can't become ready.

verdict.py rates the containers.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Callable, Iterator, NamedTuple

from .._docker.engine import EVENT, SUBSCRIBED, Notice
from .._errors import EngineError
from .._progress import ignore
from . import verdict
from .probe import HEALTHY

# The events that change a verdict. Each run of a healthcheck would cause many more.
ACTIONS = ["create", "start", "die", "oom", "pause", "unpause", "destroy", "health_status"]

# As a safeguard against lost events, inspect everything this often. FIRST_POLL applies while the Engine accepts no
# subscription.
SAFETY_POLL = 5.0
FIRST_POLL = 1.0
OBJECTION_POLL = 0.2

# For so long the Engine may be silent while the containers must stay ready.
SILENCE = 30.0

COMING = "docker compose up is still running"
CREATED = "created"
NOT_RUNNING = (CREATED, "exited", "dead")

# The kind of a Notice about a probe: (the container's id, seconds since the epoch).
PROBED = "probed"

NOTHING_YET = verdict.Outcome(verdict.PENDING, "not decided yet")


class Change(NamedTuple):
    """A container's change of state, to show progress. ``at``: seconds since the start of the wait; ``before``: its
    previous state, None if it was not seen yet."""

    at: float
    name: str
    before: str | None
    state: str

    def __str__(self) -> str:
        if self.before in (None, CREATED):
            states = self.state
        elif self.before == self.state:
            states = f"restarted, {self.state}"
        else:
            states = f"{self.before} → {self.state}"
        return f"{self.name}: {states} after {verdict.seconds(self.at)}"


class Trigger(NamedTuple):
    """The event that causes an inspection: its time stamp and, if a process ended, the exit code."""

    epoch: float | None = None
    exit_code: int | None = None


NO_EVENT = Trigger()


class Waiter:
    """Follows one project until there is a decision.

    ``engine``: an Engine or an object like it; ``clock``: has ``monotonic()`` and ``time()``; ``on_change``: called
    with each Change as it is seen; ``on_wait``: called repeatedly with a clause (what the wait is for) and the most
    seconds left; ``objection``: called several times a second, returns a reason to give up that the containers don't
    show, or None; ``coming``: returns whether Compose still starts containers; ``began``: when the time began by the
    monotonic clock, by default now; ``prober``: a Prober or an object like it, without which nothing is probed.
    """

    def __init__(
        self,
        engine: Any,
        project_name: str,
        rules: verdict.Rules,
        timeout: float = 120,
        stable_for: float = 0,
        clock: Any = time,
        on_change: Callable[[Change], None] = ignore,
        on_wait: Callable[[str, float], None] = ignore,
        objection: Callable[[], str | None] | None = None,
        coming: Callable[[], bool] | None = None,
        began: float | None = None,
        prober: Any = None,
    ) -> None:
        self._engine = engine
        self._project_name = project_name
        self._labels = [f"{verdict.PROJECT_LABEL}={project_name}"]
        self._rules = rules
        self._timeout = timeout
        self._stable_for = stable_for
        self._clock = clock
        self._on_change = on_change
        self._on_wait = on_wait
        self._objection = objection
        self._coming = coming
        self._is_coming = coming is not None
        self._prober = prober
        # What existed before Compose began, and whether it ran: Compose may remove or start it.
        self._before: dict[str, tuple[bool, str]] = {}
        now = clock.monotonic()
        self._began = now if began is None else min(began, now)
        self._next_poll = now + FIRST_POLL
        self._ready_since: float | None = None
        self._looked = False
        # Why the known state may be out of date. None while the Engine answers.
        self._unanswered: str | None = None
        # The Engine's time stamp of the event behind the last change of a verdict, or None.
        self._deciding_event: float | None = None
        self._due: dict[str, float] = {}
        self.records: dict[str, verdict.Record] = {}
        self.elapsed = 0.0
        self.reaction: float | None = None

    def wait(self) -> verdict.Outcome:
        """Wait until the project is READY or FAILED. A time-out is FAILED too. While Compose starts the containers, the
        wait ends when Compose ends, and may be PENDING."""
        stream = self._open_stream()
        try:
            while True:
                outcome = self._decide()
                if outcome.status != verdict.PENDING or self._has_come:
                    return self._decided(outcome)
                self._on_wait(*self._outlook())
                self._take_in(stream, self._wake_at())
        finally:
            self._close(stream)

    @contextlib.contextmanager
    def following(self) -> Iterator[Callable[[], verdict.Outcome]]:
        """Follow the project while the block runs. The block gets a function that returns the current Outcome."""
        stream = self._open_stream()

        def look() -> verdict.Outcome:
            self._take_in(stream, self._clock.monotonic())
            return self._decided(self._judge()) if self._looked else NOTHING_YET

        try:
            yield look
        finally:
            self._close(stream)

    def look_once(self) -> verdict.Outcome:
        """Return the current Outcome. Raises EngineError if the Engine does not answer."""
        try:
            self._look_at_all()
            if self._unanswered:
                raise EngineError(self._unanswered)
            self._settle()
        finally:
            self._close()
        return self._decided(self._judge())

    def seen(self) -> dict[str, dict[str, Any]]:
        """Return what a later check compares the containers with, by their ids, for ``seen`` of its Rules. Completed
        containers are left out, because they may be removed."""
        return {
            container_id: {
                "name": record.name,
                "started_at": record.container["State"]["StartedAt"],
                "restarts": record.container.get("RestartCount") or 0,
                **({"probed": True} if record.probe and record.probe.status == HEALTHY else {}),
            }
            for container_id, record in self.records.items()
            if not record.removed and record.verdict.status != verdict.COMPLETED
        }

    def evidence(self, outcome: verdict.Outcome, log_tail: int) -> list[dict[str, Any]]:
        """The evidence of the containers seen; see the function evidence()."""
        return evidence(self._engine, list(self.records.values()), outcome, log_tail)

    def _open_stream(self) -> Any:
        stream = self._engine.events(self._labels, ACTIONS)
        if self._prober:
            self._prober.tell = lambda container_id, at: stream.tell(Notice(PROBED, (container_id, at)))
        return stream

    def _close(self, stream: Any = None) -> None:
        if stream:
            stream.close()
        if self._prober:
            self._prober.close()

    def _settle(self, patient: bool = True) -> None:
        """Wait for the results of the probes of one check. ``patient``: as for Prober.settle()."""
        if self._prober:
            self._prober.settle(patient)
            for container_id in self.records:
                self._judge_again(container_id, NO_EVENT)

    @property
    def _has_come(self) -> bool:
        return self._coming is not None and not self._is_coming and self._looked and self._unanswered is None

    def _decide(self) -> verdict.Outcome:
        if self._coming and self._is_coming and not self._coming():
            self._is_coming = False
            self._look_at_all()
        now = self._clock.monotonic()
        if now >= self._deadline and self._ready_since is None:
            self._look_at_all()  # a failing probe while its container starts causes no event
            self._settle(patient=False)  # a container that started late is probed at least once
        outcome = self._judge() if self._looked else NOTHING_YET
        if outcome.status == verdict.FAILED:
            return outcome
        if outcome.status != verdict.READY:
            self._ready_since = None
        elif self._unanswered is None:
            return self._stable(outcome, now)
        # While the Engine is silent, it is unknown whether the containers are still ready. Its next answer shows it.
        return self._timed_out() if now >= self._end else NOTHING_YET

    def _outlook(self) -> tuple[str, float]:
        now = self._clock.monotonic()
        if self._ready_since is not None and self._unanswered is None:
            return "all containers must stay ready", self._ready_since + self._stable_for - now
        otherwise = COMING if self._is_coming else "the Engine's answer"
        awaited = self._unanswered or verdict.describe_wait(self.records.values()) or otherwise
        return awaited, self._end - now

    def _judge(self) -> verdict.Outcome:
        judged = (self._project_name, self.records.values(), self._rules)
        outcome = verdict.judge_project(*judged, still_coming=True)
        if outcome.status == verdict.FAILED:
            return outcome
        reason = self._objection() if self._objection else None
        if reason:
            return verdict.Outcome(verdict.FAILED, reason)
        outcome = verdict.judge_project(*judged, self._is_coming)
        if self._is_coming and outcome.status == verdict.READY:
            return NOTHING_YET
        return outcome

    def _stable(self, outcome: verdict.Outcome, now: float) -> verdict.Outcome:
        if self._ready_since is None:
            self._ready_since = now
        if now < self._ready_since + self._stable_for:
            return NOTHING_YET
        if self._stable_for:
            self._deciding_event = None
        return outcome

    @property
    def _deadline(self) -> float:
        return self._began + self._timeout

    @property
    def _end(self) -> float:
        if self._ready_since is None:
            return self._deadline
        return max(self._deadline, self._ready_since + self._stable_for + SILENCE)

    def _timed_out(self) -> verdict.Outcome:
        self._deciding_event = None
        awaited = verdict.describe_wait(self.records.values()) or (self._is_coming and COMING)
        texts = ([self._unanswered] if self._unanswered else []) + ([awaited] if awaited else [])
        return verdict.Outcome(
            verdict.FAILED, f"timed out after {verdict.seconds(self._end - self._began)}: {'; '.join(texts)}"
        )

    def _decided(self, outcome: verdict.Outcome) -> verdict.Outcome:
        self.elapsed = round(self._clock.monotonic() - self._began, 3)
        if self._deciding_event is not None:
            self.reaction = round(self._clock.time() - self._deciding_event, 4)
        return outcome

    def _take_in(self, stream: Any, until: float) -> None:
        """Sleep until an event or the given time, and check the containers concerned."""
        notice = stream.next(until - self._clock.monotonic())
        touched: dict[str, Trigger] = {}
        look_at_all = False
        while notice is not None:
            if notice.kind == SUBSCRIBED:
                look_at_all = True
            elif notice.kind == EVENT:
                actor = notice.detail["Actor"]
                if self._rules.covers(actor["Attributes"]):
                    touched[actor["ID"]] = trigger_of(notice.detail, touched.get(actor["ID"], NO_EVENT))
            elif notice.kind == PROBED:
                container_id, at = notice.detail
                self._judge_again(container_id, Trigger(at))
            else:
                self._unanswered = notice.detail
                self._rules = self._rules._replace(seen={})  # a restarted Engine restarts the containers
            notice = stream.next(0)
        now = self._clock.monotonic()
        if look_at_all or now >= self._next_poll:
            self._look_at_all()
        else:
            due = {container_id: NO_EVENT for container_id, moment in self._due.items() if moment <= now}
            self._look_at({**due, **touched})

    def _wake_at(self) -> float:
        moments = [self._next_poll, *self._due.values()]
        if self._objection or self._is_coming:
            moments.append(self._clock.monotonic() + OBJECTION_POLL)
        if self._ready_since is None or self._unanswered:
            moments.append(self._end)
        else:
            moments.append(self._ready_since + self._stable_for)
        return min(moments)

    def _look_at_all(self) -> None:
        try:
            self._limit_calls()
            listed = self._engine.list_containers(self._labels)
        except EngineError as error:
            self._unanswered = str(error)
            self._next_poll = self._clock.monotonic() + FIRST_POLL
            return
        found = [one["Id"] for one in listed if self._rules.covers(one.get("Labels") or {})]
        self._unanswered = None
        self._look_at(dict.fromkeys([*found, *(set(self.records) - set(found))], NO_EVENT))
        one_shots = verdict.one_shots_in(record.container for record in self.records.values())
        if one_shots != self._rules.one_shots:
            self._rules = self._rules._replace(one_shots=one_shots)
            self._look_at(dict.fromkeys(found, NO_EVENT))
        self._looked = self._looked or not self._unanswered
        self._next_poll = self._clock.monotonic() + (FIRST_POLL if self._unanswered else SAFETY_POLL)

    def _look_at(self, containers: dict[str, Trigger]) -> None:
        for container_id, trigger in containers.items():
            self._due.pop(container_id, None)
            try:
                self._limit_calls()
                self._see(container_id, self._engine.inspect(container_id), trigger)
            except EngineError as error:
                self._unanswered = str(error)
                self._next_poll = self._clock.monotonic() + FIRST_POLL
                return

    def _judge_again(self, container_id: str, trigger: Trigger) -> None:
        """Take in a probe's result without a call to the Engine."""
        record = self.records.get(container_id)
        if record and not record.removed:
            self._see(container_id, record.container, trigger)

    def _limit_calls(self) -> None:
        self._engine.answer_within(max(1.0, self._end - self._clock.monotonic()))

    def _see(self, container_id: str, container: dict[str, Any] | None, trigger: Trigger) -> None:
        record = self.records.get(container_id)
        if record is None:
            if container is None:
                return  # it was removed before it was ever seen
            record = self.records[container_id] = verdict.Record(container)
            if self._is_coming and not self._looked:
                state = container["State"]
                self._before[container_id] = (state["Status"] not in NOT_RUNNING, state["StartedAt"])
        if container is None and (self._is_coming or container_id in self._before):
            del self.records[container_id]  # Compose replaces it, which may be seen only once Compose has ended
            return
        before = record.verdict.status
        at = self._clock.monotonic() - self._began
        exit_code = trigger.exit_code
        if exit_code is None and container and verdict.hides_its_exit(container, self._rules):
            exit_code = self._engine.last_exit_code(container_id, verdict.epoch(container["State"]["StartedAt"]) or 0.0)
        probe = None
        if self._prober and container:
            self._prober.follow(container)
            probe = self._prober.state_of(container)
        changed = record.update(container, self._rules, at, self._clock.time(), exit_code, probe)
        if self._is_of_before(record):
            record.verdict = record.verdict._replace(status=verdict.PENDING)
        if record.verdict.due_in is not None:
            self._due[container_id] = self._clock.monotonic() + record.verdict.due_in
        if record.verdict.status != before:
            self._deciding_event = trigger.epoch
        if changed:
            if record.verdict.status != verdict.COMPLETED:
                self._ready_since = None
            before = record.timeline[-2]["state"] if len(record.timeline) > 1 else None
            if before is None and container_id in self._rules.seen and record.verdict.status == verdict.PENDING:
                return  # an earlier check has shown this state
            self._on_change(Change(at, record.name, before, record.state))

    def _is_of_before(self, record: verdict.Record) -> bool:
        """Whether a failed container may be one that Compose has not handled yet."""
        if record.verdict.status != verdict.FAILED or not self._is_coming:
            return False
        ran, started_at = self._before.get(record.container["Id"], (False, ""))
        return ran or record.container["State"]["StartedAt"] == started_at


def trigger_of(event: dict[str, Any], before: Trigger) -> Trigger:
    """The trigger for a container's event, after an earlier one that was not handled yet."""
    code = event["Actor"]["Attributes"].get("exitCode")
    return Trigger(event["timeNano"] / verdict.NANOSECONDS, before.exit_code if code is None else int(code))


def evidence(
    engine: Any, records: list[verdict.Record], outcome: verdict.Outcome, log_tail: int
) -> list[dict[str, Any]]:
    """The containers as the module returns them. If the outcome is not READY, those that explain it have probes and
    log."""
    explained = [] if outcome.status == verdict.READY else verdict.records_to_explain(records)
    reports = []
    for record in verdict.sort_records(records):
        report = record.report()
        if record in explained:
            report["probes"] = verdict.probes_of(record.container, record.probe)
            report["log"] = [] if record.removed else log_lines(engine, report["id"], log_tail)
        reports.append(report)
    return reports


def witnesses(engine: Any, container_ids: list[str], log_tail: int) -> list[dict[str, Any]]:
    """Containers as from evidence(), healthy or not, when something other than them, such as a smoke test, failed."""
    rules = verdict.Rules(no_healthcheck="running", min_uptime=0)
    records = [verdict.Record(container) for container in map(engine.inspect, container_ids) if container]
    for record in records:
        record.update(record.container, rules, 0.0, time.time())
    return evidence(engine, records, verdict.Outcome(verdict.FAILED, ""), log_tail)


def log_lines(engine: Any, container_id: str, lines: int) -> list[str]:
    """The tail of the log. If the logging driver does not allow reading it, a line with the reason."""
    try:
        return engine.log_tail(container_id, lines)
    except EngineError as error:
        return [f"(no log: {error})"]


def timeout_warnings(records: list[verdict.Record], timeout: float) -> list[str]:
    """Each warning once, even if several replicas cause it."""
    warnings = (verdict.timeout_warning(record.container, timeout) for record in verdict.sort_records(records))
    return list(dict.fromkeys(warning for warning in warnings if warning))
