# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether nginx's sockets show each request. Pure."""

from __future__ import annotations

from .._errors import UpstreamError
from .configuration import directives_of

# Directives with several requests on a connection, several connections for a request, or connections without a client.
_NAMES = {
    "add_after_body",
    "add_before_body",
    "auth_http",
    "auth_request",
    "http2",
    "http3",
    "js_access",
    "js_content",
    "js_periodic",
    "mirror",
    "otel_exporter",
    "slice",
    "ssi",
    "ssl_stapling",
}
_NAMES |= {
    f"{module}_{setting}"
    for module in ("proxy", "fastcgi", "uwsgi", "scgi", "grpc")
    for setting in ("cache", "store", "ignore_client_abort")
}
_OFF = {"off", "0"}


def hiding_directive(dump):
    """Return the first directive with which the number of a client's upstream connections may differ from the number of
    its requests, or None.

    ``dump``: the output of ``nginx -T``.
    """
    try:
        for words in directives_of(dump):
            name, arguments = words[0], words[1:]
            if name == "listen" and {"http2", "quic"} & set(arguments):
                return "listen " + " ".join(arguments)
            if name.endswith(("_by_lua", "_by_lua_block", "_by_lua_file")) or (
                name in _NAMES and arguments[:1] and arguments[0] not in _OFF
            ):
                return " ".join(words[:2])
    except UpstreamError as error:
        return str(error)
    return None
