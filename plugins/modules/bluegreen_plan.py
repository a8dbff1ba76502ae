#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_plan
short_description: (private) Decide what a deploy or rollback has to do
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Reads nginx's configuration, the containers of both colors and the journal. Decides which color is active, whether
    the release already has the traffic, and how the other color starts.
  - Rejects what can't work, with one message, before anything starts.
  - Takes the app's lock, which keeps other runs out until M(hotswap.compose.bluegreen_finish) releases it or this run
    dies. Releases it itself if there is nothing to do.
  - With C(nginx_manage), if nginx's container does not run, it only checks the target. The plan then is to start nginx
    and to plan again.
  - Lets Compose render the user's files and stores the result in the state directory. The color, and a later rollback
    to it, runs from that result.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
  - hotswap.compose._app.edge
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.edge
      - hotswap.compose.engine
      - hotswap.compose.probes
  check_mode:
    support: full
    details: Nothing is written, and no container tests nginx's configuration.
  diff_mode:
    support: full
    details: Release, image digests and upstreams before and after.
  idempotent:
    support: full
options:
  settings:
    description:
      - The role's variables without their prefix and without the secret ones, as
        M(hotswap.compose.bluegreen_validate) returned them.
    type: dict
    required: true
  env:
    description:
      - Additional variables for Compose, beside the project's own C(.env). A JSON object, encoded as Base64.
      - It is one string, because Ansible would otherwise hide each of its values wherever it appears in an output.
    type: str
    default: e30=
  kind:
    description:
      - What the run must do.
      - A V(rollback) takes the release from the state directory, not from the Compose files. V(promote) and V(abort)
        act on the release that awaits its promotion.
    type: str
    choices: [deploy, rollback, promote, abort]
    default: deploy
  recovered:
    description: What M(hotswap.compose.bluegreen_recover) returned in this run. Empty if it did not run.
    type: dict
    default: {}
  registry:
    description: The role's O(hotswap.compose.bluegreen#role:main:bluegreen_registry), as Base64 of JSON.
    type: str
    default: e30=
  preview:
    description: The role's O(hotswap.compose.bluegreen#role:main:bluegreen_preview), as Base64 of JSON.
    type: str
    default: e30=
  probe_headers:
    description: The headers of the probes, as O(hotswap.compose.compose_health_wait#module:probe_headers).
    type: str
    default: e30=
  smoke_tests:
    description: The smoke tests of this run, as O(hotswap.compose.bluegreen_smoke#module:tests). A test that can't be
      run is rejected here.
    type: str
    default: W10=
  holder:
    description: Who takes the lock. Set on the controller.
    type: dict
  dead:
    description: The lock of a run that is known to be dead. Set on the controller.
    type: str
  deploy:
    description: The C(deploy) of the RV(plan) of an earlier call in the same run. The plan is made again, now that the
      images are on the target or nginx runs. If that fails, the lock stays with the role, which undoes the run.
    type: str
"""

EXAMPLES = r"""
- name: Plan a deploy of v2
  hotswap.compose.bluegreen_plan:
    app: shop
    settings:
      release: v2
      project_src: /srv/shop
      compose_files: ["compose.{color}-deploy.yml"]
      services:
        - {name: "was-{color}", port: 3000}
        - {name: "signal-{color}", port: 3001}
      shared_services: []
      exclusive_services: []
      vhost: {}
      edge_url: {}
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
  check_mode: true
  register: planned
"""

RETURN = r"""
lock:
  description: The token by which this run has the app's lock.
  returned: while this run has the lock
  type: str
beat:
  description: The file on the target that shows that this run is alive.
  returned: while it has the lock
  type: str
docker:
  description: The docker command for this run. It refuses to work once another run has the lock.
  returned: success
  type: str
docker_host:
  description: The URL of the Docker Engine.
  returned: success
  type: str
clock_ahead:
  description: By how many seconds the target's clock is ahead of the controller's, apart from the transmission time.
  returned: success
  type: float
held:
  description: Which run has the lock.
  returned: if another run has it
  type: dict
unfinished:
  description: Whether an earlier run was interrupted. It must be finished or undone before a new plan is made.
  returned: success
  type: bool
plan:
  description:
    - What the role's later tasks act on. The class C(Plan) in C(plugins/module_utils/_deploy/plan.py) documents each
      key.
  returned: if no run is unfinished, and in check mode
  type: dict
"""

import contextlib
import dataclasses
import os
import pathlib
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compose.files import requested_files
from ..module_utils._compose.render import refuse_old_compose
from ..module_utils._deploy.planner import Planner
from ..module_utils._deploy.preflight import refuse_unfit_target
from ..module_utils._deploy.request import complete_request, requested_release
from ..module_utils._deploy.steps import blind_plan
from ..module_utils._docker.address import local_address
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, NO_DOCKER, Engine
from ..module_utils._docker.registry import docker_config
from ..module_utils._edge.options import EDGE_ARGUMENTS
from ..module_utils._errors import BluegreenError, LockHeld, PlanError, StateError
from ..module_utils._health.smoke_run import parse_smoke_tests
from ..module_utils._options import APP_ARGUMENTS, decode, decode_mapping
from ..module_utils._state.directory import AppState
from ..module_utils._state.history import append_run, ended_run, owner_of
from ..module_utils._state.lock import AppLock


def decode_env(encoded):
    """Return the mapping that O(env) holds. Raises PlanError."""
    try:
        env = decode(encoded) or {}
    except ValueError:
        env = None
    if not isinstance(env, dict):
        raise PlanError("bluegreen_env is not a mapping; give {NAME: value, …}")
    return env


def take_lock(lock, state, params, docker, host, check_mode):
    """Take the lock if the run needs it. Return the directories that were created for it.

    ``host``: the URL of the Engine that the docker command works on.
    """
    state.refuse_unusable()
    if check_mode:
        params["lock"] = None
    if not params["lock"]:
        return []
    made = state.create()
    release = requested_release(params["settings"], params["recovered"])
    holder = dict(params["holder"] or {}, release=release, kind=params["kind"])
    lock.take(params["lock"], holder, params["dead"], docker, own_docker_config(params), host)
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


def release_lock(lock, params):
    """Release the lock if nothing follows this call."""
    if params["lock"]:
        lock.release(params["lock"])


def nginx_is_to_come(engine, params):
    """Return whether the role runs nginx itself, and its container does not run."""
    if not params["settings"].get("nginx_manage"):
        return False
    container = engine.inspect(params["nginx_container"])
    return container is None or not container["State"]["Running"]


def plan_blindly(params, run, docker):
    """Return what decide() does, before nginx runs. Raises BluegreenError where a run is known to fail."""
    settings = params["settings"]
    source = settings["project_src"] if params["kind"] == "deploy" else None
    refuse_unfit_target(params["app"], params["state_dir"], params["nginx_conf_dir"], source)
    refuse_old_compose(run, docker, [])
    request = complete_request(settings, kind=params["kind"], recovered=params["recovered"], preview={}, smoke_tests=[])
    result = {"changed": True, "unfinished": False, "docker": docker, "plan": dataclasses.asdict(blind_plan(request))}
    return result, []


def decide(engine, params, run, docker, logged_in, check_mode):
    """Return ``(result, warnings)``; ``docker``, ``logged_in``: that command, and the one of this run."""
    if nginx_is_to_come(engine, params):
        return plan_blindly(params, run, docker)
    found = None if params["deploy"] else AppState(params["state_dir"], params["app"]).unfinished
    if found and not check_mode:
        return {"changed": False, "unfinished": True}, []
    options = ("app", "state_dir", "lock", "kind", "recovered", "deploy", *EDGE_ARGUMENTS)
    settings, env = params["settings"], decode_env(params["env"])
    environ = {**os.environ, **{name: str(value) for name, value in env.items() if value is not None}}
    files, loaded = requested_files(
        *(settings["compose_files"], params["kind"], settings["project_src"]), settings.get("env_files") or [], environ
    )
    request = complete_request(
        {**settings, "compose_files": files},
        **{name: params[name] or None if name == "deploy" else params[name] for name in options},
        env=env,
        loaded_files=loaded,
        preview=decode_mapping(params["preview"]),
        smoke_tests=parse_smoke_tests(params["smoke_tests"]),
        probe_headers=params["probe_headers"],
    )
    planner = Planner(engine, request, run, docker, logged_in, check_mode)
    result = dict(planner.result(), unfinished=bool(found), docker=docker)
    if found:
        planner.warnings.append("an earlier run was interrupted, so this one would first finish or undo it")
    return result, planner.warnings


def record_refusal(lock, state, params, error):
    """Record a run that ends here, refused, in the history."""
    run = {
        "kind": params["kind"],
        "outcome": "rejected",
        "release": requested_release(params["settings"], params["recovered"]),
        "previous_release": None,
        "color": None,
        "phases": {},
        "reason": str(error),
    }
    with contextlib.suppress(StateError), lock.acting(params["lock"]):
        holder = lock.holder()
        append_run(state.directory, ended_run(run, holder["since"], owner_of(holder), {}, []))


def is_fulfilled(result):
    """Return whether nothing comes after this decision."""
    if result["unfinished"]:
        return False
    plan = result["plan"]
    return plan["unchanged"] and not (plan["pulls"] or plan["builds"])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            settings={"type": "dict", "required": True},
            kind={"type": "str", "choices": ["deploy", "rollback", "promote", "abort"], "default": "deploy"},
            recovered={"type": "dict", "default": {}},
            env={"type": "str", "default": "e30=", "no_log": True},
            smoke_tests={"type": "str", "default": "W10=", "no_log": True},
            preview={"type": "str", "default": "e30=", "no_log": True},
            probe_headers={"type": "str", "default": "e30=", "no_log": True},
            registry={"type": "str", "default": "e30=", "no_log": True},
            deploy={"type": "str"},
            holder={"type": "dict"},
            dead={"type": "str"},
            **APP_ARGUMENTS,
            **EDGE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )

    def run(argv, environ):
        return module.run_command(argv, environ_update=dict(environ, DOCKER_HOST=params["docker_host"]))

    docker = module.get_bin_path("docker")
    if docker is None:
        module.fail_json(msg=NO_DOCKER)
    params = module.params
    lock = AppLock(params["state_dir"], params["app"])
    state, made = None, []
    try:
        state = AppState(params["state_dir"], params["app"])
        params["docker_host"] = local_address(params["docker_host"], os.environ)
        engine = Engine.connect(params)
        made = take_lock(lock, state, params, docker, params["docker_host"], module.check_mode)
        with lock.acting(params["lock"]):
            logged_in = lock.docker(params["lock"]) if params["lock"] else docker
            result, warnings = decide(engine, params, run, docker, logged_in, module.check_mode)
            if is_fulfilled(result):
                release_lock(lock, params)
    except LockHeld as error:
        module.fail_json(
            msg=f"{error} has the lock; wait for it (bluegreen_lock_wait), or if it hangs, take the lock from it with "
            "ansible-playbook hotswap.compose.unlock",
            held=dict(error.holder, says=str(error)),
        )
    except Exception as error:
        if state and params["deploy"] is None:  # else the role goes on, to undo what it has begun
            if params["lock"] and not made:
                record_refusal(lock, state, params, error)
            release_lock(lock, params)
            state.remove(made)
        if not isinstance(error, (BluegreenError, OSError)):
            raise
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    result.update(now=time.time(), docker_host=params["docker_host"])
    if params["lock"] and not module.check_mode and not is_fulfilled(result):
        result.update(lock=params["lock"], beat=lock.beat(params["lock"]), docker=lock.docker(params["lock"]))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
