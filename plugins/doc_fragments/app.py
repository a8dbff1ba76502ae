# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which app, behind which nginx: the options that the parts of the role have in common."""

    DOCUMENTATION = r"""
options:
  app:
    description: The name of what is deployed.
    type: str
    required: true
  state_dir:
    description: The directory that holds the journal and the files that releases run from.
    type: str
    required: true
"""

    EDGE = r"""
options:
  network:
    description: The Docker network that nginx is on.
    type: str
    required: true
  nginx_container:
    description: The name of the container that nginx runs in.
    type: str
    required: true
  nginx_conf_dir:
    description: The directory on the target that nginx includes at C(http) level.
    type: str
    required: true
"""
