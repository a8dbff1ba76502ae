#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_smoke
short_description: (private) Run the smoke tests against each replica of the new color
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Runs every smoke test against every replica of the color that is being deployed, without nginx. Fails if an answer
    is not what the test expects, after its retries.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.smoke
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.engine
  check_mode:
    support: full
    details: Runs no test.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: It changes nothing, unless a test does.
options:
  nginx_mode:
    description: Where nginx runs. It decides whether the replicas are reached by their addresses or by their ports.
    type: str
    choices: [container, host]
    default: container
  network:
    description: With O(nginx_mode=container), the Docker network on which they have those addresses.
    type: str
    default: edge
"""

EXAMPLES = r"""
- name: Run the smoke tests against the color that is being deployed
  hotswap.compose.bluegreen_smoke:
    app: shop
    tests: "{{ [{'service': 'web-{color}', 'path': '/health'}] | to_json | b64encode }}"
    network: edge
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
tests:
  description: Each test at each replica.
  returned: always
  type: list
  elements: dict
  contains:
    service:
      description: The service, as the test names it.
      type: str
    request:
      description: The request and its address, without headers and body.
      type: str
    attempts:
      description: How often the request was sent.
      type: int
    status:
      description: The last answer's status; null without an answer.
      type: int
    problem:
      description: Why the answer did not pass. Null if it passed.
      type: str
    answer:
      description: The beginning of an answer that did not pass.
      type: str
containers:
  description: The containers of the services whose tests failed, as in M(hotswap.compose.compose_health_wait).
  returned: if a test failed
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._docker.containers import containers_of_run
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._docker.traffic import traffic_containers
from ..module_utils._errors import BluegreenError
from ..module_utils._health.smoke import describe_results
from ..module_utils._health.smoke_run import SMOKE_ARGUMENTS, SmokeRun, replica_addresses, tested_services
from ..module_utils._health.wait import witnesses
from ..module_utils._state.directory import AppState

LOG_TAIL = 50


def failed_containers(engine, state, results):
    """Return the containers of each service that a test failed of, with the tail of their logs."""
    failed = {result["service"] for result in results if result["problem"]}
    unfinished = state.journal["unfinished"]
    services = tested_services(unfinished, failed)
    containers = containers_of_run(engine, state.app, unfinished)
    chosen = traffic_containers(containers, services, unfinished["color"])
    return witnesses(engine, [container["id"] for container in chosen], LOG_TAIL)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            state_dir={"type": "str", "required": True},
            **SMOKE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    results, containers = [], []
    try:
        if not module.check_mode:
            engine = Engine.connect(module.params)
            state = AppState(module.params["state_dir"], module.params["app"])
            results = SmokeRun(module.params["tests"], replica_addresses(engine, state, module.params)).ask_all()
            containers = failed_containers(engine, state, results)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), tests=results)
    failed = describe_results(results)
    if failed:
        module.fail_json(msg="smoke test " + failed, tests=results, containers=containers)
    module.exit_json(changed=False, tests=results)


if __name__ == "__main__":
    main()
