#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_up
short_description: (private) Start containers with Docker Compose, with a timeout
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Runs C(docker compose up) and follows the containers by the Engine's events. Fails, and ends Compose, as soon as a
    container fails or the O(timeout) has passed.
  - It pulls no image.
  - Compose alone waits without limit for a service that others depend on, and does not report why one failed.
  - The wait ends with Compose. M(hotswap.compose.compose_health_wait) then waits until all containers are ready, within
    the same time, by RV(began).
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app.project
  - hotswap.compose._app.look
  - hotswap.compose._app.probes
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.engine
      - hotswap.compose.probes
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Compose leaves unchanged containers alone, unless O(recreate) is V(always).
options:
  start:
    description: The services to start. If empty, all services of the project.
    type: list
    elements: str
    default: []
  recreate:
    description: Which containers to recreate. V(auto) means those whose definition changed.
    type: str
    choices: [auto, always, never]
    default: auto
  dependencies:
    description: Whether to start what the services depend on.
    type: bool
    default: true
  timeout:
    description: For how many seconds this may take.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: Start green
  hotswap.compose.bluegreen_up:
    project:
      project_name: shop-green
      project_src: /srv/shop
      files: [compose.yml]
      docker_cli: docker
    services: [was, signal]
    timeout: 60
  register: started

- name: Wait until all of it is healthy, within the same minute
  hotswap.compose.compose_health_wait:
    project_name: shop-green
    services: [was, signal]
    timeout: 60
    began: "{{ started.began }}"
    seen: "{{ started.seen }}"
"""

RETURN = r"""
began:
  description: When it began, in seconds by the target's monotonic clock.
  returned: always
  type: float
seen:
  description: As in the result of M(hotswap.compose.compose_health_wait).
  returned: success
  type: dict
containers:
  description: The containers, as in the result of M(hotswap.compose.compose_health_wait).
  returned: failure
  type: list
  elements: dict
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compose.up_run import run_up
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError, ReleaseFailed
from ..module_utils._health.look import LOOK_ARGUMENTS
from ..module_utils._options import PROJECT_ARGUMENTS
from ..module_utils._progress import Progress


def main():
    module = AnsibleModule(
        argument_spec=dict(
            start={"type": "list", "elements": "str", "default": []},
            recreate={"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
            dependencies={"type": "bool", "default": True},
            timeout={"type": "float", "default": 120},
            **LOOK_ARGUMENTS,
            **PROJECT_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
    )
    params = dict(module.params, remove_orphans=False)
    began = time.monotonic()
    progress = Progress()
    try:
        with progress:
            result = run_up(Engine.connect(module.params), params, began, progress)
    except ReleaseFailed as error:
        module.fail_json(msg=str(error), containers=error.containers, progress=progress.lines)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), containers=[], progress=progress.lines)
    module.exit_json(began=began, progress=progress.lines, **result)


if __name__ == "__main__":
    main()
