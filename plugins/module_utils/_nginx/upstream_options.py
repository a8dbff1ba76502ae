# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an upstream: how nginx balances requests among replicas, and which connections it keeps open. Pure.

``options`` is ``upstream_options`` of an entry of ``bluegreen_services``: ``balance``, ``keepalive``,
``keepalive_timeout``, ``max_fails``, ``fail_timeout``. Each is missing or None if it was not given.
"""

from __future__ import annotations

import re

from .configuration import Configuration
from .version import keeps_idle_upstream_connections

DEFAULT_KEEPALIVE_TIMEOUT = "4s"
"""nginx must close an idle connection before the app does, because a request on a connection that the app closes is
lost: nginx repeats no POST. Many apps close after 5 s (Node, uvicorn)."""

LARGEST = 65535
_BALANCES = ("least_conn", "ip_hash")
_KEEPALIVE_TIMEOUT = re.compile(r"[0-9]{1,6}(?:ms|s|m|h)?\Z")
_FAIL_TIMEOUT = re.compile(r"[0-9]{1,6}(?:s|m|h)?\Z")
_OURS = {"server", "zone", "resolver", "resolver_timeout"}
_OWN_PARAMETERS = {"resolve", "down"}


def upstream_option_problems(options):
    """Return the problems of options: ``(key, value, remedy)`` each."""
    given = {key: value for key, value in (options or {}).items() if value is not None}
    for key, what in (("keepalive", "idle connections of each worker process"), ("max_fails", "failed attempts")):
        if key in given and not 0 <= given[key] <= LARGEST:
            yield key, given[key], f"give a number of {what}, from 0 to {LARGEST}"
    for key, rule, example in (
        ("keepalive_timeout", _KEEPALIVE_TIMEOUT, "250ms, 4s or 1m"),
        ("fail_timeout", _FAIL_TIMEOUT, "10s or 1m"),
    ):
        if key in given and not rule.match(given[key]):
            yield key, given[key], f"give one time with its unit, for example {example}"
    if given.get("keepalive") == 0 and "keepalive_timeout" in given:
        yield "keepalive_timeout", given["keepalive_timeout"], "keepalive is 0, so none is kept; remove one of the two"


def effective_options(options, nginx_version):
    """Return the options for this version of nginx, with a safe ``keepalive_timeout`` if it keeps idle connections to
    the app."""
    given = {key: value for key, value in (options or {}).items() if value is not None}
    by_default = keeps_idle_upstream_connections(nginx_version)
    if given.get("keepalive") == 0 and not by_default:
        del given["keepalive"]  # this nginx keeps none by default, and rejects 0
    if given.get("keepalive", by_default):
        given.setdefault("keepalive_timeout", DEFAULT_KEEPALIVE_TIMEOUT)
    return given


def option_lines(options):
    """Return the directives of effective options ``(before the servers, after the servers)``. nginx needs ``keepalive``
    after the balancing method."""
    before = [f"{options['balance']};"] if options.get("balance") in _BALANCES else []
    return before, [f"{key} {options[key]};" for key in ("keepalive", "keepalive_timeout") if key in options]


def server_parameters(options):
    """Return the parameters of each ``server``, with a space before each."""
    return "".join(f" {key}={options[key]}" for key in ("max_fails", "fail_timeout") if key in options)


def options_in(text, names):
    """Return ``[(upstream, options, others)]`` of the upstreams ``names`` in a configuration.

    ``others``: the settings without an equivalent in ``upstream_options``, as written. ``text``: the output of ``nginx
    -T``. Raises UpstreamError if it can't be read.
    """
    wanted = {name.lower() for name in names}
    configuration = Configuration(text)
    found = []
    for upstream in configuration.upstreams():
        if upstream.words[1].lower() in wanted:
            found.append((upstream.words[1], *_options_of(configuration.expand(upstream.block))))
    return found


def _options_of(directives):
    options, others = {}, []
    for directive in directives:
        name, arguments = directive.words[0], directive.words[1:]
        if name in _BALANCES:
            options["balance"] = name
        elif name in ("keepalive", "keepalive_timeout") and arguments:
            options[name] = arguments[0]
        elif name == "server":
            for parameter in arguments[1:]:
                key, _equals, value = parameter.partition("=")
                if key in ("max_fails", "fail_timeout"):
                    options.setdefault(key, value)
                elif key not in _OWN_PARAMETERS:
                    others.append(f"server ... {parameter}")
        elif name not in _OURS:
            others.append(" ".join(directive.words))
    return options, others
