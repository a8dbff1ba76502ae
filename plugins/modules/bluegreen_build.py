#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_build
short_description: (private) Build the images of a release with Docker Compose
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Runs C(docker compose build), and prints each step of the build as it begins.
  - O(project.files) is one file, with an absolute path.
  - Fails with the last lines of the build's output. The values of build arguments and of O(env) are not shown.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app.project
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.engine
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: full
    details: If the source is the same, Docker returns the same image from its build cache.
options:
  env_files:
    description: The role's O(hotswap.compose.bluegreen#role:main:bluegreen_env_files). A secret of a build may name
      them.
    type: list
    elements: str
    default: []
  env:
    description: The role's O(hotswap.compose.bluegreen#role:main:bluegreen_env), as Base64 of JSON.
    type: str
    default: e30=
"""

EXAMPLES = r"""
- name: Build the images
  hotswap.compose.bluegreen_build:
    project:
      project_name: shop-green
      project_src: /srv/shop
      files: [/var/lib/bluegreen/shop/deploys/20260131T235959Z-1a2b3c/build.json]
      docker_cli: docker
"""

RETURN = r"""
images:
  description: The id of each image, by its name.
  returned: success
  type: dict
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compose.build_run import build_command, run_build, secrets_of
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError
from ..module_utils._options import PROJECT_ARGUMENTS, decode_mapping
from ..module_utils._progress import Progress


def build(params, progress):
    """Return ``(changed, {name: id})``. Raises ComposeError and EngineError."""
    engine = Engine.connect(params)
    project, env = params["project"], decode_mapping(params["env"])
    with open(project["files"][0], encoding="utf-8") as file:
        config = json.load(file)
    names = sorted(service["image"] for service in config["services"].values())
    before = {name: engine.image_id(name) for name in names}
    environ = dict(os.environ, **{key: str(value) for key, value in env.items()})
    # An attestation has the time in it, so that the same source would give another image each time.
    environ.update(DOCKER_HOST=engine.host, BUILDKIT_PROGRESS="plain", BUILDX_NO_DEFAULT_ATTESTATIONS="1")
    run_build(build_command(project, params["env_files"]), environ, secrets_of(config, env), progress.say)
    images = {name: engine.image_id(name) for name in names}
    return images != before, images


def main():
    module = AnsibleModule(
        argument_spec=dict(
            env_files={"type": "list", "elements": "str", "default": []},
            env={"type": "str", "default": "e30=", "no_log": True},
            **PROJECT_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
    )
    try:
        with Progress() as progress:
            changed, images = build(module.params, progress)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, images=images, progress=progress.lines)


if __name__ == "__main__":
    main()
