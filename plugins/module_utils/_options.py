# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a module's options: secrets as Base64 of JSON, and mappings without unset keys. Pure."""

from __future__ import annotations

import base64
import json

APP_ARGUMENTS = {
    "app": {"type": "str", "required": True},
    "state_dir": {"type": "str", "required": True},
    "lock": {"type": "str"},
}
"""Documented in the fragment hotswap.compose._app."""

PROJECT_ARGUMENTS = {
    "project": {
        "type": "dict",
        "required": True,
        "options": {
            "project_name": {"type": "str", "required": True},
            "project_src": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "str", "required": True},
            "docker_cli": {"type": "str", "required": True},
        },
    },
}
"""Documented in the fragment hotswap.compose._app.project."""


def decode(text):
    """Return the value in an option that is Base64 of JSON, or None. Raises ValueError."""
    given = json.loads(base64.b64decode(text))
    if isinstance(given, str):  # from -e name=value, or a survey
        given = json.loads(given) if given.strip() else None
    return given


def decode_mapping(text):
    """Return the mapping in such an option, without unset keys (None). Raises ValueError."""
    return {key: value for key, value in (decode(text) or {}).items() if value is not None}


def without_unset(value):
    """Return ``value`` without unset keys. Ansible fills in every suboption with None."""
    if isinstance(value, dict):
        return {key: without_unset(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_unset(each) for each in value]
    return value
