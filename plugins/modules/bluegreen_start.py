#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_start
short_description: (private) Create and start a color, test nginx's new file, and wait for the health checks
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Removes the O(leftovers). Then it starts the color, either with Compose as M(hotswap.compose.bluegreen_up) does, or
    its stopped O(containers).
  - Then it tests the file that M(hotswap.compose.bluegreen_swap) will write, and makes the O(introduction) live if
    there is one. Meanwhile, the containers boot.
  - At last it waits until the containers are ready, as M(hotswap.compose.compose_health_wait) does.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
  - hotswap.compose._app.joins
  - hotswap.compose._app.edge
  - hotswap.compose._app.look
  - hotswap.compose._app.gate
  - hotswap.compose._app.probes
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.app
      - hotswap.compose.edge
      - hotswap.compose.engine
      - hotswap.compose.probes
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: none
options:
  steps:
    description:
      - V(create) creates all containers of the project and makes the O(joins), before the first container starts.
      - V(start) starts the containers, and then nginx tests its new file.
      - V(gate) waits until the containers are ready.
    type: list
    elements: str
    choices: [create, start, gate]
    required: true
  project:
    description: What Compose works on, as O(hotswap.compose.bluegreen_up#module:project). Without it, the O(containers)
      are started.
    type: dict
  start:
    description: The services to start; all of the project, if empty.
    type: list
    elements: str
    default: []
  recreate:
    description: Which containers Compose recreates; V(auto) are those whose definition changed.
    type: str
    choices: [auto, always]
    default: auto
  containers:
    description: The ids of the stopped containers to start.
    type: list
    elements: str
    default: []
  leftovers:
    description: The ids of the color's containers that somebody started by hand. They are removed first.
    type: list
    elements: str
    default: []
  timeout:
    description: Within how many seconds all containers must be ready, with the time that Compose takes.
    type: float
    default: 120
  gate_network:
    description: The network that the containers with traffic must be on. Without it, they need not be on any.
    type: str
  content:
    description: As O(hotswap.compose.bluegreen_swap#module:content).
    type: str
    default: ''
  previous_content:
    description: As O(hotswap.compose.bluegreen_swap#module:previous_content).
    type: str
    default: ''
  introduction:
    description:
      - The content of the file until the swap. It moves no traffic, but names both colors.
      - Without it, an nginx that follows names answers 502 for a few milliseconds, until it has looked up the new
        names.
    type: str
    default: ''
  answer_log:
    description: As O(hotswap.compose.bluegreen_swap#module:answer_log), from O(introduction) or O(previous_content) on.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Start green again
  hotswap.compose.bluegreen_start:
    app: shop
    steps: [start, gate]
    containers: "{{ planned.plan.containers }}"
    content: "{{ planned.plan.content }}"
    introduction: "{{ planned.plan.introduction }}"
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
  register: started
"""

RETURN = r"""
introduced:
  description: Whether the new names were introduced to nginx.
  returned: always
  type: bool
gate:
  description: The result of the wait, as in the result of M(hotswap.compose.compose_health_wait). Empty if the wait has
    not ended.
  returned: always
  type: dict
phases:
  description: The seconds of each phase, C(start) and C(gate).
  returned: always
  type: dict
containers:
  description: The containers that failed, as in the result of M(hotswap.compose.compose_health_wait).
  returned: failure
  type: list
  elements: dict
nginx_fault:
  description: Whether it failed because nginx refuses the new file.
  returned: failure
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compose.joins import JOIN_ARGUMENTS
from ..module_utils._deploy.starter import Starter
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.options import EDGE_ARGUMENTS
from ..module_utils._errors import BluegreenError, EdgeError, ReleaseFailed
from ..module_utils._health.gate import GATE_ARGUMENTS
from ..module_utils._health.look import LOOK_ARGUMENTS
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._progress import Progress


def main():
    module = AnsibleModule(
        argument_spec=dict(
            steps={"type": "list", "elements": "str", "choices": ["create", "start", "gate"], "required": True},
            project={"type": "dict"},
            start={"type": "list", "elements": "str", "default": []},
            recreate={"type": "str", "choices": ["auto", "always"], "default": "auto"},
            containers={"type": "list", "elements": "str", "default": []},
            leftovers={"type": "list", "elements": "str", "default": []},
            timeout={"type": "float", "default": 120},
            gate_network={"type": "str"},
            content={"type": "str", "default": ""},
            previous_content={"type": "str", "default": ""},
            introduction={"type": "str", "default": ""},
            answer_log={"type": "str", "default": ""},
            **JOIN_ARGUMENTS,
            **APP_ARGUMENTS,
            **EDGE_ARGUMENTS,
            **LOOK_ARGUMENTS,
            **GATE_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
    )
    progress = Progress()
    starter = Starter(module.params, progress)
    failure = None
    try:
        with progress:
            starter.start(Engine.connect(module.params))
    except ReleaseFailed as error:
        failure = {"msg": str(error), "containers": error.containers, "nginx_fault": False}
    except (BluegreenError, OSError) as error:
        failure = {"msg": str(error), "containers": [], "nginx_fault": isinstance(error, EdgeError)}
    for warning in starter.warnings:
        module.warn(warning)
    if failure:
        module.fail_json(progress=progress.lines, **failure, **starter.result())
    module.exit_json(progress=progress.lines, **starter.result())


if __name__ == "__main__":
    main()
