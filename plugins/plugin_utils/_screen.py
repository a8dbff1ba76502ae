# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sanitize all text for people: the role's output, and the task results that Ansible, AWX and the report page show."""

from __future__ import annotations

import dataclasses
import os

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ..module_utils._text import sanitize_text


def show(text, color=None):
    """Print a text of any number of lines.

    A worker process sends the text to the main process, by the queue that Display itself uses. Display.display
    can't be used under ansible-runner before 2.4.2, because its wrapper also writes to the worker process's standard
    output. ansible-core 2.19 and newer warns of that and prints blank lines.
    """
    display = Display()
    queue = getattr(display, "_final_q", None)
    if queue:
        queue.send_display("display", sanitize_text(text), color=color)
    else:
        display.display(sanitize_text(text), color=color)


def show_refusal(problems, begin=""):
    """Print why a run is refused, a line for each problem, if the run prints each result as one line of JSON.

    ``begin``: the text before each problem.
    """
    if _prints_json(os.environ.get("ANSIBLE_STDOUT_CALLBACK") or C.DEFAULT_STDOUT_CALLBACK):
        show("\n".join(begin + each for each in problems), color=C.COLOR_ERROR)


def _prints_json(callback):
    """Return whether a callback plugin prints a result as one line of JSON. That of ansible-runner, which AWX uses, has
    no option before version 2.4.3 and always does."""
    try:
        result_format = C.config.get_config_value("result_format", plugin_type="callback", plugin_name=callback)
    except AnsibleError:
        result_format = None
    return result_format == "json" or (callback == "awx_display" and result_format is None)


def warn(text):
    """Print a warning."""
    Display().warning(sanitize_text(text))


def sanitize(value):
    """Return a value with each text in it sanitized; from ansible-core 2.19 on, warnings and errors are dataclasses."""
    if isinstance(value, str):
        return sanitize_text(value)
    if isinstance(value, dict):
        return {sanitize(key): sanitize(each) for key, each in value.items()}
    if isinstance(value, list):
        return [sanitize(each) for each in value]
    if isinstance(value, tuple):
        return tuple(map(sanitize, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **sanitize(fields))
    return value


def sanitize_result(result, exact=()):
    """Return a task's result with each text in it sanitized, except under the keys ``exact``."""
    return {key: each if key in exact else sanitize(each) for key, each in result.items()}
