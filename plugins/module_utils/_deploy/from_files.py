# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a deploy: from the user's Compose files to the files that a color runs from."""

from __future__ import annotations

import json
import os
import time
import uuid

from .._compose.builds import BUILD_FILE, build_file, describe_build, refuse_colored_builds, with_built_images
from .._compose.contents import note_contents
from .._compose.edge_service import edge_service, refuse_named_edge, stack_network, without_edge
from .._compose.files import file_warnings, refuse_unusable
from .._compose.layout import edge_network, reach_for, split_layout
from .._compose.mounts import anonymous_volumes, declared_volumes, shared_writers, volumes_in_use, written_by_others
from .._compose.render import (
    color_file,
    config_hash,
    differences,
    file_text,
    shared_volumes,
)
from .._compose.shared_services import without_services
from .._compose.single_file import JOINS, names_left, one_shot_services
from .._docker.completeness import expected_of
from .._docker.containers import color_of, image_has_healthcheck, started_as
from .._docker.traffic import service_names, started_by_hand
from .._errors import PlanError
from .._files import utc_now, write_atomic
from .._names import COLORS, is_single_file, other_color, project_name, with_color
from .adoption import Adoption, refuse_colors_project
from .decisions import changes_since
from .health_checks import healthcheck_in_file, refuse_unchecked
from .plan import Plan
from .preflight import refuse_missing_project
from .release_images import ReleaseImages


