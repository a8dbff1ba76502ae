#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_preflight
short_description: (private) Check whether a run could work on a target
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Checks what can be checked before the role creates nginx - the docker command, Compose, the Docker Engine, the state
    directory and its journal, the directory of nginx's files, and that of the Compose files.
  - Changes nothing. M(hotswap.compose.bluegreen_plan) checks the rest.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.engine
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  nginx_conf_dir:
    description: The directory on the target that nginx will include. It need not exist.
    type: str
    required: true
  project_src:
    description: The directory on the target that holds the Compose files. Leave it out if the run reads none.
    type: str
"""

EXAMPLES = r"""
- name: Check whether the shop can be deployed here
  hotswap.compose.bluegreen_preflight:
    app: shop
    state_dir: /var/lib/bluegreen
    nginx_conf_dir: /srv/edge/conf.d
    project_src: /srv/shop
"""

RETURN = r"""
docker_host:
  description: The URL of the Docker Engine.
  returned: success
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compose.render import refuse_old_compose
from ..module_utils._deploy.preflight import refuse_unfit_target
from ..module_utils._docker.address import local_address
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            state_dir={"type": "str", "required": True},
            nginx_conf_dir={"type": "str", "required": True},
            project_src={"type": "str"},
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )

    def run(argv, environ):
        return module.run_command(argv, environ_update=dict(environ, DOCKER_HOST=params["docker_host"]))

    params = module.params
    docker = module.get_bin_path("docker")
    if docker is None:
        module.fail_json(msg="the docker command is missing on the target; install Docker's client and Compose v2")
    try:
        params["docker_host"] = local_address(params["docker_host"], os.environ)
        refuse_unfit_target(params["app"], params["state_dir"], params["nginx_conf_dir"], params["project_src"])
        refuse_old_compose(run, docker, [])
        Engine.connect(params)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, docker_host=params["docker_host"])


if __name__ == "__main__":
    main()
