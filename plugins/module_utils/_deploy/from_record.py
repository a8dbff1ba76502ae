# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans that use the record of a release: a rollback, a promotion, and an abort."""

from __future__ import annotations

import os

from .._compose.render import file_text, image_refs
from .._docker.completeness import expected_by, record_lacks
from .._docker.containers import image_has_healthcheck, is_ready
from .._docker.traffic import service_names
from .._errors import PlanError
from .._files import write_atomic
from .._names import COLORS, project_name
from .decisions import awaiting_release, live_release, refuse_unfit_release, rollback_target, services_of, way_back
from .health_checks import choose_probes, healthcheck_in_file, refuse_unchecked
from .migration import migrations_after
from .plan import CREATE, PROMOTE, Plan
from .shared_plan import config_in


class FromRecord:
    """``planner``: the Planner of this run. A record is one of the journal's ``releases``.

    Each public method returns ``(plan, images, containers, services)``, as Planner.result() needs them, and raises
    PlanError.
    """

    def __init__(self, planner):
        self.planner = planner
        self.engine = planner.engine
        self.app = planner.app
        self.now = planner.now
        self.state = planner.now.state
        self.releases = self.state.journal["releases"]

    def rollback(self, release):
        """Plan a rollback to ``release``, or to the previous release."""
        return self._bring_back(rollback_target(self.app, self.releases, release))

    def promote(self, finished):
        """Plan a promotion. ``finished``: whether recovery has just finished one, so that nothing is left to do."""
        if finished:
            return self._bring_back(self.releases[-1])
        record = awaiting_release(self.app, self.releases)
        services = self._services_of(record, record["color"], self.now.colors[record["color"]])
        containers = self.planner.probed(record["color"], services)
        refuse_unfit_release(record, containers, services)
        return self._awaiting(record)

    def abort(self):
        """Plan the removal of the release that awaits its promotion."""
        return self._awaiting(awaiting_release(self.app, self.releases))

    def _bring_back(self, record):
        reasons = self._lacks_as_active(record)
        if not reasons and not self.planner.contents.is_current():
            return self.planner.refresh(record["release"])
        services = self._services_of(record, record["color"], self.now.colors[record["color"]])
        if reasons and record["color"] != self.now.active:
            self.now.colors[record["color"]] = self.planner.probed(record["color"], services)
        color, how, containers = way_back(record, self.now.colors, self.now.active, services)
        plan = Plan(
            deploy=record["deploy"],
            release=record["release"],
            color=color if reasons else self.now.active,
            how=how,
            unchanged=not reasons,
            reasons=reasons,
            project=containers[0]["project"] if containers else project_name(self.app, color),
            directory=self.state.deploy_directory(record["deploy"]),
            file=f"rollback.{color}.json",
            **_services_and_containers(containers),
            expected=expected_by(record, containers),
        )
        if not reasons:
            plan.traffic_services = service_names(services, plan.color)
            return plan, _images_of(record), self.now.active_containers, services
        self._join(plan)
        self.planner.warnings += migrations_after(
            self.state.journal.get("migrations", []), record["release"], record["deployed_at"]
        )
        if how == CREATE:
            config = self._retained(record, color)
            services = services_of(record, self.planner.services, color, set(config["services"]))
            for field, value in self.planner.services_of(config, color).items():
                setattr(plan, field, value)
            plan.leftovers = self.planner.started_by_hand(color)
            services = self._checked(services, color, self._healthchecks(config, service_names(services, color)))
            if not self.planner.check_mode:
                write_atomic(os.path.join(plan.directory, plan.file), file_text(config))
        else:
            config = config_in(_file_of(plan))  # of a stack that was started by hand, there is none
            services = self._checked(services, color, _healthchecks_of(containers))
        self.planner.warnings += self.planner.left_behind(config, color) if config else []
        plan.traffic_services = service_names(services, color)
        if not self.planner.check_mode:
            noted = {key: record[key] for key in ("config_hash", "images", "containers")}
            self.planner.begin(plan, services, **noted, **self._moving(plan))
        return plan, _images_of(record), containers, services

    def _lacks_as_active(self, record):
        """Return why a release is not active and complete, a short text each. Empty if it is."""
        containers = self.now.active_containers
        if not containers or not {container["id"] for container in containers} <= set(record["containers"]):
            return [f"the release is {live_release(containers)}"]
        return record_lacks(record, containers, self.planner.active_services)

    def _services_of(self, record, color, containers):
        names = {container["service"] for container in containers if container["id"] in record["containers"]}
        return services_of(record, self.planner.services, color, names)

    def _checked(self, services, color, has_healthcheck):
        """Return the services of a release that comes back, each with its probe. Raises PlanError for one without a
        health check."""
        chosen = choose_probes(services, self.planner.services, color, has_healthcheck)
        refuse_unchecked(chosen, color, has_healthcheck, self.planner.request["no_healthcheck"])
        return chosen

    def _healthchecks(self, config, names):
        """Return ``{service: whether it has a healthcheck}`` of some services of a file whose images are on the
        target."""
        found, images = {}, image_refs(config)
        for name in names:
            found[name] = healthcheck_in_file(config["services"][name])
            image = self.engine.image(images[name]) if found[name] is None else None
            if image:
                found[name] = image_has_healthcheck(image)
        return found

    def _retained(self, record, color):
        """Return the file that a release ran from, with exactly the images that it ran with."""
        name = record["release"] or "the stack started by hand"
        path = os.path.join(self.state.deploy_directory(record["deploy"]), f"compose.{color}.json")
        config = config_in(path)
        if config is None:
            raise PlanError(f"{name} can't be restored, because its containers and {path} are gone; deploy it again")
        by_base = {_base(service): image for service, image in record["images"].items()}
        for service, definition in config["services"].items():
            image = by_base.get(_base(service))
            if image is None:
                continue
            if self.engine.image_id(image["id"]) is None:
                raise PlanError(
                    "{} can't be restored, because its image {} ({}) is no longer on the target; deploy it again from "
                    "the registry".format(name, image["ref"], image["id"][:19])
                )
            is_named = self.engine.image_id(image["ref"]) == image["id"]
            definition["image"] = image["ref"] if is_named else image["id"]
            definition.pop("build", None)  # an older version left it there, but a rollback builds nothing
        return config

    def _awaiting(self, record):
        color = record["color"]
        containers = [each for each in self.now.colors[color] if each["id"] in record["containers"]]
        services = self._services_of(record, color, containers)
        if self.planner.request["kind"] == "promote":
            services = self._checked(services, color, _healthchecks_of(containers))
        plan = Plan(
            deploy=record["deploy"],
            release=record["release"],
            color=color,
            how=PROMOTE,
            reasons=["it awaits its promotion"],
            project=project_name(self.app, color),
            directory=self.state.deploy_directory(record["deploy"]),
            file=f"compose.{color}.json",
            **_services_and_containers(containers),
            expected=expected_by(record, containers),
            traffic_services=service_names(services, color),
        )
        plan.containers = []  # they run
        self._join(plan)
        if not self.planner.check_mode:
            keys = ("config_hash", "images", "containers", "ids_before", "networks_before")
            noted = {key: record[key] for key in keys if key in record}
            self.planner.begin(plan, services, **noted, **self._moving(plan))
        return plan, _images_of(record), containers, services

    def _join(self, plan):
        """Connect a release whose containers exist to the networks in its file."""
        plan.joins = self.planner.shared_plan.joins(plan.color, _file_of(plan))
        plan.shared = {"by_hand": self.planner.shared_plan.by_hand()}

    def _moving(self, plan):
        shared_plan = self.planner.shared_plan
        return shared_plan.moving(plan.color, shared_plan.joins_in(_file_of(plan)))


def _file_of(plan):
    """Return the path of the file with the networks that the plan's color joins."""
    return os.path.join(plan.directory, f"compose.{plan.color}.json")


def _images_of(record):
    return {image["ref"]: image["id"] for image in record["images"].values()}


def _base(service):
    """Return a service's name without its color. An image is recorded with the color in which it first ran."""
    for color in COLORS:
        service = service.replace(color, "")
    return service


def _healthchecks_of(containers):
    """Return ``{service: whether its containers have a healthcheck}``."""
    return {container["service"]: container["has_healthcheck"] for container in containers}


def _services_and_containers(containers):
    """Return the fields of a Plan that depend on existing containers. Exclusive services start after the swap."""
    first = [container for container in containers if not container["exclusive"]]
    exclusive = [container for container in containers if container["exclusive"]]
    return {
        "services": sorted({container["service"] for container in first}),
        "containers": [container["id"] for container in first if not is_ready(container)],
        "exclusive_containers": [container["id"] for container in exclusive],
        "exclusive": sorted({container["service"] for container in exclusive}),
    }
