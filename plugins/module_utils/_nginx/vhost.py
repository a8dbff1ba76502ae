# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ``server`` block of an app if the role writes it: from ``bluegreen_vhost`` to text. Pure."""

from __future__ import annotations

import re

SERVER_NAME = re.compile(
    r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\Z"
)
LISTEN = re.compile(r"(?:(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:]+\]):)?([0-9]{1,5})\Z")
PATH = re.compile(r"/[A-Za-z0-9._~/%+@:,=-]*\Z")
FILE = re.compile(r"/[A-Za-z0-9._/@+-]+\Z")

WEBSOCKET_TIMEOUT = "1h"

CONNECT_TIMEOUT = "4s"
"""Seconds after which nginx gives up a host that accepts no connection, such as a container that was just removed. The
kernel repeats an attempt after 1 s and after 3 s, which an app with a full accept queue may need."""

LONGEST_CONNECT = 10
"""Seconds for which the user's ``server`` block may wait for a connection without a warning."""

_HEADERS = (
    ("Host", "$host"),
    ("X-Real-IP", "$remote_addr"),
    ("X-Forwarded-For", "$proxy_add_x_forwarded_for"),
    ("X-Forwarded-Proto", "$scheme"),
)


def vhost_problems(vhost, service_names):
    """Return the problems of a vhost: ``(key, value, remedy)`` each. ``service_names``: those of bluegreen_services."""
    if not vhost:
        return
    for name in vhost.get("server_names") or []:
        if not SERVER_NAME.match(name):
            yield "server_names", name, "give a host name, which may start with '*.'"
    if not vhost.get("server_names"):
        yield "server_names", vhost.get("server_names"), "give at least one host name of the app"
    for listen in vhost.get("listen") or []:
        match = LISTEN.match(str(listen))
        if not match or not 1 <= int(match.group(1)) <= 65535:
            yield "listen", listen, "give a port, or an address and a port such as 127.0.0.1:8080 or [::]:80"
    for key, value in (vhost.get("tls") or {}).items():
        if value is not None and not FILE.match(value):
            yield (
                "tls." + key,
                value,
                "give an absolute path, as nginx sees it, of letters, digits, '.', '_', '-', '+' and '@'",
            )
    seen = set()
    for location in vhost.get("locations") or []:
        path = location["path"]
        if not PATH.match(path):
            yield "locations.path", path, "start with '/', and use no character that is special to nginx"
        if path in seen:
            yield "locations.path", path, "give each path once"
        seen.add(path)
        if location["service"] not in service_names:
            yield (
                "locations.service",
                location["service"],
                "give a name from bluegreen_services: " + ", ".join(service_names),
            )


def connect_timeout_warning(timeouts):
    """Return the warning that nginx waits long for a connection, or None.

    ``timeouts``: from connect_timeouts(), of the user's own files.
    """
    slow = [(file, line, seconds) for file, line, seconds in timeouts if seconds > LONGEST_CONNECT]
    if not slow:
        return None
    file, line, seconds = slow[0]
    more = f" (and {len(slow) - 1} more)" if len(slow) > 1 else ""
    return (
        f"a client may wait {seconds:g} s for a container that is gone, because {file} line {line} has that "
        f"proxy_connect_timeout{more}; add 'proxy_connect_timeout {CONNECT_TIMEOUT};' to that server block"
    )


def listens(vhost):
    """Return where the server listens: as given, otherwise 443 with TLS and 80 without."""
    return [str(listen) for listen in vhost.get("listen") or (["443"] if vhost.get("tls") else ["80"])]


def vhost_locations(vhost, services):
    """Return the server's locations, ``{path, service, websocket}`` each. Empty if the user writes the server block.

    Without any in ``vhost``, the first service gets all requests.
    """
    return (vhost.get("locations") or [{"path": "/", "service": services[0]["name"]}]) if vhost else []


def service_at(path, given):
    """Return the name of the service that gets a path by the locations, or None."""
    fitting = [location for location in given if path.startswith(location["path"])]
    return max(fitting, key=lambda location: len(location["path"]))["service"] if fitting else None


def render_vhost(app, vhost, services, goes_to=str):
    """Return the text of the ``map`` and ``server`` blocks. Empty if the user writes them.

    ``vhost``: without problems; ``services``: from named_services, with their upstreams; ``goes_to(upstream)``: the
    text for an upstream in proxy_pass.
    """
    if not vhost:
        return ""
    lines = []
    if any(location.get("websocket") for location in vhost_locations(vhost, services)):
        lines = [f"map $http_upgrade {_connection(app)} {{", "    default upgrade;", "    '' '';", "}", ""]
    return "\n".join(lines) + render_server(app, vhost, services, listens(vhost), goes_to)


def render_server(app, vhost, services, listening, goes_to):
    """Return the ``server`` block alone. ``listening``: where it listens; the others as for render_vhost()."""
    # If a service has two ports with an upstream each, the first one counts.
    upstreams = {service["name"]: service["upstream"] for service in reversed(services)}
    tls = vhost.get("tls")
    lines = ["server {"]
    lines += ["    listen {}{};".format(listen, " ssl" if tls else "") for listen in listening]
    lines.append("    server_name {};".format(" ".join(vhost["server_names"])))
    if tls:
        lines += [
            "    ssl_certificate {};".format(tls["certificate"]),
            "    ssl_certificate_key {};".format(tls["key"]),
        ]
    lines += ["    proxy_http_version 1.1;", f"    proxy_connect_timeout {CONNECT_TIMEOUT};"]
    for location in vhost_locations(vhost, services):
        lines += _location(location, goes_to(upstreams[location["service"]]), _connection(app))
    return "\n".join(lines + ["}", ""])


def _connection(app):
    return "$bluegreen_{}_connection".format(app.replace("-", "_"))


def vhost_url(vhost, address):
    """Return ``{url, host}`` by which the target reaches the app through nginx at ``address``, or None.

    A server that listens on a single address of nginx can't be reached from elsewhere.
    """
    ports = [listen for listen in listens(vhost) if listen.isdigit()] if vhost else []
    if not ports or not address:
        return None
    path = (vhost.get("locations") or [{"path": "/"}])[0]["path"]
    url = "{}://{}:{}{}".format("https" if vhost.get("tls") else "http", address, ports[0], path)
    return {"url": url, "host": vhost["server_names"][0].replace("*", "any")}


def _location(location, upstream, connection):
    lines = ["    location {} {{".format(location["path"]), f"        proxy_pass http://{upstream};"]
    # A location with a proxy_set_header of its own inherits none, so each has them all.
    lines += [f"        proxy_set_header {name} {value};" for name, value in _HEADERS]
    if location.get("websocket"):
        lines += [
            "        proxy_set_header Upgrade $http_upgrade;",
            f"        proxy_set_header Connection {connection};",
            f"        proxy_read_timeout {WEBSOCKET_TIMEOUT};",
            f"        proxy_send_timeout {WEBSOCKET_TIMEOUT};",
        ]
    else:
        lines.append('        proxy_set_header Connection "";')
    return lines + ["    }"]
