# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's version, and the features of that version. Pure.

OpenResty and Angie count as the nginx on which they are based: the first three of OpenResty's four numbers, and the
second line of ``angie -V``.
"""

from __future__ import annotations

import re

PROGRAMS = ("nginx", "openresty", "angie")
"""The names of nginx's program."""

_VERSION = re.compile(r"(?:nginx|openresty)/(\d+)\.(\d+)\.(\d+)")


def parse_version(text):
    """Return ``(1, 27, 4)`` from the output of ``nginx -V``, or None."""
    match = _VERSION.search(text)
    return tuple(int(part) for part in match.groups()) if match else None


def follows_addresses(nginx_version):
    """Return whether this nginx can look up an upstream's names again while it runs (``resolve``)."""
    return nginx_version >= (1, 27, 3)


def keeps_idle_upstream_connections(nginx_version):
    """Return whether this nginx keeps idle connections to an app by default, for 60 s."""
    return nginx_version >= (1, 29, 7)


def keeps_connections_on_reload(nginx_version):
    """Return whether this nginx can keep idle keep-alive connections open after a reload."""
    return nginx_version >= (1, 27, 4)
