#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_plan
short_description: Decide what a blue/green deploy or rollback has to do
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Looks at nginx, at the containers of both colors and at the journal, and says which color has the traffic, whether the release
    that was asked for is live already, and how the other color comes up.
  - Refuses what can't work, with one message, before anything starts.
  - Has Compose render the user's files and lays the result down in the state directory; the color, and a rollback to it later,
    runs from that.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
  - hotswap.compose.docker
  - hotswap.compose.app
  - hotswap.compose.app.edge
attributes:
  check_mode:
    support: full
    details: Nothing is written, and no container tests how nginx takes the upstreams.
  diff_mode:
    support: full
    details: Release, image digests and upstreams before and after.
  idempotent:
    support: full
options:
  services:
    description: The services that take traffic.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The service's name in the Compose file, with C({color}) in it.
        type: str
        required: true
      port:
        description: The port it listens on in its container.
        type: int
        required: true
      upstream:
        description: The name of the nginx upstream; by default the app and the service without its color.
        type: str
  project_src:
    description: The directory that holds the Compose files.
    type: str
    required: true
  compose_files:
    description: The Compose files, relative to O(project_src); C({color}) is replaced.
    type: list
    elements: str
    required: true
  env:
    description:
      - What Compose interpolates besides the project's own C(.env); a JSON object, encoded as Base64.
      - One text, because Ansible would otherwise black out each of its values wherever it appears in an output.
    type: str
    default: e30=
  env_files:
    description: Files of variables that Compose interpolates, relative to O(project_src).
    type: list
    elements: str
    default: []
  release:
    description:
      - The release to deploy, or to roll back to.
      - Without it, a rollback goes to the release that had the traffic before the active one.
    type: str
  rollback:
    description: Whether this is a rollback, which takes the release from the state directory and not from O(project_src).
    type: bool
    default: false
  pull:
    description: When images are pulled after this; with V(never) a missing one is refused.
    type: str
    choices: [always, missing, never]
    default: always
  deploy:
    description: The RV(plan.deploy) of an earlier call in the same run, to be decided again now that its images are here.
    type: str
"""

EXAMPLES = r"""
- name: See what a deploy of v2 would have to do
  hotswap.compose.bluegreen_plan:
    app: shop
    release: v2
    project_src: /srv/shop
    compose_files: ["compose.{color}-deploy.yml"]
    services:
      - {name: "was-{color}", port: 3000}
      - {name: "signal-{color}", port: 3001}
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
  check_mode: true
  register: planned
"""

RETURN = r"""
plan:
  description: What the other tasks of the role go by.
  returned: success
  type: dict
  contains:
    deploy:
      description: Identifies this deploy; its files lie in a directory of this name.
      type: str
    unchanged:
      description: Whether what was asked for has the traffic already.
      type: bool
    reasons:
      description: Why not, a short text each.
      type: list
      elements: str
    release:
      description: The release that is to have the traffic.
      type: str
    previous_release:
      description: The release that has it now; null where there is none, or it was started by hand.
      type: str
    active_color:
      description: The color that has the traffic now; null before the first deploy.
      type: str
    color:
      description: The color that is to have it.
      type: str
    how:
      description: How that color comes up.
      type: str
      choices: [create, start, warm]
    project:
      description: Its Compose project.
      type: str
    directory:
      description: The directory of RV(plan.file).
      type: str
    file:
      description: The Compose file that the color runs from.
      type: str
    services:
      description: The services that must have containers.
      type: list
      elements: str
    traffic_services:
      description: Those of them that take traffic.
      type: list
      elements: str
    containers:
      description: The ids of the containers to start, where there are stopped ones.
      type: list
      elements: str
    leftovers:
      description: The ids of containers of that color that somebody started by hand, and that stand in the way.
      type: list
      elements: str
    upstreams:
      description: Where nginx is to send the traffic.
      type: list
      elements: dict
    previous_upstreams:
      description: Where nginx sends it now, for a way back; empty before the first deploy.
      type: list
      elements: dict
    can_go_back:
      description: Whether the active color was healthy.
      type: bool
    previous_containers:
      description: The ids of the active color's containers, to be retired.
      type: list
      elements: str
    previous_addresses:
      description: Their addresses on nginx's network.
      type: list
      elements: str
