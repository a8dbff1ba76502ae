#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_health_wait
short_description: Wait until a Docker Compose project is ready or can't become ready
version_added: 0.1.0
author:
  - the hotswap.compose authors (@hotswap)
description:
  - Waits until every container of a Compose project is ready, and returns as soon as the last one is. Fails as soon as
    the first one can't become ready.
  - Run it after C(docker compose up -d). Compose's own C(--wait) accepts containers that restart for ever, and fails if
    a one-shot container exits with 0.
  - It follows the Engine's events and inspects the container that an event names, so there is no interval to choose. As
    a safeguard, it also inspects all containers every 5 seconds. If the Engine is restarted, the wait continues.
  - A container with a healthcheck is ready when it is healthy. A container whose service has one of the O(probes) is
    ready when it passes the probe. With both, it needs both. With neither, it is ready when it is running, unless its
    service is listed in O(traffic_services). See O(no_healthcheck).
  - A container fails if it exits with a status other than 0, is unhealthy, out of memory, dead, paused or removed,
    could not be started, or was restarted more often than O(max_restarts).
  - A container that exits with 0 has completed, so the wait does not need it, in two cases. Another service waits for
    its completion (C(service_completed_successfully)), or its restart policy is C(no) or C(on-failure) and it was not
    healthy before. A service that takes traffic never completes. Any other container that exits has failed.
  - One-off containers of C(docker compose run) are ignored.
extends_documentation_fragment:
  - hotswap.compose._app.gate
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app.probes
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.engine
      - hotswap.compose.probes
  check_mode:
    support: full
    details:
      - Looks once instead of waiting, and returns what it sees. It never fails because of the containers, since there
        are none before a first deploy. RV(ready) tells whether the wait would be over at once.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - It changes nothing, so it never reports a change.
options:
  project_name:
    description: The name of the Compose project.
    type: str
    required: true
  services:
    description:
      - The services that must have a container. Containers of other services of the project are ignored.
      - If empty, the module waits for all containers of the project.
    type: list
    elements: str
    default: []
  traffic_services:
    description:
      - The services that take traffic. They must have a container too.
      - Running is not enough for them (see O(no_healthcheck)), and they must not complete.
    type: list
    elements: str
    default: []
  replicas:
    description: How many containers each service must have. The default is 1. Use 0 for a service whose completion
      others wait for.
    type: dict
    default: {}
  seen:
    description:
      - The RV(seen) of an earlier call. A container that was removed or started again since then fails.
    type: dict
    default: {}
  began:
    description:
      - When the O(timeout) began, in seconds by the target's monotonic clock. Without it, it begins with the wait.
    type: float
  network:
    description:
      - The Docker network over which the O(traffic_services) are reached.
      - A running container of theirs that is not on this network fails. Without this option, networks are not checked.
    type: str
  timeout:
    description: Within how many seconds all containers must become ready.
    type: float
    default: 120
  max_restarts:
    description:
      - How many times the Engine may restart each container by its restart policy.
      - Restarts count from the last start by Compose or by a person.
    type: int
    default: 0
  log_tail:
    description: How many of the last lines of its log to return for each container that failed.
    type: int
    default: 50
notes:
  - The Engine runs the healthcheck of a container, at the interval in the Compose file. The first check comes one
    interval after the start. A short interval, or C(start_interval) from Engine 25 on, makes the wait short.
seealso:
  - module: community.docker.docker_compose_v2
"""

EXAMPLES = r"""
- name: Start the next release
  community.docker.docker_compose_v2:
    project_src: /srv/shop
    project_name: shop-green

- name: Wait until all of it is healthy
  hotswap.compose.compose_health_wait:
    project_name: shop-green

- name: Wait for two services that must be there, and then watch them for 10 seconds
  hotswap.compose.compose_health_wait:
    project_name: shop-green
    services:
      - was
      - signal
    traffic_services:
      - was
      - signal
    timeout: 60
    stable_for: 10

- name: Probe a service that has no healthcheck
  hotswap.compose.compose_health_wait:
    project_name: shop-green
    traffic_services:
      - was
    network: edge
    probes:
      - service: was
        port: 3000
        path: /health
        network: edge

- name: Accept a service without a healthcheck that has been running for 15 seconds
  hotswap.compose.compose_health_wait:
    project_name: shop-green
    traffic_services:
      - legacy
    no_healthcheck: running
    min_uptime: 15

- name: Show what was wrong, and stop
  block:
    - name: Wait for the release
      hotswap.compose.compose_health_wait:
        project_name: shop-green
      register: gate
  rescue:
    - name: Fail with the verdict and the logs
      ansible.builtin.fail:
        msg: "{{ [gate.verdict] + gate.containers | map(attribute='log') | flatten }}"
"""

RETURN = r"""
ready:
  description: Whether all containers are ready.
  returned: always
  type: bool
  sample: false
verdict:
  description: The decision and its reason, in one sentence that names the container. On failure it is also RV(msg).
  returned: always
  type: str
  sample: was-green-1 exited with 3 after 1.2 s
msg:
  description: The same as RV(verdict).
  returned: failure
  type: str
  sample: was-green-1 exited with 3 after 1.2 s
seen:
  description: What a later call compares with. For each container ID, C(name), C(started_at), C(restarts) and, if it
    passed its probe, C(probed).
  returned: always
  type: dict
