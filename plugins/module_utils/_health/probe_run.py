# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends probes: repeatedly during a wait, or once to see whether a container answers. See probe.py."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

from .._docker.containers import summarize
from .._errors import ProbeError
from .._http import send_request
from .._options import decode_mapping
from .._progress import ignore
from .._text import excerpt
from .probe import (
    HEALTHY,
    PROBE_OPTIONS,
    STARTING,
    ProbeState,
    Reply,
    judge_status,
    place_to_ask,
    probes_for,
    with_headers,
)
from .smoke import EXCERPT
from .smoke_run import at_once
from .verdict import service_of

# Documented in the fragment hotswap.compose._app.probes.
PROBE_ARGUMENTS = {
    "probes": {"type": "list", "elements": "dict", "default": [], "options": PROBE_OPTIONS},
    "probe_headers": {"type": "str", "default": "e30=", "no_log": True},
}


def headers_of(text):
    """Return the mapping in the option ``probe_headers``. Raises ProbeError."""
    try:
        return decode_mapping(text)
    except ValueError as error:
        raise ProbeError(f"the headers of the probes can't be read: {error}") from error


def probes_in(params):
    """Return ``{service: probe}`` from the options PROBE_ARGUMENTS. Raises ProbeError."""
    return with_headers(params["probes"], headers_of(params["probe_headers"]))


def refuse_unreachable(engine, probes):
    """Raise ProbeError if a probe uses an address that this host can't reach.

    ``probes``: a list of mappings with the keys of PROBE_OPTIONS.
    """
    by_address = [probe for probe in probes if probe["network"]]
    if by_address and engine.is_rootless:
        raise ProbeError(
            "service {} has a probe, but the Docker Engine is rootless, so this host can't reach a container by its "
            "address; remove the probe, and give the service a healthcheck in its Compose file or image".format(
                by_address[0]["headers_of"] or by_address[0]["service"]
            )
        )


def send_probe(place, probe):
    """Probe a container once, at ``host:port``. Return the Reply."""
    request = f"GET http://{place}{probe['path']}" if probe.get("path") else f"TCP connection to {place}"
    at = time.time()
    try:
        problem = _ask(place, probe)
    except (OSError, http.client.HTTPException) as error:
        problem = "no answer: " + (excerpt(str(error), EXCERPT) or type(error).__name__)
    return Reply(problem is None, f"{request}: {problem or 'passed'}", at)


def _ask(place, probe):
    if not probe.get("path"):
        parts = urlsplit(f"//{place}")
        socket.create_connection((parts.hostname, parts.port), probe["timeout"]).close()
        return None
    answer = send_request(f"http://{place}{probe['path']}", probe["timeout"], headers=probe["headers"], longest=EXCERPT)
    problem = judge_status(probe, answer.status)
    said = excerpt(answer.body, EXCERPT)
    return f"{problem}; the answer: {said}" if problem and said else problem


class Prober:
    """Probes containers, each in its own thread, from follow() to close().

    ``probes``: from probes_in(); ``seen``: as in verdict.Rules. A container that had passed its probe there counts as
    having passed it here.
    """

    def __init__(self, probes, seen=None):
        self._probes = probes
        self._seen = seen or {}
        self._followed = {}
        self._threads = []
        self.tell = ignore  # is called with (container id, s since the epoch) at each reply

    def follow(self, container):
        """Start to probe an inspected container that runs, and stop if it does not run. Start again after each
        restart."""
        probe = self._probes.get(service_of(container))
        if probe is None:
            return
        identity, state = container["Id"], container["State"]
        place = place_to_ask(summarize(container), probe) if state["Status"] == "running" else None
        key = (state["StartedAt"], place)
        before = self._followed.get(identity)
        if before and before.key == key:
            return
        if before:
            before.over.set()
        seen = self._seen.get(identity, {})
        passed = seen.get("probed") and seen["started_at"] == state["StartedAt"]
        self._followed[identity] = followed = _Followed(key, probe, HEALTHY if passed else STARTING)
        if place:
            thread = threading.Thread(
                target=followed.probe_until_over, args=(identity, self), name="probe", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def state_of(self, container):
        """Return the ProbeState of an inspected container. None if its service has no probe."""
        followed = self._followed.get(container["Id"])
        return followed.state if followed else ProbeState() if service_of(container) in self._probes else None

    def settle(self, patient=True):
        """Wait until each container has passed or has failed often enough to be unhealthy. If not ``patient``, wait
        until each was probed once."""
        for followed in self._followed.values():
            if followed.key[1]:
                done = followed.settled if patient else followed.replied
                done.wait(_longest(followed.probe))

    def close(self):
        """End all probes. Return when none of their threads is left, within the timeout of a probe, because the process
        may fork next (see private_root.py)."""
        for followed in self._followed.values():
            followed.over.set()
        for thread in self._threads:
            thread.join()
        self._followed, self._threads = {}, []


class _Followed:
    def __init__(self, key, probe, status):
        self.key = key
        self.probe = probe
        self.state = ProbeState(status)
        self.over = threading.Event()
        self.replied = threading.Event()
        self.settled = threading.Event()

    def probe_until_over(self, identity, prober):
        while not self.over.is_set():
            reply = send_probe(self.key[1], self.probe)
            if self.over.is_set():
                return
            self.state = self.state.after(reply, self.probe)
            self.replied.set()
            if _is_settled(self.state, self.probe):
                self.settled.set()
            prober.tell(identity, time.time())
            self.over.wait(self.probe["interval"])


def _is_settled(state, probe):
    if state.replies[-1].passed:
        return state.status == HEALTHY
    return state.streak >= probe["unhealthy_after"]


def _longest(probe):
    """Return the most seconds that one check waits for a probe."""
    return (probe["healthy_after"] + probe["unhealthy_after"]) * (probe["interval"] + probe["timeout"])


def with_replies(containers, probes, patient=True):
    """Return summaries of containers. Each running one with a probe gets ``probe_problem``: why it fails its probe, or
    None. ``patient``: whether a container only fails after ``unhealthy_after`` requests, as in the bake."""

    def asked(container):
        probe = probes.get(container["service"])
        if probe is None or container["state"] != "running":
            return container
        place = place_to_ask(container, probe)
        if place is None:
            return dict(container, probe_problem="it has no address")
        reply = send_probe(place, probe)
        for _again in range(probe["unhealthy_after"] - 1 if patient else 0):
            if reply.passed:
                break
            time.sleep(probe["interval"])
            reply = send_probe(place, probe)
        return dict(container, probe_problem=None if reply.passed else reply.text)

    return at_once(asked, containers)


def probed(containers, services, color, params, patient=True):
    """Return with_replies() of a color's containers.

    ``services``: those that take traffic, as the color runs with them; ``params``: network, nginx_mode, probe_headers.
    """
    probes = probes_for(services, color, params["network"], params["nginx_mode"])
    if not probes:
        return containers
    return with_replies(containers, with_headers(probes, headers_of(params["probe_headers"])), patient)
