# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's version, and what an nginx of that version can do. Pure.

OpenResty and Angie count as the nginx that they are built from: the first three of OpenResty's four numbers, and the
second line of ``angie -V``.
"""

from __future__ import annotations

import re

PROGRAMS = ("nginx", "openresty", "angie")
"""The names of nginx's program."""

_VERSION = re.compile(r"(?:nginx|openresty)/(\d+)\.(\d+)\.(\d+)")


def parse_version(text):
    """Return ``(1, 27, 4)`` from what ``nginx -V`` prints, or None."""
    match = _VERSION.search(text)
    return tuple(int(part) for part in match.groups()) if match else None


def follows_addresses(nginx_version):
    """Return whether this nginx can look up an upstream's names again while it runs (``resolve``)."""
    return nginx_version >= (1, 27, 3)


def keeps_idle_upstream_connections(nginx_version):
    """Return whether this nginx keeps idle connections to an app by itself, for 60 s."""
    return nginx_version >= (1, 29, 7)


def keeps_connections_on_reload(nginx_version):
    """Return whether this nginx can keep idle keep-alive connections for a while over a reload."""
    return nginx_version >= (1, 27, 4)