elapsed:
  description: For how many seconds the module waited, including those since O(began).
  returned: always
  type: float
  sample: 3.871
reaction:
  description:
    - The seconds between the Engine's time stamp of the deciding event and the verdict.
    - It is V(null) if no event decided, but a first look, a time (O(stable_for), O(min_uptime), O(timeout)), or an
      error.
  returned: always
  type: float
  sample: 0.004
containers:
  description: The containers that were checked, by service and replica.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The container's name.
      type: str
      sample: was-green-1
    id:
      description: The container's full ID.
      type: str
      sample: 2a7a79c5c8160b45c7c6b9430084d2afc2230934ef09db8f839660be442f72fd
    service:
      description: Its Compose service.
      type: str
      sample: was
    replica:
      description: Its number in the service, from 1.
      type: int
      sample: 1
    image:
      description: The image as the Compose file names it.
      type: str
      sample: shop-was:v3
    image_id:
      description: The ID of the image that it runs.
      type: str
      sample: sha256:d37d20ede1f6ae7f9f11f028e5ec5832aec7a7768711d6abf8017babb495314f
    state:
      description: The Engine's name for its state, or V(removed).
      type: str
      sample: exited
    health:
      description: V(starting), V(healthy) or V(unhealthy), by its healthcheck and its probe together. V(null) without
        both, or if it does not run.
      type: str
      sample: healthy
    exit_code:
      description: Its exit status. V(null) if it did not exit.
      type: int
      sample: 3
    oom_killed:
      description: Whether the kernel killed one of its processes because memory ran out.
      type: bool
      sample: false
    restarts:
      description: How many times the Engine restarted it.
      type: int
      sample: 0
    verdict:
      description: V(ready), V(completed), V(pending) or V(failed).
      type: str
      sample: failed
    reason:
      description: The reason, as the end of a sentence that begins with the container's name.
      type: str
      sample: exited with 3 after 1.2 s
    timeline:
      description: Its states in the order in which they were seen.
      type: list
      elements: dict
      contains:
        at:
          description: Seconds since the start of the wait.
          type: float
          sample: 1.204
        state:
          description: V(starting), V(healthy) or V(unhealthy) with a healthcheck or a probe, otherwise the Engine's
            name for the state.
          type: str
          sample: exited (3)
    probes:
      description: The last runs of its healthcheck, oldest first, then the last replies to its probe. Empty unless the
        container failed or, if none failed, was not ready.
      type: list
      elements: dict
      contains:
        start:
          description: When the probe began.
          type: str
          sample: "2026-11-22T11:31:37.579735702Z"
        exit_code:
          description: The exit status of the check. For a probe, V(0), or V(null) if it failed.
          type: int
          sample: 1
        output:
          description: What the check wrote. For a probe, the request and its result.
          type: str
          sample: connection refused
    log:
      description: The last lines of its log. Empty if other containers explain why the project was not ready. If a
        service has no container, all containers have their log here. At most the last 256 KiB, without control
        characters and escape sequences, in lines of 1000 characters.
      type: list
      elements: str
      sample: [cannot open database]
warnings:
  description: What may go wrong another time, such as a timeout that is shorter than the time in which a healthcheck
    fails.
  returned: if there are warnings
  type: list
  elements: str
  sample:
    - >-
      the healthcheck of service was may take 50 s to fail (start_period 20 s + interval 10 s x retries 3), but the
      timeout is 30 s
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import EngineError, ProbeError
from ..module_utils._health.gate import GATE_ARGUMENTS, nothing_seen, wait_until_ready
from ..module_utils._health.probe_run import PROBE_ARGUMENTS, refuse_unreachable
from ..module_utils._progress import Progress

ARGUMENTS: dict[str, dict[str, Any]] = {
    "project_name": {"type": "str", "required": True},
    "services": {"type": "list", "elements": "str", "default": []},
    "traffic_services": {"type": "list", "elements": "str", "default": []},
    "replicas": {"type": "dict", "default": {}},
    "seen": {"type": "dict", "default": {}},
    "began": {"type": "float"},
    "network": {"type": "str"},
    "timeout": {"type": "float", "default": 120},
    "max_restarts": {"type": "int", "default": 0},
    "log_tail": {"type": "int", "default": 50},
    **GATE_ARGUMENTS,
    **PROBE_ARGUMENTS,
}


def run(module: AnsibleModule) -> None:
    params = module.params
    for name in ("timeout", "stable_for", "min_uptime", "max_restarts", "log_tail"):
        if params[name] < 0:
            message = f"{name} is {params[name]}; give 0 or more"
            module.fail_json(msg=message, verdict=message, **nothing_seen())
    progress = Progress()
    try:
        engine = Engine.connect(params)
        refuse_unreachable(engine, params["probes"])
        with progress:
            result, warnings = wait_until_ready(engine, params, progress, once=module.check_mode)
    except (EngineError, ProbeError) as error:
        module.fail_json(msg=str(error), verdict=str(error), progress=progress.lines, **nothing_seen())
    for warning in warnings:
        module.warn(warning)
    if result["ready"] or module.check_mode:
        module.exit_json(changed=False, progress=progress.lines, **result)
    module.fail_json(msg=result["verdict"], progress=progress.lines, **result)


def main() -> None:
    run(AnsibleModule(argument_spec={**ARGUMENTS, **ENGINE_ARGUMENTS}, supports_check_mode=True))


if __name__ == "__main__":
    main()
