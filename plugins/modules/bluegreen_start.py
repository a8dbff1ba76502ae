#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_start
short_description: (private) Start a color, and test nginx's new file while it boots
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Removes the O(leftovers). Then it starts the color, either with Compose as M(hotswap.compose.bluegreen_up) does, or
    its stopped O(containers).
  - Then it tests the file that M(hotswap.compose.bluegreen_swap) will write, and makes the O(introduction) live if
    there is one. Meanwhile, the containers boot.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
  - hotswap.compose._app.joins
  - hotswap.compose._app.edge
  - hotswap.compose._app.look
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
  state:
    description:
      - V(created) only creates all containers of the project and connects them to their networks.
      - V(started) also starts them, and tests nginx's new file.
    type: str
    choices: [created, started]
    default: started
  project:
    description: What Compose works on, as O(hotswap.compose.bluegreen_up#module:project). Without it, the O(containers)
      are started.
    type: dict
  start:
    description: The services to start; all of the project, if empty.
    type: list
    elements: str
    default: []
  create_first:
    description: Whether Compose creates all containers and the O(joins) are made before the first container starts.
    type: bool
    default: false
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
    description: For how many seconds Compose may take.
    type: float
    default: 120
  content:
    description: As O(hotswap.compose.bluegreen_swap#module:content). Required with O(state=started).
    type: str
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
began:
  description: When it began, in seconds by the target's monotonic clock.
  returned: always
  type: float
seen:
  description: As of M(hotswap.compose.compose_health_wait); empty if Compose did not start them.
  returned: success
  type: dict
introduced:
  description: Whether the new names were introduced to nginx.
  returned: success
  type: bool
containers:
  description: The containers, as of M(hotswap.compose.compose_health_wait).
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
from ..module_utils._errors import BluegreenError, ReleaseFailed
from ..module_utils._health.look import LOOK_ARGUMENTS
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._progress import Progress


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state={"type": "str", "choices": ["created", "started"], "default": "started"},
            project={"type": "dict"},
            start={"type": "list", "elements": "str", "default": []},
            create_first={"type": "bool", "default": False},
            recreate={"type": "str", "choices": ["auto", "always"], "default": "auto"},
            containers={"type": "list", "elements": "str", "default": []},
            leftovers={"type": "list", "elements": "str", "default": []},
            timeout={"type": "float", "default": 120},
            content={"type": "str"},
            previous_content={"type": "str", "default": ""},
            introduction={"type": "str", "default": ""},
            answer_log={"type": "str", "default": ""},
            **JOIN_ARGUMENTS,
            **APP_ARGUMENTS,
            **EDGE_ARGUMENTS,
            **LOOK_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        required_if=[("state", "started", ["content"])],
    )
    progress = Progress()
    starter = None
    try:
        with progress:
            starter = Starter(Engine.connect(module.params), module.params, progress)
            starter.start()
    except ReleaseFailed as error:
        module.fail_json(msg=str(error), containers=error.containers, nginx_fault=False, progress=progress.lines)
    except (BluegreenError, OSError) as error:
        is_up = starter is not None and starter.is_up
        module.fail_json(msg=str(error), containers=[], nginx_fault=is_up, progress=progress.lines)
    for warning in starter.warnings:
        module.warn(warning)
    module.exit_json(progress=progress.lines, **starter.result())


if __name__ == "__main__":
    main()
