# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that YAML does not read as the written text, because they are not in quotes.

``1.10`` becomes 1.1, ``0012345`` becomes 5349, ``no`` becomes false. A plain integer, such as a CI's build number,
stays the same and is accepted.
"""

from __future__ import annotations

import datetime
import re

import yaml

_TOKEN = re.compile(r"[-+0-9][0-9A-Za-z_:+-]*")


def unquoted_problems(values, options):
    """Return a sentence for each value that should be a string but is not. Empty if there are none.

    ``values``: ``{variable: value}``, before any cast; ``options``: their argument spec. Secret values are not shown.
    """
    found = []
    for name, option in options.items():
        if name in values:
            found += _of_option(name, values[name], option, False)
    return found


def _of_option(where, value, option, is_in_secret):
    secret = is_in_secret or bool(option.get("no_log"))
    kind = option.get("type", "str")
    found = []
    if kind == "list" and isinstance(value, list):
        for number, each in enumerate(value):
            element = dict(option, type=option.get("elements"))
            found += _of_option(f"{where}[{number}]", each, element, secret)
    elif kind == "dict" and isinstance(value, dict):
        for key, each in value.items():
            if "options" in option:
                found += _of_option(f"{where}.{key}", each, option["options"].get(key, {"type": "raw"}), secret)
            elif isinstance(key, str):
                found += _of_text(f"{where}.{key}", each, secret)
            else:
                found.append(f"{where} has the name {key!r}, which YAML does not read as a string; put it in quotes")
    elif kind in ("str", "path") and "choices" not in option:
        found += _of_text(where, value, secret)
    return found


def _of_text(where, value, secret):
    shown = "" if secret else f"{value}, "
    if isinstance(value, bool):
        return [f"{where} is {shown}a boolean; put it in quotes, for example 'true' or 'True'"]
    if isinstance(value, (list, tuple, dict)):
        return [f"{where} is a {'mapping' if isinstance(value, dict) else 'list'}; give a string"]
    if isinstance(value, float):
        return [f"{where} is {shown}a number with a fraction, and YAML turns 1.10 into 1.1; put it in quotes"]
    if isinstance(value, datetime.datetime):
        return [f"{where} is {shown}a date or time, which YAML may rewrite; put it in quotes"]
    written = _written(value) if isinstance(value, int) else None
    if written not in (None, str(value)):
        return [
            f"{where} is a number that YAML changed{'' if secret else f' from {written} to {value}'}; put it in quotes"
        ]
    return []


def _written(number):
    """Return the text from which an integer was read, or None if unknown. From ansible-core 2.19 on, a value has a tag
    with its place."""
    for origin in getattr(number, "_ansible_tags_mapping", {}).values():
        try:
            with open(origin.path, encoding="utf-8") as file:
                line = file.read().splitlines()[origin.line_num - 1]
            token = _TOKEN.match(line, origin.col_num - 1).group()
            if yaml.safe_load(token) == number:  # a vaulted file has another text in that place
                return token
        except (AttributeError, IndexError, OSError, TypeError, ValueError, yaml.YAMLError):
            continue
    return None
