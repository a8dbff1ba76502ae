# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes: what the role itself asks of a container that takes traffic, and what the answers come to. Pure.

A *probe* is a mapping with the keys of PROBE_OPTIONS and ``headers``.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from .._names import LOOPBACK, with_color, without_color

# Of one probe, beside its headers, which may be secret. Documented in the module compose_health_wait.
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
"""Answers that are kept as evidence, as many as the Engine keeps of a healthcheck."""


class Reply(NamedTuple):
    """One answer to a probe: ``at`` (s since the epoch), ``text`` (the request and what came of it, for a person)."""

    passed: bool
    text: str
    at: float


class ProbeState(NamedTuple):
    """What the probes of one container came to.

    ``status``: STARTING until it passed ``healthy_after`` times in a row, then HEALTHY, and UNHEALTHY once it failed
    ``unhealthy_after`` times in a row; ``streak``: how many of the last replies were alike; ``replies``: the last ones,
    none before the first; ``has_passed``: whether one of all replies passed, because an earlier look may have found it
    HEALTHY.
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

    ``network``: that nginx is on; ``mode``: where nginx runs.
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
    """Return ``{service: probe}``, each probe with its headers; ``headers``: ``{service: {header: value}}``, by the
    names of the services, whatever color is in them."""
    by_base = {without_color(name): given for name, given in headers.items()}
    return {
        probe["service"]: dict(probe, headers=by_base.get(without_color(probe["headers_of"] or probe["service"])) or {})
        for probe in probes
    }


def place_to_ask(container, probe):
    """Return the ``host:port`` at which a container is asked; None where it has none. ``container``: a summary.

    That is its address on the network of the probe. Without that network, as for nginx on the host, it is the published
    port, or else any address.
    """
    by_network = {name: joined["addresses"] for name, joined in container["networks"].items() if joined["addresses"]}
    if probe["network"] in by_network:
        return "{}:{}".format(by_network[probe["network"]][0], probe["port"])
    if probe["port"] in container["published"]:
        return "{}:{}".format(LOOPBACK, container["published"][probe["port"]])
    any_of = next(iter(by_network.values()), None)
    return "{}:{}".format(any_of[0], probe["port"]) if any_of else None


def judge_status(probe, status):
    """Return why an HTTP status does not pass, one phrase; None where it does."""
    if status in probe["status"]:
        return None
    wanted = " or ".join(str(each) for each in probe["status"])
    return f"the status is {status}, not {wanted}"
