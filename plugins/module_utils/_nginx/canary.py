# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary: an app's file in which the idle color gets a share of the requests. Pure.

The active color stays the same until the swap. Files are compared without the canary.
"""

from __future__ import annotations

import math
import re

from .upstream import render_upstream

_MARK = "  # canary"
_MARKED = re.compile(rf"^.*;{_MARK}\n", re.MULTILINE)
_SERVER = re.compile(r" +server ([^\s;]+)")
_WEIGHT = re.compile(r"^(    server \S+) weight=\d+", re.MULTILINE)


def canary_problems(steps):
    """Return the problems of the steps, ``[{weight, hold}]``: ``(value, remedy)`` each."""
    last = 0
    for step in steps or []:
        if not last < step["weight"] < 100:
            yield step["weight"], f"weight must be a percentage above {last} and below 100, because the weights rise"
        last = max(last, step["weight"])
        if step["hold"] < 0:
            yield step["hold"], "hold must be 0 or more seconds"


def weights(share, active, idle):
    """Return the weights ``(active, idle)`` of one address of either color, so that the idle color gets ``share`` % of
    the requests.

    ``active``, ``idle``: how many addresses each color has. nginx gives every address of a name the name's weight.
    """
    ours, theirs = share * max(active, 1), (100 - share) * max(idle, 1)
    divisor = math.gcd(ours, theirs)
    return theirs // divisor, ours // divisor


def with_canary(text, share, upstreams, resolver):
    """Return an app's file in which the idle color gets ``share`` % of the requests.

    ``upstreams``: ``[{name, active_targets, options, targets, addresses}]``. ``targets`` are those of the idle color,
    ``addresses`` the numbers of addresses ``(active, idle)``. ``resolver``: as for app_text().
    """
    for upstream in upstreams:
        name = upstream["name"]
        ours, theirs = weights(share, *upstream["addresses"])
        targets = [dict(target, weight=ours) for target in upstream["active_targets"]]
        targets += [dict(target, weight=theirs) for target in upstream["targets"]]
        marked = {"{host}:{port}".format(**target) for target in upstream["targets"]}
        lines = render_upstream(name, targets, resolver, upstream.get("options")).splitlines()
        block = [line + _MARK if _place(line) in marked else line for line in lines]
        text = _with_block(text, name, "\n".join(block) + "\n")
    return text


def without_canary(text):
    """Return an app's file without a canary; None for None."""
    if _MARK not in (text or ""):
        return text
    return _WEIGHT.sub(r"\1", _MARKED.sub("", text))


def _with_block(text, name, block):
    pattern = re.compile(rf"^upstream {re.escape(name)} \{{\n.*?^\}}\n", re.MULTILINE | re.DOTALL)
    return pattern.sub(lambda _match: block, text)


def _place(line):
    match = _SERVER.match(line)
    return match.group(1) if match else None
