# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the registry for the size of a pull, and checks the disk space for it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from .._errors import PlanError
from .download import bytes_to_download, describe_download, manifest_command, parse_manifest, space_problem
from .engine import repository


class DiskSpace:
    """``run(argv, environ) -> (rc, out, err)``; ``docker``: the command that pulls; ``containers``: those of the active
    color. The layers of their images are on the target.

    ``silent``: the references of which no registry has confirmed an image. check() sets it.
    """

    def __init__(self, engine, run, docker, containers):
        self.engine = engine
        self.run = run
        self.docker = docker
        self.containers = containers
        self.silent = []

    def check(self, references, ids):
        """Return the size of the pull as text. Raises PlanError if the disk is too small, as far as the registry gives
        sizes. ``ids``: ``{reference: id of the image on the target, or None}``."""
        root, self.silent = self.engine.data_root, references
        if not os.path.isdir(root):
            return "size unknown, because the Engine runs on another machine"
        with ThreadPoolExecutor(max_workers=8) as pool:
            told = dict(zip(references, pool.map(self._in_registry, references)))
            coming = {ref: image for ref, image in told.items() if image and ids[ref] not in image["ids"]}
            before = [name for ref in coming for name in self._before(ref)]
            here = {layer for image in pool.map(self._in_registry, before) if image for layer in image["layers"]}
        disk = os.statvfs(root)
        free, bytes_to_come = disk.f_bavail * disk.f_frsize, bytes_to_download(coming.values(), here)
        why = space_problem(bytes_to_come, free, root)
        if why:
            raise PlanError(why)
        self.silent = [reference for reference, image in told.items() if image is None]
        return describe_download(bytes_to_come, free, self.silent)

    def _in_registry(self, reference):
        _rc, out, _err = self.run(manifest_command(self.docker, reference), {})
        return parse_manifest(out, self.engine.architecture)

    def _before(self, reference):
        """Return, by digest, the images of the same repository that the active color runs."""
        place = repository(reference)
        running = {each["image_id"] for each in self.containers if repository(each["image"]) == place}
        digests = [self.engine.digest(image_id, reference) for image_id in sorted(running)]
        return [f"{place}@{digest}" for digest in digests if digest]
