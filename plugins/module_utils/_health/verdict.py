# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's decisions about inspected containers and about a whole Compose project.

Pure: no Engine, no clock, no I/O. A "container" is the JSON object from the Engine's inspect call. Durations are in
seconds. Points in time are seconds since the epoch (``*_epoch``, by the Engine's clock) or seconds since the start of
the wait (``at``).
"""

from __future__ import annotations

import datetime
import re
from typing import Any, Iterable, Mapping, NamedTuple

from .._docker.containers import declares_healthcheck, may_complete, runs_apart, was_healthy
from .._text import excerpt
from .probe import HEALTHY, STARTING, UNHEALTHY, ProbeState

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
REPLICA_LABEL = "com.docker.compose.container-number"
DEPENDS_ON_LABEL = "com.docker.compose.depends_on"

PENDING = "pending"
READY = "ready"
COMPLETED = "completed"
FAILED = "failed"

# If the Compose file sets none, the Engine stores 0 or nothing, and then uses these values.
DEFAULT_INTERVAL = 30.0
DEFAULT_RETRIES = 3
NANOSECONDS = 1e9

PROBE = 200
"""The most characters of a healthcheck's output in a verdict, which is one sentence. The evidence has the whole
output."""


class Rules(NamedTuple):
    """The caller's demands.

    ``services``: empty for all services of the project; ``replicas``: number of containers of each, one by default, and
    zero for a one-shot, whose container may already be removed; ``seen``: what an earlier check saw, from
    Waiter.seen(); ``one_shots``: the services for whose completion others wait.
    """

    services: frozenset[str] = frozenset()
    traffic_services: frozenset[str] = frozenset()
    replicas: Mapping[str, int] = {}
    seen: Mapping[str, Mapping[str, Any]] = {}
    one_shots: frozenset[str] = frozenset()
    no_healthcheck: str = "fail"
    min_uptime: float = 10
    max_restarts: float = 0
    network: str | None = None

    @property
    def expected(self) -> dict[str, int]:
        """The number of containers that each of the named services must have."""
        return {name: self.replicas.get(name, 1) for name in sorted(self.services | self.traffic_services)}

    def is_one_shot(self, service: str) -> bool:
        """Whether another service waits for this one to complete."""
        return service in self.one_shots or self.replicas.get(service) == 0

    def covers(self, labels: dict[str, str]) -> bool:
        """Whether a container with these labels is checked. One-off containers and hooks never are."""
        if runs_apart(labels):
            return False
        return not self.services or labels.get(SERVICE_LABEL) in self.expected


class Verdict(NamedTuple):
    """The rating of one container: ``status`` is one of PENDING, READY, COMPLETED, FAILED; ``reason`` continues a
    sentence that begins with the container's name; ``due_in`` is the seconds after which time alone may change the
    verdict, or None."""

    status: str
    reason: str
    due_in: float | None = None


class Outcome(NamedTuple):
    """The rating of the whole project: ``status`` is PENDING, READY or FAILED; ``text`` is one sentence."""

    status: str
    text: str


def epoch(stamp: str | None) -> float | None:
    """Seconds since the epoch of an Engine's RFC 3339 time stamp. None for its zero value and for other texts."""
    match = re.match(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$", stamp or "")
    if not match or match.group(1).startswith("0001-"):
        return None
    second, fraction, offset = match.groups()
    moment = datetime.datetime.fromisoformat(second + ("+00:00" if offset == "Z" else offset))
    return moment.timestamp() + float(fraction or 0)


def stamp(at: float) -> str:
    """A time stamp in the Engine's format, from seconds since the epoch."""
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(value: float) -> str:
    """``0.05 s``, ``1.2 s`` or ``30 s``: two digits below a second, otherwise at most one decimal."""
    return f"{round(value, 1 if value >= 1 else 2):g} s"


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def name_of(container: dict[str, Any]) -> str:
    return container["Name"].lstrip("/")


def labels_of(container: dict[str, Any]) -> dict[str, str]:
    return container["Config"].get("Labels") or {}


def service_of(container: dict[str, Any]) -> str:
    return labels_of(container).get(SERVICE_LABEL, "")


def healthcheck_of(container: dict[str, Any]) -> dict[str, Any] | None:
    """The container's healthcheck, from the Compose file or the image. None if there is none, or if it is disabled."""
    check = container["Config"].get("Healthcheck")
    return check if declares_healthcheck(check) else None


def health_of(container: dict[str, Any]) -> str | None:
    """``starting``, ``healthy`` or ``unhealthy``. None without a healthcheck, and while the container does not run,
    because the Engine then always reports ``unhealthy``."""
    if container["State"]["Status"] != "running" or not healthcheck_of(container):
        return None
    return (container["State"].get("Health") or {}).get("Status", "starting")


def probed_health_of(container: dict[str, Any], probe: ProbeState | None) -> str | None:
    """The health of a container from its healthcheck and its probe: the worse of both."""
    health = health_of(container)
    if probe is None or container["State"]["Status"] != "running":
        return health
    return next((each for each in (UNHEALTHY, STARTING) if each in (health, probe.status)), HEALTHY)


def state_of(container: dict[str, Any], probe: ProbeState | None = None) -> str:
    """The state in one or two words, as in the timeline: ``created``, ``healthy``, ``exited (3)``, …"""
    state = container["State"]
    if state["Status"] in ("exited", "restarting", "dead"):
        return f"{state['Status']} ({state['ExitCode']})"
    return probed_health_of(container, probe) or state["Status"]


def probes_of(container: dict[str, Any], probe: ProbeState | None = None) -> list[dict[str, Any]]:
    """The last healthcheck runs that the Engine keeps, oldest first, then the replies to the role's probe."""
    log = (container["State"].get("Health") or {}).get("Log") or []
    own = probe.replies if probe else ()
    return [
        {"start": each["Start"], "exit_code": each["ExitCode"], "output": each["Output"].strip()} for each in log
    ] + [{"start": stamp(reply.at), "exit_code": 0 if reply.passed else None, "output": reply.text} for reply in own]


def judge_container(
    container: dict[str, Any],
    rules: Rules,
    now_epoch: float,
    last_exit_code: int | None = None,
    probe: ProbeState | None = None,
) -> Verdict:
    """The verdict on a container. All restarts since Compose or a person started it count, because the gate follows
    ``docker compose up``. ``last_exit_code``: from an event, because the Engine no longer has it once the container
    runs again. ``probe``: the result of its probes, if its service has one."""
    state = container["State"]
    restarts = container.get("RestartCount") or 0
    if state["OOMKilled"]:
        return Verdict(FAILED, "ran out of memory: the kernel killed one of its processes")
    if state["Status"] == "dead":
        return Verdict(FAILED, "is dead: the Engine could not remove it, or is about to")
    if state["Status"] == "removing":
        return Verdict(FAILED, "is being removed")
    if restarts > rules.max_restarts:
        return Verdict(FAILED, _restarted(state, restarts, rules, last_exit_code))
    before = rules.seen.get(container["Id"])
    if before and restarts <= before["restarts"] and state["StartedAt"] != before["started_at"]:
        return Verdict(FAILED, "was started again after it was ready, but not by its restart policy")
    if state["Status"] == "exited":
        return _judge_exited(container, rules)
    if state["Status"] == "paused":
        return Verdict(FAILED, "is paused: it answers no requests")
    if state["Status"] == "created" and state.get("Error"):
        return Verdict(FAILED, f"could not be started: {state['Error']}")
    if state["Status"] != "running":
        return Verdict(PENDING, f"is {state['Status']}")
    return _judge_running(container, rules, now_epoch, probe)


def hides_its_exit(container: dict[str, Any], rules: Rules) -> bool:
    """Whether a container failed by an exit that its inspection no longer shows."""
    return container["State"]["Status"] == "running" and (container.get("RestartCount") or 0) > rules.max_restarts


def _restarted(state: dict[str, Any], restarts: int, rules: Rules, last_exit_code: int | None) -> str:
    text = f"was restarted {times(restarts)} ({rules.max_restarts or 'none'} allowed)"
    if state["Status"] == "restarting":
        return f"{text}: it {_exited(state)}"
    return text if last_exit_code is None else f"{text}: it exited with {last_exit_code}"


def _exited(state: dict[str, Any]) -> str:
    text = f"exited with {state['ExitCode']}"
    # For a process that exits at once, the Engine may record the end before the start (seen on 26.1): no duration then.
    started, finished = epoch(state["StartedAt"]), epoch(state["FinishedAt"])
    if started is None or finished is None or finished < started:
        return text
    return f"{text} after {seconds(finished - started)}"


def _judge_exited(container: dict[str, Any], rules: Rules) -> Verdict:
    text = _exited(container["State"])
    if container["State"]["ExitCode"] != 0:
        return Verdict(FAILED, text)
    service = service_of(container)
    policy = container["HostConfig"]["RestartPolicy"]["Name"]
    if service in rules.traffic_services:
        return Verdict(FAILED, text + ", but it takes traffic")
    if rules.is_one_shot(service):
        return Verdict(COMPLETED, text)
    if not may_complete(policy):
        return Verdict(FAILED, f"{text}, but its restart policy is {policy}, so it should keep running")
    if was_healthy(container):
        return Verdict(FAILED, text + ", but it was healthy before, so it should keep running")
    return Verdict(COMPLETED, text)


def _judge_running(container: dict[str, Any], rules: Rules, now_epoch: float, probe: ProbeState | None) -> Verdict:
    health = health_of(container)
    if _is_unreachable(container, rules):
        return Verdict(FAILED, f"takes traffic but is not on the network {rules.network}, so nginx can't reach it")
    if health == "unhealthy":
        return Verdict(FAILED, "is unhealthy" + _last_check(container))
    if probe is not None and probe.status == UNHEALTHY:
        return Verdict(FAILED, f"failed its probe {times(probe.streak)} in a row{probe.last}")
    if health == "starting":
        return Verdict(PENDING, "is not healthy yet" + _last_check(container))
    if probe is not None and (probe.status != HEALTHY or not probe.has_passed):
        return Verdict(PENDING, "has not passed its probe yet" + probe.last)
    if probe is not None:
        return Verdict(READY, "passes its probe")
    if health == "healthy":
        return Verdict(READY, "is healthy")
    if rules.is_one_shot(service_of(container)):
        return Verdict(PENDING, "has not completed yet")
    if service_of(container) not in rules.traffic_services:
        return Verdict(READY, "is running")
    if rules.no_healthcheck == "fail":
        return Verdict(FAILED, "takes traffic but has neither a healthcheck nor a probe")
    uptime = max(0.0, now_epoch - (epoch(container["State"]["StartedAt"]) or now_epoch))
    if uptime >= rules.min_uptime:
        return Verdict(READY, f"is running for {seconds(uptime)}")
    reason = f"is running for {seconds(uptime)} of {seconds(rules.min_uptime)}"
    return Verdict(PENDING, reason, rules.min_uptime - uptime)


def _is_unreachable(container: dict[str, Any], rules: Rules) -> bool:
    if rules.network is None or service_of(container) not in rules.traffic_services:
        return False
    return rules.network not in container["NetworkSettings"]["Networks"]


def _last_check(container: dict[str, Any]) -> str:
    probes = probes_of(container)
    if not probes:
        return " (not checked yet)"
    output = excerpt(probes[-1]["output"], PROBE)
    said = f": {output}" if output else ""
    return f" (last health check exited with {probes[-1]['exit_code']}{said})"


def timeout_warning(container: dict[str, Any], timeout: float) -> str | None:
    """A warning if the wait may end before the Engine itself would report the container as unhealthy."""
    check = healthcheck_of(container)
    if not check:
        return None
    start_period = (check.get("StartPeriod") or 0) / NANOSECONDS
    interval = (check.get("Interval") or 0) / NANOSECONDS or DEFAULT_INTERVAL
    retries = check.get("Retries") or DEFAULT_RETRIES
    patience = start_period + interval * retries
    if timeout >= patience:
        return None
    return (
        f"the healthcheck of service {service_of(container)} may take {seconds(patience)} to fail (start_period "
        f"{seconds(start_period)} + interval {seconds(interval)} x retries {retries}), longer than the timeout of "
        f"{seconds(timeout)}"
    )


class Record:
    """One container during the wait: its last inspection, its verdict and its timeline."""

    def __init__(self, container: dict[str, Any]) -> None:
        self.container = container
        self.verdict = Verdict(PENDING, "is not inspected yet")
        self.timeline: list[dict[str, Any]] = []
        self.removed = False
        self.probe: ProbeState | None = None
        self._identity: Any = None

    @property
    def name(self) -> str:
        return name_of(self.container)

    @property
    def state(self) -> str:
        return "removed" if self.removed else state_of(self.container, self.probe)

    def update(
        self,
        container: dict[str, Any] | None,
        rules: Rules,
        at: float,
        now_epoch: float,
        last_exit_code: int | None = None,
        probe: ProbeState | None = None,
    ) -> bool:
        """Add a new inspection (None if the container is gone). Return whether the state changed. A restart between two
        checks is a change too."""
        if container is None:
            self.removed = True
            if self.verdict.status != COMPLETED:  # a tool that removes stopped containers may remove this one
                self.verdict = Verdict(FAILED, "was removed during the wait")
        else:
            self.container = container
            self.probe = probe
            self.verdict = judge_container(container, rules, now_epoch, last_exit_code, probe)
        identity = (self.state, self.container.get("RestartCount"), self.container["State"]["StartedAt"])
        if identity == self._identity:
            return False
        self._identity = identity
        self.timeline.append({"at": round(at, 3), "state": self.state})
        return True

    @property
    def replica(self) -> int:
        """The container's number in its service, from 1."""
        return int(labels_of(self.container).get(REPLICA_LABEL, 1))

    def report(self) -> dict[str, Any]:
        """The container as the module returns it, without its evidence."""
        state = self.container["State"]
        return {
            "name": self.name,
            "id": self.container["Id"],
            "service": service_of(self.container),
            "replica": self.replica,
            "image": self.container["Config"]["Image"],
            "image_id": self.container["Image"],
            "state": "removed" if self.removed else state["Status"],
            "health": None if self.removed else probed_health_of(self.container, self.probe),
            "exit_code": state["ExitCode"] if state["Status"] in ("exited", "restarting", "dead") else None,
            "oom_killed": state["OOMKilled"],
            "restarts": self.container.get("RestartCount") or 0,
            "verdict": self.verdict.status,
            "reason": self.verdict.reason,
            "timeline": self.timeline,
            "probes": [],
            "log": [],
        }


def sort_records(records: Iterable[Record]) -> list[Record]:
    """By service, then replica."""
    return sorted(records, key=lambda one: (service_of(one.container), one.replica, one.name))


def records_to_explain(records: Iterable[Record]) -> list[Record]:
    """The records whose probes and log are evidence: those that failed or, without any, those that were not ready. If
    something other than the containers decided, all that run."""
    records = sort_records(records)
    chosen = ([record for record in records if record.verdict.status == status] for status in (FAILED, PENDING, READY))
    return next(filter(None, chosen), [])


def judge_project(project_name: str, records: Iterable[Record], rules: Rules, still_coming: bool = False) -> Outcome:
    """The rating of the project now: FAILED with the first container that can't become ready, READY when none is
    pending. ``still_coming``: whether Compose still starts containers, so that a missing one may still appear."""
    records = sort_records(records)
    missing = [] if still_coming else list(missing_containers(project_name, records, rules))
    if missing:
        return Outcome(FAILED, missing[0])
    if not records:
        text = f"project {project_name} has no containers; check that docker compose up ran under this name"
        return Outcome(PENDING if still_coming else FAILED, text)
    failed = [record for record in records if record.verdict.status == FAILED]
    if failed:
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        return Outcome(FAILED, f"{failed[0].name} {failed[0].verdict.reason}{more}")
    if any(record.verdict.status == PENDING for record in records):
        return Outcome(PENDING, "not ready yet: " + describe_wait(records))
    completed = sum(record.verdict.status == COMPLETED for record in records)
    noun = "container is" if len(records) == 1 else "containers are"
    text = f"{len(records)} {noun} ready"
    return Outcome(READY, text + (f", {completed} of them completed" if completed else ""))


def missing_containers(project_name: str, records: list[Record], rules: Rules) -> Iterable[str]:
    """What is missing in the project, one sentence each."""
    here = [service_of(record.container) for record in records]
    missing = [name for name, count in rules.expected.items() if count and name not in here]
    if missing:
        names = ", ".join(missing)
        yield f"project {project_name} has no container of the {'service' if len(missing) == 1 else 'services'} {names}"
    for name, count in rules.expected.items():
        if 0 < here.count(name) < count:
            yield f"project {project_name} has {here.count(name)} of {count} containers of the service {name}"
    known = {record.container["Id"] for record in records}
    for container_id, before in rules.seen.items():
        if container_id not in known:
            yield f"{before['name']} was removed or replaced after it was ready"


def one_shots_in(containers: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The services for whose completion others of these containers wait."""
    found = set()
    for container in containers:
        for entry in labels_of(container).get(DEPENDS_ON_LABEL, "").split(","):
            service, _colon, condition = entry.partition(":")
            if condition.startswith("service_completed_successfully"):
                found.add(service)
    return frozenset(found)


def describe_wait(records: Iterable[Record]) -> str:
    """Each pending container with its reason, as one phrase."""
    pending = [record for record in sort_records(records) if record.verdict.status == PENDING]
    return "; ".join(f"{record.name} {record.verdict.reason}" for record in pending)
