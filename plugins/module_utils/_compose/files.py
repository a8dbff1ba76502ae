# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Compose files of a project: the default files of ``docker compose``, and warnings about them.

Names are relative to the project's directory, or absolute.
"""

from __future__ import annotations

import os
import re

from .._errors import ComposeError
from .._names import is_single_file

_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_LINE = re.compile(r"\s*(?:export\s+)?(COMPOSE_FILE|COMPOSE_PATH_SEPARATOR)\s*[=:]\s*(.*?)\s*$")
_COMMENT = re.compile(r"\s+#.*$")


def requested_files(named, kind, project_src, env_files, environ):
    """Return ``(compose_files, loaded)``: the files of this run, and the default files of ``docker compose``, empty if
    these are unknown.

    ``named``: by the user; ``kind``: of the run; the others as for loaded_files(). Raises ComposeError if a deploy
    would have no files. Other runs read no Compose file.
    """
    try:
        loaded = loaded_files(project_src, env_files, environ)
    except ComposeError:
        if kind == "deploy" and not named:
            raise
        loaded = []
    return named or loaded, loaded


def loaded_files(project_src, env_files, environ):
    """Return the names of the files that ``docker compose`` loads in ``project_src`` by default: those in COMPOSE_FILE,
    otherwise the first of the default names and its override.

    ``env_files``: in addition to the project's ``.env``; ``environ``: of the docker command, which outranks them.
    Raises ComposeError.
    """
    variables = {}
    for name in (".env", *env_files):
        variables.update(_read_env_file(os.path.join(project_src, name)))
    variables.update(environ)
    listed = variables.get("COMPOSE_FILE")
    if listed:
        return listed.split(variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep)
    found = [
        next((name for name in names if os.path.isfile(os.path.join(project_src, name))), None)
        for names in (_NAMES, _OVERRIDES)
    ]
    return [name for name in found if name] if found[0] else []


def _read_env_file(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [found for found in map(_LINE.match, file) if found]
    except OSError:
        return {}  # there is no .env; rendering rejects any other missing file
    return {found.group(1): _value(found.group(1), found.group(2), path) for found in lines}


def _value(name, text, path):
    quote = text[:1]
    text = text[1:].partition(quote)[0] if quote in ("'", '"') else _COMMENT.sub("", text)
    if "$" in text and quote != "'":
        raise ComposeError(f"{path} has a variable in {name}; name the files in bluegreen_compose_files instead")
    return text


def refuse_unusable(project_src, files):
    """Raise ComposeError if the default files ``files`` can't belong to ``project_src``."""
    if not files:
        raise ComposeError(
            f"{project_src} has no {_NAMES[0]}, {', '.join(_NAMES[1:-1])} or {_NAMES[-1]}; correct "
            "bluegreen_project_src, or name the files in bluegreen_compose_files"
        )
    first = os.path.normpath(os.path.join(project_src, files[0]))
    if os.path.dirname(first) != os.path.normpath(project_src):
        raise ComposeError(
            f"COMPOSE_FILE begins with {files[0]}, and Compose resolves paths from that file's directory; set "
            f"bluegreen_project_src to {os.path.dirname(first)}, and name the files in bluegreen_compose_files"
        )


def file_warnings(project_src, files, loaded, known):
    """Return the warnings about the files that a deploy reads.

    ``files``: those files; ``loaded``: from loaded_files(); ``known``: the paths that earlier deploys read, empty if
    unknown.
    """
    paths = {name: os.path.normpath(os.path.join(project_src, name)) for name in (*files, *loaded)}
    read = {paths[name] for name in files}
    if read == {paths[name] for name in loaded}:
        known = set(known) or {paths[files[0]]}
        return [
            f"this deploy also reads {name}, as docker compose does in {project_src}, but no earlier deploy read it; "
            "if it is not meant for this host, remove it, or name the other files in bluegreen_compose_files"
            for name in files
            if paths[name] not in known
        ]
    left_out = [name for name in loaded if paths[name] not in read]
    if not is_single_file(files) or len(left_out) == len(loaded):
        return []
    return [
        f"docker compose reads {name} in {project_src}, but this deploy does not, because bluegreen_compose_files does "
        "not name it"
        for name in left_out
    ]
