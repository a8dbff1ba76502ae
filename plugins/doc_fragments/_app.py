# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which app, behind which nginx: the options that the parts of the role have in common."""

    DOCUMENTATION = r"""
options:
  app:
    description: The name of what is deployed.
    type: str
    required: true
  state_dir:
    description: The directory that holds the journal and the files that releases run from.
    type: str
    required: true
"""

    LOCK = r"""
options:
  lock:
    description:
      - The name by which this run has the app's lock, as M(hotswap.compose.bluegreen_plan) returned it.
      - Where another run has it by now, nothing is done. Without it, nobody is kept out.
    type: str
"""

    EDGE = r"""
options:
  nginx_mode:
    description: Where nginx runs, in a container or as a service of the target itself.
    type: str
    choices: [container, host]
    default: container
  network:
    description: With O(nginx_mode=container), the Docker network that nginx and the app share.
    type: str
    default: edge
  nginx_container:
    description: With O(nginx_mode=container), the name of nginx's container.
    type: str
    default: nginx
  nginx_conf_dir:
    description: The directory on the target that nginx includes at C(http) level.
    type: str
    required: true
"""

    SMOKE = r"""
options:
  tests:
    description:
      - The role's C(bluegreen_smoke_tests); a JSON list, encoded as Base64.
      - One text, because Ansible would otherwise black out each of its values wherever it appears in an output.
    type: str
    default: W10=
requirements:
  - jmespath on the target, where a test has an expression
"""

    PROJECT = r"""
options:
  project:
    description: What Compose works on.
    type: dict
    required: true
    suboptions:
      project_name:
        description: The project's name.
        type: str
        required: true
      project_src:
        description: The project's directory.
        type: str
        required: true
      files:
        description: Its Compose files.
        type: list
        elements: str
        required: true
      docker_cli:
        description: The docker command.
        type: str
        required: true
"""

    PROBES = r"""
options:
  probes:
    description:
      - What is asked of each container of a service, again and again, from the target. Nothing is needed in the
        container.
      - The container is ready once the probe has passed, and unhealthy once it then fails.
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description: The service.
        type: str
        required: true
      port:
        description: The port in the container.
        type: int
        required: true
      path:
        description:
          - The path of a GET request. Redirects are not followed.
          - Without it, only a TCP connection is opened.
        type: str
      status:
        description: The HTTP statuses that pass.
        type: list
        elements: int
        default: [200]
      interval:
        description: Seconds from one reply to the next probe.
        type: float
        default: 1
      timeout:
        description: Seconds for the whole of one reply.
        type: float
        default: 2
      healthy_after:
        description: After how many passes in a row the container is healthy.
        type: int
        default: 1
      unhealthy_after:
        description: After how many failures in a row a container that was healthy is unhealthy.
        type: int
        default: 3
      network:
        description: The Docker network at whose address the container is asked, which a rootless Engine's can't be.
          Without it, or where the container is not on it, a published port is asked, or else any address.
        type: str
      headers_of:
        description: The name in O(probe_headers) whose headers are sent; that of the service by default.
        type: str
  probe_headers:
    description:
      - The headers that probes send, a mapping for each service; JSON, encoded as Base64. The color in the name of a
        service does not count.
      - One text, because Ansible would otherwise black out each of its values wherever it appears in an output.
    type: str
    default: e30=
"""

    LOOK = r"""
options:
  project_name:
    description: The Compose project of the color that is looked at; without it, no color is.
    type: str
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
  replicas:
    description: How many containers each service must have; one, where it is not named.
    type: dict
    default: {}
  max_restarts:
    description: How often the Engine may have restarted each container by its restart policy; a negative number is no
      limit.
    type: int
    default: 0
  seen:
    description:
      - What the look before saw, as M(hotswap.compose.compose_health_wait) returned it. A container that is gone, or
        that was started anew, since then has failed.
    type: dict
    default: {}
"""
