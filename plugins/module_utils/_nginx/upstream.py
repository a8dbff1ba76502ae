# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx upstream blocks: text from targets, and targets from text.

Nothing here reads files or runs nginx. An input must be valid in an nginx configuration as it is, otherwise it is an
UpstreamError. Nothing is quoted or escaped.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence

from .._errors import UpstreamError
from .configuration import Configuration
from .directives import brief, place_of, shown
from .upstream_options import option_lines, server_parameters

DEFAULT_PORT = 80
DEFAULT_WEIGHT = 1

# Docker's DNS gives every name 600 s, but a container that restarted with another address must be found sooner.
RESOLVE_EVERY = "2s"
ZONE_SIZE = "64k"

_TARGET_KEYS = ("host", "port", "weight", "down", "at_load")
_LARGEST = 65535

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,127}")
_NUMBER = re.compile(r"[0-9]{1,5}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?!(?:[0-9]+)\Z){_LABEL}")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IPV6_CHARACTERS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_ADDRESS = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]+)(?::(.*))?", re.DOTALL)


def render_upstream(name, targets, resolver=None, options=None):
    """Return the text of one ``upstream`` block, with a newline at its end.

    name: a letter, then letters, digits, ".", "_", "-", at most 128 characters.
    targets: at least one ``{"host": str, "port": int or digits, "weight": int or digits, default 1}``. nginx sends
    nothing to a target with ``down``. It looks a target with ``at_load`` up only once, when it loads.
    resolver: address of the DNS server that nginx (1.27.3 or newer) asks for the other host names all the time.
    options: from effective_options().

    Raises UpstreamError, which names the field, the value and the remedy.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UpstreamError(
            f"name: {shown(name)} can't name an upstream; start with a letter, then use up to 127 letters, digits, "
            "'.', '_' or '-'"
        )
    lines = []
    if resolver is not None:
        _check_resolver(resolver)
        lines += [f"zone {name} {ZONE_SIZE};", f"resolver {resolver} valid={RESOLVE_EVERY} ipv6=off;"]
    before, after = option_lines(options or {})
    lines += before
    parameters = server_parameters(options or {})
    for target in _checked_targets(targets):
        weight = f" weight={target['weight']}" if target["weight"] != DEFAULT_WEIGHT else ""
        followed = resolver is not None and not target["at_load"] and not _is_ip_literal(target["host"])
        marks = (" resolve" if followed else "") + (" down" if target["down"] else "")
        lines.append(f"server {target['host']}:{target['port']}{weight}{parameters}{marks};")
    lines += after
    return "".join([f"upstream {name} {{\n"] + [f"    {line}\n" for line in lines] + ["}\n"])


def parse_upstreams(text, names=None):
    """Return ``{upstream: [{"host": str, "port": int or None, "weight": int}, ...]}`` of an nginx configuration.

    text: a file, a part of one, or the output of ``nginx -T``, in which includes are followed. Only servers that take
    requests are listed, so not those marked ``down`` or ``backup``. The default port is 80. ``unix:/path`` sockets and
    names of DNS service records (``service=``) have the port None. Upstreams of the ``stream`` module have their own
    names and are left out. names: those to read, with the case that they have in the result. Other upstreams may
    contain anything that nginx accepts. Raises UpstreamError, with the line (and the file, in a dump), if the text is
    truncated or unbalanced, if a server can't be read, or if a name is defined twice. nginx ignores case in names.
    """
    configuration = Configuration(text)
    wanted = {name.lower(): name for name in names or []}
    upstreams = {}
    first = {}
    for upstream in configuration.upstreams():
        name = upstream.words[1]
        earlier = first.setdefault(name.lower(), upstream)
        if earlier is not upstream:
            raise UpstreamError(
                f'upstream "{name}" is defined twice, at {place_of(earlier)} and at {place_of(upstream)}, but nginx '
                "accepts a name only once; rename or remove one"
            )
        if names is not None and name.lower() not in wanted:
            continue
        inner = configuration.expand(upstream.block, required=True)
        servers = [_server(directive) for directive in inner if directive.words[0] == "server"]
        upstreams[wanted.get(name.lower(), name)] = [server for server in servers if server]
    return upstreams


# Writing a block


def _checked_targets(targets):
    if isinstance(targets, (str, bytes)) or not isinstance(targets, Sequence):
        raise UpstreamError(f"targets: {shown(targets)} is not a list; give a list of mappings with host and port")
    if not targets:
        raise UpstreamError("targets: the list is empty, but nginx rejects an upstream without a server; give one")
    seen = {}
    checked = []
    for index, target in enumerate(targets):
        where = f"targets[{index}]"
        if not isinstance(target, Mapping):
            raise UpstreamError(f"{where}: {shown(target)} is not a mapping; give host, port and, if needed, weight")
        unknown = [key for key in target if key not in _TARGET_KEYS]
        if unknown:
            raise UpstreamError(f"{where}: unknown key {shown(unknown[0])}; the keys are {', '.join(_TARGET_KEYS)}")
        missing = [key for key in ("host", "port") if key not in target]
        if missing:
            raise UpstreamError(f"{where}: {missing[0]} is missing; give host and port")
        host = target["host"]
        _check_host(f"{where}.host", host)
        port = _checked_number(f"{where}.port", target["port"])
        weight = _checked_number(f"{where}.weight", target.get("weight", DEFAULT_WEIGHT))
        flags = {key: _checked_flag(f"{where}.{key}", target.get(key, False)) for key in ("down", "at_load")}
        same = seen.setdefault((_canonical(host), port, flags["down"]), index)
        if same != index:
            raise UpstreamError(
                f"{where}: {host}:{port} is also targets[{same}]; give it once, with a weight if needed"
            )
        checked.append({"host": host, "port": port, "weight": weight, **flags})
    if all(target["down"] for target in checked):
        raise UpstreamError("targets: all of them are down; give at least one that takes requests")
    return checked


def _check_host(where, host):
    if isinstance(host, str) and (_is_ip_literal(host) or _HOST_NAME.fullmatch(host)):
        return
    raise UpstreamError(
        f"{where}: {shown(host)} is not a host; give a DNS name (letters, digits, '-', '_', '.'), an IPv4 address or "
        "an IPv6 address in brackets"
    )


def _checked_number(where, value):
    # A number from `-e` or a survey is a string of digits. True would count as 1.
    is_digits = isinstance(value, str) and _NUMBER.fullmatch(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not (is_digits or is_number) or not 1 <= int(value) <= _LARGEST:
        raise UpstreamError(f"{where}: {shown(value)} is out of range; give a whole number from 1 to {_LARGEST}")
    return int(value)


def _checked_flag(where, value):
    if not isinstance(value, bool):
        raise UpstreamError(f"{where}: {shown(value)} is neither true nor false; give one of them")
    return value


def _check_resolver(resolver):
    address = _ADDRESS.fullmatch(resolver) if isinstance(resolver, str) else None
    if not address or not _is_ip_literal(address.group(1)):
        raise UpstreamError(
            f"resolver: {shown(resolver)} is not the address of a DNS server; give an IPv4 address or an IPv6 address "
            "in brackets, with :port if it is not 53 (Docker's is 127.0.0.11)"
        )
    if address.group(2) is not None:
        _checked_number("resolver port", address.group(2))


def _is_ip_literal(host):
    return bool(_IPV4.fullmatch(host)) or _ipv6(host) is not None


def _ipv6(host):
    inner = host[1:-1]
    if not (host.startswith("[") and host.endswith("]") and _IPV6_CHARACTERS.fullmatch(inner)):
        return None
    try:
        return ipaddress.IPv6Address(inner)
    except ValueError:
        return None


def _canonical(host):
    return str(_ipv6(host) or host.lower())


# Reading a text


def _server(directive):
    """Return the target of a ``server`` line, or None if it takes no requests."""
    if len(directive.words) < 2:
        raise UpstreamError(f"{place_of(directive)}: the server has no address")
    address, parameters = directive.words[1], directive.words[2:]
    if "down" in parameters or "backup" in parameters:
        return None
    weight = DEFAULT_WEIGHT
    for parameter in parameters:
        if parameter.startswith("weight="):
            weight = _number_read(directive, parameter[len("weight=") :])
    if address[:5].lower() == "unix:":
        return {"host": address, "port": None, "weight": weight}
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise UpstreamError(f"{place_of(directive)}: {shown(address)} is not the address of a server")
    port = DEFAULT_PORT if match.group(2) is None else _number_read(directive, match.group(2))
    if any(parameter.startswith("service=") for parameter in parameters):
        port = None
    return {"host": match.group(1), "port": port, "weight": weight}


def _number_read(directive, digits):
    if not re.fullmatch(r"[0-9]{1,18}", digits):
        raise UpstreamError(f'{place_of(directive)}: {shown(digits)} in "{brief(directive.words)}" is not a number')
    return int(digits)
