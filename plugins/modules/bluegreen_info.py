#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_info
short_description: Return which containers of an app run and which color is active
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Reads the app's file of nginx, the containers of both colors and of the shared services, the journal and the
    history.
extends_documentation_fragment:
  - hotswap.compose._attributes.changes_nothing
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
attributes:
  action_group:
    support: full
    membership:
      - hotswap.compose.engine
options:
  nginx_conf_dir:
    description: The directory on the target that nginx includes at C(http) level.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Read which color of the shop has the traffic
  hotswap.compose.bluegreen_info:
    app: shop
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
  register: seen

- name: Show it
  ansible.builtin.debug:
    msg: "{{ seen.status.release }} runs in {{ seen.status.active_color }}"
"""

RETURN = r"""
status:
  description: What was found.
  returned: success
  type: dict
  contains:
    app:
      description: The app.
      type: str
    active_color:
      description: The color that has the traffic. Null if no color has it.
      type: str
    release:
      description: Its release. Null if it was started by hand.
      type: str
    since:
      description: Since when, from the journal.
      type: str
    colors:
      description:
        - Both colors, each with its containers' name, service, release, state, health, image and image_id.
        - C(probe) is whether a deploy checks the container with a probe of
          O(hotswap.compose.bluegreen#role:main:bluegreen_services). This module sends no probes. C(health) is from the
          healthcheck only.
      type: dict
    shared:
      description:
        - The shared services that the role started, each with the same keys of its containers.
        - A shared service that was started by hand is not listed.
      type: dict
    upstreams:
      description: The targets of each upstream in nginx's file of the app.
      type: dict
    releases:
      description: The journal's records, the newest last.
      type: list
      elements: dict
    awaiting_promotion:
      description: The release that is ready and awaits its promotion. Null if there is none.
      type: str
    lock:
      description: Which run has the app's lock, with C(age), the seconds since it was last seen alive. Null if the lock
        is free.
      type: dict
    unfinished:
      description: Whether a deploy was interrupted or still runs.
      type: bool
    last_run:
      description: How the last run ended, as M(hotswap.compose.bluegreen_history_info) returns it; null if no run
        is recorded.
      type: dict
    journal:
      description: Why the journal is not used. Null if it is used.
      type: str
text:
  description: The same as text, in lines of at most 100 characters.
  returned: success
  type: str
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._deploy.decisions import active_color, live_release, probed_services
from ..module_utils._docker.containers import find_all_containers
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._errors import BluegreenError
from ..module_utils._names import LABEL
from ..module_utils._nginx.app_file import app_file_name, without_sections
from ..module_utils._nginx.upstream import parse_upstreams
from ..module_utils._state.directory import AppState
from ..module_utils._state.history import read_history
from ..module_utils._state.journal import AWAITING
from ..module_utils._state.lock import AppLock
from ..module_utils._state.status import status_text

SHOWN = ("name", "service", "release", "state", "health", "image", "image_id")


def shown_lock(holder):
    """Return the fields that say who holds the lock."""
    return holder and {key: holder.get(key) for key in ("user", "controller", "job", "kind", "release", "since", "age")}


def shared_services(engine, app):
    """Return the names of the app's shared services that the role started."""
    listed = engine.list_containers([f"{LABEL}app={app}", LABEL + "shared"])
    return sorted({container["Labels"][LABEL + "shared"] for container in listed})


def shown(containers, probed=()):
    """Return the keys of containers that a person wants to see. ``probed``: the services that a probe checks."""
    return [
        dict({key: container[key] for key in SHOWN}, probe=container["service"] in probed) for container in containers
    ]


def look(engine, params):
    """Return the status, as RETURN describes it."""
    state = AppState(params["state_dir"], params["app"])
    releases = state.journal["releases"]
    colors, shared = find_all_containers(engine, params["app"], shared=shared_services(engine, params["app"]))
    path = os.path.join(params["nginx_conf_dir"], app_file_name(params["app"]))
    served = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            served = parse_upstreams(without_sections(file.read()))
    active, _source = active_color(params["app"], [], served, colors, releases)
    held = [record for record in releases if record["outcome"] == "deployed"]
    return {
        "app": params["app"],
        "active_color": active,
        "release": live_release(colors[active]) if active else None,
        "since": held[-1]["deployed_at"] if held and held[-1]["color"] == active else None,
        "colors": {
            color: shown(containers, probed_services(containers, color, releases))
            for color, containers in colors.items()
        },
        "shared": {name: shown(containers) for name, containers in shared.items()},
        "upstreams": served,
        "releases": releases,
        "awaiting_promotion": releases[-1]["release"] if releases and releases[-1]["outcome"] == AWAITING else None,
        "lock": shown_lock(AppLock(params["state_dir"], params["app"]).holder()),
        "unfinished": state.journal["unfinished"] is not None,
        "last_run": next(iter(read_history(state.directory, 1)), None),
        "journal": state.reason,
    }


def main():
    module = AnsibleModule(
        argument_spec=dict(
            app={"type": "str", "required": True},
            state_dir={"type": "str", "required": True},
            nginx_conf_dir={"type": "str", "required": True},
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    try:
        status = look(Engine.connect(module.params), module.params)
        module.exit_json(changed=False, status=status, text=status_text(status, time.time()))
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
