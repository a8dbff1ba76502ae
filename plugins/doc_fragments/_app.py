# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that several modules of the role have in common."""

    DOCUMENTATION = r"""
options:
  app:
    description: The app's name.
    type: str
    required: true
  state_dir:
    description: The directory with the journal and the Compose files of the releases.
    type: str
    required: true
"""

    LOCK = r"""
options:
  lock:
    description:
      - The token by which this run has the app's lock, as M(hotswap.compose.bluegreen_plan) returned it.
      - If another run has taken over the lock, the module fails and changes nothing. Without a token, no lock is
        checked.
    type: str
"""

    JOINS = r"""
options:
  joins:
    description: Which containers join which networks.
    type: list
    elements: dict
    default: []
    suboptions:
      color:
        description: The color. Its containers exist, but need not run.
        type: str
        choices: [blue, green]
        required: true
      file:
        description: The Compose file that the color runs from. It lists the networks.
        type: path
        required: true
  by_hand:
    description: The ids of the containers of shared services that were started by hand, by service.
    type: dict
    default: {}
"""

    EDGE = r"""
options:
  nginx_mode:
    description: Whether nginx runs in a container or as a service of the target itself.
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
      - The role's C(bluegreen_smoke_tests), as a JSON list, encoded as Base64.
      - It is one string, because Ansible would otherwise hide each of its values wherever it appears in an output.
    type: str
    default: W10=
requirements:
  - jmespath on the target, if a test has an expression
"""

    PROJECT = r"""
options:
  project:
    description: The Compose project.
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
      - Requests that the target sends to each container of a service, again and again. The container needs no tool for
        them.
      - The container is ready once the probe has passed. If the probe fails after that, the container is unhealthy.
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
          - Without it, the probe only opens a TCP connection.
        type: str
      status:
        description: The HTTP statuses with which the probe passes.
        type: list
        elements: int
        default: [200]
      interval:
        description: Seconds from one reply to the next probe.
        type: float
        default: 1
      timeout:
        description: Seconds for one complete reply.
        type: float
        default: 2
      healthy_after:
        description: After how many passed probes in a row the container is healthy.
        type: int
        default: 1
      unhealthy_after:
        description: After how many failed probes in a row a healthy container becomes unhealthy.
        type: int
        default: 3
      network:
        description: The Docker network whose address is probed. With a rootless Engine, the target can't reach it.
          Without a network, or if the container is not on it, the probe uses a published port or, without one, any
          address.
        type: str
      headers_of:
        description: The name in O(probe_headers) whose headers are sent. By default, that of the service.
        type: str
  probe_headers:
    description:
      - The headers that probes send, a mapping for each service, as JSON, encoded as Base64. The color in the name of a
        service is ignored.
      - It is one string, because Ansible would otherwise hide each of its values wherever it appears in an output.
    type: str
    default: e30=
"""

    LOOK = r"""
options:
  project_name:
    description: The Compose project of the color to check. Without it, no color is checked.
    type: str
  services:
    description: The services that must have containers.
    type: list
    elements: str
    default: []
  traffic_services:
    description: The services among these that take traffic.
    type: list
    elements: str
    default: []
  replicas:
    description: How many containers each service must have. The default is one.
    type: dict
    default: {}
  max_restarts:
    description: How often the Engine may have restarted each container by its restart policy. A negative number means
      no limit.
    type: int
    default: 0
  seen:
    description:
      - What the previous check saw, as M(hotswap.compose.compose_health_wait) returned it. A container that was removed
        or started again since then has failed.
    type: dict
    default: {}
"""

    GATE = r"""
options:
  stable_for:
    description:
      - For how many seconds all containers must then stay ready, in addition to O(timeout).
      - A restart that O(max_restarts) allows starts this time again.
    type: float
    default: 0
  no_healthcheck:
    description: What to do about a container with neither a healthcheck nor one of the O(probes), if its service is one
      of the O(traffic_services).
    type: str
    choices:
      fail: It fails.
      running: It is ready when it has been running for O(min_uptime) seconds without a restart.
    default: fail
  min_uptime:
    description:
      - After how many seconds without a restart such a container is ready.
      - The seconds count from its start by the Engine's clock, which must be the target's clock too.
    type: float
    default: 10
"""

    RECORD = r"""
options:
  outcome:
    description:
      - How the deploy ended.
      - V(deployed) has the traffic, also after a rollback. V(rolled_back) had the traffic and lost it in the same run.
        V(rejected) never had it. V(awaiting_promotion) is ready for it.
    type: str
    choices: [deployed, rolled_back, rejected, awaiting_promotion]
    required: true
  services:
    description: The names of the services that take traffic, with C({color}). Their images belong to this app.
    type: list
    elements: str
    required: true
  keep_releases:
    description: How many releases keep their images.
    type: int
    default: 3
  run:
    description: What the history records about the run, in addition to its O(outcome).
    type: dict
    required: true
    suboptions:
      kind:
        description: What the run did.
        type: str
        choices: [deploy, rollback, promote, abort]
        required: true
      release:
        description: The release that was to get the traffic. Empty if it was started by hand.
        type: str
      previous_release:
        description: The release that had the traffic before. Empty if it was started by hand.
        type: str
      color:
        description: The release's color.
        type: str
      phases:
        description: The seconds of each phase.
        type: dict
        default: {}
      warnings:
        description: The warnings of the run.
        type: list
        elements: str
        default: []
      reason:
        description: Why it failed. The history has the first line.
        type: str
"""
