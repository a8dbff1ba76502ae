# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files contain that a service only reads: its configs and secrets, and files that it mounts read-only.

A changed file is a change of the configuration, though the Compose file is the same. A container has such a file
mounted, and many applications read it only once.
"""

from __future__ import annotations

import hashlib
import os

CONTENTS = "x-hotswap-contents"
LARGEST = 10 * 1024 * 1024
"""Bytes of a file that is compared. A larger one, a data base of places for example, would hold each plan up."""


def note_contents(config):
    """Put ``{path: digest}`` of the files that each service only reads into a rendered configuration."""
    for service in config["services"].values():
        digests = {path: _digest(path) for path in sorted(_files_read(config, service))}
        digests = {path: digest for path, digest in digests.items() if digest}
        service.update({CONTENTS: digests} if digests else {})


def _files_read(config, service):
    for kind in ("configs", "secrets"):
        for used in service.get(kind) or []:
            path = ((config.get(kind) or {}).get(used["source"]) or {}).get("file")
            if path:
                yield path
    for volume in service.get("volumes") or []:
        if volume["type"] == "bind" and volume.get("read_only"):
            yield volume["source"]


def _digest(path):
    """Return the digest of a file; None for what is no file of a usual size, or can't be read."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
            return None
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None