"""

import base64
import json
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hotswap.compose.plugins.module_utils import _compose, _nginx, _plan
from ansible_collections.hotswap.compose.plugins.module_utils._containers import is_running
from ansible_collections.hotswap.compose.plugins.module_utils._edge import EdgeError
from ansible_collections.hotswap.compose.plugins.module_utils._engine import ENGINE_ARGUMENTS, Engine, EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._journal import write_atomic
from ansible_collections.hotswap.compose.plugins.module_utils._settings import (
    COLORS,
    named_services,
    other_color,
    project_name,
    with_color,
)
from ansible_collections.hotswap.compose.plugins.module_utils._situation import Situation
from ansible_collections.hotswap.compose.plugins.module_utils._state import StateError


class Planner:
    def __init__(self, module):
        self.module = module
        self.params = module.params
        self.app = self.params["app"]
        self.engine = Engine.connect(self.params)
        self.services = named_services(self.app, self.params["services"])
        self.now = Situation(self.engine, self.params, self.services, may_judge=not module.check_mode)
        self.state = self.now.state
        self.warnings = []

    def result(self):
        plan = self._rollback() if self.params["rollback"] else self._deploy()
        active = self.now.active_containers
        plan.update(
            active_color=self.now.active,
            previous_release=_plan.live_release(active),
            upstreams=self._upstreams(plan["color"], plan["how"], plan["containers"]),
            previous_upstreams=self._upstreams(self.now.active, _plan.WARM, active) if self.now.active else [],
            can_go_back=bool(self.now.active) and _plan.can_serve(active, self.services, self.now.active),
            previous_containers=[container["id"] for container in active],
            previous_addresses=(
                _plan.addresses(active, self.services, self.now.active, self.params["network"]) if self.now.active else []
            ),
        )
        if self.now.active and not plan["can_go_back"]:
            self.warnings.append("the active color {0} is not healthy: there is no way back to it".format(self.now.active))
        changed = not plan["unchanged"]
        images = plan.pop("images")
        return {
            "changed": changed,
            "plan": plan,
            "diff": {"before": self._before(), "after": self._after(plan, images) if changed else self._before()},
        }

    # A deploy

    def _deploy(self):
        env = self._env()
        configs = self._render(env)
        hashes = {color: _compose.config_hash(config) for color, config in configs.items()}
        color = other_color(self.now.active) if self.now.active else COLORS[0]
        refs = {other: _compose.image_refs(config) for other, config in configs.items()}
        ids = self._image_ids({ref for named in refs.values() for ref in named.values()})
        self._refuse_missing(configs[color], refs[color], ids)
        deploy = self.params["deploy"] or "{0}-{1}".format(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), uuid.uuid4().hex[:6])
        reasons = ["nothing has the traffic"]
        if self.now.active:
            reasons = _plan.changes(
                self.params["release"],
                hashes[self.now.active],
                refs[self.now.active],
                ids,
                self.now.active_containers,
                self._file_is_current(),
            )
            unfinished = self.state.journal["unfinished"]
            if unfinished and any(container["deploy"] == unfinished["deploy"] for container in self.now.active_containers):
                reasons.append("its deploy was never finished")
        plan = {
            "deploy": deploy,
            "release": self.params["release"],
            "color": color,
            "how": _plan.CREATE,
            "unchanged": not reasons,
            "reasons": reasons,
            "project": project_name(self.app, color),
            "directory": self.state.deploy_directory(deploy),
            "file": "compose.{0}.json".format(color),
            "services": _compose.expected_services(configs[color]),
            "traffic_services": [with_color(service["name"], color) for service in self.services],
            "containers": [],
            "leftovers": [container["id"] for container in self.now.colors[color] if container["app"] is None],
            "images": {ref: ids[ref] for ref in refs[color].values()},
        }
        files = self._files(configs, hashes, deploy)
        if not self.module.check_mode:
            self._lay_down(plan, files, hashes[color], refs[color], ids)
        return plan

    def _env(self):
        try:
            env = json.loads(base64.b64decode(self.params["env"]))
        except ValueError:
            env = None
        if not isinstance(env, dict):
            raise _plan.PlanError("bluegreen_env is not a mapping of names to values; give {NAME: value, …}")
        return env

    def _render(self, env):
        docker = self.module.get_bin_path("docker")
        if docker is None:
            raise _plan.PlanError("the docker command is missing on the target; install Docker's client and Compose v2")
        settings = {key: self.params[key] for key in ("app", "release", "project_src", "compose_files", "env_files")}
        if not os.path.isdir(settings["project_src"]):
            raise _plan.PlanError(
                "bluegreen_project_src is {0!r}: there is no such directory on the target".format(settings["project_src"])
            )

        def render(color):
            return _compose.render(self._run, docker, settings, color, env)

        with ThreadPoolExecutor(max_workers=2) as pool:
            rendered = dict(zip(COLORS, pool.map(render, COLORS)))
        for _config, said in rendered.values():
            self.warnings.extend(line for line in said if line not in self.warnings)
        return {color: config for color, (config, _said) in rendered.items()}

    def _run(self, argv, environ):
        return self.module.run_command(argv, environ_update=environ)

    def _image_ids(self, refs):
        return {ref: self.engine.image_id(ref) for ref in sorted(refs)}

    def _refuse_missing(self, config, refs, ids):
        if self.params["pull"] != "never":
            return
        for service, ref in refs.items():
            if ids[ref] is None and "build" not in config["services"][service]:
                raise _plan.PlanError(
                    "bluegreen_pull is 'never', but the image {0} of service {1} is not on the target; load it, or let "
                    "bluegreen_pull be 'missing'".format(ref, service)
                )

    def _file_is_current(self):
        upstreams = self._upstreams(self.now.active, _plan.WARM, self.now.active_containers)
        wanted = _nginx.app_text(self.app, self.now.active, "", "", upstreams, self.now.nginx_version)
        return _nginx.sends_the_same(self.now.text, wanted)

    def _files(self, configs, hashes, deploy):
        files = {}
        active_first = sorted(COLORS, key=lambda color: color != self.now.active)
        containers = [container for color in active_first for container in self.now.colors[color]]
        for color, config in configs.items():
            labels = {
                "app": self.app,
                "color": color,
                "release": self.params["release"],
                "deploy": deploy,
                "config": hashes[color],
            }
            volumes = _plan.volumes_in_use(config, containers)
            colored = _compose.colored(config, labels, self.services, self.params["network"], volumes)
            files["compose.{0}.json".format(color)] = json.dumps(colored, indent=1)
        return files

    def _lay_down(self, plan, files, config_hash, refs, ids):
        if plan["unchanged"] and self.params["pull"] != "always":
            return
        again = self.params["deploy"] is not None
        if plan["unchanged"] and again:
            self.state.save(unfinished=None)
            self.state.forget_deploys()
            return
        self.state.create()
        if not again:
            self.state.save(
                unfinished={
                    "deploy": plan["deploy"],
                    "release": plan["release"],
                    "color": plan["color"],
                    "config_hash": config_hash,
                    "refs": refs,
                    "ids_before": ids,
                    "adopted": self._adopted(),
                    "rollback": False,
                }
            )
        self.state.forget_deploys(plan["deploy"])
        os.makedirs(plan["directory"], mode=0o700, exist_ok=True)
        for name, text in files.items():
            write_atomic(os.path.join(plan["directory"], name), text)

    def _adopted(self):
        """Return the record of a stack that somebody started by hand, so that a rollback finds it; else None."""
        containers = self.now.active_containers
        if not containers or any(container["app"] is not None for container in containers):
            return None
        return {
            "release": "",
            "color": self.now.active,
            "deploy": "adopted",
            "deployed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "images": {
                container["service"]: {"ref": container["image"], "id": container["image_id"], "brought": False}
                for container in containers
            },
            "containers": [container["id"] for container in containers],
            "config_hash": "",
            "outcome": "deployed",
        }

    # A rollback

    def _rollback(self):
        releases = self.state.journal["releases"]
        record = _plan.rollback_target(self.app, releases, self.params["release"])
        color, how, containers = _plan.standing(record, self.now.colors, self.now.active)
        live = {container["id"] for container in self.now.active_containers}
        unchanged = bool(live) and live <= set(record["containers"]) and self._file_is_current()
        directory = self.state.deploy_directory(record["deploy"])
        plan = {
            "deploy": record["deploy"],
            "release": record["release"],
            "color": self.now.active if unchanged else color,
            "how": how,
            "unchanged": unchanged,
            "reasons": [] if unchanged else ["the release is {0}".format(_plan.live_release(self.now.active_containers))],
            "project": containers[0]["project"] if containers else project_name(self.app, color),
            "directory": directory,
            "file": "rollback.{0}.json".format(color),
            "services": sorted({container["service"] for container in containers}),
            "traffic_services": [with_color(service["name"], color) for service in self.services],
            "containers": [container["id"] for container in containers if not is_running(container)],
            "leftovers": [],
            "images": {image["ref"]: image["id"] for image in record["images"].values()},
        }
        if unchanged:
            return plan
        if how == _plan.CREATE:
            config = self._retained(record, color)
            plan["services"] = _compose.expected_services(config)
            plan["leftovers"] = [container["id"] for container in self.now.colors[color] if container["app"] is None]
            if not self.module.check_mode:
                write_atomic(os.path.join(directory, plan["file"]), json.dumps(config, indent=1))
        if not self.module.check_mode:
            self.state.save(
                unfinished={
                    "deploy": record["deploy"],
                    "release": record["release"],
                    "color": color,
                    "config_hash": record["config_hash"],
                    "images": record["images"],
                    "containers": record["containers"],
                    "adopted": None,
                    "rollback": True,
                }
            )
        return plan

    def _retained(self, record, color):
        """Return what a release ran from, with the very images it ran with."""
        name = record["release"] or "the stack that was started by hand"
        path = os.path.join(self.state.deploy_directory(record["deploy"]), "compose.{0}.json".format(color))
        try:
            with open(path, encoding="utf-8") as file:
                config = json.load(file)
        except (OSError, ValueError) as error:
            raise _plan.PlanError("{0} can't come back: its containers are gone, and so is {1}".format(name, path)) from error
        by_base = {_base(service, record["color"]): image for service, image in record["images"].items()}
        for service, definition in config["services"].items():
            image = by_base.get(_base(service, color))
            if image is None:
                continue
            if self.engine.image_id(image["id"]) is None:
                raise _plan.PlanError(
                    "{0} can't come back: its image {1} ({2}) is no longer on the target; deploy it again from the "
                    "registry".format(name, image["ref"], image["id"][:19])
                )
            if self.engine.image_id(image["ref"]) != image["id"]:
                definition["image"] = image["id"]
        return config

    # Both

    def _upstreams(self, color, how, containers):
        known = containers if how != _plan.CREATE else []
        if how == _plan.START:
            known = [container for container in self.now.colors[color] if container["id"] in containers]
        return _plan.upstreams(self.app, color, self.services, known)

    def _before(self):
        images = {container["service"]: _image(container["image"], container["image_id"]) for container in self.now.active_containers}
        return _shown(
            _plan.live_release(self.now.active_containers), self.now.active, images, self.now.text
        )

    def _after(self, plan, images):
        color, release = plan["color"], plan["release"]
        text = _nginx.app_text(self.app, color, release or "adopted", "-", plan["upstreams"], self.now.nginx_version)
        refs = {ref: _image(ref, image_id) for ref, image_id in images.items()}
        return _shown(release, color, refs, text)


def _base(service, color):
    return service.replace(color, "")


def _image(ref, image_id):
    return "{0} {1}".format(ref, image_id[:19] if image_id else "(not here yet)")


def _shown(release, color, images, text):
    lines = ["release: {0}".format(release), "color: {0}".format(color)]
    lines += ["image: {0}".format(image) for image in sorted(images.values())]
    lines += [line for line in (text or "").splitlines() if not line.startswith("#")]
    return "\n".join(lines) + "\n"


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app=dict(type="str", required=True),
            services=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(
                    name=dict(type="str", required=True),
                    port=dict(type="int", required=True),
                    upstream=dict(type="str"),
                ),
            ),
            project_src=dict(type="str", required=True),
            compose_files=dict(type="list", elements="str", required=True),
            env=dict(type="str", default="e30=", no_log=True),
            env_files=dict(type="list", elements="str", default=[]),
            release=dict(type="str"),
            rollback=dict(type="bool", default=False),
            pull=dict(type="str", choices=["always", "missing", "never"], default="always"),
            deploy=dict(type="str"),
            network=dict(type="str", required=True),
            nginx_container=dict(type="str", required=True),
            nginx_conf_dir=dict(type="str", required=True),
            state_dir=dict(type="str", required=True),
            **ENGINE_ARGUMENTS,
        ),
        required_if=[("rollback", False, ("release",))],
        supports_check_mode=True,
    )
    try:
        planner = Planner(module)
        result = planner.result()
    except (EngineError, EdgeError, StateError, _plan.PlanError, _compose.ComposeError) as error:
        module.fail_json(msg=str(error))
    for warning in planner.warnings:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
