# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What we know of nginx: our files in its configuration, its features by version, and the proof that it reloaded.
Pure."""

from __future__ import annotations

import ipaddress
import posixpath
import re
import socket
import struct

from ansible_collections.hotswap.compose.plugins.module_utils import _canary, _preview, _tally
from ansible_collections.hotswap.compose.plugins.module_utils._upstream import render

SHARED_FILE = "bluegreen.conf"
KEEPALIVE_MIN_TIMEOUT = 5
"""s for which an old worker still takes a request on an idle keep-alive connection after a reload."""

DOCKER_RESOLVER = "127.0.0.11"

_VERSION = re.compile(r"nginx/(\d+)\.(\d+)\.(\d+)")
_GENERATION = re.compile(r"^# generation: (\S+)$", re.MULTILINE)
_ADDRESSES = re.compile(r"^# addresses: .*$", re.MULTILINE)
_FOLLOWED = re.compile(r"^ *server (\S+)(?: weight=\d+)? resolve", re.MULTILINE)
_TAKES_REQUESTS = re.compile(r"^( *server \S+(?: weight=\d+)?) resolve;$", re.MULTILINE)
_ESTABLISHED, _LISTENING = "01", "0A"


def app_file(app):
    """Return the name of an app's file in the conf dir."""
    return f"bluegreen-{app}.conf"


def version(text):
    """Return ``(1, 27, 4)`` from what ``nginx -v`` prints, or None."""
    match = _VERSION.search(text)
    return tuple(int(part) for part in match.groups()) if match else None


def follows_addresses(nginx_version):
    """Return whether this nginx can look up an upstream's names again while it runs (``resolve``)."""
    return nginx_version >= (1, 27, 3)


def drops_no_keepalive(nginx_version):
    """Return whether this nginx can keep idle keep-alive connections for a while over a reload."""
    return nginx_version >= (1, 27, 4)


def app_text(app, color, release, upstreams, resolver, server=""):
    """Return the content of an app's file, without its generation. ``upstreams``: ``[{name, targets}]``.

    ``resolver``: address by which nginx follows names, or None; ``server``: text of the app's own ``server`` block.
    Raises UpstreamError.
    """
    header = (
        f"# Where nginx sends the requests of {app}. Written by hotswap.compose; the next deploy replaces it.\n"
        f"# color: {color}\n# release: {release}\n"
    )
    return header + "".join(render(upstream["name"], upstream["targets"], resolver) for upstream in upstreams) + server


def marked(text, generation=None, addresses=()):
    """Return an app's file with what only the moment of the swap knows, in comments at its end.

    ``generation``: by which nginx is seen to read this very file; ``addresses``: what an nginx that looks names up only
    when it loads found behind them, so that a later run sees when that is no longer so.
    """
    if addresses:
        text += "# addresses: {}\n".format(" ".join(sorted(addresses)))
    if generation:
        text += f"# generation: {generation}\n"
    return text


def shared_text(nginx_version):
    """Return the content of the file that all apps on one nginx share, or None where this nginx needs none."""
    if not drops_no_keepalive(nginx_version):
        return None
    return (
        "# Written by hotswap.compose, for every app behind this nginx: at a reload, a client's idle connection "
        "is kept for\n"
        "# so long that its next request is still answered instead of dropped.\n"
        f"keepalive_min_timeout {KEEPALIVE_MIN_TIMEOUT}s;\n"
    )


def generation(text):
    """Return the generation that an app's file, or a whole ``nginx -T`` dump's part of it, says; None without one."""
    match = _GENERATION.search(text or "")
    return match.group(1) if match else None


def file_in_dump(dump, path):
    """Return the content of one file in what ``nginx -T`` printed, or None where nginx doesn't read it."""
    header = f"# configuration file {path}:\n"
    if header not in dump:
        return None
    return dump.split(header, 1)[1].split("\n# configuration file ", 1)[0]


def files_in_dump(dump):
    """Return the paths of all files in what ``nginx -T`` printed."""
    return re.findall(r"(?m)^# configuration file (.+):$", dump)


def unmarked(text):
    """Return an app's file without its generation."""
    return _GENERATION.sub("", text).rstrip("\n") + "\n"


def plain(text):
    """Return an app's file without anything that marked() adds."""
    return _ADDRESSES.sub("", unmarked(text)).rstrip("\n") + "\n"


def settled(text):
    """Return an app's file as it is between two runs: no preview open, no canary or tally begun; None for None.

    It is what a file is compared by, and what says who has the traffic.
    """
    return _tally.end(_canary.end(_preview.close(text)))


def reaches_idle(text):
    """Return whether some requests reach the color that hasn't the traffic."""
    return _canary.end(_preview.close(text)) != text


