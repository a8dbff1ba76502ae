# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request of a run: the role's settings, completed. Pure."""

from __future__ import annotations

DEFAULTS = {
    "auto_promote": True,
    "bake_error_ratio": 0,
    "bake_seconds": 0,
    "canary_steps": [],
    "env_files": [],
    "hooks": {},
    "migrate": {},
    "pull": "never",
    "shared_update": False,
}
"""The settings that some entry points of the role lack, with their default values."""


def complete_request(settings, **more):
    """Return ``settings`` with the DEFAULTS of those that its entry point lacks, and with ``more``.

    ``more``: ``kind``, ``loaded_files`` (the default files of Compose), ``recovered`` (the result of bluegreen_recover,
    or empty), the decoded secrets (``env``, ``preview``, ``smoke_tests``) and module options.
    """
    request = {**DEFAULTS, **settings, **more}
    return dict(request, release=requested_release(settings, request["recovered"]))


def requested_release(settings, recovered):
    """Return the requested release, or None. If recovery has undone a killed deploy, a rollback without a release means
    the release that this brought back."""
    return settings.get("release", recovered.get("gone_back_to"))
