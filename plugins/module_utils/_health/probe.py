# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes: the requests that the role itself sends to containers that take traffic, and how their replies are rated.
Pure.

A *probe* is a mapping with the keys of PROBE_OPTIONS and ``headers``.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from .._names import LOOPBACK, with_color, without_color

# Options of one probe, except its headers, which may be secret. Documented in the module compose_health_wait.
PROBE_OPTIONS: dict[str, dict[str, Any]] = {
    "service": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "path": {"type": "str"},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "interval": {"type": "float", "default": 1},
    "timeout": {"type": "float", "default": 2},
    "healthy_after": {"type": "int", "default": 1},
    "unhealthy_after": {"type": "int", "default": 3},
    "network": {"type": "str"},
    "headers_of": {"type": "str"},
}

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"

KEPT = 5
"""The number of replies that are kept as evidence. The Engine keeps as many of a healthcheck."""


class Reply(NamedTuple):
    """One reply to a probe: ``at`` (seconds since the epoch), ``text`` (the request and its result)."""

    passed: bool
    text: str
    at: float


class ProbeState(NamedTuple):
    """The result of the probes of one container.

    ``status``: STARTING until ``healthy_after`` probes in a row have passed, then HEALTHY, and UNHEALTHY once
    ``unhealthy_after`` in a row have failed; ``streak``: how many of the last replies were alike; ``replies``: the last
    ones; ``has_passed``: whether any reply passed. A new state may begin as HEALTHY, because an earlier check found
    that.
    """

    status: str = STARTING
    streak: int = 0
    replies: tuple[Reply, ...] = ()
    has_passed: bool = False

    def after(self, reply: Reply, probe: Mapping[str, Any]) -> ProbeState:
        """The state after one more reply."""
        alike = bool(self.replies) and self.replies[-1].passed == reply.passed
        streak = self.streak + 1 if alike else 1
        status = self.status
        if reply.passed and streak >= probe["healthy_after"]:
            status = HEALTHY
        elif not reply.passed and streak >= probe["unhealthy_after"] and status == HEALTHY:
            status = UNHEALTHY
        return ProbeState(status, streak, (*self.replies, reply)[-KEPT:], self.has_passed or reply.passed)

    @property
    def last(self) -> str:
        """The last reply, in parentheses."""
        return f" ({self.replies[-1].text})" if self.replies else " (not probed yet)"


def probes_for(services, color, network, mode):
    """Return the probes of ``services``, from named_services(), in a color, without their headers.

    ``network``: the one that nginx is on; ``mode``: where nginx runs.
    """
    return [
        {
            **service["probe"],
            "service": with_color(service["name"], color),
            "port": service["probe"].get("port") or service["port"],
            "network": network if mode == "container" else None,
            "headers_of": service["name"],
        }
        for service in services
        if service.get("probe") is not None
    ]


def with_headers(probes, headers):
    """Return ``{service: probe}``, each probe with its headers. ``headers``: ``{service: {header: value}}``, by the
    names of the services. The color in a name is ignored."""
    by_base = {without_color(name): given for name, given in headers.items()}
    return {
        probe["service"]: dict(probe, headers=by_base.get(without_color(probe["headers_of"] or probe["service"])) or {})
        for probe in probes
    }


def place_to_ask(container, probe):
    """Return the ``host:port`` of a container's probe, or None. ``container``: a summary.

    It is the container's address on the probe's network. Without that network, as for nginx on the host, it is the
    published port or, without one, any address.
    """
    by_network = {name: joined["addresses"] for name, joined in container["networks"].items() if joined["addresses"]}
    if probe["network"] in by_network:
        return "{}:{}".format(by_network[probe["network"]][0], probe["port"])
    if probe["port"] in container["published"]:
        return "{}:{}".format(LOOPBACK, container["published"][probe["port"]])
    any_of = next(iter(by_network.values()), None)
    return "{}:{}".format(any_of[0], probe["port"]) if any_of else None


def judge_status(probe, status):
    """Return why an HTTP status does not pass, as one phrase. None if it passes."""
    if status in probe["status"]:
        return None
    wanted = " or ".join(str(each) for each in probe["status"])
    return f"the status is {status}, not {wanted}"
