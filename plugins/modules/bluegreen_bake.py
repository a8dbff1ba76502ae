#!/usr/bin/python
# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_bake
short_description: (private) Watch a release for some time after the swap
version_added: 0.1.0
author:
  - hotswap.compose authors (@hotswap)
description:
  - Private. Only the role P(hotswap.compose.bluegreen#role) uses it, and any release may change it.
  - Follows the release's containers by the Engine's events and runs the smoke tests every second, through nginx if it
    is known how. Fails as soon as the release has had more failures than allowed.
  - With O(answer_log), it also compares the share of 5xx answers of the release with that of the previous release. With
    O(swapped), the log ends with the watch.
  - Restarts of a container and rounds of smoke tests with a failure count as failures. A container that is unhealthy,
    removed or stopped fails the release at once.
extends_documentation_fragment:
  - hotswap.compose._attributes
  - hotswap.compose._attributes.action_group
  - hotswap.compose._docker
  - hotswap.compose._app
  - hotswap.compose._app.edge
  - hotswap.compose._app.lock
  - hotswap.compose._app.look
  - hotswap.compose._app.probes
  - hotswap.compose._app.smoke
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
    details: Does not wait.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: It only watches, and ends the log of O(answer_log).
options:
  seconds:
    description: For how many seconds there must be no failure. A restart that is allowed starts the time again.
    type: int
    required: true
  failures:
    description: How many restarts of a container, and how many failed rounds of tests, are allowed.
    type: int
    default: 0
  project_name:
    description: The release's Compose project.
    type: str
    required: true
  patience:
    description: Seconds within which a container that was restarted must be ready again.
    type: int
    default: 120
  swapped:
    description: Whether the release has all of the traffic. If not, the tests go to the containers.
    type: bool
    default: true
  edge_url:
    description: The request by which the app is reached through nginx. Its path is not used. Without it, the tests go
      to the containers.
    type: dict
    suboptions:
      url:
        description: An HTTP or HTTPS URL, as seen from the target.
        type: str
        required: true
      host:
        description: The Host header to send.
        type: str
  locations:
    description:
      - Which service nginx sends each path to, as in M(hotswap.compose.bluegreen_plan). A test goes to the containers
        if nginx sends its path to another service.
    type: list
    elements: dict
    default: []
  answer_log:
    description: The deploy for which M(hotswap.compose.bluegreen_swap) made nginx log the app's answers. Empty for
      none.
    type: str
    default: ''
  answers:
    description: The RV(answers) of the previous watch of this run, to which this watch adds. Empty for the first.
    type: dict
    default: {}
  error_ratio:
    description: How many times the previous release's share of 5xx answers is allowed, apart from chance.
    type: float
    default: 2
"""

EXAMPLES = r"""
- name: Watch green for a minute
  hotswap.compose.bluegreen_bake:
    app: shop
    seconds: 60
    project_name: shop-green
    traffic_services: [web-green]
    tests: "{{ [{'service': 'web-{color}', 'path': '/health'}] | to_json | b64encode }}"
    edge_url: {url: "http://127.0.0.1", host: shop.example}
    nginx_conf_dir: /srv/edge/conf.d
    state_dir: /var/lib/bluegreen
"""

RETURN = r"""
rounds:
  description: How often all smoke tests were run.
  returned: always
  type: int
failed_rounds:
  description: How many of these rounds had a failure.
  returned: always
  type: int
through:
  description: Whether the tests went through V(nginx) or to the V(containers). Null if there are none.
  returned: always
  type: str
answers:
  description: How many requests were answered, and how many by a 5xx, from nginx's log. Null without that log.
  returned: always
  type: dict
  contains:
    release:
      description: C(requests) and C(errors) of the release.
      type: dict
    before:
      description: The same for the previous release, since the new containers were created.
      type: dict
series:
  description:
    - How RV(rounds) and RV(answers) grew, in at most 60 samples each. Null if there are none.
    - A sample has the seconds since RV(begun_at), the total until then, and how many of these failed.
  returned: always
  type: dict
  contains:
    tests:
      description: The rounds of the smoke tests.
      type: list
      elements: list
    answers:
      description: The answers of the release, including those before the watch began.
      type: list
      elements: list
begun_at:
  description: When the watch began, in seconds since the epoch by the target's clock. Null if it did not begin.
  returned: always
  type: float
elapsed:
  description: For how many seconds it watched.
  returned: always
  type: float
seen:
  description: As in M(hotswap.compose.compose_health_wait).
  returned: always
  type: dict
containers:
  description: As in M(hotswap.compose.compose_health_wait).
  returned: always
  type: list
  elements: dict
"""

import contextlib
import time
from http.client import HTTPException

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._docker.engine import ENGINE_ARGUMENTS, Engine
from ..module_utils._edge.answer import PATIENCE
from ..module_utils._edge.options import EDGE_ARGUMENTS, edge_for
from ..module_utils._edge.swap import Swap, endpoints_of_unfinished
from ..module_utils._errors import BluegreenError
from ..module_utils._health.look import LOG_TAIL, LOOK_ARGUMENTS, prober_of, rules_of
from ..module_utils._health.smoke_run import SMOKE_ARGUMENTS, SmokeRun, nginx_address, replica_addresses
from ..module_utils._health.verdict import FAILED, READY, Outcome
from ..module_utils._health.wait import Waiter
from ..module_utils._health.watch import AnswerLogWatch, SmokeWatch
from ..module_utils._http import send_request
from ..module_utils._nginx.answer_log import Answers, has_answer_log
from ..module_utils._options import APP_ARGUMENTS
from ..module_utils._progress import Progress
from ..module_utils._state.directory import AppState
from ..module_utils._state.lock import AppLock

UNJUDGED = (
    "the role does not compare the 5xx answers (bluegreen_bake_error_ratio), because nginx is older than 1.27.4 or its "
    "http block has access_log off"
)


def bake(params, progress):
    """Return ``(verdict, result)``: the gate's Outcome, and what the module returns."""
    engine = Engine.connect(params)
    state = AppState(params["state_dir"], params["app"])
    by_nginx = params["swapped"] and params["edge_url"]
    smoke = _smoke_watch(engine, state, params, by_nginx, progress)
    swap = Swap(edge_for(engine, params, state), state, None, False) if params["answer_log"] else None
    answers = _answer_log_watch(engine, state, params) if swap and has_answer_log(swap.edge.read(swap.name)) else None
    warnings = [] if answers or not params["answer_log"] else [UNJUDGED]
    watches = [each for each in (smoke, answers) if each]

    def objection():
        return next(filter(None, (each.objection() for each in watches)), None)

    waiter = Waiter(
        engine,
        params["project_name"],
        rules_of(params, params["failures"]),
        params["seconds"] + params["patience"],
        params["seconds"],
        on_change=progress.say,
        on_wait=progress.wait,
        objection=objection if watches else None,
        prober=prober_of(params),
    )
    begun_at = time.time()
    with contextlib.ExitStack() as stack:
        for each in watches:
            stack.enter_context(each)
        outcome = waiter.wait()
        if outcome.status == READY:
            for each in watches:
                each.finish()
            reason = objection()
            outcome = Outcome(FAILED, reason) if reason else outcome
    if answers and params["swapped"] and outcome.status == READY:
        with AppLock(params["state_dir"], params["app"]).acting(params["lock"]):
            swap.settle()
    return outcome, {
        "warnings": warnings,
        "rounds": smoke.rounds if smoke else 0,
        "failed_rounds": len(smoke.failures) if smoke else 0,
        "through": ("nginx" if by_nginx else "containers") if smoke else None,
        "answers": {"release": answers.new._asdict(), "before": answers.old._asdict()} if answers else None,
        "series": {"tests": smoke.series() if smoke else None, "answers": answers.series() if answers else None},
        "begun_at": begun_at,
        "elapsed": waiter.elapsed,
        "seen": waiter.seen(),
        "containers": waiter.evidence(outcome, LOG_TAIL),
    }


def _smoke_watch(engine, state, params, by_nginx, progress):
    bases = replica_addresses(engine, state, params)
    if by_nginx:
        bases = nginx_address(params["edge_url"], params["locations"], bases)
    smoke_run = SmokeRun(params["tests"], bases)
    return SmokeWatch(smoke_run, params["failures"], progress.say) if smoke_run.tests else None


def _answer_log_watch(engine, state, params):
    endpoints = endpoints_of_unfinished(engine, state, params["network"], params["nginx_mode"])
    edge = edge_for(Engine.connect(params), params, state)  # a connection of its own, for it asks in a thread
    color = state.unfinished["color"]
    before = [Answers(**params["answers"][key]) for key in ("release", "before")] if params["answers"] else ()
    return AnswerLogWatch(
        *(edge, params["app"], params["answer_log"], color, endpoints, params["error_ratio"]),
        before=before,
        send=(lambda: _is_answered(params["edge_url"])) if params["edge_url"] else None,
    )


def _is_answered(edge_url):
    try:
        return bool(send_request(edge_url["url"], PATIENCE, edge_url["host"], longest=0).status)
    except (OSError, HTTPException):
        return False


def main():
    module = AnsibleModule(
        argument_spec=dict(
            seconds={"type": "int", "required": True},
            failures={"type": "int", "default": 0},
            patience={"type": "int", "default": 120},
            swapped={"type": "bool", "default": True},
            edge_url={"type": "dict", "options": {"url": {"type": "str", "required": True}, "host": {"type": "str"}}},
            locations={"type": "list", "elements": "dict", "default": []},
            answer_log={"type": "str", "default": ""},
            answers={"type": "dict", "default": {}},
            error_ratio={"type": "float", "default": 2},
            **{**SMOKE_ARGUMENTS, **EDGE_ARGUMENTS},
            **{**LOOK_ARGUMENTS, "project_name": {"type": "str", "required": True}},
            **APP_ARGUMENTS,
            **ENGINE_ARGUMENTS,
        ),
        supports_check_mode=True,
    )
    nothing = {
        "rounds": 0,
        "failed_rounds": 0,
        "through": None,
        "answers": None,
        "series": {"tests": None, "answers": None},
        "begun_at": None,
        "elapsed": 0.0,
        "seen": {},
        "containers": [],
    }
    if module.check_mode:
        module.exit_json(changed=False, **nothing)
    try:
        with Progress() as progress:
            outcome, result = bake(module.params, progress)
    except (BluegreenError, OSError) as error:
        module.fail_json(msg=str(error), **nothing)
    result["progress"] = progress.lines
    for warning in result.pop("warnings"):
        module.warn(warning)
    if outcome.status != READY:
        module.fail_json(msg=outcome.text, **result)
    if result["through"] == "containers" and module.params["swapped"]:
        module.warn(
            "the smoke tests of the bake went to the containers, not through nginx; set bluegreen_edge_url or "
            "bluegreen_vhost to send them through nginx"
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
