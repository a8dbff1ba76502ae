# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's files in nginx's configuration. Pure."""

from __future__ import annotations

import posixpath
import re

from .answer_log import without_answer_log
from .canary import without_canary
from .file_tree import parts_of
from .preview import without_preview
from .upstream import render_upstream
from .version import keeps_connections_on_reload

SHARED_FILE = "bluegreen.conf"
KEEPALIVE_MIN_TIMEOUT = 5
"""Seconds for which an old worker process still takes a request on an idle keep-alive connection after a reload."""

DOCKER_RESOLVER = "127.0.0.11"
_FILE_HEADER = re.compile(r"^# configuration file (.+):\n", re.MULTILINE)
_GENERATION = re.compile(r"^# generation: (\S+)$", re.MULTILINE)
_MIN_TIMEOUT = re.compile(r"^\s*keepalive_min_timeout\s", re.MULTILINE)
_ADDRESSES = re.compile(r"^# addresses: .*$", re.MULTILINE)
_FOLLOWED = re.compile(r"^ *server (\S+)(?: \w+=\S+)* resolve", re.MULTILINE)
_TAKES_REQUESTS = re.compile(r"^( *server \S+(?: \w+=\S+)*) resolve;$", re.MULTILINE)


def app_file_name(app):
    """Return the name of an app's file in the conf dir."""
    return f"bluegreen-{app}.conf"


def app_text(app, color, release, upstreams, resolver, server=""):
    """Return the content of an app's file, without its generation.

    ``upstreams``: ``[{name, targets, options}]``, the last from effective_options(), may be missing; ``resolver``:
    address of the DNS server with which nginx follows names, or None; ``server``: text of the app's own ``server``
    block. Raises UpstreamError.
    """
    header = (
        f"# Where nginx sends the requests of {app}. Written by hotswap.compose; the next deploy replaces it.\n"
        f"# color: {color}\n# release: {release}\n"
    )
    return header + "".join(_block(upstream, resolver) for upstream in upstreams) + server


def _block(upstream, resolver):
    return render_upstream(upstream["name"], upstream["targets"], resolver, upstream.get("options"))


def with_marks(text, generation=None, addresses=()):
    """Return an app's file with two comments at its end, which are only known at the swap.

    ``generation``: shows that nginx reads this very file; ``addresses``: those that an nginx found which looks names up
    only when it loads. A later run sees from them whether the addresses have changed.
    """
    if addresses:
        text += "# addresses: {}\n".format(" ".join(sorted(addresses)))
    if generation:
        text += f"# generation: {generation}\n"
    return text


def shared_text(nginx_version):
    """Return the content of the file that all apps on one nginx share, or None if this nginx needs none."""
    if not keeps_connections_on_reload(nginx_version):
        return None
    return (
        "# Written by hotswap.compose, for every app behind this nginx: at a reload, a client's idle connection "
        "is kept for\n"
        "# so long that its next request is still answered instead of dropped.\n"
        f"keepalive_min_timeout {KEEPALIVE_MIN_TIMEOUT}s;\n"
    )


def keeps_clients(dump):
    """Return whether the output of ``nginx -T`` has the directive of shared_text(), in that file or another."""
    return _MIN_TIMEOUT.search(dump) is not None


def generation_of(text):
    """Return the generation in an app's file, or in its part of an ``nginx -T`` dump, or None."""
    match = _GENERATION.search(text or "")
    return match.group(1) if match else None


def file_in_dump(dump, path, generation=None):
    """Return the content of one file in the output of ``nginx -T``, or None if nginx doesn't read it.

    ``generation``: also identifies the file. nginx names a file as its ``include`` does, which may lead to it by ``..``
    or a symbolic link.
    """
    name = posixpath.basename(path)
    for header in _FILE_HEADER.finditer(dump):
        if posixpath.basename(header.group(1)) != name:
            continue
        content = dump[header.end() :].split("\n# configuration file ", 1)[0]
        if parts_of(header.group(1)) == parts_of(path) or (generation and generation_of(content) == generation):
            return content
    return None


def files_in_dump(dump):
    """Return the paths of all files in the output of ``nginx -T``."""
    return [header.group(1) for header in _FILE_HEADER.finditer(dump)]


def without_generation(text):
    """Return an app's file without its generation."""
    return _GENERATION.sub("", text).rstrip("\n") + "\n"


def without_marks(text):
    """Return an app's file without anything that with_marks() adds."""
    return _ADDRESSES.sub("", without_generation(text)).rstrip("\n") + "\n"


def without_sections(text):
    """Return an app's file as it is between two runs, without open preview, canary and answer log. None for None.

    Files are compared in this form, and it shows which color has the traffic.
    """
    return without_answer_log(without_canary(without_preview(text)))


def reaches_idle(text):
    """Return whether some requests reach the idle color."""
    return without_canary(without_preview(text)) != text


def is_same_text(text, other):
    """Return whether two contents of an app's file are equivalent. None, for no file, is like no other."""
    return text is not None and other is not None and without_generation(text) == without_generation(other)


def followed_names(text):
    """Return the ``host:port`` that nginx follows by an app's file. Empty if there is no file."""
    return set(_FOLLOWED.findall(text or ""))


def resolved_at_load(text):
    """Return an app's file in which nginx also looks up each followed name when it loads the file.

    nginx looks up a followed name only after it has loaded the file, and answers 502 until then. This text is for these
    moments. The line that follows the name gets no requests, but keeps the addresses for the next reload.
    """
    return _TAKES_REQUESTS.sub(r"\1;\n\1 resolve down;", text)
