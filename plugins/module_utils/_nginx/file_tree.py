# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that match the name in an ``include``. Pure.

nginx treats a name with ``*``, ``?`` or ``[`` as a pattern of glob(3), and uses any other name unchanged. It also
reports it unchanged: ``nginx -T`` names a file ``/etc/nginx/./conf.d/a.conf`` if it is included so.
"""

from __future__ import annotations

import functools
import re

_SPECIAL = re.compile(r"[*?\[]")
_SPECIAL_PART = re.compile(r"[*?\[\\]")
# One item of a pattern. A "[" without "]" stands for itself.
_ITEM = re.compile(
    r"""
    (?P<many>  \*+ )
  | (?P<one>   \? )
  | \[ (?P<but> [!^]? ) (?P<among> \]? (?: \[:[a-z]+:\] | \\. | [^\]\\] )* ) \]
  | \\? (?P<itself> . )
    """,
    re.DOTALL | re.VERBOSE,
)
_AMONG = re.compile(r"\[:(?P<kind>[a-z]+):\]|\\?(?P<first>.)(?:-\\?(?P<last>[^\]]))?", re.DOTALL)
_KINDS = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


def is_glob(name):
    """Return whether nginx treats the name in an ``include`` as a pattern."""
    return bool(_SPECIAL.search(name))


def parts_of(path):
    """Return the names in a path. ``//`` and ``/./`` equal ``/``. ``..`` counts as a name, because a link may precede
    it."""
    return [part for part in path.split("/") if part not in ("", ".")]


class FileTree:
    """Absolute paths of files, as a tree, so that a name is found without reading each path."""

    def __init__(self, paths):
        self._root = {}  # {name in a directory: the same of that directory, or the path of a file}
        for path in paths:
            *directories, name = parts_of(path)
            directory = self._root
            for part in directories:
                directory = directory.setdefault(part, {})
                if not isinstance(directory, dict):
                    break  # a file can't be a directory: the text is not from one machine
            else:
                directory.setdefault(name, path)

    def matching(self, pattern):
        """Return the paths that match an absolute name or pattern, in nginx's order."""
        found = [self._root]
        for part in parts_of(pattern):
            directories = [entry for entry in found if isinstance(entry, dict)]
            if is_glob(pattern) and _SPECIAL_PART.search(part):
                takes = _compiled(part)
                found = [entry for each in directories for name, entry in each.items() if takes(name)]
            else:
                found = [each[part] for each in directories if part in each]
        return sorted(entry for entry in found if isinstance(entry, str))


@functools.lru_cache(maxsize=None)
def _compiled(pattern):
    """Return the function that tells whether a name matches a pattern of glob(3)."""
    items = "".join(_item(match) for match in _ITEM.finditer(pattern))
    visible = "" if pattern.startswith((".", "\\.")) else r"(?!\.)"  # only a dot itself takes a leading one
    return re.compile(visible + items, re.DOTALL).fullmatch


def _item(match):
    if match.group("many"):
        return ".*"
    if match.group("one"):
        return "."
    if match.group("itself"):
        return re.escape(match.group("itself"))
    among = "".join(_among(each) for each in _AMONG.finditer(match.group("among")))
    return "[{}{}]".format("^" if match.group("but") else "", among)


def _among(match):
    first, last = match.group("first"), match.group("last")
    if first is None:
        return _KINDS.get(match.group("kind"), "")
    if last is None:
        return re.escape(first)
    return f"{re.escape(first)}-{re.escape(last)}" if first <= last else ""
