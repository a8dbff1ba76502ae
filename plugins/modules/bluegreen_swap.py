#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_swap
short_description: (private) Switch nginx's traffic to the other color, and prove it
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Writes the app's file of nginx, reloads nginx, and proves that nginx serves the new configuration.
  - With O(project_name) and O(state=live), O(state=preview) or O(state=canary), it first checks the color that is to
    get requests. It fails if that color is no longer as it was when it passed its health checks.
  - It tests each file outside nginx's own directory and then puts it there in one step. nginx never reads a file that
    fails the test.
  - It first writes the previous file to the journal, and restores it on disk if the reload can't be proven.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.lock
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
    support: full
    details: Nothing is tested or written.
  diff_mode:
    support: full
    details: The app's file before and after.
  idempotent:
    support: full
    details: If nginx's file already has O(content), nothing is written and nginx is not reloaded.
options:
  state:
    description:
      - V(live) makes O(content) the app's file, reloads nginx and proves it.
      - V(back) restores the previous file from the journal, reloads nginx and proves it. If the other color had
        traffic, it then waits until that color has answered its requests, so that it can be removed.
      - V(preview) makes O(content) the app's file, which moves no traffic, and opens the preview of O(upstreams).
      - V(canary) does the same, and sends O(share) percent of the requests to O(upstreams).
      - V(settled) ends a preview and a canary.
      - O(content) and O(color) are required except for V(back) and V(settled).
    type: str
    choices: [live, back, preview, canary, settled]
    default: live
  content:
    description: The content of the app's file, as M(hotswap.compose.bluegreen_plan) returns it.
    type: str
  previous_content:
    description: The content for the color that is active now. O(state=back) uses it if there was no file of the role.
    type: str
    default: ''
  preview:
    description: With O(state=preview), the role's O(hotswap.compose.bluegreen#role:main:bluegreen_preview), as Base64
      of JSON.
    type: str
    default: e30=
  upstreams:
    description: With O(state=preview) and O(state=canary), the upstreams of the idle color, as
      M(hotswap.compose.bluegreen_plan) returns them.
    type: list
    elements: dict
    default: []
  share:
    description: With O(state=canary), how many percent of the requests go to the idle color.
    type: int
  at_once:
    description: With O(state=live), whether M(hotswap.compose.bluegreen_start) has not introduced the names to nginx.
      nginx then looks them up when it loads the file, and follows them after a second reload.
    type: bool
    default: false
  answer_log:
    description:
      - The deploy for which nginx logs the app's answers from now on, until a file without it is live. See
        M(hotswap.compose.bluegreen_bake).
      - nginx before 1.27.4 keeps no such log.
    type: str
    default: ''
  server:
    description: With O(state=preview), a C(server) block of its own, as M(hotswap.compose.bluegreen_plan) returns it.
    type: str
    default: ''
  color:
    description: The color to which O(content) sends the traffic.
    type: str
    choices: [blue, green]
  edge_url:
    description: The request by which the app is reached through nginx. Its answer is part of the proof.
    type: dict
    suboptions:
      url:
        description: An HTTP or HTTPS URL, as seen from the target.
        type: str
        required: true
      host:
        description: The Host header to send.
        type: str
  drain_timeout:
    description: With O(state=back), seconds after which it no longer waits for the other color's requests.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Send the traffic of the shop to green
  hotswap.compose.bluegreen_swap:
    app: shop
    color: green
    content: "{{ planned.plan.content }}"
    previous_content: "{{ planned.plan.previous_content }}"
    edge_url: {url: "http://127.0.0.1/", host: shop.example}
    network: edge
    nginx_container: nginx
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
old_workers:
  description: Process id and start time (clock ticks since boot) of nginx's worker processes before the reload.
  returned: when nginx was reloaded
  type: list
  elements: list
proved_at:
  description: When the reload was proven, in seconds by the target's monotonic clock.
  returned: when nginx was reloaded or started
  type: float
swapped_at:
  description: The same moment in seconds since the epoch by the target's clock.
  returned: when nginx was reloaded or started
  type: float
reload_seconds:
  description: From the reload to the proof.
  returned: when nginx was reloaded or started
  type: float
drained:
  description: Whether the color that gave the traffic back was drained in time.
  returned: with O(state=back), if that color had the traffic
  type: bool
connections:
  description: How many connections to that color were left. Stopping it cuts them.
  returned: with O(state=back), if that color had the traffic
  type: int
