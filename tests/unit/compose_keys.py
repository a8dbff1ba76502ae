# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the keys of the Compose specification, and a Compose file with one of them."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

import yaml

TABLE = Path(__file__).parent / "plugins/module_utils/fixtures/compose/keys.yml"

KINDS = {"traffic": "web", "other": "runner", "exclusive": "worker", "shared": "db", "per_color": "web"}
"""``{kind of service: its name}``."""

OF_A_COLOR = ("traffic", "other", "exclusive")


class Key(t.NamedTuple):
    section: dict
    name: str
    entry: dict

    @property
    def path(self):
        return [*filter(None, self.section["path"].split(".")), self.name]

    @property
    def specification_path(self):
        """The path with a * for each name that a user chooses."""
        named = ("services", "networks", "volumes", "configs", "secrets", "depends_on")
        steps = self.path
        return ".".join("*" if at and at % 2 and steps[at - 1] in named else step for at, step in enumerate(steps))

    @property
    def is_rendered(self):
        """Whether the role sees it, with a value of its own."""
        return self.rendered is not None and not self.entry.get("gone")

    @property
    def rendered(self):
        """What Compose makes of the value; None of a key of the top level whose parts have sections of their own."""
        return self.entry.get("rendered", self.entry.get("value"))

    def becomes(self, kind):
        """Return what becomes of it in a kind of service."""
        of_colors = self.entry.get("color", "kept") if kind in OF_A_COLOR else "kept"
        return self.entry.get(kind, of_colors)

    @property
    def says(self):
        """Words of the refusal or the warning."""
        return self.entry.get("says", "")


def load_keys():
    return [
        Key(section, name, entry)
        for section in yaml.safe_load(TABLE.read_text(encoding="utf-8"))
        for name, entry in section["keys"].items()
    ]


def at(path, service):
    """Return a path with the name of a service in place of web."""
    return [service if step == "web" else step for step in path]


def look(config, path):
    """Return what is at a path; None where nothing is."""
    for step in path:
        config = (config or {}).get(step)
    return config


def with_key(config, key, value, service):
    """Return a file that has the key, for the service."""
    result = copy.deepcopy(config)
    for more in (key.section.get("with", {}), key.entry.get("with", {})):
        _merge(result, more, service)
    *parents, name = at(key.path, service)
    place = result
    for step in parents:
        place[step] = place.get(step) or {}
        place = place[step]
    if key.entry.get("only"):
        place.clear()
    place.pop(key.entry.get("without"), None)
    place[name] = value
    return result


def _merge(config, more, service):
    for name, value in more.items():
        name = service if name == "web" else name
        if isinstance(value, dict) and isinstance(config.get(name), dict):
            _merge(config[name], value, service)
        else:
            config[name] = copy.deepcopy(value)
