# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the files of volumes and bind mounts lie on the target."""

from __future__ import annotations

import functools
import os

from .._files import is_within

PSEUDO = ("/dev", "/proc", "/run", "/sys")
"""Directories of the kernel and of sockets, which hold no user data."""


class Storage:
    """Looks up each volume once."""

    def __init__(self, engine):
        self.engine = engine
        self._volumes = {}

    def volume(self, name):
        """Return the Engine's data of a volume, or None if it does not exist."""
        if name not in self._volumes:
            self._volumes[name] = self.engine.volume(name)
        return self._volumes[name]

    def real_directory(self, path):
        """Return the real path of a directory that may hold data. None for a single file, a socket, a device, a
        directory of the kernel, and for ``/``, which monitoring agents mount."""
        real = os.path.realpath(path)
        is_single = os.path.exists(real) and not os.path.isdir(real)
        if is_single or real == "/" or any(is_within(real, each) for each in PSEUDO):
            return None
        return real

    @functools.cached_property
    def volumes_directory(self):
        """The real path of the directory with the files of the Engine's own volumes."""
        return os.path.join(os.path.realpath(self.engine.data_root), "volumes")
