#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The action plugin of the same name implements this module.

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_compose
short_description: (private) Run a module of community.docker with progress
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Runs a module of the collection C(community.docker). At least every 10 seconds, it prints how long it has waited and
    for what.
  - A failure shows only the module's message. The rescue of the role gets the whole result.
  - A command of C(docker_compose_v2_run) is the app's migration. It fails if the command exits with a status other than
    0.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.engine
  check_mode:
    support: full
    details: As the module that it runs.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: As the module that it runs.
options:
  module:
    description: The module, without its collection.
    type: str
    required: true
  project:
    description: The options that select the Compose project.
    type: dict
    required: true
  arguments:
    description: Its other options.
    type: dict
    required: true
  awaits:
    description: What the task waits for, as a clause.
    type: str
    required: true
  docker_host:
    description: The URL of the Docker Engine. The default is that of community.docker.
    type: str
"""

EXAMPLES = r"""
- name: Pull the images
  hotswap.compose.bluegreen_compose:
    module: docker_compose_v2_pull
    project:
      project_src: /srv/shop
    arguments:
      policy: always
    awaits: the images are pulled
"""

RETURN = r"""
rc:
  description: The exit status of the docker command. The module's other results, except C(containers), are returned
    too.
  returned: as the module returns it
  type: int
  sample: 0
"""