class FromFiles:
    """``planner``: the Planner of this run; ``run(argv, environ) -> (rc, out, err)``; ``docker_logged_in``: the command
    that pulls; ``rendering``: a Rendering of the files."""

    def __init__(self, planner, run, docker_logged_in, rendering):
        self.planner = planner
        self.run = run
        self.rendering = rendering
        self.docker_logged_in = docker_logged_in
        self.engine = planner.engine
        self.request = planner.request
        self.now = planner.now
        self.state = planner.now.state
        self.shared_plan = planner.shared_plan
        self.volumes = {}

    def plan(self):
        """Return ``(plan, images, containers, services)``, as Planner.result() needs them, and write the color's files.

        Raises PlanError, ComposeError or StateError.
        """
        rendered = self._without_edge(self._render())
        configs, shared, work = self._laid_out(rendered)
        hashes = {color: config_hash(config) for color, config in configs.items()}
        images = ReleaseImages(self.planner, self.run, self.docker_logged_in, rendered)
        configs = images.name(configs)
        reasons, color = self._decide(configs, hashes, images, work)
        pulls, builds = images.pulls(color), images.builds_of(color, shared, work["up"])
        looks_again = (pulls or builds) and not self.planner.check_mode
        if not reasons and not self.planner.contents.is_current() and not looks_again:
            return self.planner.refresh(self.request["release"])
        coming = {*pulls, *(name for build in builds for name in build["services"])}
        checks = self._healthchecks(configs[color], images, color, coming) if reasons else {}
        refuse_unchecked(self.planner.services, color, checks, self.request["no_healthcheck"])
        self.planner.warnings += self._mount_warnings(configs, images, color if reasons else None)
        download, pulled_images = images.download(color, pulls)
        deploy = self.request["deploy"] or _new_deploy()
        plan = Plan(
            deploy=deploy,
            release=self.request["release"],
            color=color,
            pulls=pulls,
            pulled_images=pulled_images,
            download=download,
            plans_again=bool(pulls or builds) and (not reasons or None in checks.values()),
            builds=[describe_build(build) for build in builds],
            unchanged=not reasons,
            reasons=reasons,
            project=project_name(self.planner.app, color),
            directory=self.state.deploy_directory(deploy),
            file=f"compose.{color}.json",
            **self.planner.services_of(configs[color], color),
            shared=work,
            traffic_services=service_names(self.planner.services, color),
            leftovers=self.planner.started_by_hand(color),
        )
        files = self._files(configs, hashes, deploy)
        if shared["services"]:
            shared = with_built_images(shared, [], images.pulled)
            files[work["file"]] = file_text(without_services(shared, work["by_hand"]))
        if builds:
            files[BUILD_FILE] = file_text(build_file(rendered[color], builds, plan.project))
        if reasons:
            self.planner.warnings += self.shared_plan.moved_gateways(configs[color].get(JOINS, []))
        adoption = Adoption(self.engine, self.planner) if started_by_hand(self.now.active_containers) else None
        if not self.planner.check_mode:
            self._lay_down(plan, files, hashes[color], images, adoption)
            if adoption:
                adoption.connect()
            plan.joins = self.shared_plan.joins(color, os.path.join(plan.directory, plan.file))
        shown = {ref: images.ids[ref] for ref in images.refs[color].values()}
        return plan, shown, [] if reasons else self.now.active_containers, self.planner.services

    def _decide(self, configs, hashes, images, work):
        """Return ``(reasons, color)``: why the release must be deployed, empty if it already has the traffic, and the
        color that it gets."""
        active = self.now.active
        if not active:
            return ["no color has the traffic"], COLORS[0]
        asked = (self.request["release"], hashes[active], images.refs[active], images.ids)
        expected = self.planner.services_of(configs[active], active)["expected"]
        traffic = service_names(self.planner.services, active)
        reasons = changes_since(*asked, self.now.active_containers, expected, traffic) + self.shared_plan.reasons(work)
        return reasons, other_color(active) if reasons else active

    def _render(self):
        src = self.request["project_src"]
        refuse_missing_project(src)
        self._look_at_files()
        rendered = self.rendering.result()
        for _config, said, _own in rendered.values():
            self.planner.warnings.extend(line for line in said if line not in self.planner.warnings)
        configs = {color: config for color, (config, _said, _own) in rendered.items()}
        project = self._adopted_project() or rendered[COLORS[0]][2]
        for color, (config, _said, own) in rendered.items():
            if own != project:
                configs[color], _said, _own = self.rendering.render(color, project)
                self._warn_of_project(own, project, differences(config, configs[color]))
        refuse_colored_builds(configs, self.request["compose_files"])
        for config in configs.values():
            note_contents(config, src, self.planner.storage)
        return configs

    def _look_at_files(self):
        """Warn of files that are read for the first time, or that are left out. Raises ComposeError."""
        src, files, loaded = (self.request[key] for key in ("project_src", "compose_files", "loaded_files"))
        if files == loaded:
            refuse_unusable(src, files)
        deployed = [record for record in self.state.journal["releases"] if record["outcome"] == "deployed"]
        known = [record["files"] for record in deployed if "files" in record][-1:]
        self.planner.warnings += file_warnings(src, files, loaded, *(known or [[]]))

    def _adopted_project(self):
        """Return the Compose project of the stack that was started by hand, or None. Names that the user's files derive
        from the project must stay the same when that stack becomes a color. Raises PlanError."""
        running = {each["project"] for each in self.now.active_containers if each["app"] is None}
        if len(running) > 1:
            raise PlanError(
                f"containers of {self.planner.app} were started by hand in several Compose projects "
                f"({' and '.join(sorted(running))}), so the project's name is ambiguous; remove the containers of all "
                "projects but one"
            )
        noted = self.state.journal.get("project")
        shared = {each["project"] for here in self.now.shared.values() for each in here if not each["shared"]}
        return next(iter(running), None) or noted or (shared.pop() if len(shared) == 1 else None)

    def _warn_of_project(self, own, project, places):
        if places:
            more = f" and {len(places) - 3} more" if len(places) > 3 else ""
            self.planner.warnings.append(
                f"the files give the Compose project the name {own}, but COMPOSE_PROJECT_NAME is {project} in both "
                f"colors, as in the adopted stack, which changes {', '.join(places[:3])}{more}; set "
                f"COMPOSE_PROJECT_NAME={project} in the project's .env"
            )

    def _without_edge(self, configs):
        """Return the configurations without the service of nginx itself."""
        edge, request = self.now.edge.container, self.request
        by_hand = [each for here in self.now.shared.values() for each in here if not each["shared"]]
        refuse_colors_project(request["app"], [(each["name"], each["project"]) for each in by_hand])
        if edge is None:
            return configs
        name, labels = edge["Name"].lstrip("/"), edge["Config"].get("Labels") or {}
        project, started = started_as(labels)
        refuse_colors_project(request["app"], [(name, project)])
        is_ours = color_of(labels, request["app"], request["project_src"], request["compose_files"]) is not None
        on_stack = is_ours and is_single_file(request["compose_files"])
        left = dict(configs)
        for color, config in configs.items():
            service = edge_service(config, name, started if is_ours else None)
            if service:
                refuse_named_edge(service, request)
                network = stack_network(config, service, request["network"], project) if on_stack else None
                left[color] = without_edge(config, service, network)
        return left

    def _healthchecks(self, config, images, color, coming):
        """Return ``{service: whether it has a healthcheck}`` of the services that take traffic and have no probe. None
        if this depends on an image that must still be pulled or built. ``images``: a ReleaseImages; ``coming``: the
        services with such an image."""
        found = {}
        for service in self.planner.services:
            name = with_color(service["name"], color)
            if service["probe"] is not None or name not in config["services"]:
                continue
            check, image = healthcheck_in_file(config["services"][name]), images.found[images.refs[color][name]]
            if check is None and image is not None and name not in coming:
                check = image_has_healthcheck(image)
            found[name] = check
        return found

    def _laid_out(self, configs):
        """Return the configurations of the colors, and that of the shared services."""
        self.volumes = self._volumes_in_use(configs)
        colors, shared, warnings = split_layout(self.request, self.planner.services, configs, self.volumes)
        self.planner.warnings += warnings + self._names_left(configs)
        work, warnings = self.shared_plan.work(shared, one_shot_services(configs[COLORS[0]]), self._placed(colors))
        self.planner.warnings += warnings
        return colors, shared, work

    def _names_left(self, configs):
        """Return names_left() on the first deploy only, because from then on no other app uses these names."""
        if self.now.active and not self.planner.started_by_hand(self.now.active):
            return []
        if not is_single_file(self.request["compose_files"]):
            return []
        return names_left(configs[COLORS[0]], self.request["shared_services"], edge_network(self.request))

    def _volumes_in_use(self, configs):
        """Return the volumes to use again. The journal remembers those of removed containers."""
        active_first = sorted(COLORS, key=lambda color: color != self.now.active)
        stacks = [(configs[color], self.now.colors[color]) for color in active_first]
        stacks += [(configs[COLORS[0]], containers) for containers in self.now.shared.values()]
        return volumes_in_use(stacks, self.state.journal.get("volumes", {}), self.planner.storage)

    def _placed(self, configs):
        """Return the configurations with the volumes that the colors will have."""
        return {
            color: dict(config, volumes=shared_volumes(config, self.planner.app, self.volumes))
            for color, config in configs.items()
        }

    def _mount_warnings(self, configs, images, coming):
        """Return the warnings about the files that the releases write. ``images``: a ReleaseImages; ``coming``: the
        color that will start, if any."""
        storage, placed = self.planner.storage, self._placed(configs)
        color = coming or COLORS[0]
        declared = {name: declared_volumes(images.found[ref]) for name, ref in images.refs[color].items()}
        exclusive = [with_color(name, each) for name in self.request["exclusive_services"] for each in COLORS]
        remedy = "bluegreen_exclusive_services"
        if is_single_file(self.request["compose_files"]):
            remedy = "bluegreen_shared_services or bluegreen_exclusive_services"
        warnings = anonymous_volumes(placed[color], declared) + shared_writers(placed, exclusive, remedy, storage)
        if coming:
            warnings += written_by_others(placed[coming], self.shared_plan.strangers, storage)
            warnings += self.planner.left_behind(placed[coming], coming)
        return warnings

    def _files(self, configs, hashes, deploy):
        files = {}
        for color, config in configs.items():
            labels = {
                "app": self.planner.app,
                "color": color,
                "release": self.request["release"],
                "deploy": deploy,
                "config": hashes[color],
            }
            reach, exclusive = reach_for(self.request, color), self.planner.services_of(config, color)["exclusive"]
            colored = color_file(config, labels, self.planner.services, exclusive, reach, self.volumes)
            files[f"compose.{color}.json"] = file_text(colored)
        return files

    def _lay_down(self, plan, files, config_hash, images, adoption):
        again = self.request["deploy"] is not None
        if plan.unchanged and again:
            self.state.save(unfinished=None)
            self.state.forget_deploys(self.state.deploys_on_record())
        if plan.unchanged and not (plan.pulls or plan.builds):
            return
        self.state.create()
        # After the pull and the builds, the second plan may choose the other color. The images from before, and the
        # connections that this run has made since, are as the first plan noted them.
        before = self.state.journal["unfinished"] if again else {"ids_before": images.ids}
        self.planner.begin(
            plan,
            self.planner.services,
            config_hash=config_hash,
            **images.noted(plan.color),
            ids_before=before["ids_before"],
            adopted=self._adopted(),
            connected=before.get("connected", []) + (adoption.connected if adoption else []),
            files=[self._path_of(with_color(name, plan.color)) for name in self.request["compose_files"]],
            **self.shared_plan.moving(plan.color, json.loads(files[plan.file]).get(JOINS, [])),
        )
        project = self._adopted_project()
        self.state.save(volumes=self.volumes, **({"project": project} if project else {}))
        self.state.forget_deploys(self.state.deploys_on_record() | {plan.deploy})
        os.makedirs(plan.directory, mode=0o700, exist_ok=True)
        for name, text in files.items():
            write_atomic(os.path.join(plan.directory, name), text)

    def _path_of(self, name):
        return os.path.normpath(os.path.join(self.request["project_src"], name))

    def _adopted(self):
        """Return the record of a stack that was started by hand, so that a rollback finds it, or None."""
        containers = self.now.active_containers
        if not containers or any(container["app"] is not None for container in containers):
            return None
        return {
            "release": "",
            "color": self.now.active,
            "deploy": "adopted",
            "deployed_at": utc_now(),
            "images": {
                container["service"]: {"ref": container["image"], "id": container["image_id"], "brought": False}
                for container in containers
            },
            "containers": [container["id"] for container in containers],
            "config_hash": "",
            "outcome": "deployed",
            "expected": expected_of(containers),
            "services": self.planner.active_services,
        }


def _new_deploy():
    return "{}-{}".format(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), uuid.uuid4().hex[:6])
