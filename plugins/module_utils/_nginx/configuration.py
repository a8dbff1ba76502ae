# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A configuration as nginx reads it: the files of an ``include``, and the directives at each level. Pure."""

from __future__ import annotations

import collections
import posixpath
import re

from .._errors import UpstreamError
from .directives import place_of, read_directives, shown
from .file_tree import FileTree, is_glob

DEFAULT_CONNECT_TIMEOUT = "60s"

_PROXIED = re.compile(r"https?://(\$?[A-Za-z0-9._-]+)((?::\d+)?)")
_TIME = re.compile(r"(\d+)(ms|[smhdwMy]|\Z) *")
_UNITS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}


def main_setting(text, name):
    """Return the arguments of the first such directive at nginx's top level, or None.

    text: the output of ``nginx -T``. Raises UpstreamError if it is truncated or unbalanced.
    """
    top = Configuration(text).top_level()
    return next((line.words[1:] for line in top if line.words[0] == name and line.block is None), None)


def directives_of(text):
    """Yield the words of each directive of a configuration, ``[name, argument, ...]``. Those of a block follow the
    directive that opens it.

    text: the output of ``nginx -T``. Raises UpstreamError if it is truncated or unbalanced.
    """
    for directives in read_directives(text).values():
        for directive in _nested(directives):
            yield directive.words


def http_settings(text, name, but=None):
    """Return the arguments of each directive of this name at the http level, except in files named ``but``.

    text: the output of ``nginx -T``. Raises UpstreamError if it is truncated or unbalanced.
    """
    lines = (line for directives in Configuration(text).http_blocks() for line in directives)
    return [
        line.words[1:]
        for line in lines
        if line.words[0] == name and line.block is None and posixpath.basename(line.file or "") != but
    ]


def connect_timeouts(text, names):
    """Return ``[(file, line, s)]``: for each ``proxy_pass`` to one of ``names``, how long nginx waits for a connection.

    text: the output of ``nginx -T``; names: of upstreams, or of variables with their ``$``. A time that can't be read
    is left out. Raises UpstreamError if the text is truncated or unbalanced.
    """
    configuration = Configuration(text)
    wanted = {name.lower() for name in names}
    found = []
    for directives in configuration.http_blocks():
        for directive, name, _port, timeout in configuration.proxied(directives):
            seconds = _seconds(timeout)
            if name.lower() in wanted and seconds is not None:
                found.append((directive.file, directive.line, seconds))
    return found


def proxied_hosts(text):
    """Return ``[(file, line, host)]`` of each ``proxy_pass`` in the output of ``nginx -T``. ``host`` has a port only if
    it is written there, so never for an upstream. Raises UpstreamError if the text is truncated or unbalanced."""
    configuration = Configuration(text)
    return [
        (directive.file, directive.line, name.lower() + port)
        for directives in configuration.http_blocks()
        for directive, name, port, _timeout in configuration.proxied(directives)
    ]


def _seconds(time):
    """Return the seconds of a time in nginx's notation, such as ``1m30s``, or None."""
    if not re.fullmatch(rf"(?:{_TIME.pattern})+", time):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in _TIME.findall(time))


def _nested(directives):
    """Yield directives, each followed by those inside it."""
    waiting = list(reversed(directives))
    while waiting:
        directive = waiting.pop()
        yield directive
        waiting.extend(reversed(directive.block or []))


class Configuration:
    """``text``: a file, a part of one, or the output of ``nginx -T``."""

    def __init__(self, text):
        self._files = read_directives(text)
        self._named = [path for path in self._files if path is not None]
        # nginx resolves a relative name against the directory of its main file, the first one in a dump.
        self._base = posixpath.dirname(self._named[0]) if self._named else None
        self._tree = FileTree(self._named)
        self._matching = {}  # {pattern: paths}

    def top_level(self):
        """Yield the directives at the top level of the main file."""
        return self.expand(self._files[self._named[0]] if self._named else [])

    def http_blocks(self):
        """Yield lists of directives: those of each http block, and each directive outside such blocks, as in a part of
        a configuration."""
        patterns = {
            directive.words[1]
            for directives in self._files.values()
            for directive in _nested(directives)
            if _is_include(directive)
        }
        included = {path for pattern in patterns for path in self.matching(pattern)}
        tops = [top for path, top in self._files.items() if path not in included]
        for outer in (directive for top in tops for directive in self.expand(top)):
            is_http = outer.words[0] == "http" and outer.block is not None
            yield list(self.expand(outer.block)) if is_http else [outer]

    def upstreams(self):
        """Yield the directive of every http upstream. nginx only allows them at the http level."""
        for directive in (directive for http in self.http_blocks() for directive in http):
            if directive.words[0] == "upstream":
                if len(directive.words) != 2 or directive.block is None:
                    raise UpstreamError(f"{place_of(directive)}: an upstream needs one name and a block in braces")
                yield directive

    def proxied(self, directives):
        """Yield ``(proxy_pass directive, its target name, ":port" or "", proxy_connect_timeout)`` of an http block."""
        blocks = collections.deque([(directives, DEFAULT_CONNECT_TIMEOUT)])
        while blocks:
            block, timeout = blocks.popleft()
            inner = list(self.expand(block))
            own = [line.words[1] for line in inner if line.words[0] == "proxy_connect_timeout" and len(line.words) == 2]
            timeout = own[-1] if own else timeout
            for directive in inner:
                goes_to = _PROXIED.match(directive.words[-1]) if directive.words[0] == "proxy_pass" else None
                if goes_to:
                    yield (directive, *goes_to.groups(), timeout)
                elif directive.block:
                    blocks.append((directive.block, timeout))

    def matching(self, pattern):
        """Return the files that ``include pattern`` reads, in nginx's order."""
        if self._base is None:
            return []
        if pattern not in self._matching:
            self._matching[pattern] = self._tree.matching(posixpath.join(self._base, pattern))
        return self._matching[pattern]

    def expand(self, directives, required=False):
        """Yield the directives, with those of an included file in the place of its ``include``.

        required: whether an included file that is not in the text is an error. Otherwise that include is skipped. A
        pattern may match no file of a dump.
        """
        reading = [iter(directives)]
        while reading:
            directive = next(reading[-1], None)
            if directive is None:
                reading.pop()
            elif isinstance(directive, str):
                reading.append(iter(self._files[directive]))
            elif not _is_include(directive):
                yield directive
            else:
                paths = self.matching(directive.words[1])
                if required and not paths and (self._base is None or not is_glob(directive.words[1])):
                    raise UpstreamError(
                        f"{place_of(directive)}: includes {shown(directive.words[1])}, which is not in this text; give "
                        "the whole output of `nginx -T`"
                    )
                # Each nested file takes two entries. More entries than that mean that a file includes itself.
                if paths and len(reading) > 2 * len(self._named):
                    raise UpstreamError(f"{place_of(directive)}: {paths[0]} includes itself")
                reading.append(iter(paths))


def _is_include(directive):
    return directive.words[0] == "include" and len(directive.words) == 2 and directive.block is None
