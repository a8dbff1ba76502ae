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
  - Looks at nginx, at the containers of both colors and at the journal, and says which color has the traffic, whether
    the release that was asked for is live already, and how the other color comes up.
  - Refuses what can't work, with one message, before anything starts.
  - Takes the app's lock, which keeps other runs out until M(hotswap.compose.bluegreen_record) gives it up or this run
    dies; gives it up itself where there is nothing to do.
  - Has Compose render the user's files and lays the result down in the state directory; the color, and a rollback to
    it later, runs from that.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
  - hotswap.compose.docker
  - hotswap.compose.app
  - hotswap.compose.app.lock
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
        description: The service's name in the Compose file; with a file for each color, with C({color}) in it.
        type: str
        required: true
      port:
        description: The port it listens on in its container.
        type: int
        required: true
      upstream:
        description: The name of the nginx upstream; by default the app and the service without its color.
        type: str
      publish:
        description: The ports of the host's loopback address by which an nginx on the host finds it.
        type: dict
        suboptions:
          blue:
            description: Blue's port.
            type: int
            required: true
          green:
            description: Green's port.
            type: int
            required: true
  project_src:
    description: The directory that holds the Compose files.
    type: str
    required: true
  compose_files:
    description: The Compose files, relative to O(project_src); C({color}) is replaced.
    type: list
    elements: str
    required: true
  shared_services:
    description: With one ordinary Compose file, the services that run once, outside the colors.
    type: list
    elements: str
    default: []
  shared_update:
    description: Whether those whose definition has changed are made anew.
    type: bool
    default: false
  exclusive_services:
    description: Services that must not run in both colors at once.
    type: list
    elements: str
    default: []
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
  kind:
    description:
      - What is to be done.
      - A V(rollback) takes the release from the state directory and not from O(project_src). V(promote) and V(abort)
        are of the release that awaits its promotion.
    type: str
    choices: [deploy, rollback, promote, abort]
    default: deploy
  finished:
    description: Whether M(hotswap.compose.bluegreen_recover) has just finished a promotion, so that none is to be done.
    type: bool
    default: false
  pull:
    description: When images are pulled after this; with V(never) a missing one is refused.
    type: str
    choices: [always, missing, never]
    default: always
  vhost:
    description: What the app's C(server) block is made from; empty where the user writes it.
    type: dict
    default: {}
    suboptions:
      server_names:
        description: The host names that the app answers to.
        type: list
        elements: str
      listen:
        description: Ports, or addresses and ports; by default 443 with TLS and 80 without.
        type: list
        elements: str
      tls:
        description: The certificate and its key, as nginx sees them.
        type: dict
        suboptions:
          certificate:
            description: Path of the certificate chain.
            type: str
            required: true
          key:
            description: Path of the key.
            type: str
            required: true
      locations:
        description: Which path goes to which service; by default all to the first one.
        type: list
        elements: dict
        suboptions:
          path:
            description: The path's beginning.
            type: str
            required: true
          service:
            description: A O(services[].name).
            type: str
            required: true
          websocket:
            description: Whether WebSockets are opened there.
            type: bool
            default: false
  registry:
    description: The role's O(hotswap.compose.bluegreen#role:main:bluegreen_registry), as Base64 of JSON.
    type: str
    default: e30=
  preview:
    description: The role's O(hotswap.compose.bluegreen#role:main:bluegreen_preview), as Base64 of JSON.
    type: str
    default: e30=
  smoke_tests:
    description: What is to be asked later, as O(hotswap.compose.bluegreen_smoke#module:tests); what can't be asked is
      refused here.
    type: str
    default: W10=
  edge_url:
    description: By what the app is reached through nginx; derived from O(vhost) where that is given.
    type: dict
    default: {}
    suboptions:
      url:
        description: An HTTP or HTTPS URL, as seen from the target.
        type: str
      host:
        description: The Host header to send.
        type: str
  lock_wait:
    description: Seconds to wait for another run that has the lock.
    type: int
    default: 0
  holder:
    description: Who takes the lock; filled in on the controller.
    type: dict
  dead:
    description: The lock of a run that is known to be dead; filled in on the controller.
    type: str
  deploy:
    description: The RV(plan.deploy) of an earlier call in the same run, to be decided again now that its images are
      here.
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
lock:
  description: The name by which this run has the app's lock.
  returned: while it has it
  type: str
beat:
  description: The file on the target that shows that this run lives.
  returned: while it has the lock
  type: str
docker:
  description: The docker command for this run; while it has the lock, it refuses to work once another run has it.
  returned: success
  type: str
clock_ahead:
  description: By how many seconds the target's clock is ahead of the controller's, but for the way of the answer.
  returned: success
  type: float
held:
  description: Who has the lock.
  returned: where another run has it
  type: dict
unfinished:
  description: Whether an earlier run never ended. It is to be finished or undone first, and then decided anew.
  returned: success
  type: bool
plan:
  description: What the other tasks of the role go by.
  returned: where nothing is unfinished, and in check mode
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
      description:
        - How that color comes up.
        - V(create) from its Compose file; V(start) from its stopped containers; V(warm) not at all, it still runs.
        - V(refresh) is for the active color, where only nginx's file of it is to be written again.
      type: str
      choices: [create, start, warm, promote, refresh]
    download:
      description: What a pull brings, in words; null where nothing is pulled after this decision.
      type: str
      sample: 45.1 MB to download, 12.3 GB free
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
      description: The services that must have containers before the swap.
      type: list
      elements: str
    traffic_services:
      description: Those of them that take traffic.
      type: list
      elements: str
    exclusive:
      description: Those that only start after the swap, when the active color's are stopped.
      type: list
      elements: str
    exclusive_containers:
      description: The ids of their containers, where they are there.
      type: list
      elements: str
    joins:
      description: The C(color) and C(file) by which containers join networks that no Compose file names.
      type: list
      elements: dict
    shared:
      description: What is to be done of the shared services; empty for what is no deploy.
      type: dict
      contains:
        project:
          description: Their Compose project.
          type: str
        file:
          description: The Compose file that they run from.
          type: str
        up:
          description: The services that Compose is to start from it.
          type: list
          elements: str
        start:
          description: The ids of containers to start that somebody started by hand once.
          type: list
          elements: str
        by_hand:
          description: The ids of all of those, by their services.
          type: dict
        absent:
          description: The names of those that something is to be done of.
          type: list
          elements: str
        waits:
          description: The C(project) and C(services) to wait for before a color starts.
          type: list
          elements: dict
    containers:
      description: The ids of the containers to start, where there are stopped ones.
      type: list
      elements: str
    leftovers:
      description: The ids of containers of that color that somebody started by hand, and that stand in the way.
      type: list
      elements: str
    content:
      description: What nginx's file of the app is to say.
      type: str
    previous_content:
      description: What it would say for the active color, for a way back; empty before the first deploy.
      type: str
    introduction:
      description:
        - What nginx's file is to say before the swap, where nginx follows names; it sends the traffic where it goes
          now.
        - Empty where there is no need.
      type: str
    upstreams:
      description: The upstreams of that color, C(name) and C(targets), with the C(active_targets) of the active one.
      type: list
      elements: dict
    preview_server:
      description: The C(server) block of a preview with a port of its own; empty without one.
      type: str
    edge_url:
      description: By what the app is reached through nginx; null where that is not known.
      type: dict
    locations:
      description: What O(vhost) has nginx send where, its default filled in; empty without one.
      type: list
      elements: dict
    can_go_back:
      description: Whether the active color was healthy.
      type: bool
    previous_containers:
      description: The ids of the active color's containers, to be retired.
      type: list
      elements: str
    previous_serving:
      description: Those of them that take traffic.
      type: list
      elements: str
    previous_exclusive:
      description: Those of them that end before the other color's exclusive services start.
      type: list
      elements: str
    previous_endpoints:
      description: The addresses and ports by which nginx reaches them.
      type: list
      elements: str
"""

import contextlib
import os
import pathlib
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hotswap.compose.plugins.module_utils._deploy.planner import Planner
from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ansible_collections.hotswap.compose.plugins.module_utils._docker.registry import docker_config
from ansible_collections.hotswap.compose.plugins.module_utils._edge.options import EDGE_ARGUMENTS
from ansible_collections.hotswap.compose.plugins.module_utils._errors import (
    BluegreenError,
    LockHeld,
    PlanError,
    StateError,
)
from ansible_collections.hotswap.compose.plugins.module_utils._health.smoke_run import parse_smoke_tests
from ansible_collections.hotswap.compose.plugins.module_utils._options import decode, decode_mapping, without_unset
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._state.history import append_run, ended_run, owner_of
from ansible_collections.hotswap.compose.plugins.module_utils._state.lock import AppLock

PORTS = {
    "type": "dict",
    "options": {"blue": {"type": "int", "required": True}, "green": {"type": "int", "required": True}},
}
VHOST = {
    "type": "dict",
    "default": {},
    "options": {
        "server_names": {"type": "list", "elements": "str"},
        "listen": {"type": "list", "elements": "str"},
        "tls": {
            "type": "dict",
            "options": {
                "certificate": {"type": "str", "required": True},
                "key": {"type": "str", "required": True, "no_log": False},
            },
        },
        "locations": {
            "type": "list",
            "elements": "dict",
            "options": {
                "path": {"type": "str", "required": True},
                "service": {"type": "str", "required": True},
                "websocket": {"type": "bool", "default": False},
            },
        },
    },
}


def environment(encoded):
    """Return the mapping that O(env) holds. Raises PlanError."""
    try:
        env = decode(encoded) or {}
    except ValueError:
        env = None
    if not isinstance(env, dict):
        raise PlanError("bluegreen_env is not a mapping of names to values; give {NAME: value, …}")
    return env


def take(lock, params, docker, check_mode):
    """Take the lock, where the run is to have it. Return the directories that were made for it."""
    if check_mode:
        params["lock"] = None
    if not params["lock"]:
        return []
    made = AppState(params["state_dir"], params["app"]).create()
    holder = dict(params["holder"] or {}, release=params["release"], kind=params["kind"])
    lock.take(params["lock"], holder, params["dead"], docker, own_docker_config(params))
    return made


def own_docker_config(params):
    """Return the docker command's configuration for this run; None for the user's own."""
    registry = decode_mapping(params["registry"])
    if not registry:
        return None
    directory = os.environ.get("DOCKER_CONFIG") or os.path.join(pathlib.Path.home(), ".docker")
    try:
        with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
            own = file.read()
    except OSError:
        own = None
    return docker_config(registry, own, directory)


def give_up(lock, params):
    """Give the lock up where nothing comes after this call."""
    if params["lock"]:
        lock.release(params["lock"])


def decide(engine, params, run, docker, logged_in, check_mode):
    """Return ``(result, warnings)``; ``docker``, ``logged_in``: that command, and the one of this run."""
    found = AppState(params["state_dir"], params["app"]).unfinished if params["deploy"] is None else None
    if found and not check_mode:
        return {"changed": False, "unfinished": True}, []
    parse_smoke_tests(params["smoke_tests"])
    params = dict(
        params,
        env=environment(params["env"]),
        vhost=without_unset(params["vhost"]),
        preview=decode_mapping(params["preview"]),
    )
    planner = Planner(engine, params, run, docker, logged_in, check_mode)
    result = dict(planner.result(), unfinished=bool(found), docker=docker)
    if found:
        planner.warnings.append("an earlier run never ended: this one would first finish or undo it")
    return result, planner.warnings


def remember(lock, params, error):
    """Have the history know of a run that ends here, refused."""
    state = AppState(params["state_dir"], params["app"])
    run = {
        "kind": params["kind"],
        "outcome": "rejected",
        "release": params["release"],
        "previous_release": None,
        "color": None,
        "phases": {},
        "reason": str(error),
    }
    with contextlib.suppress(StateError), lock.acting(params["lock"]):
        holder = lock.holder()
        append_run(state.directory, ended_run(run, holder["since"], owner_of(holder), {}, []))


def is_all(result, params):
    """Return whether nothing comes after this decision."""
    again = params["deploy"] is not None or params["kind"] != "deploy" or params["pull"] != "always"
    return not result["unfinished"] and result["plan"]["unchanged"] and again


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            services={
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "port": {"type": "int", "required": True},
                    "upstream": {"type": "str"},
                    "publish": PORTS,
                },
            },
            project_src={"type": "str", "required": True},
            compose_files={"type": "list", "elements": "str", "required": True},
            shared_services={"type": "list", "elements": "str", "default": []},
            shared_update={"type": "bool", "default": False},
            exclusive_services={"type": "list", "elements": "str", "default": []},
            env={"type": "str", "default": "e30=", "no_log": True},
            env_files={"type": "list", "elements": "str", "default": []},
            finished={"type": "bool", "default": False},
            release={"type": "str"},
            kind={"type": "str", "choices": ["deploy", "rollback", "promote", "abort"], "default": "deploy"},
            pull={"type": "str", "choices": ["always", "missing", "never"], "default": "always"},
            deploy={"type": "str"},
            lock={"type": "str"},
            lock_wait={"type": "int", "default": 0},
            holder={"type": "dict"},
            dead={"type": "str"},
            vhost=VHOST,
            smoke_tests={"type": "str", "default": "W10=", "no_log": True},
            preview={"type": "str", "default": "e30=", "no_log": True},
            registry={"type": "str", "default": "e30=", "no_log": True},
            edge_url={"type": "dict", "default": {}, "options": {"url": {"type": "str"}, "host": {"type": "str"}}},
            state_dir={"type": "str", "required": True},
            **EDGE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        required_if=[("kind", "deploy", ("release",))],
        supports_check_mode=True,
    )

    def run(argv, environ):
        return module.run_command(argv, environ_update=environ)

    docker = module.get_bin_path("docker")
    if docker is None:
        module.fail_json(msg="the docker command is missing on the target; install Docker's client and Compose v2")
    params = module.params
    lock = AppLock(params["state_dir"], params["app"])
    made = []
    try:
        engine = Engine.connect(params)
        made = take(lock, params, docker, module.check_mode)
        with lock.acting(params["lock"]):
            logged_in = lock.docker(params["lock"]) if params["lock"] else docker
            result, warnings = decide(engine, params, run, docker, logged_in, module.check_mode)
            if is_all(result, params):
                give_up(lock, params)
    except LockHeld as error:
        module.fail_json(
            msg=f"{error} is under way: wait for it (bluegreen_lock_wait); where it is dead, free the lock by the "
            "playbook hotswap.compose.unlock",
            held=dict(error.holder, says=str(error)),
        )
    except Exception as error:
        if params["deploy"] is None:  # else the role goes on, to undo what it has begun
            if params["lock"] and not made:
                remember(lock, params, error)
            give_up(lock, params)
            AppState(params["state_dir"], params["app"]).remove(made)
        if not isinstance(error, (BluegreenError, OSError)):
            raise
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    result["now"] = time.time()
    if params["lock"] and not module.check_mode and not is_all(result, params):
        result.update(lock=params["lock"], beat=lock.beat(params["lock"]), docker=lock.docker(params["lock"]))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
