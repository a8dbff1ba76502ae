# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose run this is."""

from __future__ import annotations

import getpass
import socket


def who(task_vars):
    """Return ``{"user", "controller", "job"}``, of an AWX job its user and its number."""
    return {
        "user": str(task_vars.get("awx_user_name") or getpass.getuser()),
        "controller": socket.gethostname(),
        "job": str(task_vars.get("awx_job_id") or task_vars.get("tower_job_id") or ""),
    }
