# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are derived from an app, a color and a service. Pure."""

from __future__ import annotations

import re

LABEL = "hotswap.compose."
LOOPBACK = "127.0.0.1"
"""A color's ports for an nginx on the host are published here, out of reach of other hosts."""

COLORS = ("blue", "green")
PLACEHOLDER = "{color}"
_COLOR_AND_SEPARATOR = re.compile(r"[-_.]\{color\}|\{color\}[-_.]|\{color\}")


def other_color(color):
    """Return ``green`` for ``blue`` and the other way round."""
    return "green" if color == "blue" else "blue"


def with_color(text, color):
    """Return ``text`` with every ``{color}`` replaced. Other braces stay."""
    return text.replace(PLACEHOLDER, color)


def without_color(name):
    """Return a service's name without its color and one adjacent ``-``, ``_`` or ``.``: ``was-{color}`` → ``was``."""
    return _COLOR_AND_SEPARATOR.sub("", name, count=1)


def is_single_file(compose_files):
    """Return whether both colors run from the same Compose files."""
    return not any(PLACEHOLDER in name for name in compose_files)


def project_name(app, color):
    """Return the Compose project of one color of an app."""
    return f"{app}-{color}"


def alias(app, color, base):
    """Return the name by which nginx finds a color's service. ``base``: the service without its color."""
    return f"{app}-{color}-{base}"


def named_services(app, services):
    """Return ``services`` with the derived ``base`` and, if none was given, ``upstream``."""
    named = []
    for service in services:
        base = without_color(service["name"])
        named.append(
            {
                "name": service["name"],
                "base": base,
                "port": service["port"],
                "upstream": service.get("upstream") or f"{app}-{base}",
                "publish": service.get("publish"),
                "probe": service.get("probe"),
            }
        )
    return named
