#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_swap
short_description: Send nginx's traffic to the other color, and prove it
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Writes the file by which nginx knows where the app's requests go, reloads nginx, and proves that it serves the new configuration.
  - A file is tested outside nginx's own directory before it is put there in one step; one that nginx refuses is never seen by it.
  - What was there before is written to the journal first, and put back on disk where the reload can't be proven.
  - A part of the role P(hotswap.compose.bluegreen#role), of little use alone.
extends_documentation_fragment:
  - hotswap.compose.attributes
  - hotswap.compose.docker
  - hotswap.compose.app
  - hotswap.compose.app.edge
attributes:
  check_mode:
    support: full
    details: Nothing is tested or written.
  diff_mode:
    support: full
    details: The app's file before and after.
  idempotent:
    support: full
    details: Where nginx's file sends the traffic there already, nothing is written and nginx is not reloaded.
options:
  state:
    description:
      - V(judged) tests the file and leaves nginx alone, which costs nothing while containers boot.
      - V(live) makes it so.
      - V(back) puts the file of before back, as the journal has it, and reloads nginx once.
    type: str
    choices: [judged, live, back]
    default: live
  color:
    description: The color that is to have the traffic; written into the file for a person to read.
    type: str
    choices: [blue, green]
  release:
    description: Its release; the same.
    type: str
    default: ''
  upstreams:
    description: Where nginx is to send the traffic.
    type: list
    elements: dict
    suboptions: &upstream
      name:
        description: The upstream's name.
        type: str
        required: true
      targets:
        description: Its servers.
        type: list
        elements: dict
        required: true
        suboptions:
          host:
            description: A name on nginx's network.
            type: str
            required: true
          port:
            description: The port there.
            type: int
            required: true
  previous_upstreams:
    description: Where nginx sends the traffic now; what O(state=back) goes by where there is no file of ours yet.
    type: list
    elements: dict
    default: []
    suboptions: *upstream
  containers:
    description: The ids of the old color's containers; with O(state=back), the traffic only goes back to them where they are healthy.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Send the traffic of the shop to green
  hotswap.compose.bluegreen_swap:
    app: shop
    color: green
    release: v2
    upstreams:
      - name: shop-was
        targets:
          - {host: shop-green-was, port: 3000}
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
old_workers:
  description: Process id and start time (clock ticks since boot) of nginx's workers before the reload.
  returned: when nginx was reloaded
  type: list
  elements: list
proved_at:
  description: When the reload was proven, in seconds since the epoch by the target's clock.
  returned: when nginx was reloaded or started
  type: float
reload_seconds:
  description: From the reload to the proof.
  returned: when nginx was reloaded or started
  type: float
nginx_version:
  description: nginx's version.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hotswap.compose.plugins.module_utils._containers import is_running, summary
from ansible_collections.hotswap.compose.plugins.module_utils._edge import Edge, EdgeError
from ansible_collections.hotswap.compose.plugins.module_utils._engine import ENGINE_ARGUMENTS, Engine, EngineError
from ansible_collections.hotswap.compose.plugins.module_utils._state import AppState, StateError
from ansible_collections.hotswap.compose.plugins.module_utils._swap import Swap
from ansible_collections.hotswap.compose.plugins.module_utils._upstream import UpstreamError


def _refuse_unhealthy(engine, container_ids):
    for container_id in container_ids:
        inspected = engine.inspect(container_id)
        if inspected is None or not is_running(summary(inspected)):
            raise EdgeError(
                "the old color is not healthy any more ({0}), so the traffic stays where it is".format(
                    inspected["Name"].lstrip("/") if inspected else container_id[:12]
                )
            )


def main():
    upstreams = dict(
        type="list",
        elements="dict",
        options=dict(
            name=dict(type="str", required=True),
            targets=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(host=dict(type="str", required=True), port=dict(type="int", required=True)),
            ),
        ),
    )
    module = AnsibleModule(
        argument_spec=dict(
            app=dict(type="str", required=True),
            state=dict(type="str", choices=["judged", "live", "back"], default="live"),
            color=dict(type="str", choices=["blue", "green"]),
            release=dict(type="str", default=""),
            upstreams=upstreams,
            previous_upstreams=dict(upstreams, default=[]),
            containers=dict(type="list", elements="str", default=[]),
            network=dict(type="str", required=True),
            nginx_container=dict(type="str", required=True),
            nginx_conf_dir=dict(type="str", required=True),
            state_dir=dict(type="str", required=True),
            **ENGINE_ARGUMENTS,
        ),
        required_if=[("state", state, ("color", "upstreams")) for state in ("judged", "live")],
        supports_check_mode=True,
    )
    params = module.params
    try:
        engine = Engine.connect(params)
        state = AppState(params["state_dir"], params["app"])
        edge = Edge(engine, params["nginx_container"], params["nginx_conf_dir"], params["network"], state.scratch)
        swap = Swap(edge, state, check_mode=module.check_mode)
        wanted = (params["color"], params["release"], params["upstreams"])
        if params["state"] == "back":
            _refuse_unhealthy(engine, params["containers"])
            result = swap.back()
        elif params["state"] == "judged":
            result = swap.judge(*wanted)
        else:
            result = swap.live(*wanted, params["previous_upstreams"])
    except (EngineError, EdgeError, StateError, UpstreamError, OSError) as error:
        module.fail_json(msg=str(error))
    if swap.warning and params["state"] == "live":
        module.warn(swap.warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