def same(text, other):
    """Return whether two contents of an app's file mean the same; None, for no file, is like no other."""
    return text is not None and other is not None and unmarked(text) == unmarked(other)


def followed(text):
    """Return the ``host:port`` that an app's file has nginx follow; none where there is no file."""
    return set(_FOLLOWED.findall(text or ""))


def known_at_load(text):
    """Return an app's file in which each name that nginx follows is looked up when it loads as well.

    Until it has looked up a name that it follows, which it does after it has loaded it, nginx answers 502; so this text
    is for the moments until then. The line that follows the name gets no requests and keeps what was looked up for the
    next reload.
    """
    return _TAKES_REQUESTS.sub(r"\1;\n\1 resolve down;", text)


def config_arguments(command):
    """Return nginx's ``-c`` and ``-p`` in a container's command, which every other call of nginx in it needs as
    well."""
    names = [posixpath.basename(part) for part in command]
    own = command[names.index("nginx") :] if "nginx" in names else []  # the -c of `sh -c` is none of nginx's
    arguments = []
    for flag, value in zip(own, own[1:]):
        if flag in ("-c", "-p"):
            arguments += [flag, value]
    return arguments


def reloaded(before, now):
    """Return whether nginx serves a new configuration: a new worker is there, and every worker of before is leaving.

    ``before``, ``now``: ``{(pid, start time): leaving?}``, as ``_edge.workers`` reads them.
    """
    new = any(not leaving for worker, leaving in now.items() if worker not in before)
    staying = any(not leaving for worker, leaving in now.items() if worker in before)
    return new and not staying


def refusal(log):
    """Return what nginx's log says of a reload that is lost, or None while it may still succeed.

    A port that is taken is tried five times over 2.5 s, so only the last word on that counts; the port is in a line
    before.
    """
    port = ""
    for line in log.splitlines():
        if "[emerg]" not in line:
            continue
        if "bind() to" in line:
            port = line.strip() + "; "
        else:
            return (port if "still could not bind" in line else "") + line.strip()
    return None


def established(table, endpoints):
    """Return how many connections a ``/proc/PID/net/tcp`` or ``tcp6`` has established to any of ``endpoints``.

    ``endpoints``: ``address:port``, IPv6 addresses in brackets.
    """
    wanted = set()
    for endpoint in endpoints:
        address, _colon, port = endpoint.rpartition(":")
        address = _hex_address(address.strip("[]"))
        wanted |= {f"{prefix + address}:{int(port):04X}" for prefix in ("", "0000000000000000FFFF0000")}
    return sum(1 for _local, remote, _inode in _sockets(table, _ESTABLISHED) if remote in wanted)


def clients(table, inodes=None):
    """Return how many connections such a table has established to a port that something listens on there.

    ``inodes``: of the sockets that count as listening, all where None.
    """
    listening = {
        local.rpartition(":")[2]
        for local, _remote, inode in _sockets(table, _LISTENING)
        if inodes is None or inode in inodes
    }
    return sum(local.rpartition(":")[2] in listening for local, _remote, _inode in _sockets(table, _ESTABLISHED))


def _sockets(table, state):
    """Return ``(local, remote, inode)`` of the sockets in a state, as the kernel writes them."""
    lines = (line.split() for line in table.splitlines()[1:])
    return [(fields[1], fields[2], fields[9]) for fields in lines if len(fields) > 9 and fields[3] == state]


def _hex_address(address):
    packed = ipaddress.ip_address(address).packed
    words = struct.unpack(f"!{len(packed) // 4}I", packed)
    return "".join(f"{socket.htonl(word):08X}" for word in words)


def drained(old_workers, connections, since_proof, nginx_version):
    """Return whether the old color has no request left and gets no more.

    ``old_workers``: of the configuration before the swap, how many still run; ``connections``: established to the old
    color; ``since_proof``: s. A neighbour's WebSocket keeps an old worker for hours, so workers alone don't decide; an
    idle client whose next request still goes to an old worker is why no connection alone doesn't either.
    """
    if old_workers == 0:
        return True
    patience = KEEPALIVE_MIN_TIMEOUT if drops_no_keepalive(nginx_version) else 0
    return connections == 0 and since_proof >= patience


def undrained(connections):
    """Return what a drain waits for, a clause."""
    if connections:
        return f"nginx has connections open to the old color ({connections})"
    return "a client that is connected to nginx may still come back to the old color"


def cut(connections, timeout):
    """Return the warning that a color is stopped with so many connections open to it, after ``timeout`` s."""
    return (
        f"{connections} connections to the color that gave up the traffic were still open after {timeout} s "
        "(bluegreen_drain_timeout); they are cut when it is stopped"
    )
