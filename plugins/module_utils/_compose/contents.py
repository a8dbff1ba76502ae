# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contents of files that a service only reads: its configs and secrets, and files of the project that it mounts
read-only.

If such a file changes, the configuration has changed although the Compose file is the same. Many applications read such
a file only once.
"""

from __future__ import annotations

import hashlib
import os

from .._files import is_within
from .mounts import DIRECTORY, written_by_service

CONTENTS = "x-hotswap-contents"
LARGEST = 10 * 1024 * 1024
"""Bytes of the largest file that is compared. Reading a larger one, such as a GeoIP database, would delay each plan."""


def note_contents(config, project_src, storage):
    """Put ``{path: digest}`` of the files that each service only reads into a rendered configuration; ``storage``: a
    Storage.

    A mounted file counts only within ``project_src`` and only if no service writes it. Other files, such as a log or
    ``/etc/hosts``, change without a release, and each run would deploy.
    """
    source, written = os.path.realpath(project_src), _written(config, storage)
    for service in config["services"].values():
        mounted = (path for path in _mounted(service) if _is_in(path, [source]) and not _is_in(path, written))
        digests = {path: _digest(path) for path in sorted({*_configs_and_secrets(config, service), *mounted})}
        digests = {path: digest for path, digest in digests.items() if digest}
        service.update({CONTENTS: digests} if digests else {})


def _configs_and_secrets(config, service):
    for kind in ("configs", "secrets"):
        for used in service.get(kind) or []:
            path = ((config.get(kind) or {}).get(used["source"]) or {}).get("file")
            if path:
                yield path


def _mounted(service):
    for volume in service.get("volumes") or []:
        if volume["type"] == "bind" and volume.get("read_only"):
            yield volume["source"]


def _written(config, storage):
    """Return the real paths of the directories and files of the host that services write."""
    written = set()
    for name, service in config["services"].items():
        places = [place for place, _words in written_by_service(config, name, storage)]
        written |= {place.name for place in places if place.kind == DIRECTORY}
        binds = [each for each in service.get("volumes") or [] if each["type"] == "bind" and not each.get("read_only")]
        written |= {os.path.realpath(each["source"]) for each in binds if os.path.isfile(each["source"])}
    return written


def _is_in(path, places):
    """Return whether a path leads to one of the real paths, or into it."""
    real = os.path.realpath(path)
    return any(is_within(real, place) for place in places)


def _digest(path):
    """Return the digest of a file. None if it is not a file, is too large, or can't be read."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
            return None
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None