containers:
  description: The containers of the color, as in the result of M(hotswap.compose.compose_health_wait).
  returned: if the task failed because of them
  type: list
  elements: dict
nginx_version:
  description: nginx's version.
  returned: success
  type: str
state:
  description: The O(state) that was asked for.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._docker.aliases import hand_over
from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.options import EDGE_ARGUMENTS, edge_for
from ..module_utils._edge.swap import Swap, addresses_at_load, put_back, with_addresses
from ..module_utils._errors import BluegreenError, ReleaseFailed
from ..module_utils._health.look import LOOK_ARGUMENTS, Look
from ..module_utils._nginx.canary import with_canary
from ..module_utils._nginx.preview import preview_secret, with_preview
from ..module_utils._nginx.version import follows_addresses
from ..module_utils._options import APP_ARGUMENTS, decode_mapping
from ..module_utils._progress import Progress, ignore
from ..module_utils._state.directory import AppState
from ..module_utils._state.lock import AppLock

PASSED = "after it had passed its health checks"
STATES = ["live", "back", "preview", "canary", "settled"]


def act(params, check_mode, on_wait):
    """Bring about the state in O(state). Return ``(result, warnings)``."""
    with AppLock(params["state_dir"], params["app"]).acting(None if check_mode else params["lock"]):
        return _act(params, check_mode, on_wait)


def _act(params, check_mode, on_wait):
    engine = Engine.connect(params)
    state = AppState(params["state_dir"], params["app"])
    edge = edge_for(engine, params, state)
    swap = Swap(edge, state, params["edge_url"], check_mode, params["answer_log"], on_wait)
    if params["state"] == "back":
        return put_back(engine, swap, params)
    if params["state"] == "settled":
        return swap.settle(), []
    addresses = addresses_at_load(engine, swap, params["network"], params["color"])
    look = Look(engine, params, PASSED).refuse_unready if params["project_name"] else ignore
    if params["state"] in ("preview", "canary"):
        result = swap.unsettle(params["content"], addresses, _change(engine, swap, params), look)
        return result, [swap.warning] if swap.unprepared or swap.unread else []
    warnings = []

    def before_rename():
        # Before nginx sends requests, because the containers are off that network for a moment.
        if state.unfinished:
            warnings.extend(hand_over(engine, params["app"], state.unfinished))
        look()

    result = swap.live(params["content"], params["previous_content"], addresses, params["at_once"], before_rename)
    return result, warnings + ([swap.warning] if swap.warning else [])


def _change(engine, swap, params):
    """Return the function by which Swap.unsettle() lets some requests reach the idle color."""
    resolver = swap.edge.resolver if follows_addresses(swap.version) else None
    upstreams = with_addresses(engine, swap, params["upstreams"], params["network"], params["nginx_mode"])
    if params["state"] == "preview":
        preview = decode_mapping(params["preview"])
        return lambda text, _here: with_preview(text, preview, upstreams, resolver, params["server"])
    return lambda _text, here: with_canary(here, params["share"], upstreams, resolver)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state={"type": "str", "choices": STATES, "default": "live"},
            preview={"type": "str", "default": "e30=", "no_log": True},
            upstreams={"type": "list", "elements": "dict", "default": []},
            share={"type": "int"},
            at_once={"type": "bool", "default": False},
            answer_log={"type": "str", "default": ""},
            server={"type": "str", "default": ""},
            content={"type": "str"},
            previous_content={"type": "str", "default": ""},
            color={"type": "str", "choices": ["blue", "green"]},
            edge_url={"type": "dict", "options": {"url": {"type": "str", "required": True}, "host": {"type": "str"}}},
            drain_timeout={"type": "int", "default": 30},
            **APP_ARGUMENTS,
            **EDGE_ARGUMENTS,
            **LOOK_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        required_if=[
            *(("state", state, ("content", "color")) for state in ("live", "preview")),
            ("state", "canary", ("content", "color", "share")),
        ],
        supports_check_mode=True,
    )
    secret = preview_secret(decode_mapping(module.params["preview"]))
    module.no_log_values.update([secret] if secret else [])  # nginx may quote it
    progress = Progress()
    try:
        with progress:
            result, warnings = act(module.params, module.check_mode, progress.wait)
    except ReleaseFailed as error:
        module.fail_json(msg=str(error), containers=error.containers)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), progress=progress.lines)
    for warning in warnings:
        module.warn(warning)
    module.exit_json(state=module.params["state"], progress=progress.lines, **result)


if __name__ == "__main__":
    main()
