# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preview: a section of an app's file through which a few clients reach the idle color. Pure.

A closed section sends everybody to the active color. Files are compared with a closed section. ``preview`` is ``{}`` or
has one of ``header`` and ``cookie``, ``{name, value}`` each, and ``listen``. The value is a secret, so it only appears
in an open section.
"""

from __future__ import annotations

import re

from .upstream import render_upstream
from .vhost import LISTEN, listens

_SECTION = re.compile(r"^# preview: (?:open|closed)\n.*?^# end of preview\n", re.MULTILINE | re.DOTALL)
_MAP = re.compile(r"^map \S+ (\$\w+) \{\n    default (\S+);", re.MULTILINE)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}\Z")
_COOKIE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{15,39}\Z")  # a key of nginx's map can't be longer


def preview_problems(preview, upstreams, vhost):
    """Return the problems of a preview, one phrase each, without the secret.

    ``upstreams``: names of the app's upstreams; ``vhost``: bluegreen_vhost.
    """
    preview = {kind: value for kind, value in (preview or {}).items() if value is not None}
    if not preview:
        return
    if len(preview) != 1:
        yield "give only one of header, cookie and listen"
        return
    (kind, given), *_none = preview.items()
    if kind == "listen":
        match = LISTEN.match(str(given))
        if not match or not 1 <= int(match.group(1)) <= 65535:
            yield f"listen is {given!r}; give a port, or an address and a port such as 127.0.0.1:8081"
        elif vhost and match.group(1) in [listen.rpartition(":")[2] for listen in listens(vhost)]:
            yield f"listen is {given!r}, but bluegreen_vhost already listens on that port; give another"
        if not vhost:
            yield "listen needs bluegreen_vhost; with your own server block, use header or cookie"
        return
    name = (_HEADER if kind == "header" else _COOKIE).match(given.get("name") or "")
    if not name:
        yield f"{kind}.name is {given.get('name')!r}; start with a letter, then use letters, digits and " + (
            "'-'" if kind == "header" else "'_'"
        )
    if not _VALUE.match(given.get("value") or ""):
        yield f"{kind}.value does not fit (it is not shown); use 16 to 40 random letters, digits, '.', '_' and '-'"
    if len({upstream_variable(name) for name in upstreams}) != len(upstreams):
        yield f"two of the upstreams {', '.join(upstreams)} would share one nginx variable; rename one"


def upstream_variable(name):
    """Return nginx's variable for the upstream of a request. ``name``: of the active color's upstream."""
    return "$bluegreen_" + re.sub(r"[^A-Za-z0-9]", "_", name)


def preview_upstream(name):
    """Return the name of the idle color's upstream, from the active color's."""
    return name + "-preview"


def uses_variables(preview):
    """Return whether a request is routed by a variable, and not by its port."""
    return bool(preview) and "listen" not in preview


def preview_secret(preview):
    """Return the secret value, or None."""
    return next((given.get("value") for kind, given in preview.items() if kind != "listen"), None)


def closed_preview(preview, upstreams):
    """Return the section that sends everybody to the active color. Empty without a preview.

    ``upstreams``: names of the app's upstreams.
    """
    if not preview:
        return ""
    return _closed([(upstream_variable(name), name) for name in upstreams] if uses_variables(preview) else [])


def with_preview(text, preview, upstreams, resolver, server):
    """Return an app's file whose section lets clients with the secret, or at the port, reach ``upstreams``.

    ``upstreams``: ``[{name, targets, options}]`` of the idle color, with the names of the active color's; ``resolver``:
    as for app_text(); ``server``: the text of the preview's own server, with ``listen``.
    """
    blocks = [
        render_upstream(preview_upstream(each["name"]), each["targets"], resolver, each.get("options"))
        for each in upstreams
    ]
    if uses_variables(preview):
        ((kind, given),) = preview.items()
        prefix = "http" if kind == "header" else "cookie"
        source = "${}_{}".format(prefix, given["name"].lower().replace("-", "_") if kind == "header" else given["name"])
        for name in (each["name"] for each in upstreams):
            targets = f'    default {name};\n    "{given["value"]}" {preview_upstream(name)};\n'
            blocks.append(f"map {source} {upstream_variable(name)} {{\n{targets}}}\n")
    section = "# preview: open\n" + "".join(blocks) + server + "# end of preview\n"
    return _SECTION.sub(lambda _match: section, text)


def has_preview(text):
    """Return whether an app's file lets anybody reach the idle color."""
    return "# preview: open\n" in (text or "")


def without_preview(text):
    """Return an app's file with its section closed; None for None."""
    if not has_preview(text):
        return text
    return _SECTION.sub(lambda match: _closed(_MAP.findall(match.group())), text)


def _closed(maps):
    lines = [f"map $host {name} {{\n    default {upstream};\n}}\n" for name, upstream in maps]
    return "# preview: closed\n" + "".join(lines) + "# end of preview\n"
