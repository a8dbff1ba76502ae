# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker Engine's address: from the option, DOCKER_HOST or a context, as for the docker command."""

from __future__ import annotations

import hashlib
import json
import os

from .._errors import EngineError

DEFAULT_HOST = "unix:///var/run/docker.sock"


def engine_address(docker_host, environ):
    """Return ``(host, source)``: the URL of the Engine, and what names it, such as ``DOCKER_HOST``.

    ``docker_host``: of the module, may be empty; ``environ``: of the user that the module runs as. Raises EngineError
    for a context that does not exist.
    """
    if docker_host:
        return docker_host, "docker_host"
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"], "DOCKER_HOST"
    home = environ.get("HOME") or os.path.expanduser("~")
    directory = environ.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    context = environ.get("DOCKER_CONTEXT") or _read(os.path.join(directory, "config.json")).get("currentContext")
    if not context or context == "default":
        return DEFAULT_HOST, "the default"
    digest = hashlib.sha256(context.encode()).hexdigest()
    endpoints = _read(os.path.join(directory, "contexts", "meta", digest, "meta.json")).get("Endpoints")
    try:
        return endpoints["docker"]["Host"], f"the Docker context {context}"
    except (KeyError, TypeError):
        raise EngineError(
            f"the Docker context {context} is not in {directory}; list the contexts with `docker context ls`, and "
            "select one with `docker context use`"
        ) from None


def local_address(docker_host, environ):
    """Return the URL of the Engine. Raises EngineError if it is not a socket of this host."""
    host, source = engine_address(docker_host, environ)
    if host.startswith("unix://"):
        return host
    raise EngineError(
        f"{'bluegreen_docker_host' if source == 'docker_host' else source} is {host}, but the role needs the target's "
        "own Engine, because it reads nginx's processes and the containers' addresses on that host; make that host "
        "the target in the inventory, or set bluegreen_docker_host to a local socket, such as "
        "unix:///run/user/1000/docker.sock"
    )


def _read(path):
    """Return the mapping in a JSON file. Empty if the file can't be read, as for the docker command."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
