# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request and the state of the target to a plan."""

from __future__ import annotations

import dataclasses

from .._compose.mounts import left_behind
from .._compose.render import exclusive_services_in, expected_services
from .._compose.rendering import Rendering
from .._compose.single_file import one_shot_services
from .._docker.completeness import serving_lacks
from .._docker.containers import ENDED
from .._docker.storage import Storage
from .._docker.traffic import service_names
from .._errors import PlanError
from .._files import utc_now
from .._health.probe import probes_for
from .._health.probe_run import probed, refuse_unreachable
from .._names import COLORS, named_services, project_name, with_color
from .._nginx.vhost import connect_timeout_warning, vhost_locations
from .._state.directory import UNUSABLE
from .._state.history import owner_of
from .._state.lock import AppLock
from .decisions import live_release, services_of
from .from_files import FromFiles
from .from_record import FromRecord
from .nginx_contents import NginxContents, server_text
from .plan import REFRESH, Plan
from .shared_plan import SharedPlan
from .situation import Situation
from .steps import complete_plan


class Planner:
    """``request``: from complete_request(); ``run``, ``docker``: as of Rendering; ``docker_logged_in``: as of
    FromFiles."""

    def __init__(self, engine, request, run, docker, docker_logged_in, check_mode):
        self.engine = engine
        self.request = request
        self.check_mode = check_mode
        self.run = run
        self.docker_logged_in = docker_logged_in
        self.app = request["app"]
        if request["smoke_tests"] and request["nginx_mode"] == "container" and engine.is_rootless:
            raise PlanError(
                "bluegreen_smoke_tests: the Docker Engine is rootless, so this host can't reach a container by its "
                "address; remove the tests, and check the same in the healthcheck of each service"
            )
        self.rendering = Rendering(run, docker, request) if request["kind"] == "deploy" else None
        self.services = named_services(self.app, request["services"])
        refuse_unreachable(engine, probes_for(self.services, COLORS[0], request["network"], request["nginx_mode"]))
        server = server_text(self.app, request, self.services)
        self.now = Situation(engine, request, self.services, server, may_judge=not check_mode)
        self.state = self.now.state
        self.active_services = self._services_of_active()
        if self.now.active and request["kind"] != "abort":
            self.now.colors[self.now.active] = self.probed(self.now.active, self.active_services)
        self.contents = NginxContents(request, self.services, self.active_services, self.now)
        self.storage = Storage(engine)
        self.shared_plan = SharedPlan(engine, request, self.now, self.storage)
        self.warnings = []
        if self.state.damaged:
            self.warnings.append(
                f"{self.state.damaged}. Earlier releases are unknown; the file is kept as {UNUSABLE} together with the "
                "files of its releases, so remove them when you no longer need them"
            )
        elif self.state.reason and self.now.text is not None:
            self.warnings.append(
                f"{self.state.reason}, but nginx has the file of an earlier deploy of {self.app}. Earlier releases are "
                "unknown; if bluegreen_state_dir was changed, or its disk is not mounted, correct that first"
            )
        if self.now.edge.running and not self.now.edge.sees_sockets():
            self.warnings.append(
                "the sockets of nginx's worker processes are not visible, so each drain lasts until the old worker "
                "processes have ended, or bluegreen_drain_timeout; run with become"
            )
        slow = connect_timeout_warning(self.now.connect_timeouts)
        if slow and request["kind"] == "deploy":
            self.warnings.append(slow)

    def result(self):
        """Return what the module returns. Raises PlanError, ComposeError or StateError."""
        plan, images, containers, services = self._plan()
        active, color = self.now.active_containers, self.now.active
        plan.active_color = color
        plan.previous_release = live_release(active)
        lacking = serving_lacks(active, self.active_services, color) if color else []
        plan.can_go_back = bool(color) and not lacking
        plan.previous_containers = [container["id"] for container in active]
        plan.previous_exclusive = self._previous_exclusive()
        plan.probes = probes_for(services, plan.color, self.request["network"], self.request["nginx_mode"])
        plan.locations = vhost_locations(self.request["vhost"], self.services)
        for field, value in self.contents.for_plan(plan.color, plan.release, containers, services).items():
            setattr(plan, field, value)
        complete_plan(self.request, plan)
        if lacking:
            self.warnings.append(
                f"the active color {color} is not healthy ({', '.join(lacking)}), so this run can't go back to it"
            )
        before = _shown(plan.previous_release, color, self.active_images, self.now.text)
        after = _shown(plan.release, plan.color, images, plan.content)
        return {
            "changed": not plan.unchanged,
            "plan": dataclasses.asdict(plan),
            "diff": {"before": before, "after": before if plan.unchanged else after},
        }

    def begin(self, plan, services, **more):
        """Record in the journal what the run will do, in case it is interrupted. ``services``: those that take traffic,
        as the release runs with them."""
        fields = ("deploy", "release", "color", "how", "exclusive_containers", "expected")
        unfinished = dict(
            {key: getattr(plan, key) for key in fields},
            rollback=self.request["kind"] == "rollback",
            services=services,
            previous_services=self.active_services,
            started=plan.containers,
            previous=[container["id"] for container in self.now.active_containers],
            previous_exclusive=self._previous_exclusive(),
            endpoints=self.contents.active_endpoints(),
            begun_at=utc_now(),
            by=owner_of(AppLock(self.request["state_dir"], self.app).holder()),
            **{"networks_before": self.engine.project_networks(project_name(self.app, plan.color)), **more},
        )
        self.state.save(unfinished=unfinished)

    def services_of(self, config, color):
        """Return ``{services, exclusive, expected}`` of a color's file: services that start before the swap, those that
        start after it, and the number of containers of each while the color runs.

        A one-shot service has zero, because its stopped container may be removed.
        """
        named = {with_color(name, color) for name in self.request["exclusive_services"]}
        exclusive = named | set(exclusive_services_in(config))
        expected = expected_services(config)
        return {
            "services": [name for name in expected if name not in exclusive],
            "exclusive": [name for name in expected if name in exclusive],
            "expected": {**expected, **dict.fromkeys(set(one_shot_services(config)) & set(expected), 0)},
        }

    def refresh(self, release):
        """Return the same as _plan() for a release that is active, but with an outdated nginx file."""
        color, containers = self.now.active, self.now.active_containers
        deploy, services = _deploy_of(containers), self.contents.asked_of_active()
        if not self.check_mode:
            releases = [
                dict(record, services=services) if record["deploy"] == deploy else record
                for record in self.state.journal["releases"]
            ]
            self.state.create()
            self.state.save(unfinished=None, releases=releases)
        plan = Plan(
            deploy=deploy,
            release=release,
            color=color,
            how=REFRESH,
            reasons=["nginx's file is out of date, or nginx was never seen to load it"],
            project=containers[0]["project"],
            services=sorted({container["service"] for container in containers}),
            traffic_services=service_names(services, color),
        )
        return plan, self.active_images, containers, services

    def started_by_hand(self, color):
        """Return the ids of a color's containers that were started by hand."""
        return [container["id"] for container in self.now.colors[color] if container["app"] is None]

    def left_behind(self, config, coming):
        """Return the warnings of left_behind() for the active color, if ``coming`` is to run from ``config``."""
        named = []
        for each in self.now.active_containers:
            name = each["service"]
            named.append((name if name in config["services"] else name.replace(self.now.active, coming), each))
        return left_behind(config, named, self.storage)

    def probed(self, color, services):
        """Return a color's containers with the results of their probes, see _health/probe_run.py."""
        return probed(self.now.colors[color], services, color, self.request)

    @property
    def active_images(self):
        """``{reference: id}`` of the images that the active color runs."""
        return {container["image"]: container["image_id"] for container in self.now.active_containers}

    def _plan(self):
        """Return ``(plan, images, containers, services)``: ``{reference: id}`` of the planned release, the containers
        that it already has, and the services that take traffic, as it runs with them."""
        kind, release = self.request["kind"], self.request["release"]
        if kind != "abort":  # an abort only touches the containers of its release
            self.shared_plan.refuse_unnamed()
        if kind == "deploy":
            return FromFiles(self, self.run, self.docker_logged_in, self.rendering).plan()
        record = FromRecord(self)
        if kind == "rollback":
            return record.rollback(release)
        return record.abort() if kind == "abort" else record.promote(bool(self.request["recovered"].get("promoted")))

    def _services_of_active(self):
        containers = self.now.active_containers
        if not containers:
            return self.services
        deploy = _deploy_of(containers)
        records = [record for record in self.state.journal["releases"] if record["deploy"] == deploy]
        names = {container["service"] for container in containers}
        # A new probe may request a path that only the next release has.
        unprobed = [dict(service, probe=None) for service in self.services]
        return services_of(records[-1] if records else None, unprobed, self.now.active, names)

    def _previous_exclusive(self):
        """Return the ids of the containers that must end before those of the other color start."""
        return [each["id"] for each in self.now.active_containers if each["exclusive"] and each["state"] not in ENDED]


def _deploy_of(containers):
    """Return the deploy of a color's containers, as in the journal."""
    return containers[0]["deploy"] or "adopted"


def _shown(release, color, images, text):
    """Return the text of a release for ``--diff``."""
    lines = [f"release: {release}", f"color: {color}"]
    for ref, image_id in sorted(images.items()):
        lines.append("image: {} {}".format(ref, image_id[:19] if image_id else "(not here yet)"))
    lines += [line for line in (text or "").splitlines() if not line.startswith("#")]
    return "\n".join(lines) + "\n"
