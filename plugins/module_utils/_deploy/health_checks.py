# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether each service that takes traffic has a health check: a healthcheck of the Compose file or of its image, or a
probe of the role. Pure."""

from __future__ import annotations

from .._errors import PlanError
from .._names import with_color

MISSING = """\
service {name} takes traffic but has no healthcheck, neither in the Compose file nor in its image; add a probe to its
entry in bluegreen_services:
    probe:
      path: /
(`probe: {{}}` only opens a TCP connection), or set bluegreen_no_healthcheck: running\
"""


def healthcheck_in_file(service):
    """Return whether a rendered service has a healthcheck. None if this depends on its image."""
    check = service.get("healthcheck") or {}
    test = check.get("test")
    if check.get("disable") or (test and test[0] == "NONE"):
        return False
    return True if test else None


def choose_probes(services, today, color, has_healthcheck):
    """Return the services that a release ran with, each with its probe. A service that had neither a probe nor a
    healthcheck gets today's probe.

    ``today``: today's services; ``has_healthcheck``: ``{service: bool or None}``.
    """
    probes = {service["base"]: service.get("probe") for service in today}
    return [
        dict(service, probe=probes.get(service["base"]))
        if service.get("probe") is None and not has_healthcheck.get(with_color(service["name"], color))
        else service
        for service in services
    ]


def refuse_unchecked(services, color, has_healthcheck, no_healthcheck):
    """Raise PlanError for a service without a health check, unless ``no_healthcheck`` is ``running``."""
    for service in services:
        name = with_color(service["name"], color)
        unchecked = service.get("probe") is None and has_healthcheck.get(name) is False
        if unchecked and no_healthcheck == "fail":
            raise PlanError(MISSING.format(name=name))
