# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer log: nginx logs the status of each answer of an app while the role watches a release. Pure.

A section of the app's file, "tally", makes nginx keep that log. Files are compared without it.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_SECTION = re.compile(r"^# tally\n.*?^# end of tally\n", re.MULTILINE | re.DOTALL)
_COLOR = re.compile(r"^# color: (\w+)$", re.MULTILINE)
_UPSTREAM = re.compile(r"^upstream (\S+) \{", re.MULTILINE)
_BUILT_IN = re.compile(r"--http-log-path=(\S+)")


class Answers(NamedTuple):
    """The number of requests that were answered, and how many of them with a status of 500 or more."""

    requests: int = 0
    errors: int = 0

    def __add__(self, other):
        return Answers(self.requests + other.requests, self.errors + other.errors)

    def __str__(self):
        share = 100 * self.errors / self.requests if self.requests else 0.0
        return f"{self.errors} of {self.requests} ({share:.1f} %)"


def is_log_off(access_logs):
    """Return whether the http block turns the access log off. ``access_logs``: the arguments of each ``access_log``
    there."""
    return ["off"] in access_logs


def built_in_log(built):
    """Return the access log of an nginx that is configured without one. ``built``: the output of ``nginx -V``."""
    found = _BUILT_IN.search(built)
    return found.group(1) if found else "logs/access.log"


def with_answer_log(text, app, deploy, path, default_log=None):
    """Return an app's file with which nginx logs, at ``path``, every answer to a request that it sends to the app.

    ``default_log``: the access log that nginx only keeps while no ``access_log`` is set. None if one is set.
    """
    name = "bluegreen_" + app.replace("-", "_")
    color = _COLOR.search(text).group(1)
    upstreams = "|".join(re.escape(upstream) for upstream in _UPSTREAM.findall(text))
    return text + (
        "# tally\n"
        f'map $proxy_host ${name}_tallied {{\n    default 0;\n    "~^(?:{upstreams})$" 1;\n}}\n'
        f"log_format {name} '{deploy} {color} $status $upstream_addr';\n"
        # In addition to the logs of the http block, which a server without its own logs inherits.
        f"access_log {path} {name} if=${name}_tallied;\n"
        + (f"access_log {default_log} combined;\n" if default_log else "")
        + "# end of tally\n"
    )


def has_answer_log(text):
    """Return whether an app's file makes nginx keep the log."""
    return "# tally\n" in (text or "")


def without_answer_log(text):
    """Return an app's file without the section; None for None."""
    return _SECTION.sub("", text) if has_answer_log(text) else text


def count_answers(lines, deploy, color, endpoints):
    """Return the Answers ``(of the release, of the previous one)`` in the lines of the log.

    ``deploy``: lines of others are ignored; ``color``, ``endpoints``: of the release, the latter as ``address:port``.
    An answer belongs to the last address that nginx tried. If there was none, it belongs to the active color.
    """
    new, old = Answers(), Answers()
    for line in lines:
        fields = line.split(None, 3)
        if len(fields) != 4 or fields[0] != deploy or not fields[2].isdigit():
            continue
        answer = Answers(1, int(fields[2] >= "500"))
        place = re.split(r", | : ", fields[3].strip())[-1]
        if place in endpoints or (":" not in place and fields[1] == color):
            new += answer
        else:
            old += answer
    return new, old


def error_objection(new, old, ratio):
    """Return why a release answers too often with 5xx. None if it does not, or if there are too few answers.

    Too often means more than ``ratio`` times the previous release's share, by more than chance explains (three standard
    deviations). One more error than was seen is assumed for the previous release. Without any of its answers, nothing
    is too often.
    """
    share = min(1.0, ratio * (old.errors + 1) / (old.requests + 1))
    expected = share * new.requests
    if new.errors <= expected + 3 * math.sqrt(expected) + 1:
        return None
    return (
        f"its 5xx answers were {new}, the previous release's {old}: more than {ratio:g} times as many "
        "(bluegreen_bake_error_ratio)"
    )
