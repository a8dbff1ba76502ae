# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a target before anything is created there. Nothing is written."""

from __future__ import annotations

import os

from .._errors import EdgeError, PlanError
from .._files import why_unwritable
from .._state.directory import AppState


def refuse_unfit_target(app, state_dir, conf_dir, project_src):
    """Raise StateError, EdgeError or PlanError if a run would certainly fail.

    ``conf_dir``: of an nginx that the role will run; ``project_src``: None if the run reads no Compose file.
    """
    AppState(state_dir, app).refuse_unusable()
    why = why_unwritable(conf_dir)
    if why:
        raise EdgeError(
            f"bluegreen_nginx_conf_dir is {conf_dir!r}, which can't be created or written ({why}); give the directory "
            "to the connecting user, or run with become"
        )
    if project_src is not None:
        refuse_missing_project(project_src)


def refuse_missing_project(project_src):
    """Raise PlanError if the directory of the Compose files does not exist."""
    if not os.path.isdir(project_src):
        raise PlanError(
            f"bluegreen_project_src is {project_src!r}, but the target has no such directory; create it, or correct "
            "the path"
        )
