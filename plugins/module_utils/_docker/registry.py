# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry that a run logs in to: a configuration of the docker command for that run only. Pure.

``registry`` is ``{}`` or has ``url``, ``username`` and ``password``. No message contains the password.
"""

from __future__ import annotations

import base64
import json
import os
import re

_URL = re.compile(r"(?:https?://)?([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?)(?:/[!-~]*)?\Z")
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
_KEYS = ("url", "username", "password")


def registry_problems(registry):
    """Return the problems of a registry, one phrase each, without the password."""
    if not registry:
        return
    missing = [key for key in _KEYS if not registry.get(key)]
    if missing:
        yield f"{', '.join(missing)} is missing; give url, username and password"
    if registry.get("url") and not _URL.match(registry["url"]):
        yield f"url is {registry['url']!r}; write the registry as in image names, for example registry.example:5000"
    if ":" in (registry.get("username") or ""):
        yield f"username is {registry['username']!r}; it can't contain ':'"


def docker_config(registry, own, directory):
    """Return the text of a ``config.json`` with which the docker command is logged in to the registry.

    ``own``: the text of the user's own file, which provides everything else, or None; ``directory``: of that file. The
    command still finds the plugins there.
    """
    config = _loaded(own)
    host = _URL.match(registry["url"]).group(1)
    key = "https://index.docker.io/v1/" if host in _HUB else host
    # A credential store would be asked instead of the file.
    config.pop("credsStore", None)
    helpers = {name: helper for name, helper in config.pop("credHelpers", {}).items() if name not in (key, host)}
    secret = base64.b64encode("{username}:{password}".format(**registry).encode()).decode()
    config["auths"] = dict(config.get("auths") or {}, **{key: {"auth": secret}})
    config["cliPluginsExtraDirs"] = [*config.get("cliPluginsExtraDirs", []), os.path.join(directory, "cli-plugins")]
    if helpers:
        config["credHelpers"] = helpers
    return json.dumps(config, indent=1) + "\n"


def _loaded(text):
    try:
        config = json.loads(text or "{}")
    except ValueError:
        return {}
    return config if isinstance(config, dict) else {}
