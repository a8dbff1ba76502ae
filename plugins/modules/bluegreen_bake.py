#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_bake
short_description: Watch a release for a while after it got the traffic
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Follows the release's containers by the Engine's events, and asks the smoke tests again and again, through nginx
    where it is known how. Fails the moment there is too much against the release.
  - What counts are containers that restart, and rounds of smoke tests with a failure in them. A container that is
    unhealthy, removed, or down for good is too much by itself.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
  - hotswap.compose.docker
  - hotswap.compose.app
  - hotswap.compose.app.smoke
attributes:
  check_mode:
    support: full
    details: Does not wait.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: It only watches.
options:
  seconds:
    description: For how long nothing may be wrong. A restart that is allowed begins it anew.
    type: int
    required: true
  failures:
    description: How many restarts of a container, and how many failed rounds of tests, are allowed.
    type: int
    default: 0
  project_name:
    description: The release's Compose project.
    type: str
    required: true
  services:
    description: The services that it must have.
    type: list
    elements: str
    default: []
  traffic_services:
    description: Those of them that take traffic.
    type: list
    elements: str
    default: []
  max_restarts:
    description: How often a container was allowed to restart before the swap.
    type: int
    default: 0
  patience:
    description: Seconds that a container which was restarted may take until it is ready again.
    type: int
    default: 120
  swapped:
    description: Whether all of the traffic is its; else the tests are asked of the replicas.
    type: bool
    default: true
  edge_url:
    description: By what the app is reached through nginx, whatever its path; without it, the replicas are asked.
    type: dict
    suboptions:
      url:
        description: An HTTP or HTTPS URL, as seen from the target.
        type: str
        required: true
      host:
        description: The Host header to send.
        type: str
  locations:
    description:
      - What nginx sends where, as of M(hotswap.compose.bluegreen_plan). A test whose path goes to another service
        than it means is asked of the replicas.
    type: list
    elements: dict
    default: []
  nginx_mode:
    description: Where nginx runs.
    type: str
    choices: [container, host]
    default: container
  network:
    description: With O(nginx_mode=container), the Docker network of nginx and the app.
    type: str
    default: edge
"""

EXAMPLES = r"""
- name: Watch green for a minute
  hotswap.compose.bluegreen_bake:
    app: shop
    seconds: 60
    project_name: shop-green
    traffic_services: [web-green]
    tests: "{{ [{'service': 'web-{color}', 'path': '/health'}] | to_json | b64encode }}"
    edge_url: {url: "http://127.0.0.1", host: shop.example}
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
rounds:
  description: How often all smoke tests were asked.
  returned: always
  type: int
failed_rounds:
  description: How often one of them failed.
  returned: always
  type: int
through:
  description: What the tests went through, V(nginx) or straight to the V(containers); null where there are none.
  returned: always
  type: str
containers:
  description: As of M(hotswap.compose.compose_health_wait).
  returned: always
  type: list
  elements: dict
"""

import contextlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hotswap.compose.plugins.module_utils import _gate
from ansible_collections.hotswap.compose.plugins.module_utils._baker import Baker
from ansible_collections.hotswap.compose.plugins.module_utils._engine import ENGINE_ARGUMENTS, Engine, EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._prober import (
    SMOKE_ARGUMENTS,
    Prober,
    SmokeError,
    replicas,
    through_nginx,
)
from ansible_collections.hotswap.compose.plugins.module_utils._state import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._waiter import Waiter, evidence

LOG_TAIL = 50


def bake(engine, params):
    """Return ``(verdict, result)``: the gate's Outcome, and what the module returns."""
    restarts = params["max_restarts"] + params["failures"]
    rules = _gate.Rules.of_released(params["services"], params["traffic_services"], restarts)
    bases = replicas(engine, AppState(params["state_dir"], params["app"]), params)
    by_nginx = params["swapped"] and params["edge_url"]
    if by_nginx:
        bases = through_nginx(params["edge_url"], params["locations"], bases)
    prober = Prober(params["tests"], bases)
    baker = Baker(prober, params["failures"]) if prober.tests else None
    waiter = Waiter(
        engine,
        params["project_name"],
        rules,
        params["seconds"] + params["patience"],
        params["seconds"],
        objection=baker.objection if baker else None,
    )
    with baker or contextlib.nullcontext():
        outcome = waiter.wait()
    return outcome, {
        "rounds": baker.rounds if baker else 0,
        "failed_rounds": len(baker.failures) if baker else 0,
        "through": ("nginx" if by_nginx else "containers") if baker else None,
        "containers": evidence(engine, list(waiter.records.values()), outcome, LOG_TAIL),
    }


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            seconds={"type": "int", "required": True},
            failures={"type": "int", "default": 0},
            project_name={"type": "str", "required": True},
            services={"type": "list", "elements": "str", "default": []},
            traffic_services={"type": "list", "elements": "str", "default": []},
            max_restarts={"type": "int", "default": 0},
            patience={"type": "int", "default": 120},
            swapped={"type": "bool", "default": True},
            edge_url={"type": "dict", "options": {"url": {"type": "str", "required": True}, "host": {"type": "str"}}},
            locations={"type": "list", "elements": "dict", "default": []},
            state_dir={"type": "str", "required": True},
            **SMOKE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    nothing = {"rounds": 0, "failed_rounds": 0, "through": None, "containers": []}
    if module.check_mode:
        module.exit_json(changed=False, **nothing)
    try:
        outcome, result = bake(Engine.connect(module.params), module.params)
    except (EngineError, SmokeError) as error:
        module.fail_json(msg=str(error), **nothing)
    if outcome.status != _gate.READY:
        module.fail_json(msg=outcome.text, **result)
    if result["through"] == "containers" and module.params["swapped"]:
        module.warn(
            "the smoke tests of the bake were asked of the containers, not through nginx: bluegreen_edge_url, or "
            "bluegreen_vhost, says how"
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
