# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's processes, from the target's process table (/proc)."""

from __future__ import annotations

import contextlib
import os
import re

# In Angie's titles, its version follows or, for a worker process, the number of its configuration.
_TITLE = re.compile(r"(?:nginx|angie): (master|worker) process\b( is shutting down)?")
_GONE = (FileNotFoundError, ProcessLookupError)
_SOCKET = re.compile(r"socket:\[(\d+)\]")


def find_processes(root):
    """Return ``(master, workers)`` of the nginx below the process ``root``.

    ``root``: a process id, or None. ``master``: ``(pid, start time in clock ticks)``, or None. ``workers``: ``{(pid,
    start time): leaving?}``. A worker process that is leaving takes no new connections.
    """
    table = dict(_processes())
    master, workers = None, {}
    for pid, (parent, started) in table.items():
        if not _descends(table, pid, root):
            continue
        kind, leaving = parse_title(title_of(pid))
        if kind == "master" and (pid == root or not is_master(parent)):
            master = (pid, started)
        elif kind == "worker":
            workers[(pid, started)] = leaving
    return master, workers


def still_running(processes):
    """Return those of ``processes``, ``{(pid, start time)}``, that have not ended. A zombie has ended."""
    found = {pid: _stat(pid) for pid, _started in processes}
    return {(pid, int(fields[19])) for pid, fields in found.items() if fields and fields[0] != "Z"} & set(processes)


def parse_title(title):
    """Return ``("master" or "worker", does it leave?)`` from a process's title, ``(None, False)`` for other
    processes."""
    match = _TITLE.match(title)
    return (match.group(1), bool(match.group(2))) if match else (None, False)


def is_master(pid):
    """Return whether a process is a master process of nginx."""
    return parse_title(title_of(pid))[0] == "master"


def title_of(pid):
    """Return the title of a process. Empty if the process has ended."""
    return _read(pid, "cmdline").rstrip("\0 ")


def status_of(pid):
    """Return the fields of ``/proc/PID/status``, ``{name: value}``. Empty if the process has ended."""
    pairs = (line.partition(":") for line in _read(pid, "status").splitlines())
    return {name: value.strip() for name, _colon, value in pairs}


def sockets_of(pid):
    """Return the inodes of a process's sockets. Empty if it has ended. Raises PermissionError, because only root may
    see those of another user's process."""
    directory, found = f"/proc/{pid}/fd", []
    with contextlib.suppress(*_GONE):
        for descriptor in os.listdir(directory):
            with contextlib.suppress(*_GONE):  # closed meanwhile
                found.append(os.readlink(os.path.join(directory, descriptor)))
    return socket_inodes(" ".join(found))


def socket_inodes(text):
    """Return the inodes of the sockets in ``text``: targets of the links in ``/proc/PID/fd``."""
    return set(_SOCKET.findall(text))


def _read(pid, name):
    """Return a file of a process. Empty if the process has ended, or is another user's and hidden (hidepid)."""
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except (*_GONE, PermissionError):
        return ""


def _stat(pid):
    """Return the fields of ``/proc/PID/stat`` after the command: the state, the parent's pid, and so on."""
    return _read(pid, "stat").rpartition(")")[2].split()


def _processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(entry)
            if fields:
                yield int(entry), (int(fields[1]), int(fields[19]))


def _descends(table, pid, ancestor):
    while pid in table:
        if pid == ancestor:
            return True
        pid = table[pid][0]
    return False
