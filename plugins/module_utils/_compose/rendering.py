# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rendering of the user's Compose files for both colors, while the caller does other work."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from .._names import COLORS, with_color
from .render import refuse_old_compose, render_files

SETTINGS = ("app", "release", "project_src", "compose_files", "env_files")


class Rendering:
    """Begins to render at once, because each rendering takes Compose 0.1 s.

    ``run(argv, environ) -> (rc, out, err)``: may be called by several threads; ``docker``: the command; ``request``:
    from complete_request().
    """

    def __init__(self, run, docker, request):
        self._run = run
        self._docker = docker
        self._settings = {key: request[key] for key in SETTINGS}
        self._env = request["env"]
        src, names = request["project_src"], request["compose_files"]
        paths = [os.path.join(src, with_color(name, color)) for name in names for color in COLORS]
        pool = ThreadPoolExecutor(max_workers=3)
        self._recent_enough = pool.submit(refuse_old_compose, run, docker, paths)
        self._renderings = {color: pool.submit(self.render, color) for color in COLORS}
        pool.shutdown(wait=False)

    def render(self, color, project=None):
        """Return ``(config, warnings, project)`` of a color; see render_files()."""
        return render_files(self._run, self._docker, self._settings, color, self._env, project)

    def result(self):
        """Return ``{color: (config, warnings, project)}``. Raises ComposeError."""
        self._recent_enough.result()  # its message is clearer
        return {color: rendering.result() for color, rendering in self._renderings.items()}
